/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hw.h with what only an Arm machine has:
 *
 *	hw_mmio_read64, hw_mmio_write64	device registers
 *	hw_sysreg_read(hw, SYS_...)	system registers: the GIC's CPU
 *	hw_sysreg_write(hw, SYS_..., v)	interface of v3
 *	hw_barrier(hw)			what was written is there, in memory, in
 *					devices and in system registers
 *	hw_cpu_on(hw, cpu)		start another vCPU
 */
#ifndef VIRQ_GUEST_HW_ARM_H
#define VIRQ_GUEST_HW_ARM_H

#include "../hw.h"
#include "machine.h"
#ifdef GUEST_NATIVE
#include "hw_arm_native.h"
#endif

/*
 * The program, as in hw_pc.h.  The processor tells no number with its
 * interrupt: gic_interrupt() asks the GIC.
 */
void gic_main(struct hw *hw);
void gic_interrupt(struct hw *hw);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hw.h with what only a PC has:
 *
 *	hw_inb, hw_outb			ports
 *	hw_rdmsr, hw_wrmsr
 *	hw_set_cr8(hw, class)		task priority; 64-bit programs only
 */
#ifndef VIRQ_GUEST_HW_PC_H
#define VIRQ_GUEST_HW_PC_H

#include "hw.h"
#ifdef GUEST_NATIVE
#include "hw_pc_native.h"
#endif

/*
 * The programs.  main sets up this vCPU and then waits for interrupts until
 * the machine is switched off; interrupt is called for each one taken.
 */
void apic_main(struct hw *hw);
void apic_interrupt(struct hw *hw, uint32_t vector);
void pic_main(struct hw *hw);
void pic_interrupt(struct hw *hw, uint32_t vector);

#endif

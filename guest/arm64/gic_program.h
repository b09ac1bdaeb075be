/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the parts of the GIC program.
 *
 * gic.c		main; what a taken interrupt means
 * gicv2.c gicv3.c	how each GIC is set up and asked
 * its.c		GICv3: LPIs and the ITS
 */
#ifndef VIRQ_GUEST_ARM64_GIC_PROGRAM_H
#define VIRQ_GUEST_ARM64_GIC_PROGRAM_H

#include "gic_regs.h"
#include "hw_arm.h"

/*
 * _distributor: once, by vCPU 0.  _cpu: on each.  False: it does not answer,
 * and the monitor was told.
 * _interrupt: take one and complete it; or there was none.
 */
bool gicv2_distributor(struct hw *hw);
bool gicv2_cpu(struct hw *hw);
void gicv2_interrupt(struct hw *hw);
bool gicv3_distributor(struct hw *hw);
bool gicv3_cpu(struct hw *hw);
void gicv3_interrupt(struct hw *hw);
/* Where the redistributor of @cpu is, and its number; 0: nowhere. */
uint32_t gicv3_redistributor(struct hw *hw, uint32_t cpu, uint64_t *number);

/* Are priority drop and deactivation two steps? */
static inline bool gic_split_eoi(struct hw *hw)
{
	return guest_params(hw)->flags & GUEST_SPLIT_EOI;
}

/* The LPIs of all vCPUs and the ITS, once. */
bool its_setup(struct hw *hw);

/* Configuration, priority and enable of each SPI; not where it goes. */
void gic_setup_spis(struct hw *hw);
/* Field @n of a GICD register group with @bits each. */
void gic_set_field(struct hw *hw, uint32_t group, uint32_t bits, uint32_t n,
		   uint32_t value);
/* Read until @mask is @value; false, and told: not in any sane time. */
bool gic_wait(struct hw *hw, uint32_t gpa, uint32_t mask, uint32_t value);
/* Interrupt @intid was acknowledged: record it, ack its device. */
void gic_taken(struct hw *hw, uint32_t intid);

#endif

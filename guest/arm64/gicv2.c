// SPDX-License-Identifier: BSD-3-Clause
/* A GICv2: distributor and CPU interface, both memory-mapped; group 0. */
#include "gic_program.h"

bool gicv2_distributor(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	/* A mask of CPUs each. */
	for (uint32_t i = 0; i < params->nr_devices; i++)
		gic_set_field(hw, GICD_ITARGETSR, 8, params->device[i].vector,
			      1u << params->device[i].vcpu);
	gic_setup_spis(hw);
	hw_mmio_write32(hw, ARM_GICD_GPA + GICD_CTLR, GICD_CTLR_ENABLE_GRP0);
	return true;
}

bool gicv2_cpu(struct hw *hw)
{
	hw_mmio_write32(hw, ARM_GICC_GPA + GICC_PMR, IDLE_PRIORITY);
	hw_mmio_write32(hw, ARM_GICC_GPA + GICC_BPR, 0);
	/* Group 0 comes as IRQ, not FIQ. */
	hw_mmio_write32(hw, ARM_GICC_GPA + GICC_CTLR,
			GICC_CTLR_ENABLE_GRP0 |
				(gic_split_eoi(hw) ? GICC_CTLR_EOIMODE : 0));
	return true;
}

void gicv2_interrupt(struct hw *hw)
{
	uint32_t iar = hw_mmio_read32(hw, ARM_GICC_GPA + GICC_IAR);
	uint32_t intid = iar & GICC_IAR_INTID;

	/* A level line that went down: there is nothing to complete. */
	if (intid >= INTID_SPECIAL)
		return;
	if (gic_split_eoi(hw)) {
		hw_mmio_write32(hw, ARM_GICC_GPA + GICC_EOIR, iar);
		gic_taken(hw, intid);
		hw_mmio_write32(hw, ARM_GICC_GPA + GICC_DIR, iar);
	} else {
		gic_taken(hw, intid);
		hw_mmio_write32(hw, ARM_GICC_GPA + GICC_EOIR, iar);
	}
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A GICv3: distributor with affinity routing, a redistributor a vCPU, and the
 * CPU interface as system registers; group 1.
 */
#include "gic_program.h"

bool gicv3_distributor(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	/* Affinity routing first: it gives the other registers their sense. */
	hw_mmio_write32(hw, ARM_GICD_GPA + GICD_CTLR, GICD_CTLR_ARE);
	if (!gic_wait(hw, ARM_GICD_GPA + GICD_CTLR, GICD_CTLR_RWP, 0))
		return false;
	for (uint32_t i = 0; i < params->nr_devices; i++) {
		const struct guest_device *device = &params->device[i];

		if (device->kind == GUEST_MSI)
			continue;
		gic_set_field(hw, GICD_IGROUPR, 1, device->vector, 1);
		hw_mmio_write64(
			hw, ARM_GICD_GPA + GICD_IROUTER + device->vector * 8,
			device->vcpu);
	}
	gic_setup_spis(hw);
	hw_mmio_write32(hw, ARM_GICD_GPA + GICD_CTLR,
			GICD_CTLR_ARE | GICD_CTLR_ENABLE_GRP1);
	return true;
}

uint32_t gicv3_redistributor(struct hw *hw, uint32_t cpu, uint64_t *number)
{
	uint32_t gpa = ARM_GICR_GPA;
	uint64_t typer = 0;

	for (uint32_t i = 0; i < GUEST_MAX_VCPUS && !(typer & GICR_TYPER_LAST);
	     i++, gpa += GICR_STRIDE) {
		typer = hw_mmio_read64(hw, gpa + GICR_TYPER);
		if (typer >> GICR_TYPER_AFFINITY_SHIFT != cpu)
			continue;
		*number = (uint16_t)(typer >> GICR_TYPER_NUMBER_SHIFT);
		return gpa;
	}
	return 0;
}

bool gicv3_cpu(struct hw *hw)
{
	uint64_t number;
	uint32_t rd = gicv3_redistributor(hw, hw->cpu, &number), waker;

	if (!rd) {
		guest_unexpected(hw, 0);
		return false;
	}
	waker = hw_mmio_read32(hw, rd + GICR_WAKER);
	hw_mmio_write32(hw, rd + GICR_WAKER,
			waker & ~GICR_WAKER_PROCESSOR_SLEEP);
	if (!gic_wait(hw, rd + GICR_WAKER, GICR_WAKER_CHILDREN_ASLEEP, 0))
		return false;

	hw_sysreg_write(hw, SYS_ICC_SRE_EL1,
			hw_sysreg_read(hw, SYS_ICC_SRE_EL1) | ICC_SRE_EL1_SRE);
	hw_barrier(hw);
	hw_sysreg_write(hw, SYS_ICC_PMR_EL1, IDLE_PRIORITY);
	hw_sysreg_write(hw, SYS_ICC_BPR1_EL1, 0);
	hw_sysreg_write(hw, SYS_ICC_CTLR_EL1,
			gic_split_eoi(hw) ? ICC_CTLR_EL1_EOIMODE : 0);
	hw_sysreg_write(hw, SYS_ICC_IGRPEN1_EL1, 1);
	hw_barrier(hw);
	return true;
}

void gicv3_interrupt(struct hw *hw)
{
	uint32_t intid = (uint32_t)hw_sysreg_read(hw, SYS_ICC_IAR1_EL1);

	/* The acknowledge comes before what the device is told. */
	hw_barrier(hw);
	if (intid >= INTID_SPECIAL && intid < ARM_LPI(0))
		return;
	if (gic_split_eoi(hw)) {
		hw_sysreg_write(hw, SYS_ICC_EOIR1_EL1, intid);
		hw_barrier(hw);
		gic_taken(hw, intid);
		/* An LPI is never active: its EOI was all. */
		if (intid < INTID_SPECIAL)
			hw_sysreg_write(hw, SYS_ICC_DIR_EL1, intid);
	} else {
		gic_taken(hw, intid);
		hw_sysreg_write(hw, SYS_ICC_EOIR1_EL1, intid);
	}
	hw_barrier(hw);
}

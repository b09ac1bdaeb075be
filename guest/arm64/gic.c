// SPDX-License-Identifier: BSD-3-Clause
/*
 * Guest program for a GICv2 or a GICv3 with ITS: up to four vCPUs, of which the
 * first programs the distributor and starts the others by PSCI.
 */
#include "gic_program.h"

/* Both answer at once in every GIC there is; a bound, not a time. */
#define WAIT_READS 1000000

static bool is_v3(struct hw *hw)
{
	return guest_params(hw)->flags & GUEST_GICV3;
}

void gic_set_field(struct hw *hw, uint32_t group, uint32_t bits, uint32_t n,
		   uint32_t value)
{
	uint32_t per_word = 32 / bits;
	uint32_t gpa = ARM_GICD_GPA + group + n / per_word * 4;
	uint32_t shift = n % per_word * bits;
	uint32_t mask = ((1u << bits) - 1) << shift;
	uint32_t word = hw_mmio_read32(hw, gpa);

	hw_mmio_write32(hw, gpa, (word & ~mask) | value << shift);
}

bool gic_wait(struct hw *hw, uint32_t gpa, uint32_t mask, uint32_t value)
{
	for (uint32_t i = 0; i < WAIT_READS; i++) {
		if ((hw_mmio_read32(hw, gpa) & mask) == value)
			return true;
	}
	guest_unexpected(hw, 0);
	return false;
}

void gic_setup_spis(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	for (uint32_t i = 0; i < params->nr_devices; i++) {
		const struct guest_device *device = &params->device[i];
		uint32_t intid = device->vector;

		if (device->kind == GUEST_MSI)
			continue;
		gic_set_field(hw, GICD_ICFGR, 2, intid,
			      device->kind == GUEST_LEVEL ? 0 : 2);
		gic_set_field(hw, GICD_IPRIORITYR, 8, intid, SPI_PRIORITY);
		/* Ones set, zeroes do nothing. */
		hw_mmio_write32(hw,
				ARM_GICD_GPA + GICD_ISENABLER + intid / 32 * 4,
				1u << intid % 32);
	}
}

void gic_taken(struct hw *hw, uint32_t intid)
{
	const struct guest_params *params = guest_params(hw);

	for (uint32_t i = 0; i < params->nr_devices; i++) {
		if (params->device[i].vector != intid ||
		    params->device[i].vcpu != hw->cpu)
			continue;
		guest_record(hw, i, intid);
		hw_out32(hw, GUEST_PORT_ACK, i);
		/* The device's line is down before the interrupt completes. */
		hw_barrier(hw);
		return;
	}
	guest_unexpected(hw, intid);
}

void gic_interrupt(struct hw *hw)
{
	if (is_v3(hw))
		gicv3_interrupt(hw);
	else
		gicv2_interrupt(hw);
}

static bool setup_v2(struct hw *hw)
{
	return (hw->cpu || gicv2_distributor(hw)) && gicv2_cpu(hw);
}

static bool setup_v3(struct hw *hw)
{
	if (hw->cpu)
		return gicv3_cpu(hw);
	return gicv3_distributor(hw) && gicv3_cpu(hw) && its_setup(hw);
}

void gic_main(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	if (params->magic != GUEST_MAGIC) {
		guest_unexpected(hw, 0);
		return;
	}
	if (!(is_v3(hw) ? setup_v3(hw) : setup_v2(hw)))
		return;
	for (uint32_t cpu = 1; cpu < params->nr_vcpus && !hw->cpu; cpu++)
		hw_cpu_on(hw, cpu);
	hw_out32(hw, GUEST_PORT_READY, hw->cpu);
	while (hw_halt_wait(hw))
		;
}

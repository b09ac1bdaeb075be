// SPDX-License-Identifier: BSD-3-Clause
/*
 * LPIs and the ITS: each MSI device has one event, which is one LPI, in the
 * collection of its vCPU.
 *
 * Tables are given without attributes of shareability and caching: the GIC is
 * virtual and reads memory as the processor sees it.
 */
#include "gic_program.h"

#define COMMAND_SIZE 32
#define EVENT_BITS 1 /* an ITT of two events */

/*
 * Command @n of the queue, which is one page: four collections and three
 * commands a device are less than its 128.
 */
static uint32_t its_command(struct hw *hw, uint32_t n, uint64_t word0,
			    uint64_t word1, uint64_t word2)
{
	uint64_t *words = hw_memory(hw, ARM_ITS_COMMANDS + n * COMMAND_SIZE);

	words[0] = word0;
	words[1] = word1;
	words[2] = word2;
	words[3] = 0;
	return n + 1;
}

static void enable_lpis(struct hw *hw, uint32_t cpu, uint32_t redistributor)
{
	hw_mmio_write64(hw, redistributor + GICR_PROPBASER,
			(ARM_RAM_GPA + ARM_LPI_PROPERTIES) |
				GICR_PROPBASER_ID_BITS);
	hw_mmio_write64(hw, redistributor + GICR_PENDBASER,
			ARM_RAM_GPA + ARM_LPI_PENDING + cpu * ARM_TABLE_SIZE);
	hw_mmio_write32(hw, redistributor + GICR_CTLR, GICR_CTLR_ENABLE_LPIS);
}

/*
 * Every vCPU's LPIs are on before any is mapped: whether one is pending already
 * is read from its vCPU's table when it is mapped.
 */
static bool setup_collections(struct hw *hw, uint32_t *n)
{
	for (uint32_t cpu = 0; cpu < guest_params(hw)->nr_vcpus; cpu++) {
		uint64_t number;
		uint32_t gpa = gicv3_redistributor(hw, cpu, &number);

		if (!gpa) {
			guest_unexpected(hw, 0);
			return false;
		}
		enable_lpis(hw, cpu, gpa);
		*n = its_command(hw, *n, ITS_CMD_MAPC, 0,
				 GITS_VALID | number << GITS_TARGET_SHIFT |
					 cpu);
	}
	return true;
}

static void map_device(struct hw *hw, uint32_t i, uint32_t *n)
{
	const uint64_t device = (uint64_t)ARM_DEVICE_ID(i) << 32;
	uint8_t *properties = hw_memory(hw, ARM_LPI_PROPERTIES);

	properties[ARM_LPI(i) - ARM_LPI(0)] = LPI_PRIORITY | LPI_ENABLED;
	/* The number of bits is told less one; INV has the property read. */
	*n = its_command(
		hw, *n, ITS_CMD_MAPD | device, EVENT_BITS - 1,
		GITS_VALID | (ARM_RAM_GPA + ARM_ITS_ITTS + i * ARM_ITT_SIZE));
	*n = its_command(hw, *n, ITS_CMD_MAPTI | device,
			 (uint64_t)ARM_LPI(i) << 32 | ARM_EVENT,
			 guest_params(hw)->device[i].vcpu);
	*n = its_command(hw, *n, ITS_CMD_INV | device, ARM_EVENT, 0);
}

bool its_setup(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);
	uint32_t n = 0, end;

	/* One page each; the sizes are "less one". */
	hw_mmio_write64(hw, ARM_ITS_GPA + GITS_BASER_DEVICES,
			(ARM_RAM_GPA + ARM_ITS_DEVICES) | GITS_VALID |
				GITS_BASER_PAGE_64K);
	hw_mmio_write64(hw, ARM_ITS_GPA + GITS_BASER_COLLECTIONS,
			(ARM_RAM_GPA + ARM_ITS_COLLECTIONS) | GITS_VALID |
				GITS_BASER_PAGE_64K);
	hw_mmio_write64(hw, ARM_ITS_GPA + GITS_CBASER,
			(ARM_RAM_GPA + ARM_ITS_COMMANDS) | GITS_VALID);
	hw_mmio_write32(hw, ARM_ITS_GPA + GITS_CTLR, GITS_CTLR_ENABLED);

	if (!setup_collections(hw, &n))
		return false;
	for (uint32_t i = 0; i < params->nr_devices; i++) {
		if (params->device[i].kind == GUEST_MSI)
			map_device(hw, i, &n);
	}
	n = its_command(hw, n, ITS_CMD_SYNC, 0, 0);
	end = n * COMMAND_SIZE;
	hw_barrier(hw);
	hw_mmio_write64(hw, ARM_ITS_GPA + GITS_CWRITER, end);
	return gic_wait(hw, ARM_ITS_GPA + GITS_CREADR, UINT32_MAX, end);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The ITS, its commands and its tables.  See known.h. */
#include "known.h"

#include <stdlib.h>
#include <string.h>
#include "conform/arm/port_vgic.h"
#include "irqchip/vgic/queue.h"

/* What scripts map. */
#define NR_DEVICES 3
static const uint32_t events[] = {0, 1, 2, 3, 31};
#define NR_EVENTS (sizeof(events) / sizeof(events[0]))
_Static_assert(NR_DEVICES *NR_EVENTS <= KNOWN_MAX_CLEARS, "room for all");

static struct op clear_of(uint64_t device, uint32_t event)
{
	return (struct op){OP_COMMAND,
			   {MAX_VCPUS, device << 32 | ITS_CLEAR, event}};
}

static unsigned int clear_device(uint64_t device, struct op *clear)
{
	for (unsigned int i = 0; i < NR_EVENTS; i++)
		clear[i] = clear_of(device, events[i]);
	return NR_EVENTS;
}

static bool turns_lpis_off(const struct op *op)
{
	return op->kind == OP_SET &&
	       op->arg[ATTR_GROUP] == KVM_DEV_ARM_VGIC_GRP_REDIST_REGS &&
	       (uint32_t)op->arg[ATTR_ATTR] == GICR_CTLR &&
	       !(op->arg[ATTR_VALUE] & 1);
}

static bool takes_commands(struct machine *m)
{
	uint64_t ctlr = 0, cbaser = 0;

	machine_attr(m, OP_GET, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS,
		     GITS_CTLR, &ctlr);
	machine_attr(m, OP_GET, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS,
		     GITS_CBASER, &cbaser);
	return ctlr & 1 && cbaser & ITS_VALID;
}

static bool lpis_off(struct machine *subject, uint64_t processor)
{
	return processor < subject->setup->vcpus &&
	       !vcpu_to_vgic_cpu(
			arm_vgic_vcpu(subject->vm, (uint32_t)processor))
			->lpis_enabled;
}

bool known_skip_host(struct machine *subject, const struct known_lpis *lpis,
		     const struct op *op)
{
	uint64_t w2 = op->arg[COMMAND_WORD + 2];

	/* An ITS that is off would not clear anything before. */
	if (turns_lpis_off(op))
		return !takes_commands(subject) &&
		       known_step_round(KNOWN_LPIS_OFF);
	if (op->kind != OP_COMMAND)
		return false;
	switch (op->arg[COMMAND_WORD] & 0xff) {
	case ITS_MAPD:
	case ITS_DISCARD: return lpis->nr && known_step_round(KNOWN_ACTIVE_LPI);
	case ITS_MAPC:
		return w2 & ITS_VALID &&
		       lpis_off(subject, w2 >> 16 & UINT32_MAX) &&
		       known_step_round(KNOWN_MAPC_OFF);
	default: return false;
	}
}

unsigned int known_clears(const struct op *op, struct op *clear)
{
	uint64_t w0 = op->arg[COMMAND_WORD];
	unsigned int nr = 0;

	if (turns_lpis_off(op)) {
		known_step_round(KNOWN_LPIS_OFF);
		for (uint64_t device = 0; device < NR_DEVICES; device++)
			nr += clear_device(device, clear + nr);
		return nr;
	}
	if (op->kind != OP_COMMAND)
		return 0;
	switch (w0 & 0xff) {
	case ITS_MAPD:
		known_step_round(KNOWN_UNMAPPED_LPI);
		return clear_device(w0 >> 32, clear);
	case ITS_DISCARD:
		known_step_round(KNOWN_UNMAPPED_LPI);
		clear[0] =
			clear_of(w0 >> 32, (uint32_t)op->arg[COMMAND_WORD + 1]);
		return 1;
	default: return 0;
	}
}

/* ---- Collections ---- */

#define ENTRY_VALID (UINT64_C(1) << 63)
#define NR_ENTRIES (0x10000 / sizeof(uint64_t))

static int by_value(const void *a, const void *b)
{
	uint64_t left, right;

	memcpy(&left, a, sizeof(left));
	memcpy(&right, b, sizeof(right));
	return left < right ? -1 : left > right;
}

/* Entries up to an invalid one; what is behind is of earlier saves. */
void known_memory(uint8_t *saved)
{
	uint8_t *table = saved + COLLECTIONS_GPA - TABLES_GPA;
	uint64_t entry;
	size_t nr = 0;

	while (nr < NR_ENTRIES) {
		memcpy(&entry, table + nr * sizeof(entry), sizeof(entry));
		if (!(entry & ENTRY_VALID))
			break;
		nr++;
	}
	qsort(table, nr, sizeof(entry), by_value);
	memset(table + nr * sizeof(entry), 0,
	       (NR_ENTRIES - nr) * sizeof(entry));
}

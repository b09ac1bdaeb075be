// SPDX-License-Identifier: BSD-3-Clause
/* LPIs, ITS commands and messages.  See generate.h. */
#include "generate.h"

#define ITS_PAGE_64K (UINT64_C(2) << 8)
#define ENTRY_SIZE (UINT64_C(7) << 48)

#define NR_DEVICES 3
#define NR_EVENTS 4
#define NR_COLLECTIONS 3

uint32_t gen_device(struct generator *g)
{
	return gen_chance(g, 96) ? gen_draw(g, NR_DEVICES)
				 : PICK(g, NR_DEVICES, 0xffff, 0x10000);
}

uint32_t gen_event(struct generator *g)
{
	return gen_chance(g, 96) ? gen_draw(g, NR_EVENTS)
				 : PICK(g, NR_EVENTS, 31, 32, 0x10000);
}

static uint32_t lpi(struct generator *g)
{
	return gen_chance(g, 97)
		       ? FIRST_LPI + gen_draw(g, HOT_LPIS)
		       : PICK(g, 0, 1023, 8191, 65535, 65536, FIRST_LPI + 100);
}

static uint64_t collection(struct generator *g)
{
	return gen_chance(g, 96) ? gen_draw(g, NR_COLLECTIONS)
				 : PICK(g, NR_COLLECTIONS, 100, 0xffff);
}

static uint64_t target(struct generator *g)
{
	return (uint64_t)(gen_chance(g, 96) ? gen_vcpu(g) : gen_draw(g, 16))
	       << 16;
}

static void command(struct generator *g, uint64_t w0, uint64_t w1, uint64_t w2,
		    uint64_t w3)
{
	/* By the host more often: a guest's takes longer. */
	uint64_t by = gen_chance(g, 30) ? gen_vcpu(g) : MAX_VCPUS;

	gen_emit(g, OP_COMMAND, by, w0, w1, w2, w3);
}

static void map_device(struct generator *g, uint32_t device)
{
	uint64_t itt = ITT_GPA((uint64_t)(device % NR_DEVICES));
	uint64_t valid = gen_chance(g, 85) ? ITS_VALID : 0;

	command(g, ITS_MAPD | (uint64_t)device << 32,
		gen_chance(g, 95) ? 4 : gen_draw(g, 32), itt | valid, 0);
}

static void map_collection(struct generator *g, uint64_t id)
{
	command(g, ITS_MAPC, 0,
		id | target(g) | (gen_chance(g, 90) ? ITS_VALID : 0), 0);
}

static void map_event(struct generator *g)
{
	uint64_t device = (uint64_t)gen_device(g) << 32;

	if (gen_chance(g, 95))
		command(g, ITS_MAPTI | device,
			(uint64_t)lpi(g) << 32 | gen_event(g), collection(g),
			0);
	else
		command(g, ITS_MAPI | device, lpi(g), collection(g), 0);
}

static void poke_property(struct generator *g, uint32_t n, bool enabled)
{
	uint8_t priority = gen_priority(g, FIRST_LPI + n);

	gen_emit(g, OP_POKE, PROPERTIES_GPA + n, 1, priority | enabled, 0, 0);
}

static void its_set(struct generator *g, uint32_t offset, uint64_t value)
{
	gen_emit(g, OP_SET, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_ITS_REGS, offset,
		 value, 0);
}

static void redist_set(struct generator *g, uint64_t vcpu, uint32_t offset,
		       uint32_t value)
{
	gen_emit(g, OP_SET, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
		 vcpu << 32 | offset, value, 0);
}

void gen_its_boot(struct generator *g)
{
	for (uint32_t n = 0; n < HOT_LPIS; n++)
		poke_property(g, n, gen_chance(g, 90));
	for (unsigned int i = 0; i < g->script->setup.vcpus; i++) {
		redist_set(g, i, GICR_PROPBASER, PROPERTIES_GPA | 15);
		redist_set(g, i, GICR_PENDBASER, PENDING_GPA(i));
		redist_set(g, i, GICR_CTLR, gen_chance(g, 90));
	}
	its_set(g, GITS_BASER0,
		ITS_VALID | DEVICES_GPA | ITS_PAGE_64K | ENTRY_SIZE);
	its_set(g, GITS_BASER1,
		ITS_VALID | COLLECTIONS_GPA | ITS_PAGE_64K | ENTRY_SIZE);
	its_set(g, GITS_CBASER, ITS_VALID | QUEUE_GPA);
	its_set(g, GITS_CTLR, 1);
	for (uint64_t id = 0; id < NR_COLLECTIONS; id++)
		map_collection(g, id);
	for (uint32_t device = 0; device < NR_DEVICES; device++)
		map_device(g, device);
	for (unsigned int i = 0; i < 8; i++)
		map_event(g);
}

static void gen_command(struct generator *g)
{
	uint64_t device = (uint64_t)gen_device(g) << 32;
	uint32_t event = gen_event(g);

	switch (gen_draw(g, 20)) {
	case 0: map_device(g, (uint32_t)(device >> 32)); break;
	case 1: map_collection(g, collection(g)); break;
	case 2:
	case 3:
	case 4:
	case 5:
	case 6: map_event(g); break;
	case 7:
	case 8: command(g, ITS_MOVI | device, event, collection(g), 0); break;
	case 9: command(g, ITS_MOVALL, 0, target(g), target(g)); break;
	case 10:
	case 11:
	case 12: command(g, ITS_INT | device, event, 0, 0); break;
	case 13: command(g, ITS_CLEAR | device, event, 0, 0); break;
	case 14:
	case 15: command(g, ITS_INV | device, event, 0, 0); break;
	case 16: command(g, ITS_INVALL, 0, collection(g), 0); break;
	case 17: command(g, ITS_DISCARD | device, event, 0, 0); break;
	case 18: command(g, ITS_SYNC, 0, target(g), 0); break;
	default: command(g, gen_draw(g, 32) | device, event, 0, 0);
	}
}

static void gen_its_reg(struct generator *g)
{
	uint32_t offset = PICK(g, GITS_CTLR, GITS_IIDR, GITS_TYPER, GITS_CBASER,
			       GITS_CWRITER, GITS_CREADR, GITS_BASER0,
			       GITS_BASER1, 0x110, 0x40, 0xffe8);
	uint32_t len = PICK(g, 4, 8, 8);

	gen_emit(g, OP_MMIO, gen_vcpu(g), 0, len, ITS_GPA + offset, 0);
}

void gen_its(struct generator *g)
{
	uint32_t n = gen_draw(g, 20);

	if (n < 11) {
		gen_command(g);
	} else if (n < 14) {
		poke_property(g, gen_draw(g, HOT_LPIS), gen_chance(g, 70));
		command(g, ITS_INV | (uint64_t)gen_draw(g, NR_DEVICES) << 32,
			gen_draw(g, NR_EVENTS), 0, 0);
	} else if (n < 16) {
		gen_its_reg(g);
	} else if (n < 17) {
		its_set(g, GITS_CTLR, gen_draw(g, 4) != 0);
	} else if (n < 18) {
		redist_set(g, gen_vcpu(g), GICR_CTLR, gen_draw(g, 4) != 0);
	} else if (n < 19) {
		gen_emit(g, OP_SET, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_ITS_SAVE_TABLES, 0, 0);
	} else {
		gen_emit(g, OP_SET, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, 0, 0);
	}
}

void gen_msi(struct generator *g)
{
	gen_emit(g, OP_MSI, gen_chance(g, 97) ? KVM_MSI_VALID_DEVID : 0,
		 gen_device(g), gen_event(g),
		 gen_chance(g, 97) ? DOORBELL_GPA : GICD_GPA, 0);
}

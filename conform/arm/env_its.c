// SPDX-License-Identifier: BSD-3-Clause
/* See env_its.h. */
#include "env_its.h"

int its_set(struct arm_env *e, uint32_t reg, uint64_t value)
{
	return attr_set(e, e->its, ITS_REGS, reg, value);
}

uint64_t its_get(struct arm_env *e, uint32_t reg)
{
	uint64_t value = 0;

	CHECK_RET(e->c, attr_get(e, e->its, ITS_REGS, reg, &value), 0);
	return value;
}

void its_set_tables(struct arm_env *e)
{
	CHECK_RET(e->c, its_set(e, GITS_CBASER, VALID | QUEUE_GPA), 0);
	CHECK_RET(e->c,
		  its_set(e, GITS_BASER0,
			  (its_get(e, GITS_BASER0) & UINT64_C(0x07ff) << 48) |
				  VALID | DEVICES_GPA | 2u << 8),
		  0);
	CHECK_RET(e->c,
		  its_set(e, GITS_BASER1,
			  (its_get(e, GITS_BASER1) & UINT64_C(0x07ff) << 48) |
				  VALID | COLLECTIONS_GPA | 2u << 8),
		  0);
}

void its_enable_lpis(struct arm_env *e, uint32_t cpu)
{
	redist_set(e, cpu, GICR_PROPBASER, PROP_GPA | 15);
	redist_set(e, cpu, GICR_PENDBASER, PEND_GPA(cpu));
	redist_set(e, cpu, GICR_CTLR, 1);
}

void its_set_property(struct arm_env *e, uint32_t lpi, uint8_t property)
{
	uint8_t *byte = e->port->memory(e->vm, PROP_GPA + lpi - 8192, 1);

	CHECK(e->c, byte);
	*byte = property;
}

void its_command(struct arm_env *e, uint64_t w0, uint64_t w1, uint64_t w2,
		 uint64_t w3)
{
	uint64_t at = its_get(e, GITS_CWRITER);
	uint64_t *slot = e->port->memory(e->vm, QUEUE_GPA + at, 32);

	CHECK(e->c, slot);
	slot[0] = w0;
	slot[1] = w1;
	slot[2] = w2;
	slot[3] = w3;
	at = (at + 32) % 4096;
	CHECK_RET(e->c, its_set(e, GITS_CWRITER, at), 0);
	CHECK_EQ(e->c, its_get(e, GITS_CREADR), at);
}

void its_mapd(struct arm_env *e, uint32_t device, bool valid)
{
	/* Five bits of events. */
	its_command(e, (uint64_t)device << 32 | 0x08, 4,
		    ITT_GPA | (valid ? VALID : 0), 0);
}

void its_mapc(struct arm_env *e, uint32_t collection, uint32_t cpu, bool valid)
{
	its_command(e, 0x09, 0,
		    (uint64_t)cpu << 16 | collection | (valid ? VALID : 0), 0);
}

void its_mapti(struct arm_env *e, uint32_t device, uint32_t event, uint32_t lpi,
	       uint32_t collection)
{
	its_command(e, (uint64_t)device << 32 | 0x0a,
		    (uint64_t)lpi << 32 | event, collection, 0);
}

void its_event_command(struct arm_env *e, uint32_t code, uint32_t device,
		       uint32_t event)
{
	its_command(e, (uint64_t)device << 32 | code, event, 0, 0);
}

int its_message(struct arm_env *e, uint32_t device, uint32_t event)
{
	const struct kvm_msi msi = {
		.address_lo = ITS_GPA + GITS_TRANSLATER,
		.data = event,
		.flags = KVM_MSI_VALID_DEVID,
		.devid = device,
	};

	return e->port->signal_msi(e->vm, &msi);
}

struct arm_env *its_begin(struct conform *c)
{
	struct arm_env *e = env_its(c);

	its_set_tables(e);
	its_enable_lpis(e, 0);
	its_enable_lpis(e, 1);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	its_set_property(e, LPI, 0xa1);
	its_mapd(e, DEVICE, true);
	its_mapc(e, COLLECTION, 0, true);
	its_mapti(e, DEVICE, EVENT, LPI, COLLECTION);
	return e;
}

struct arm_env *its_begin_guest(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	guest_on(e, 0);
	guest_on(e, 1);
	return e;
}

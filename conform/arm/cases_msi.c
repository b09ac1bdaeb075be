// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages that become LPIs (vgic-its.c).  User space's writes to GITS_CWRITER
 * run commands as a guest's do.
 */
#include "cases.h"
#include "env_its.h"

static void message_mapped(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
}

static void message_without_device_id(struct conform *c)
{
	struct arm_env *e = its_begin(c);
	struct kvm_msi msi = {
		.address_lo = ITS_GPA + GITS_TRANSLATER,
		.data = EVENT,
		.devid = DEVICE,
	};

	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -EINVAL);
}

static void message_elsewhere(struct conform *c)
{
	struct arm_env *e = its_begin(c);
	struct kvm_msi msi = {
		.address_lo = ITS_GPA + 0x100000 + GITS_TRANSLATER,
		.data = EVENT,
		.flags = KVM_MSI_VALID_DEVID,
		.devid = DEVICE,
	};

	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -EINVAL);
	msi.address_lo = ITS_GPA + GITS_TRANSLATER;
	msi.address_hi = 1;
	CHECK_RET(c, e->port->signal_msi(e->vm, &msi), -EINVAL);
}

static void message_unmapped(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT + 1), 0);
	CHECK_RET(c, its_message(e, DEVICE + 1, EVENT), 0);
}

static void message_while_disabled(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, its_set(e, GITS_CTLR, 0), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), -EBUSY);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
}

static void message_without_lpis(struct conform *c)
{
	struct arm_env *e = env_its(c);

	its_set_tables(e);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	its_mapd(e, DEVICE, true);
	its_mapc(e, COLLECTION, 0, true);
	redist_set(e, 0, GICR_PROPBASER, PROP_GPA | 15);
	redist_set(e, 0, GICR_PENDBASER, PEND_GPA(0));
	its_mapti(e, DEVICE, EVENT, LPI, COLLECTION);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), -EBUSY);
}

static void message_before_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	env_create_its(e);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), -EINVAL);
}

static void discard(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	/* What is pending is left to CLEAR: Linux's DISCARD keeps it. */
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	its_event_command(e, 0x04, DEVICE, EVENT);
	its_event_command(e, 0x0f, DEVICE, EVENT);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	its_mapti(e, DEVICE, EVENT, LPI, COLLECTION);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
}

static void unmap_device(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	its_mapd(e, DEVICE, false);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
	its_mapd(e, DEVICE, true);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
	its_mapti(e, DEVICE, EVENT, LPI, COLLECTION);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
}

static void unmap_collection(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	its_mapc(e, COLLECTION, 0, false);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
}

static void bad_commands_are_skipped(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	its_command(e, 0xee, 0, 0, 0);
	its_mapti(e, DEVICE + 9, EVENT, LPI + 1, COLLECTION);
	its_mapti(e, DEVICE, 32, LPI + 1, COLLECTION);
	its_mapti(e, DEVICE, EVENT + 1, 100, COLLECTION);
	its_mapc(e, COLLECTION + 1, 77, true);
	its_event_command(e, 0x0f, DEVICE, EVENT + 1);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_RET(c, its_message(e, DEVICE, 32), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT + 1), 0);
}

static void reset(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, 0),
		  0);
	CHECK_EQ(c, its_get(e, GITS_CTLR) & 1, 0);
	CHECK_EQ(c, its_get(e, GITS_CBASER) >> 63, 0);
	CHECK_EQ(c, its_get(e, GITS_BASER0) >> 63, 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), -EBUSY);
	its_set_tables(e);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
}

static void tables_survive(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, 0),
		  0);
	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, 0),
		  0);
	its_set_tables(e);
	CHECK_RET(c,
		  attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, 0),
		  0);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_RET(c, its_message(e, DEVICE, EVENT + 1), 0);
}

static void pending_table(struct conform *c)
{
	struct arm_env *e = its_begin(c);
	uint8_t *byte = e->port->memory(e->vm, PEND_GPA(0) + LPI / 8, 1);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_RET(c,
		  attr_set(e, e->gic, CTRL,
			   KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, 0),
		  0);
	CHECK_EQ(c, *byte, 1u << (LPI % 8));
}

/* ---- What a guest takes ---- */

static void taken(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	/* No active state: it may come again before its EOI. */
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
}

#define MSI_GSI 7

static void route_message(struct arm_env *e)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = MSI_GSI,
		.type = KVM_IRQ_ROUTING_MSI,
		.flags = KVM_MSI_VALID_DEVID,
		.u.msi =
			{
				.address_lo = ITS_GPA + GITS_TRANSLATER,
				.data = EVENT,
				.devid = DEVICE,
			},
	};

	CHECK_RET(e->c, route(e, 0, 1, &entry), 0);
}

static void by_irqfd(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);
	int fd;

	route_message(e);
	fd = irqfd_new(e, MSI_GSI);
	for (int i = 0; i < 3; i++) {
		event_signal(e, fd);
		AWAIT(c, guest_iar(e, 0) == LPI);
		guest_eoi(e, 0, LPI);
		CHECK_EQ(c, event_count(e, fd), 0);
	}
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void by_resample_irqfd(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);
	int resamplefd, fd;

	route_message(e);
	fd = irqfd_new_resample(e, MSI_GSI, &resamplefd);
	event_signal(e, fd);
	AWAIT(c, guest_iar(e, 0) == LPI);
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, event_count(e, resamplefd), 0);
	CHECK_RET(c, irqfd_args(e, fd, MSI_GSI, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void by_line(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	CHECK_RET(c, line_set(e, line_spi(LPI + 1), 1), -EINVAL);
	CHECK_RET(c, line_set(e, line_spi(LPI), 1), 0);
	CHECK_RET(c, line_set(e, line_spi(LPI), 0), 0);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void by_int(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	its_event_command(e, 0x03, DEVICE, EVENT);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
}

static void cleared(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	its_event_command(e, 0x04, DEVICE, EVENT);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void disabled_by_property(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	its_set_property(e, LPI, 0xa0);
	/* Not before it is told. */
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	its_event_command(e, 0x0c, DEVICE, EVENT);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	its_set_property(e, LPI, 0xa1);
	its_command(e, 0x0d, 0, COLLECTION, 0);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
}

static void moved(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	its_mapc(e, COLLECTION + 1, 1, true);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	its_command(e, (uint64_t)DEVICE << 32 | 0x01, EVENT, COLLECTION + 1, 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), LPI);
	guest_eoi(e, 1, LPI);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 1), LPI);
	guest_eoi(e, 1, LPI);
}

static void all_moved(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	its_command(e, 0x0e, 0, 0, UINT64_C(1) << 16);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), LPI);
	guest_eoi(e, 1, LPI);
}

static void retargeted_collection(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	its_mapc(e, COLLECTION, 1, true);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), LPI);
	guest_eoi(e, 1, LPI);
}

static void guest_writes_commands(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);
	uint64_t at = guest_read(e, 0, ITS_GPA + GITS_CWRITER, 8);
	uint64_t *slot = e->port->memory(e->vm, QUEUE_GPA + at, 32);

	slot[0] = (uint64_t)DEVICE << 32 | 0x03;
	slot[1] = EVENT;
	slot[2] = 0;
	slot[3] = 0;
	guest_write(e, 0, ITS_GPA + GITS_CWRITER, 8, at + 32);
	CHECK_EQ(c, guest_read(e, 0, ITS_GPA + GITS_CREADR, 8), at + 32);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
}

static void lpi_and_spi_by_priority(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	irq_enable(e, 41);
	guest_write(e, 0, DIST_GPA + GICD_IPRIORITYR + 41, 1, 0xc0);
	CHECK_RET(c, line_set(e, line_spi(41), 1), 0);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_iar(e, 0), 41);
	guest_eoi(e, 0, 41);
}

static void lpis_off_and_on(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);
	uint8_t *byte = e->port->memory(e->vm, PEND_GPA(0) + LPI / 8, 1);

	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	guest_write(e, 0, REDIST_GPA + GICR_CTLR, 4, 0);
	CHECK_EQ(c, guest_read(e, 0, REDIST_GPA + GICR_CTLR, 4), 6);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), -EBUSY);
	guest_write(e, 0, REDIST_GPA + GICR_CTLR, 4, 1);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	/* What the table says is pending. */
	guest_write(e, 0, REDIST_GPA + GICR_CTLR, 4, 0);
	*byte = 1u << (LPI % 8);
	guest_write(e, 0, REDIST_GPA + GICR_CTLR, 4, 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void invlpir(struct conform *c)
{
	struct arm_env *e = its_begin_guest(c);

	its_set_property(e, LPI, 0xa0);
	guest_write(e, 0, REDIST_GPA + GICR_INVLPIR + 4, 4, LPI);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	/* Any redistributor's whose LPIs are on will do. */
	guest_write(e, 0, REDIST_GPA + 0x20000 + GICR_INVLPIR, 8, LPI);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 1);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	its_set_property(e, LPI, 0xa1);
	guest_write(e, 0, REDIST_GPA + 0x20000 + GICR_INVALLR, 4, 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, REDIST_GPA + GICR_INVALLR, 4, 0);
	CHECK_EQ(c, guest_iar(e, 0), LPI);
	guest_eoi(e, 0, LPI);
	CHECK_EQ(c, guest_read(e, 0, REDIST_GPA + GICR_SYNCR, 4), 0);
}

#define CASE(name_, rule_, run_) ARM_ITS_CASE("its/" name_, rule_, run_)

static const struct conform_case cases[] = {
	CASE("message", "KVM_SIGNAL_MSI: 1", message_mapped),
	CASE("message-without-device-id", "EINVAL", message_without_device_id),
	CASE("message-elsewhere", "a doorbell of no ITS: EINVAL",
	     message_elsewhere),
	CASE("message-unmapped", "what is not mapped: 0", message_unmapped),
	CASE("message-while-disabled", "EBUSY", message_while_disabled),
	CASE("message-without-lpis", "EnableLPIs off: EBUSY",
	     message_without_lpis),
	CASE("message-before-init", "an ITS without an address: EINVAL",
	     message_before_init),
	CASE("discard", "DISCARD forgets the event: its messages are 0",
	     discard),
	CASE("unmap-device", "MAPD forgets its events", unmap_device),
	CASE("unmap-collection", "MAPC forgets where to", unmap_collection),
	CASE("bad-commands", "a bad command is skipped, the next one runs",
	     bad_commands_are_skipped),
	CASE("reset", "CTRL_RESET forgets everything", reset),
	CASE("tables-survive", "SAVE_TABLES, and RESTORE_TABLES after a reset",
	     tables_survive),
	CASE("lpis-off-and-on", "GICR_CTLR drops what is pending, and reads it",
	     lpis_off_and_on),
	CASE("invlpir", "GICR_INVLPIR one property, GICR_INVALLR a vCPU's",
	     invlpir),
	CASE("pending-table", "SAVE_PENDING_TABLES writes guest memory",
	     pending_table),
	CASE("taken", "an LPI is taken, and has no active state", taken),
	CASE("by-irqfd", "an MSI route leads to an LPI", by_irqfd),
	CASE("by-resample-irqfd", "an LPI's completion tells nobody",
	     by_resample_irqfd),
	CASE("by-line", "KVM_IRQ_LINE takes the number of an LPI, an edge",
	     by_line),
	CASE("by-int", "INT makes it pending", by_int),
	CASE("cleared", "CLEAR takes it back", cleared),
	CASE("disabled-by-property", "properties are read by INV and INVALL",
	     disabled_by_property),
	CASE("moved", "MOVI takes what is pending along", moved),
	CASE("all-moved", "MOVALL takes what is pending along", all_moved),
	CASE("retargeted-collection", "MAPC takes what is pending along",
	     retargeted_collection),
	CASE("guest-writes-commands", "a guest's CWRITER runs commands",
	     guest_writes_commands),
	CASE("by-priority", "LPIs and SPIs by priority",
	     lpi_and_spi_by_priority),
};

CONFORM_GROUP(arm_msi);

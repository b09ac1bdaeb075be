// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_IRQ_LINE and KVM_IRQ_LINE_STATUS: kvm_vm_ioctl_irq_line() and
 * kvm_set_irq(), and what the default routing table is.
 */
#include "cases.h"
#include "env.h"
#include <errno.h>

#define VECTOR 0x61
#define GSI 24

static void no_irqchip(struct conform *c)
{
	struct kvm_irq_level line = {.irq = 3, .level = 1};
	int vm = vm_new(c, VM_BARE);

	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQ_LINE, &line), -ENXIO);
	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQ_LINE_STATUS, &line), -ENXIO);
}

static void split_no_route(struct conform *c)
{
	int vm = vm_new(c, VM_SPLIT);

	/* The default table of a split irqchip is empty. */
	for (uint32_t gsi = 0; gsi < 24; gsi++) {
		CHECK_RET(c, irq_line(c, vm, gsi, 1), 0);
		CHECK_EQ(c, irq_line_status(c, vm, gsi, 1), -1);
	}
}

static void split_msi(struct conform *c)
{
	int vm = vm_new(c, VM_SPLIT);
	int vcpu = vcpu_new_enabled(c, vm, 0);

	routing_one(c, vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_EQ(c, irq_line_status(c, vm, GSI, 1), 1);
	CHECK(c, lapic_irr(c, vcpu, VECTOR));
}

static void no_route(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	static const uint32_t gsis[] = {24, 4095, 4096, ~0u};

	for (unsigned int i = 0; i < 4; i++) {
		CHECK_RET(c, irq_line(c, vm, gsis[i], 1), 0);
		CHECK_EQ(c, irq_line_status(c, vm, gsis[i], 1), -1);
		CHECK_EQ(c, irq_line_status(c, vm, gsis[i], 0), -1);
	}
}

static void line_writes_nothing(struct conform *c)
{
	struct kvm_irq_level line = {.irq = 3, .level = 1};
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQ_LINE, &line), 0);
	CHECK_EQ(c, line.irq, 3);
	CHECK_EQ(c, line.level, 1);
}

static void status_overlays_irq(struct conform *c)
{
	struct kvm_irq_level line = {.irq = 3, .level = 7};
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQ_LINE_STATUS, &line), 0);
	CHECK_EQ(c, line.status, 1);
	CHECK_EQ(c, line.level, 7);
}

static void level_is_truth(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, irq_line(c, vm, 3, 0x80000000), 0);
	CHECK_EQ(c, pic_get(c, vm, false).last_irr >> 3 & 1, 1);
	CHECK_RET(c, irq_line(c, vm, 3, 2), 0);
	CHECK_EQ(c, pic_get(c, vm, false).last_irr >> 3 & 1, 1);
	CHECK_RET(c, irq_line(c, vm, 3, 0), 0);
	CHECK_EQ(c, pic_get(c, vm, false).last_irr >> 3 & 1, 0);
}

static void msi_route_low(struct conform *c)
{
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, 0), -1);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, 1), 1);
	/* No edge detection: each 1 is a message. */
	lapic_clear(c, pc.vcpu);
	CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, 1), 1);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void status_sums(struct conform *c)
{
	struct pc pc = pc_new(c);

	/* 8259 unmasked and IOAPIC unmasked: one each. */
	ioapic_set_rte(c, pc.vm, 5, VECTOR);
	CHECK_EQ(c, irq_line_status(c, pc.vm, 5, 1), 2);
	CHECK_EQ(c, irq_line_status(c, pc.vm, 5, 0), 2);
	/* IOAPIC masked: the 8259 alone counts. */
	CHECK_EQ(c, irq_line_status(c, pc.vm, 6, 1), 1);
}

/* The default table. */
struct default_row {
	uint32_t first, last;
	bool pic, ioapic;
};

static void default_table(struct conform *c)
{
	const struct default_row *row = c->test->row;
	int vm = vm_new(c, VM_FULL);

	for (uint32_t gsi = row->first; gsi <= row->last; gsi++) {
		struct kvm_ioapic_state ioapic;
		struct kvm_pic_state pic;

		CHECK_RET(c, irq_line(c, vm, gsi, 1), 0);
		pic = pic_get(c, vm, gsi >= 8);
		ioapic = ioapic_get(c, vm);
		/* Masked pins of the IOAPIC show their line. */
		CHECK_EQ(c, ioapic.irr, row->ioapic ? 1u << gsi : 0);
		CHECK_EQ(c, pic.last_irr, row->pic ? 1u << gsi % 8 : 0);
		CHECK_RET(c, irq_line(c, vm, gsi, 0), 0);
	}
}

#define DEFAULT(name_, rule_, ...)                                             \
	{                                                                      \
		.name = "line/default-" name_, .rule = rule_,                  \
		.run = default_table,                                          \
		.row = &(const struct default_row){__VA_ARGS__},               \
	}

/* Several holders of one line. */
static void two_gsis_one_pin(struct conform *c)
{
	struct kvm_irq_routing_entry entries[] = {
		ROUTE_PIN(30, KVM_IRQCHIP_IOAPIC, 20),
		ROUTE_PIN(31, KVM_IRQCHIP_IOAPIC, 20),
	};
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, routing_set(c, vm, 2, entries), 0);
	CHECK_RET(c, irq_line(c, vm, 30, 1), 0);
	CHECK_RET(c, irq_line(c, vm, 31, 1), 0);
	CHECK(c, ioapic_irr(c, vm, 20));
	/* One source, KVM_USERSPACE_IRQ_SOURCE_ID: the last one decides. */
	CHECK_RET(c, irq_line(c, vm, 30, 0), 0);
	CHECK(c, !ioapic_irr(c, vm, 20));
}

static void resample_is_another_source(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 1);

	CHECK_RET(c, irq_line(c, vm, 20, 1), 0);
	CHECK_RET(c, irqfd_resample(c, vm, fd, 20, event_open(c, 0)), 0);
	CHECK_RET(c, irqfd_deassign(c, vm, fd, 20), 0);
	CHECK(c, ioapic_irr(c, vm, 20));
	CHECK_RET(c, irq_line(c, vm, 20, 0), 0);
	CHECK(c, !ioapic_irr(c, vm, 20));
}

static void resample_holds_line(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_resample(c, vm, fd, 20, event_open(c, 0)), 0);
	event_write(c, fd, 1);
	AWAIT(c, ioapic_irr(c, vm, 20));
	CHECK_RET(c, irq_line(c, vm, 20, 0), 0);
	CHECK(c, ioapic_irr(c, vm, 20));
	CHECK_RET(c, irqfd_deassign(c, vm, fd, 20), 0);
	CHECK(c, !ioapic_irr(c, vm, 20));
}

static void plain_irqfd_is_user_source(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 0);

	/* The pulse's end lowers what KVM_IRQ_LINE has raised. */
	CHECK_RET(c, irq_line(c, vm, 20, 1), 0);
	CHECK_RET(c, irqfd_assign(c, vm, fd, 20), 0);
	event_write(c, fd, 1);
	AWAIT(c, !ioapic_irr(c, vm, 20));
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "line/" name_, .rule = rule_, .run = run_              \
	}

static const struct conform_case cases[] = {
	CASE("no-irqchip", no_irqchip,
	     "without an irqchip in the kernel a line is ENXIO"),
	CASE("split-no-route", split_no_route,
	     "with a split irqchip lines are routed by a table that is empty "
	     "at first"),
	CASE("split-msi", split_msi,
	     "with a split irqchip a line can be an MSI route"),
	CASE("no-route", no_route,
	     "a GSI without route, in or beyond the table, is 0 with status "
	     "-1"),
	CASE("line-writes-nothing", line_writes_nothing,
	     "KVM_IRQ_LINE does not write its argument"),
	CASE("status-in-place-of-irq", status_overlays_irq,
	     "KVM_IRQ_LINE_STATUS writes the status where irq was, and leaves "
	     "the level"),
	CASE("level-is-a-truth-value", level_is_truth,
	     "any level but 0 is high"),
	CASE("msi-route", msi_route_low,
	     "an MSI route ignores level 0 (status -1) and sends at each 1"),
	CASE("status-is-a-sum", status_sums,
	     "kvm_set_irq() adds up the answers that are not negative"),
	DEFAULT("0-to-15",
		"kvm_setup_default_irq_routing(): GSIs 0 to 15 are pins of "
		"8259s and IOAPIC",
		0, 15, true, true),
	DEFAULT("16-to-23",
		"kvm_setup_default_irq_routing(): GSIs 16 to 23 are pins of "
		"the IOAPIC",
		16, 23, false, true),
	CASE("two-gsis-one-pin", two_gsis_one_pin,
	     "all lines of user space are one source of a pin, so the last "
	     "level counts"),
	CASE("resample-is-another-source", resample_is_another_source,
	     "a pin is the OR of its sources: KVM_IRQ_LINE's level survives "
	     "the resample irqfd's"),
	CASE("resample-holds-its-own-level", resample_holds_line,
	     "a pin is the OR of its sources: KVM_IRQ_LINE cannot lower a "
	     "resample irqfd's level"),
	CASE("plain-irqfd-is-user-source", plain_irqfd_is_user_source,
	     "a plain irqfd drives KVM_USERSPACE_IRQ_SOURCE_ID, as "
	     "KVM_IRQ_LINE does"),
};

CONFORM_GROUP(lines);

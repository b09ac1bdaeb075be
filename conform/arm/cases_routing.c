// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_SET_GSI_ROUTING on ARM: one chip with 988 pins, SPI 32+pin
 * (kvm_set_routing_entry() of arch/arm64).
 */
#include "cases.h"

#define MAX_ENTRIES 3

struct routing_row {
	uint32_t flags;
	uint32_t nr;
	struct kvm_irq_routing_entry entries[MAX_ENTRIES];
	int want;
};

/* A table that is refused leaves the default in force. */
static void run_row(struct conform *c)
{
	const struct routing_row *row = c->test->row;
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, route(e, row->flags, row->nr, row->entries), row->want);
	if (!row->want)
		return;
	event_signal(e, irqfd_new(e, 3));
	CHECK(c, irq_latched(e, 35));
}

#define PIN(gsi_, chip_, pin_, ...)                                            \
	{                                                                      \
		.gsi = gsi_, .type = KVM_IRQ_ROUTING_IRQCHIP,                  \
		.u.irqchip = {chip_, pin_}, __VA_ARGS__                        \
	}
#define MSI(gsi_, ...)                                                         \
	{                                                                      \
		.gsi = gsi_, .type = KVM_IRQ_ROUTING_MSI, __VA_ARGS__          \
	}
#define ENTRIES(...)                                                           \
	{                                                                      \
		__VA_ARGS__                                                    \
	}
#define ROW(name_, rule_, want_, flags_, nr_, entries_)                        \
	{.name = "routing/" name_ "-v2",                                       \
	 .needs = ARM_GICV2,                                                   \
	 .rule = rule_,                                                        \
	 .run = run_row,                                                       \
	 .row = &(const struct routing_row){flags_, nr_, entries_, want_}},    \
	{                                                                      \
		.name = "routing/" name_ "-v3", .needs = ARM_GICV3,            \
		.rule = rule_, .run = run_row,                                 \
		.row = &(const struct routing_row)                             \
		{                                                              \
			flags_, nr_, entries_, want_                           \
		}                                                              \
	}

static void before_the_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(0, 0)), 0);
	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(0, 988)), -EINVAL);
	CHECK_RET(c, route(e, 0, 0, NULL), 0);
}

static void moves_an_irqfd(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, 7);

	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(7, 20)), 0);
	event_signal(e, fd);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 20);
}

static void without_a_route(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd = irqfd_new(e, 7);

	CHECK_RET(c, route(e, 0, 0, NULL), 0);
	event_signal(e, fd);
	CHECK_EQ(c, event_count(e, fd), 0);
	/* Deassign waits for what the kernel does from a work item. */
	CHECK_RET(c, irqfd_args(e, fd, 7, KVM_IRQFD_FLAG_DEASSIGN, 0), 0);
	CHECK_RET(c, irqfd_args(e, fd, 7, 0, 0), 0);
	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(7, 7)), 0);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0);
	event_signal(e, fd);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 7);
}

static void two_gsis_one_pin(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	const struct kvm_irq_routing_entry entries[] = {ROUTE_PIN(1, 9),
							ROUTE_PIN(2, 9)};

	CHECK_RET(c, route(e, 0, 2, entries), 0);
	irq_make_level(e, 41);
	event_signal(e, irqfd_new(e, 1));
	CHECK(c, irq_pending(e, 41));
	CHECK_RET(c, line_set(e, line_spi(41), 0), 0);
	event_signal(e, irqfd_new(e, 2));
	CHECK(c, irq_pending(e, 41));
}

static void high_gsi(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(4095, 5)), 0);
	event_signal(e, irqfd_new(e, 4095));
	CHECK(c, irq_latched(e, 37));
}

static void pin_without_an_interrupt(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	int fd;

	CHECK_RET(c, route(e, 0, 1, &ROUTE_PIN(1, 500)), 0);
	fd = irqfd_new(e, 1);
	event_signal(e, fd);
	CHECK_EQ(c, event_count(e, fd), 0);
}

static const struct conform_case cases[] = {
	ROW("empty", "an empty table", 0, 0, 0, ENTRIES()),
	ROW("flags", "flags of the table: EINVAL", -EINVAL, 1, 1,
	    ENTRIES(PIN(0, 0, 0))),
	ROW("last-pin", "987 is the last pin, however many SPIs there are", 0,
	    0, 1, ENTRIES(PIN(0, 0, 987))),
	ROW("pin-988", "beyond the last pin: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(0, 0, 988))),
	ROW("pin-1020", "beyond the last pin: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(0, 0, 1020))),
	ROW("pin-max", "beyond the last pin: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(0, 0, UINT32_MAX))),
	ROW("chip-1", "there is one chip: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(0, 1, 0))),
	ROW("last-gsi", "4095 is the last GSI", 0, 0, 1,
	    ENTRIES(PIN(4095, 0, 0))),
	ROW("gsi-4096", "beyond the last GSI: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(4096, 0, 0))),
	ROW("same-gsi", "two pins of one chip: EINVAL", -EINVAL, 0, 2,
	    ENTRIES(PIN(5, 0, 1), PIN(5, 0, 2))),
	ROW("same-gsi-same-pin", "two pins of one chip: EINVAL", -EINVAL, 0, 2,
	    ENTRIES(PIN(5, 0, 1), PIN(5, 0, 1))),
	ROW("same-pin", "two GSIs may share a pin", 0, 0, 2,
	    ENTRIES(PIN(5, 0, 1), PIN(6, 0, 1))),
	ROW("pin-flags", "a pin has no flags: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(PIN(0, 0, 0, .flags = KVM_MSI_VALID_DEVID))),
	ROW("msi", "a message is taken as it is, without an ITS too", 0, 0, 1,
	    ENTRIES(MSI(0, .u.msi = {.address_lo = 0x123, .data = 1}))),
	ROW("msi-devid", "with a device id", 0, 0, 1,
	    ENTRIES(MSI(0, .flags = KVM_MSI_VALID_DEVID, .u.msi.devid = 77))),
	ROW("msi-flags", "other flags: EINVAL", -EINVAL, 0, 1,
	    ENTRIES(MSI(0, .flags = 2))),
	ROW("msi-and-pin", "a message shares no GSI: EINVAL", -EINVAL, 0, 2,
	    ENTRIES(MSI(4), PIN(4, 0, 4))),
	ROW("second-entry-bad", "all entries or none: EINVAL", -EINVAL, 0, 2,
	    ENTRIES(PIN(3, 0, 9), PIN(4, 0, 988))),
	ROW("type-0", "an unknown type: EINVAL", -EINVAL, 0, 1,
	    ENTRIES({.gsi = 1})),
	ROW("type-s390", "another architecture's type: EINVAL", -EINVAL, 0, 1,
	    ENTRIES({.gsi = 1, .type = KVM_IRQ_ROUTING_S390_ADAPTER})),
	ROW("type-hyperv", "another architecture's type: EINVAL", -EINVAL, 0, 1,
	    ENTRIES({.gsi = 1, .type = KVM_IRQ_ROUTING_HV_SINT})),
	ARM_BOTH("routing/before-the-controller",
		 "a table needs no vGIC, but is checked",
		 before_the_controller),
	ARM_BOTH("routing/moves-an-irqfd",
		 "a new table holds for irqfds that are there", moves_an_irqfd),
	ARM_BOTH("routing/without-a-route",
		 "a signal without a route is consumed and lost",
		 without_a_route),
	ARM_BOTH("routing/two-gsis-one-pin", "both GSIs raise the line",
		 two_gsis_one_pin),
	ARM_BOTH("routing/high-gsi", "GSI and SPI need not be near", high_gsi),
	ARM_BOTH("routing/pin-without-an-interrupt",
		 "a pin beyond NR_IRQS: consumed and lost",
		 pin_without_an_interrupt),
};

CONFORM_GROUP(arm_routing);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A routing update and what is bound to the GSIs: kvm_set_irq_routing(),
 * kvm_irq_routing_update() and irqfd_update().
 */
#include "cases.h"
#include "env.h"
#include <errno.h>

#define GSI 24
#define VECTOR 0x61
#define OTHER 0x72

struct bound {
	struct pc pc;
	int fd;
};

/* An irqfd on GSI, which leads to VECTOR. */
static struct bound bound_new(struct conform *c)
{
	struct bound b = {.pc = pc_new(c), .fd = event_open(c, 0)};

	routing_one(c, b.pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, b.pc.vm, b.fd, GSI), 0);
	return b;
}

static void check_goes_to(struct conform *c, const struct bound *b,
			  uint8_t vector)
{
	event_write(c, b->fd, 1);
	AWAIT(c, lapic_irr(c, b->pc.vcpu, vector));
	CHECK_EQ(c, lapic_irr_count(c, b->pc.vcpu), 1);
	lapic_clear(c, b->pc.vcpu);
}

/* A signal is taken, and nothing is delivered. */
static void check_lost(struct conform *c, const struct bound *b)
{
	event_write(c, b->fd, 1);
	AWAIT(c, event_empty(c, b->fd));
	CHECK_RET(c, irqfd_deassign(c, b->pc.vm, b->fd, GSI), 0);
	CHECK_EQ(c, lapic_irr_count(c, b->pc.vcpu), 0);
}

static void replaced(struct conform *c)
{
	struct bound b = bound_new(c);

	check_goes_to(c, &b, VECTOR);
	routing_one(c, b.pc.vm, ROUTE_MSI(GSI, OTHER));
	check_goes_to(c, &b, OTHER);
	routing_one(c, b.pc.vm, ROUTE_MSI(GSI, VECTOR));
	check_goes_to(c, &b, VECTOR);
}

static void removed(struct conform *c)
{
	struct bound b = bound_new(c);

	routing_one(c, b.pc.vm, ROUTE_MSI(GSI + 1, VECTOR));
	check_lost(c, &b);
}

static void emptied(struct conform *c)
{
	struct bound b = bound_new(c);

	CHECK_RET(c, routing_set(c, b.pc.vm, 0, NULL), 0);
	check_lost(c, &b);
}

static void shorter(struct conform *c)
{
	struct bound b = bound_new(c);

	/* The new table does not even reach the GSI. */
	routing_one(c, b.pc.vm, ROUTE_MSI(0, VECTOR));
	check_lost(c, &b);
}

static void refused(struct conform *c)
{
	struct kvm_irq_routing_entry bad[] = {
		ROUTE_MSI(GSI, OTHER),
		ROUTE_PIN(5, KVM_IRQCHIP_IOAPIC, 24),
	};
	struct bound b = bound_new(c);

	CHECK_RET(c, routing_set(c, b.pc.vm, 2, bad), -EINVAL);
	check_goes_to(c, &b, VECTOR);
}

static void later(struct conform *c)
{
	struct bound b = {.pc = pc_new(c), .fd = event_open(c, 0)};

	CHECK_RET(c, irqfd_assign(c, b.pc.vm, b.fd, GSI), 0);
	routing_one(c, b.pc.vm, ROUTE_MSI(GSI, OTHER));
	check_goes_to(c, &b, OTHER);
}

static void msi_to_pin(struct conform *c)
{
	struct bound b = bound_new(c);

	ioapic_set_rte(c, b.pc.vm, 20, OTHER);
	routing_one(c, b.pc.vm, ROUTE_PIN(GSI, KVM_IRQCHIP_IOAPIC, 20));
	check_goes_to(c, &b, OTHER);
	routing_one(c, b.pc.vm, ROUTE_MSI(GSI, VECTOR));
	check_goes_to(c, &b, VECTOR);
}

static void several_routes(struct conform *c)
{
	struct kvm_irq_routing_entry both[] = {
		ROUTE_PIN(GSI, KVM_IRQCHIP_PIC_MASTER, 3),
		ROUTE_PIN(GSI, KVM_IRQCHIP_IOAPIC, 20),
	};
	struct bound b = bound_new(c);

	ioapic_set_rte(c, b.pc.vm, 20, OTHER);
	CHECK_RET(c, routing_set(c, b.pc.vm, 2, both), 0);
	check_goes_to(c, &b, OTHER);
	CHECK_EQ(c, pic_get(c, b.pc.vm, false).irr, 1u << 3);
}

static void three_chips(struct conform *c)
{
	struct kvm_irq_routing_entry all[] = {
		ROUTE_PIN(GSI, KVM_IRQCHIP_IOAPIC, 20),
		ROUTE_PIN(GSI, KVM_IRQCHIP_PIC_SLAVE, 1),
		ROUTE_PIN(GSI, KVM_IRQCHIP_PIC_MASTER, 6),
	};
	struct pc pc = pc_new(c);

	CHECK_RET(c, routing_set(c, pc.vm, 3, all), 0);
	CHECK_RET(c, irq_line(c, pc.vm, GSI, 1), 0);
	CHECK(c, ioapic_irr(c, pc.vm, 20));
	CHECK_EQ(c, pic_get(c, pc.vm, true).irr, 1u << 1);
	/* The slave's request is master irq 2. */
	CHECK_EQ(c, pic_get(c, pc.vm, false).irr, 1u << 6 | 1u << 2);
}

static void level_of_old_route(struct conform *c)
{
	struct pc pc = pc_new(c);

	/* A line that is up when its route goes stays up. */
	CHECK_RET(c, irq_line(c, pc.vm, 20, 1), 0);
	routing_one(c, pc.vm, ROUTE_PIN(20, KVM_IRQCHIP_IOAPIC, 21));
	CHECK_RET(c, irq_line(c, pc.vm, 20, 0), 0);
	CHECK(c, ioapic_irr(c, pc.vm, 20));
	routing_one(c, pc.vm, ROUTE_PIN(20, KVM_IRQCHIP_IOAPIC, 20));
	CHECK_RET(c, irq_line(c, pc.vm, 20, 0), 0);
	CHECK(c, !ioapic_irr(c, pc.vm, 20));
}

static void two_vms(struct conform *c)
{
	struct bound first = bound_new(c), second = bound_new(c);

	routing_one(c, first.pc.vm, ROUTE_MSI(GSI, OTHER));
	check_goes_to(c, &first, OTHER);
	check_goes_to(c, &second, VECTOR);
}

static void before_vcpus(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), vcpu;

	routing_one(c, vm, ROUTE_MSI(GSI, VECTOR));
	vcpu = vcpu_new_enabled(c, vm, 0);
	CHECK_EQ(c, irq_line_status(c, vm, GSI, 1), 1);
	CHECK(c, lapic_irr(c, vcpu, VECTOR));
}

static void argument_is_copied(struct conform *c)
{
	struct kvm_irq_routing_entry entry = ROUTE_MSI(GSI, VECTOR);
	struct pc pc = pc_new(c);

	CHECK_RET(c, routing_set(c, pc.vm, 1, &entry), 0);
	entry = ROUTE_MSI(GSI, OTHER);
	CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, 1), 1);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void many_irqfds(struct conform *c)
{
	struct kvm_irq_routing_entry entries[60];
	struct pc pc = pc_new(c);
	int fd[60];

	for (unsigned int i = 0; i < 60; i++) {
		fd[i] = event_open(c, 0);
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd[i], 100 + i), 0);
		entries[i] = ROUTE_MSI(100 + i, 0x40 + i);
	}
	CHECK_RET(c, routing_set(c, pc.vm, 60, entries), 0);
	for (unsigned int i = 0; i < 60; i++)
		event_write(c, fd[i], 1);
	AWAIT(c, lapic_irr_count(c, pc.vcpu) == 60);
	/* And all at once to other vectors. */
	lapic_clear(c, pc.vcpu);
	for (unsigned int i = 0; i < 60; i++)
		entries[i] = ROUTE_MSI(100 + i, 0x90 + i);
	CHECK_RET(c, routing_set(c, pc.vm, 60, entries), 0);
	for (unsigned int i = 0; i < 60; i++)
		event_write(c, fd[i], 1);
	AWAIT(c, lapic_irr_count(c, pc.vcpu) == 60);
	for (unsigned int i = 0; i < 60; i++)
		CHECK(c, lapic_irr(c, pc.vcpu, (uint8_t)(0x90 + i)));
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "update/" name_, .rule = rule_, .run = run_            \
	}
#define AT_ONCE                                                                \
	"when KVM_SET_GSI_ROUTING returns, irqfds follow the new table "       \
	"(irqfd_update())"

static const struct conform_case cases[] = {
	CASE("replaced", replaced, AT_ONCE),
	CASE("removed", removed, AT_ONCE ": a GSI without entry is lost"),
	CASE("emptied", emptied, AT_ONCE ": an empty table loses all"),
	CASE("shorter", shorter,
	     AT_ONCE ": a GSI beyond the new table is lost"),
	CASE("refused", refused,
	     "a table that is refused leaves irqfds as they were"),
	CASE("after-assign", later,
	     "a route that comes after the assign takes effect"),
	CASE("msi-to-pin", msi_to_pin, AT_ONCE ", whatever the type"),
	CASE("several-routes", several_routes,
	     "a GSI with several entries drives all of them"),
	CASE("three-chips", three_chips,
	     "a GSI may drive both 8259s and the IOAPIC"),
	CASE("old-level-stays", level_of_old_route,
	     "a routing update moves no line: a pin keeps the level that was "
	     "set through the old entry"),
	CASE("two-vms", two_vms, "each VM has its own table"),
	CASE("before-vcpus", before_vcpus,
	     "a table that is older than the vCPUs works"),
	CASE("argument-is-copied", argument_is_copied,
	     "the table is a copy of the argument"),
	CASE("many-irqfds", many_irqfds, AT_ONCE ", all of them"),
};

CONFORM_GROUP(routing);

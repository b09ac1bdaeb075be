// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a deassign leaves behind: kvm_irqfd_deassign() and irqfd_shutdown().
 */
#include "cases.h"
#include "env.h"

#define GSI 24 /* an MSI route of the case */
#define VECTOR 0x61
#define PIN 5 /* of the default table: master pin 5 and IOAPIC pin 5 */

/* A vCPU, and GSI routed to it. */
static struct pc msi_new(struct conform *c)
{
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	return pc;
}

static bool pic_latched(struct conform *c, const struct pc *pc)
{
	return pic_get(c, pc->vm, false).irr >> PIN & 1;
}

static void drains(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 7);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	CHECK_EQ(c, event_read(c, fd), 0);
}

static void delivers_msi(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 1);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void delivers_pin(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	CHECK(c, pic_latched(c, &pc));
}

static void delivers_before(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 1);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	CHECK(c, pic_latched(c, &pc));
}

static void other_gsi(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI + 1), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void other_vm(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_deassign(c, vm_new(c, VM_FULL), fd, GSI), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void cycles(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	for (unsigned int i = 0; i < 50; i++) {
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
		event_write(c, fd, 1);
		CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
		CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
		CHECK(c, event_empty(c, fd));
		lapic_clear(c, pc.vcpu);
	}
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "deassign/" name_, .rule = rule_, .run = run_          \
	}

static const struct conform_case cases[] = {
	CASE("drains", drains,
	     "deassign takes what is in the eventfd "
	     "(eventfd_ctx_remove_wait_queue())"),
	CASE("after-msi", delivers_msi,
	     "what was signalled before deassign is in the APIC when it "
	     "returns"),
	CASE("after-pin", delivers_pin,
	     "what was signalled before deassign is in the 8259 when it "
	     "returns (irqfd_shutdown() flushes the injection)"),
	CASE("after-signalled-assign", delivers_before,
	     "the injection of a readable eventfd is done when deassign "
	     "returns"),
	CASE("other-gsi-keeps", other_gsi,
	     "a deassign with another GSI leaves the irqfd alone"),
	CASE("other-vm-keeps", other_vm,
	     "a deassign in another VM is 0 and leaves the irqfd alone"),
	CASE("assign-deassign-cycles", cycles,
	     "assign, signal and deassign can be repeated, and nothing is "
	     "lost"),
};

CONFORM_GROUP(deassign);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Resample irqfds as far as no guest is needed: the line they hold up and when
 * it falls.  irqfd_resampler_ack() is in cases_guest_pic.c.
 */
#include "cases.h"
#include "env.h"
#include <errno.h>

#define PIN 20
#define VECTOR 0x61

struct line {
	struct pc pc;
	int fd, resamplefd;
};

/* A level pin with a resample irqfd; @rte beside the vector. */
static struct line line_new(struct conform *c, uint64_t rte)
{
	struct line line = {
		.pc = pc_new(c),
		.fd = event_open(c, 0),
		.resamplefd = event_open(c, 0),
	};

	ioapic_set_rte(c, line.pc.vm, PIN, VECTOR | RTE_LEVEL | rte);
	CHECK_RET(c,
		  irqfd_resample(c, line.pc.vm, line.fd, PIN, line.resamplefd),
		  0);
	return line;
}

static void raise_line(struct conform *c, const struct line *line)
{
	event_write(c, line->fd, 1);
	AWAIT(c, ioapic_irr(c, line->pc.vm, PIN));
}

static void quiet(struct conform *c)
{
	struct line line = line_new(c, 0);

	CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
	CHECK_EQ(c, lapic_irr_count(c, line.pc.vcpu), 0);
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	CHECK(c, event_empty(c, line.resamplefd));
}

static void raises(struct conform *c)
{
	struct line line = line_new(c, 0);

	raise_line(c, &line);
	CHECK(c, ioapic_rte(c, line.pc.vm, PIN) & RTE_REMOTE_IRR);
	CHECK(c, lapic_irr(c, line.pc.vcpu, VECTOR));
	CHECK(c, lapic_bit(c, line.pc.vcpu, APIC_TMR, VECTOR));
	CHECK(c, event_empty(c, line.fd));
	CHECK(c, event_empty(c, line.resamplefd));
}

static void stays_up(struct conform *c)
{
	struct line line = line_new(c, 0);

	raise_line(c, &line);
	lapic_clear(c, line.pc.vcpu);
	event_write(c, line.fd, 1);
	AWAIT(c, event_empty(c, line.fd));
	CHECK(c, ioapic_irr(c, line.pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	/* Remote IRR has kept the second one back. */
	CHECK_EQ(c, lapic_irr_count(c, line.pc.vcpu), 0);
}

static void masked(struct conform *c)
{
	struct line line = line_new(c, RTE_MASKED);

	raise_line(c, &line);
	CHECK_EQ(c, lapic_irr_count(c, line.pc.vcpu), 0);
	CHECK(c, !(ioapic_rte(c, line.pc.vm, PIN) & RTE_REMOTE_IRR));
	ioapic_set_rte(c, line.pc.vm, PIN, VECTOR | RTE_LEVEL);
	CHECK(c, lapic_irr(c, line.pc.vcpu, VECTOR));
}

static void deassign_lowers(struct conform *c)
{
	struct line line = line_new(c, 0);

	raise_line(c, &line);
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
	/* What was sent was sent. */
	CHECK(c, lapic_irr(c, line.pc.vcpu, VECTOR));
	CHECK(c, ioapic_rte(c, line.pc.vm, PIN) & RTE_REMOTE_IRR);
	CHECK(c, event_empty(c, line.resamplefd));
}

static void shared_until_last(struct conform *c)
{
	struct line line = line_new(c, 0);
	int other = event_open(c, 0);

	CHECK_RET(c,
		  irqfd_resample(c, line.pc.vm, other, PIN, event_open(c, 0)),
		  0);
	raise_line(c, &line);
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	CHECK(c, ioapic_irr(c, line.pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, other, PIN), 0);
	CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
}

static void shared_one_source(struct conform *c)
{
	struct line line = line_new(c, 0);
	int other = event_open(c, 0);

	CHECK_RET(c,
		  irqfd_resample(c, line.pc.vm, other, PIN, event_open(c, 0)),
		  0);
	raise_line(c, &line);
	event_write(c, other, 1);
	AWAIT(c, event_empty(c, other));
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, other, PIN), 0);
	CHECK(c, ioapic_irr(c, line.pc.vm, PIN));
}

static void plain_and_resample(struct conform *c)
{
	struct line line = line_new(c, 0);
	int plain = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, line.pc.vm, plain, PIN), 0);
	raise_line(c, &line);
	/* The plain one's pulse ends; the resample one's level does not. */
	event_write(c, plain, 1);
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, plain, PIN), 0);
	CHECK(c, ioapic_irr(c, line.pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
}

static void plain_deassign_flags(struct conform *c)
{
	struct line line = line_new(c, 0);

	raise_line(c, &line);
	CHECK_RET(c,
		  irqfd(c, line.pc.vm, line.fd, PIN,
			KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE, -1),
		  0);
	CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
}

static void pic_level(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct kvm_pic_state pic = pic_get(c, pc.vm, false);
	int fd = event_open(c, 0);

	pic.elcr = 1u << 5;
	pic_set(c, pc.vm, false, &pic);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 5, event_open(c, 0)), 0);
	event_write(c, fd, 1);
	AWAIT(c, pic_get(c, pc.vm, false).irr == 1u << 5);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, 5), 0);
	CHECK_EQ(c, pic_get(c, pc.vm, false).irr, 0);
}

static void edge_pin(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 5, event_open(c, 0)), 0);
	event_write(c, fd, 1);
	AWAIT(c, pic_get(c, pc.vm, false).irr == 1u << 5);
	/* The line stays up, so a second signal is no edge. */
	CHECK_EQ(c, pic_get(c, pc.vm, false).last_irr, 1u << 5);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, 5), 0);
	CHECK_EQ(c, pic_get(c, pc.vm, false).last_irr, 0);
	CHECK_EQ(c, pic_get(c, pc.vm, false).irr, 1u << 5);
}

static void msi_route(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0), resamplefd = event_open(c, 0);

	routing_one(c, pc.vm, ROUTE_MSI(24, VECTOR));
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 24, resamplefd), 0);
	for (unsigned int i = 0; i < 3; i++) {
		event_write(c, fd, 1);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		lapic_clear(c, pc.vcpu);
	}
	CHECK(c, event_empty(c, resamplefd));
}

static void no_route_at_assign(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 24, event_open(c, 0)), 0);
	routing_one(c, pc.vm, ROUTE_PIN(24, KVM_IRQCHIP_IOAPIC, PIN));
	event_write(c, fd, 1);
	AWAIT(c, ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, 24), 0);
	CHECK(c, !ioapic_irr(c, pc.vm, PIN));
}

static void route_gone_at_deassign(struct conform *c)
{
	struct line line = line_new(c, 0);

	raise_line(c, &line);
	CHECK_RET(c, routing_set(c, line.pc.vm, 0, NULL), 0);
	CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
	/* The GSI leads nowhere now: nobody lowers the pin. */
	CHECK(c, ioapic_irr(c, line.pc.vm, PIN));
}

static void reassigned(struct conform *c)
{
	struct line line = line_new(c, 0);

	for (unsigned int i = 0; i < 20; i++) {
		raise_line(c, &line);
		CHECK_RET(c, irqfd_deassign(c, line.pc.vm, line.fd, PIN), 0);
		CHECK(c, !ioapic_irr(c, line.pc.vm, PIN));
		ioapic_set_rte(c, line.pc.vm, PIN, VECTOR | RTE_LEVEL);
		CHECK_RET(c,
			  irqfd_resample(c, line.pc.vm, line.fd, PIN,
					 line.resamplefd),
			  0);
	}
	CHECK(c, event_empty(c, line.resamplefd));
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "resample/" name_, .rule = rule_, .run = run_          \
	}

static const struct conform_case cases[] = {
	CASE("quiet-assign", quiet,
	     "assign and deassign move no line and signal no resamplefd"),
	CASE("raises-line", raises,
	     "a signal raises the line and leaves it up: irr, remote IRR, IRR "
	     "and TMR"),
	CASE("second-signal-coalesces", stays_up,
	     "a second signal before the EOI changes nothing"),
	CASE("masked-pin-waits", masked,
	     "on a masked pin the level waits in irr for the unmask"),
	CASE("deassign-lowers", deassign_lowers,
	     "the deassign of the last irqfd lowers the line "
	     "(irqfd_resampler_shutdown()), and is no EOI"),
	CASE("deassign-with-flag-lowers", plain_deassign_flags,
	     "DEASSIGN with RESAMPLE and a bad resamplefd does as well"),
	CASE("shared-until-last", shared_until_last,
	     "irqfds of one GSI share the line, which falls with the last of "
	     "them"),
	CASE("shared-one-source", shared_one_source,
	     "irqfds of one GSI are one source: a deassign does not lower the "
	     "others' level"),
	CASE("with-plain-irqfd", plain_and_resample,
	     "a plain irqfd on the same GSI is another source"),
	CASE("pic-level", pic_level,
	     "the 8259's pin of a level GSI is held and lowered too"),
	CASE("edge-pin", edge_pin, "on an edge pin the line stays up as well"),
	CASE("msi-route", msi_route,
	     "with an MSI route each signal is a message, and no resamplefd "
	     "fires"),
	CASE("route-after-assign", no_route_at_assign,
	     "the route may come after the assign"),
	CASE("route-gone-at-deassign", route_gone_at_deassign,
	     "the last deassign lowers what the GSI is routed to then"),
	CASE("reassigned", reassigned,
	     "assign, raise and deassign can be repeated"),
};

CONFORM_GROUP(resample);

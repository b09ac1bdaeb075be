// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest takes an interrupt of the 8259 and ends it: kvm_notify_acked_irq()
 * and irqfd_resampler_ack().
 */
#include "cases.h"
#include "machine.h"

/* An 8259 pin with a resample irqfd that has been signalled. */
static struct machine pic_raised_new(struct conform *c, uint32_t gsi,
				     uint8_t icw4)
{
	struct machine m = machine_new(c);
	bool slave = gsi >= 8;

	machine_pic_init(&m, icw4);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, m.fd, gsi, m.resamplefd), 0);
	event_write(c, m.fd, 1);
	AWAIT(c, pic_get(c, m.pc.vm, slave).irr >> gsi % 8 & 1);
	return m;
}

static void pic_eoi(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	/* In service: nothing is acknowledged, the line is up. */
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).isr, 1u << PIC_PIN);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 1u << PIC_PIN);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_out(&m, 0x20, OCW2_EOI);
	AWAIT(c, !event_empty(c, m.resamplefd));
	CHECK_EQ(c, event_read(c, m.resamplefd), 1);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).isr, 0);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 0);
	CHECK_EQ(c, machine_take(&m), -1);
	machine_free(&m);
}

static void pic_rounds(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	for (unsigned int i = 0; i < 10; i++) {
		CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
		machine_out(&m, 0x20, OCW2_EOI);
		AWAIT(c, event_read(c, m.resamplefd) == 1);
		/* The device wants more. */
		event_write(c, m.fd, 1);
		AWAIT(c, pic_get(c, m.pc.vm, false).irr >> PIC_PIN & 1);
	}
	machine_free(&m);
}

static void pic_specific_eoi(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_out(&m, 0x20, OCW2_SPECIFIC_EOI | 3);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).isr, 1u << PIC_PIN);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_out(&m, 0x20, OCW2_SPECIFIC_EOI | PIC_PIN);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	machine_free(&m);
}

static void pic_eoi_not_in_service(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	machine_out(&m, 0x20, OCW2_SPECIFIC_EOI | PIC_PIN);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 0);
	machine_free(&m);
}

static void pic_auto_eoi(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 3);

	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).isr, 0);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 0);
	machine_free(&m);
}

static void pic_poll(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	machine_out(&m, 0x20, OCW3_POLL);
	CHECK_EQ(c, machine_in(&m, 0x20) & 7, PIC_PIN);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	machine_free(&m);
}

static void pic_slave(struct conform *c)
{
	struct machine m = pic_raised_new(c, 11, 1);

	CHECK_EQ(c, machine_take(&m), PIC_BASE + 11);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).isr, 1u << 2);
	CHECK_EQ(c, pic_get(c, m.pc.vm, true).isr, 1u << 3);
	/* The master's EOI is for its pin 2. */
	machine_out(&m, 0x20, OCW2_EOI);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_out(&m, 0xa0, OCW2_EOI);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	CHECK_EQ(c, pic_get(c, m.pc.vm, true).irr, 0);
	machine_free(&m);
}

static void pic_shared(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);
	int other = event_open(c, 0), other_resamplefd = event_open(c, 0);

	CHECK_RET(c,
		  irqfd_resample(c, m.pc.vm, other, PIC_PIN, other_resamplefd),
		  0);
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_out(&m, 0x20, OCW2_EOI);
	/* The one that did not raise is asked as well. */
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	AWAIT(c, event_read(c, other_resamplefd) == 1);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 0);
	machine_free(&m);
}

static void pic_one_resamplefd(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_RET(c,
		  irqfd_resample(c, m.pc.vm, event_open(c, 0), PIC_PIN,
				 m.resamplefd),
		  0);
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_out(&m, 0x20, OCW2_EOI);
	AWAIT(c, !event_empty(c, m.resamplefd));
	CHECK_EQ(c, event_read(c, m.resamplefd), 2);
	machine_free(&m);
}

static void pic_other_holder(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_RET(c, irq_line(c, m.pc.vm, PIC_PIN, 1), 0);
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_out(&m, 0x20, OCW2_EOI);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	/* KVM_IRQ_LINE holds it: again, and again acknowledged. */
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	CHECK_RET(c, irq_line(c, m.pc.vm, PIC_PIN, 0), 0);
	machine_out(&m, 0x20, OCW2_EOI);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	CHECK_EQ(c, machine_take(&m), -1);
	machine_free(&m);
}

static void pic_other_gsi(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_RET(c, irq_line(c, m.pc.vm, 3, 1), 0);
	CHECK_EQ(c, machine_take(&m), PIC_BASE + 3);
	machine_out(&m, 0x20, OCW2_EOI);
	CHECK(c, event_empty(c, m.resamplefd));
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_free(&m);
}

static void pic_edge(struct conform *c)
{
	struct machine m = machine_new(c);

	machine_pic_init(&m, 1);
	CHECK_RET(c, irqfd_assign(c, m.pc.vm, m.fd, 3), 0);
	for (unsigned int i = 0; i < 5; i++) {
		event_write(c, m.fd, 1);
		AWAIT(c, pic_get(c, m.pc.vm, false).irr >> 3 & 1);
		CHECK_EQ(c, machine_take(&m), PIC_BASE + 3);
		CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 0);
		machine_out(&m, 0x20, OCW2_EOI);
		CHECK_EQ(c, machine_take(&m), -1);
	}
	machine_free(&m);
}

static void pic_mask(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	machine_out(&m, 0x21, 1u << PIC_PIN);
	CHECK_EQ(c, machine_take(&m), -1);
	machine_out(&m, 0x21, 0);
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_free(&m);
}

static void pic_deassigned(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	CHECK_RET(c, irqfd_deassign(c, m.pc.vm, m.fd, PIC_PIN), 0);
	machine_out(&m, 0x20, OCW2_EOI);
	CHECK_EQ(c, machine_take(&m), -1);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_free(&m);
}

static void pic_reverse_map(struct conform *c)
{
	struct kvm_irq_routing_entry entries[] = {
		ROUTE_PIN(PIC_PIN, KVM_IRQCHIP_PIC_MASTER, PIC_PIN),
		ROUTE_PIN(30, KVM_IRQCHIP_PIC_MASTER, PIC_PIN),
	};
	struct machine m = machine_new(c);
	int other = event_open(c, 0), other_resamplefd = event_open(c, 0);

	machine_pic_init(&m, 1);
	CHECK_RET(c, routing_set(c, m.pc.vm, 2, entries), 0);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, m.fd, PIC_PIN, m.resamplefd),
		  0);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, other, 30, other_resamplefd),
		  0);
	event_write(c, other, 1);
	AWAIT(c, pic_get(c, m.pc.vm, false).irr >> PIC_PIN & 1);
	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	machine_out(&m, 0x20, OCW2_EOI);
	/* The pin's GSI is the last entry's. */
	AWAIT(c, event_read(c, other_resamplefd) == 1);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_free(&m);
}

static void pic_rerouted(struct conform *c)
{
	struct machine m = pic_raised_new(c, PIC_PIN, 1);

	CHECK_EQ(c, machine_take(&m), PIC_VECTOR);
	/* Nobody's pin any more when it is acknowledged. */
	CHECK_RET(c, routing_set(c, m.pc.vm, 0, NULL), 0);
	machine_out(&m, 0x20, OCW2_EOI);
	CHECK_EQ(c, pic_get(c, m.pc.vm, false).irr, 1u << PIC_PIN);
	CHECK(c, event_empty(c, m.resamplefd));
	machine_free(&m);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "guest/" name_, .rule = rule_, .needs = CONFORM_GUEST, \
		.run = run_                                                    \
	}

static const struct conform_case cases[] = {
	CASE("pic-eoi", pic_eoi,
	     "the 8259's EOI lowers the resample line, then signals the "
	     "resamplefd once; taking the interrupt does neither"),
	CASE("pic-rounds", pic_rounds,
	     "each round of signal, interrupt and EOI is one count of the "
	     "resamplefd"),
	CASE("pic-specific-eoi", pic_specific_eoi,
	     "a specific EOI acknowledges its pin and no other"),
	CASE("pic-eoi-not-in-service", pic_eoi_not_in_service,
	     "pic_clear_isr() notifies for a specific EOI of a pin that is not "
	     "in service as well"),
	CASE("pic-auto-eoi", pic_auto_eoi,
	     "with automatic EOI the acknowledge comes with INTA "
	     "(pic_intack())"),
	CASE("pic-poll", pic_poll,
	     "a poll read takes the request and ends it (pic_poll_read())"),
	CASE("pic-slave", pic_slave,
	     "a pin of the slave is acknowledged by the slave's EOI"),
	CASE("pic-shared", pic_shared,
	     "irqfd_resampler_ack() signals every resamplefd of the GSI"),
	CASE("pic-one-resamplefd", pic_one_resamplefd,
	     "a resamplefd that is there twice counts 2"),
	CASE("pic-other-holder", pic_other_holder,
	     "a line that another source holds interrupts again after the "
	     "EOI"),
	CASE("pic-other-pin", pic_other_gsi,
	     "the EOI of another pin signals nothing"),
	CASE("pic-edge", pic_edge,
	     "a plain irqfd's edge is taken once: INTA clears irr"),
	CASE("pic-mask", pic_mask, "a masked request waits for its unmask"),
	CASE("pic-deassigned-in-service", pic_deassigned,
	     "an irqfd that is deassigned while in service signals no "
	     "resamplefd"),
	CASE("pic-two-gsis-one-pin", pic_reverse_map,
	     "kvm_notify_acked_irq() takes a pin for the last entry's GSI"),
	CASE("pic-rerouted-in-service", pic_rerouted,
	     "an EOI of a pin that no GSI leads to acknowledges nobody"),
};

CONFORM_GROUP(guest_pic);

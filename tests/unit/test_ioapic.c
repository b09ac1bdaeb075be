// SPDX-License-Identifier: BSD-3-Clause
/* The IOAPIC, through its pins, frame and EOIs: one case a rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <virq/routing.h>
#include "irqchip/x86/ioapic.h"

#define LOGICAL (1u << 11)
#define DELIVERY_STATUS (1u << 12)
#define POLARITY (1u << 13)
#define REMOTE_IRR (1u << 14)
#define LEVEL (1u << 15)
#define MASKED (1u << 16)
#define SELECT 0x00
#define WINDOW 0x10
#define RTC_PIN 8
#define VECTOR 0x41
#define STORM 10000

struct fixture {
	struct ioapic *ioapic;
	/* What deliver answers, and what it saw. */
	int targets;
	unsigned int delivered;
	struct x86_msg msg;
	/* Ack: count, order, and what it does to the pin's line. */
	unsigned int acks[IOAPIC_NR_PINS];
	bool lower_in_ack;
	bool raise_in_ack;
	unsigned int delivered_at_ack;
	uint32_t has_ack;
	/* Resample. */
	bool resampler;
	bool raise_in_resample;
	unsigned int resampled;
	/* RTE changes. */
	unsigned int rte_changes;
	uint64_t rte;
	bool pulse_in_rte_changed;
	unsigned int delivered_at_rte_changed;
	unsigned int deferred;
	uint64_t delay_ns;
};

static int line(struct fixture *f, unsigned int pin, int level)
{
	return ioapic_set_irq(f->ioapic, pin, VIRQ_SOURCE_USERSPACE, level,
			      false);
}

static int pulse(struct fixture *f, unsigned int pin)
{
	int ret = line(f, pin, 1);

	line(f, pin, 0);
	return ret;
}

static int on_deliver(void *opaque, const struct x86_msg *msg)
{
	struct fixture *f = opaque;

	f->delivered++;
	f->msg = *msg;
	return f->targets;
}

static void on_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	f->acks[pin]++;
	f->delivered_at_ack = f->delivered;
	if (f->lower_in_ack)
		line(f, pin, 0);
	if (f->raise_in_ack)
		line(f, pin, 1);
}

static bool on_resample(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	f->resampled++;
	if (f->raise_in_resample)
		line(f, pin, 1);
	return f->resampler;
}

static bool on_has_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	return f->has_ack >> pin & 1;
}

static void on_rte_changed(void *opaque, unsigned int pin, uint64_t rte)
{
	struct fixture *f = opaque;

	f->rte_changes++;
	f->rte = rte;
	if (f->pulse_in_rte_changed)
		pulse(f, pin);
	f->delivered_at_rte_changed = f->delivered;
}

static void on_defer(void *opaque, uint64_t delay_ns)
{
	struct fixture *f = opaque;

	f->deferred++;
	f->delay_ns = delay_ns;
}

static const struct ioapic_callbacks callbacks = {
	.deliver = on_deliver,
	.ack = on_ack,
	.resample = on_resample,
	.has_ack = on_has_ack,
	.rte_changed = on_rte_changed,
	.defer = on_defer,
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.targets = 1;
	f.ioapic = ioapic_create(&callbacks, &f);
	*state = &f;
	return f.ioapic ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ioapic_destroy(f->ioapic);
	return 0;
}

static void mmio_write(struct fixture *f, uint64_t offset, uint8_t len,
		       uint64_t data)
{
	struct virq_access access = {
		.addr = IOAPIC_BASE + offset,
		.len = len,
		.write = true,
		.data = data,
	};

	assert_int_equal(ioapic_mmio(f->ioapic, &access), 0);
}

static uint64_t mmio_read(struct fixture *f, uint64_t offset, uint8_t len)
{
	struct virq_access access = {
		.addr = IOAPIC_BASE + offset,
		.len = len,
		.data = ~0ull,
	};

	assert_int_equal(ioapic_mmio(f->ioapic, &access), 0);
	return access.data;
}

static void reg_write(struct fixture *f, uint8_t reg, uint32_t val)
{
	mmio_write(f, SELECT, 4, reg);
	mmio_write(f, WINDOW, 4, val);
}

static uint32_t reg_read(struct fixture *f, uint8_t reg)
{
	mmio_write(f, SELECT, 4, reg);
	return (uint32_t)mmio_read(f, WINDOW, 4);
}

static uint32_t low(struct fixture *f, unsigned int pin)
{
	return reg_read(f, (uint8_t)(0x10 + 2 * pin));
}

static void set_low(struct fixture *f, unsigned int pin, uint32_t val)
{
	reg_write(f, (uint8_t)(0x10 + 2 * pin), val);
}

static struct kvm_ioapic_state get_state(struct fixture *f)
{
	struct kvm_ioapic_state state;

	ioapic_get_state(f->ioapic, &state);
	return state;
}

static void set_acks(struct fixture *f, uint32_t pins)
{
	f->has_ack = pins;
	ioapic_scan(f->ioapic);
}

/* Reset: every RTE 0x10000, id and irr 0. */
static void reset_masks_every_pin(void **state)
{
	struct fixture *f = *state;

	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		assert_int_equal(low(f, pin), 0x10000);
		assert_int_equal(reg_read(f, (uint8_t)(0x11 + 2 * pin)), 0);
	}
	assert_int_equal(get_state(f).irr, 0);
	assert_int_equal(get_state(f).id, 0);
	assert_int_equal(get_state(f).base_address, 0xfec00000);
}

/* Version 0x00170011 and arbitration id are read only; id is bits 27:24. */
static void id_version_and_arbitration(void **state)
{
	struct fixture *f = *state;

	reg_write(f, 0, 0xff000000);
	assert_int_equal(reg_read(f, 0), 0x0f000000);
	assert_int_equal(reg_read(f, 2), 0x0f000000);
	reg_write(f, 1, 0);
	reg_write(f, 2, 0);
	assert_int_equal(reg_read(f, 1), 0x00170011);
	assert_int_equal(reg_read(f, 0), 0x0f000000);
}

/* Registers that do not exist read all ones; writes change nothing. */
static void registers_beyond_the_pins(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state before, after;
	static const uint8_t regs[] = {0x03, 0x0f, 0x40, 0x41, 0xff};

	before = get_state(f);
	for (size_t i = 0; i < sizeof(regs); i++) {
		assert_int_equal(reg_read(f, regs[i]), 0xffffffff);
		reg_write(f, regs[i], 0);
	}
	after = get_state(f);
	after.ioregsel = 0;
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(f->rte_changes, 0);
}

/* Accesses of 1, 2, 4 and 8 bytes; a value is truncated to 32 bits. */
static void access_sizes(void **state)
{
	struct fixture *f = *state;

	mmio_write(f, SELECT, 1, 0x12);
	assert_int_equal(mmio_read(f, SELECT, 1), 0x12);
	mmio_write(f, SELECT, 4, 0xabcd14); /* the select has 8 bits */
	assert_int_equal(mmio_read(f, SELECT, 4), 0x14);
	mmio_write(f, WINDOW, 8, 0x12345678000180a5);
	assert_int_equal(mmio_read(f, WINDOW, 8), 0x180a5);
	assert_int_equal(mmio_read(f, WINDOW, 2), 0x80a5);
	assert_int_equal(mmio_read(f, WINDOW, 1), 0xa5);
	mmio_write(f, WINDOW, 2, 0xffff00b6); /* upper bytes are written 0 */
	assert_int_equal(mmio_read(f, WINDOW, 4), 0xb6);
	assert_int_equal(mmio_read(f, 0x40, 4), 0); /* no EOI register */
}

/* The frame is 0x100 bytes at the base; other addresses are not ours. */
static void frame_bounds(void **state)
{
	struct fixture *f = *state;
	struct virq_access access = {.addr = IOAPIC_BASE - 4, .len = 4};

	assert_int_equal(ioapic_mmio(f->ioapic, &access), -ENODEV);
	access.addr = IOAPIC_BASE + 0x100;
	assert_int_equal(ioapic_mmio(f->ioapic, &access), -ENODEV);
	access.addr = IOAPIC_BASE + 0xfc;
	assert_int_equal(ioapic_mmio(f->ioapic, &access), 0);
	access.len = 8;
	assert_int_equal(ioapic_mmio(f->ioapic, &access), -ENODEV);
}

/* Delivery status and remote IRR are read only; polarity is kept. */
static void rte_read_only_bits(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, 0xffffffff);
	assert_int_equal(low(f, 3), ~(DELIVERY_STATUS | REMOTE_IRR));
	set_low(f, 3, LEVEL | POLARITY | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, LEVEL | MASKED | VECTOR);
	assert_int_equal(low(f, 3), LEVEL | MASKED | REMOTE_IRR | VECTOR);
}

/* The message is what the RTE says. */
static void message_is_decoded_from_rte(void **state)
{
	struct fixture *f = *state;

	reg_write(f, 0x11 + 2 * 7, 0xa5123456);
	set_low(f, 7, LOGICAL | LEVEL | 1 << 8 | 0x93);
	assert_int_equal(line(f, 7, 1), 1);
	assert_int_equal(f->msg.dest, 0xa5);
	assert_int_equal(f->msg.vector, 0x93);
	assert_int_equal(f->msg.mode, X86_DM_LOWEST);
	assert_true(f->msg.logical);
	assert_true(f->msg.level_triggered);
	assert_true(f->msg.assert_level);
	assert_false(f->msg.redirect_hint);
}

/* Polarity is stored and ignored: inputs are logical levels. */
static void polarity_is_ignored(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, POLARITY | VECTOR);
	assert_int_equal(line(f, 3, 0), 1);
	assert_int_equal(f->delivered, 0);
	assert_int_equal(line(f, 3, 1), 1);
	assert_int_equal(f->delivered, 1);
}

/* The answer is the number of targets; level 0 always answers 1. */
static void answer_is_number_of_targets(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, VECTOR);
	f->targets = 3;
	assert_int_equal(line(f, 3, 1), 3);
	assert_int_equal(line(f, 3, 0), 1);
	assert_int_equal(line(f, 3, 0), 1);
	f->targets = -1;
	assert_int_equal(line(f, 3, 1), -1);
}

/* An edge while the line is still up coalesces; after it fell, it does not. */
static void edge_coalesces_while_up(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, VECTOR);
	assert_int_equal(line(f, 3, 1), 1);
	assert_int_equal(line(f, 3, 1), 0);
	assert_int_equal(f->delivered, 1);
	line(f, 3, 0);
	assert_int_equal(line(f, 3, 1), 1);
	assert_int_equal(f->delivered, 2);
}

/* An edge pulse while masked is lost; unmask sends no edge. */
static void masked_edge_is_lost(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, MASKED | VECTOR);
	assert_int_equal(pulse(f, 3), -1);
	assert_int_equal(get_state(f).irr, 0);
	set_low(f, 3, VECTOR);
	assert_int_equal(f->delivered, 0);
	/* Not even with the line still up. */
	set_low(f, 3, MASKED | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, VECTOR);
	assert_int_equal(f->delivered, 0);
}

/* A level pin is serviced at each call; remote IRR then refuses it. */
static void level_is_blocked_by_remote_irr(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(line(f, 3, 1), 1);
	assert_true(low(f, 3) & REMOTE_IRR);
	assert_int_equal(line(f, 3, 1), -1);
	assert_int_equal(f->delivered, 1);
}

/* No target took it (0): remote IRR stays clear, the next call tries again. */
static void level_without_target_is_tried_again(void **state)
{
	struct fixture *f = *state;

	f->targets = 0;
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(line(f, 3, 1), 0);
	assert_false(low(f, 3) & REMOTE_IRR);
	f->targets = 1;
	assert_int_equal(line(f, 3, 1), 1);
}

/* No destination matched (-1) sets remote IRR all the same. */
static void level_without_match_sets_remote_irr(void **state)
{
	struct fixture *f = *state;

	f->targets = -1;
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(line(f, 3, 1), -1);
	assert_true(low(f, 3) & REMOTE_IRR);
}

/* A masked level stays in irr and is sent at unmask. */
static void masked_level_is_sent_at_unmask(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, MASKED | LEVEL | VECTOR);
	assert_int_equal(line(f, 3, 1), -1);
	assert_int_equal(get_state(f).irr, 1 << 3);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->resampled, 1);
	assert_int_equal(f->delivered, 1);
	assert_true(low(f, 3) & REMOTE_IRR);
}

/* With remote IRR set a write to the RTE sends nothing. */
static void unmask_with_remote_irr_sends_nothing(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, MASKED | LEVEL | VECTOR);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->delivered, 1);
	assert_int_equal(f->resampled, 0);
}

/* A pin with a resampler: signal it and clear irr, instead of interrupting. */
static void unmask_with_resampler_asks_instead(void **state)
{
	struct fixture *f = *state;

	f->resampler = true;
	set_low(f, 3, MASKED | LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->resampled, 1);
	assert_int_equal(f->delivered, 0);
	assert_int_equal(get_state(f).irr, 0);
	assert_int_equal(f->acks[3], 0);
	/* The source is not de-asserted, and a new signal gets through. */
	assert_int_equal(
		ioapic_set_irq(f->ioapic, 3, VIRQ_SOURCE_RESAMPLE, 0, false),
		1);
	assert_int_equal(f->delivered, 1);
}

/* A device that signals again from inside the resample is not lost. */
static void signal_inside_resample_is_kept(void **state)
{
	struct fixture *f = *state;

	f->resampler = true;
	f->raise_in_resample = true;
	set_low(f, 3, MASKED | LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->delivered, 1);
	assert_int_equal(get_state(f).irr, 1 << 3);
	assert_true(low(f, 3) & REMOTE_IRR);
}

/* The rule holds for a write to either half of the RTE. */
static void write_of_high_half_services_too(void **state)
{
	struct fixture *f = *state;

	f->targets = 0;
	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	f->targets = 1;
	reg_write(f, 0x11 + 2 * 3, 0x02000000);
	assert_int_equal(f->delivered, 2);
	assert_int_equal(f->msg.dest, 2);
}

/* Written as edge, remote IRR clears: the explicit EOI of old chips. */
static void write_as_edge_clears_remote_irr(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, MASKED | VECTOR);
	assert_int_equal(low(f, 3), MASKED | VECTOR);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->delivered, 2); /* the line is still up */
}

/* EOI: remote IRR clears; the line is still up, so it is sent again. */
static void eoi_reinjects_while_line_is_up(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 2);
	line(f, 3, 0);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 2);
	assert_false(low(f, 3) & REMOTE_IRR);
}

/* A masked pin's EOI clears remote IRR, and unmask sends it again. */
static void eoi_of_masked_pin_waits_for_unmask(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, MASKED | LEVEL | VECTOR);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(low(f, 3), MASKED | LEVEL | VECTOR);
	assert_int_equal(f->delivered, 1);
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->delivered, 2);
}

/* Ack before remote IRR clears: a line lowered there is not sent again. */
static void line_lowered_in_ack_is_not_reinjected(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 3);
	f->lower_in_ack = true;
	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->acks[3], 1);
	assert_int_equal(f->delivered, 1);
}

/* Raised again inside the ack: latched, and sent after it. */
static void line_raised_in_ack_is_sent_after(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 3);
	f->lower_in_ack = true;
	f->raise_in_ack = true;
	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered_at_ack, 1);
	assert_int_equal(f->delivered, 2);
}

/* Directed EOI: the ack runs, remote IRR stays. */
static void directed_eoi_keeps_remote_irr(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 3);
	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, true);
	assert_int_equal(f->acks[3], 1);
	assert_true(low(f, 3) & REMOTE_IRR);
	assert_int_equal(f->delivered, 1);
}

/* EOI of an edge interrupt: the ack runs, nothing is sent again. */
static void edge_eoi_only_acks(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 3);
	set_low(f, 3, VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, false, false);
	assert_int_equal(f->acks[3], 1);
	assert_int_equal(f->delivered, 1);
}

/* A pin with no notifier is not acked. */
static void pin_without_notifier_is_not_acked(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 4);
	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->acks[3], 0);
}

/* Every pin of the vector is completed. */
static void eoi_completes_all_pins_of_vector(void **state)
{
	struct fixture *f = *state;

	set_acks(f, 1 << 3 | 1 << 20 | 1 << 21);
	set_low(f, 3, LEVEL | VECTOR);
	set_low(f, 20, LEVEL | VECTOR);
	set_low(f, 21, LEVEL | (VECTOR + 1));
	line(f, 3, 1);
	line(f, 20, 1);
	line(f, 21, 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->acks[3], 1);
	assert_int_equal(f->acks[20], 1);
	assert_int_equal(f->acks[21], 0);
	assert_int_equal(f->delivered, 5);
}

/*
 * A level interrupt's EOI also repeats an edge that shares its vector, while
 * the line is up: Linux does not ask which of them it was.
 */
static void level_eoi_repeats_a_shared_edge(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	set_low(f, 4, VECTOR);
	line(f, 4, 1);
	pulse(f, 3);
	assert_int_equal(f->delivered, 2);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 3);
	ioapic_eoi(f->ioapic, VECTOR, false, false);
	assert_int_equal(f->delivered, 3);
	line(f, 4, 0);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 3);
}

/* The vector was changed before the EOI: nothing matches, it stays. */
static void eoi_of_old_vector_matches_nothing(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	set_low(f, 3, LEVEL | (VECTOR + 1));
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_true(low(f, 3) & REMOTE_IRR);
	ioapic_eoi(f->ioapic, VECTOR + 1, true, false);
	assert_int_equal(f->delivered, 2);
}

/* The 10,000th re-injection in a row waits 10 ms, and the count restarts. */
static void storm_is_throttled(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	for (int i = 0; i < STORM - 1; i++)
		ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->deferred, 0);
	assert_int_equal(f->delivered, STORM);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->deferred, 1);
	assert_int_equal(f->delay_ns, 10000000);
	assert_int_equal(f->delivered, STORM);
	assert_false(low(f, 3) & REMOTE_IRR);
	ioapic_reinject(f->ioapic);
	assert_int_equal(f->delivered, STORM + 1);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->deferred, 1);
	assert_int_equal(f->delivered, STORM + 2);
}

/* An EOI with the line down ends the row. */
static void quiet_eoi_resets_storm_count(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	for (int row = 0; row < 2; row++) {
		line(f, 3, 1);
		for (int i = 0; i < STORM - 1; i++)
			ioapic_eoi(f->ioapic, VECTOR, true, false);
		line(f, 3, 0);
		ioapic_eoi(f->ioapic, VECTOR, true, false);
	}
	assert_int_equal(f->deferred, 0);
}

static void storm_almost(struct fixture *f)
{
	for (int i = 0; i < STORM - 1; i++)
		ioapic_eoi(f->ioapic, VECTOR, true, false);
}

/* So does an EOI while the pin is masked. */
static void masked_eoi_resets_storm_count(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	storm_almost(f);
	set_low(f, 3, MASKED | LEVEL | VECTOR);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	set_low(f, 3, LEVEL | VECTOR);
	storm_almost(f);
	assert_int_equal(f->deferred, 0);
}

/* And a restored chip starts a new row. */
static void set_state_resets_storm_count(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state s;

	set_low(f, 3, LEVEL | VECTOR);
	line(f, 3, 1);
	storm_almost(f);
	s = get_state(f);
	ioapic_set_state(f->ioapic, &s);
	storm_almost(f);
	assert_int_equal(f->deferred, 0);
}

/* The deferred step serves level pins that are up, unmasked and free only. */
static void reinject_serves_free_level_pins(void **state)
{
	struct fixture *f = *state;

	f->targets = 0;
	set_low(f, 3, LEVEL | VECTOR); /* up and free */
	set_low(f, 4, LEVEL | MASKED | 5); /* masked */
	set_low(f, 5, 6); /* edge */
	set_low(f, 6, LEVEL | 7); /* down */
	line(f, 3, 1);
	line(f, 4, 1);
	line(f, 5, 1);
	f->targets = 1;
	f->delivered = 0;
	ioapic_reinject(f->ioapic);
	assert_int_equal(f->delivered, 1);
	assert_int_equal(f->msg.vector, VECTOR);
	ioapic_reinject(f->ioapic); /* remote IRR is set now */
	assert_int_equal(f->delivered, 1);
}

/* A shared level line is the OR of its sources across an EOI. */
static void line_is_or_of_sources(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | VECTOR);
	ioapic_set_irq(f->ioapic, 3, VIRQ_SOURCE_USERSPACE, 1, false);
	ioapic_set_irq(f->ioapic, 3, VIRQ_SOURCE_RESAMPLE, 1, false);
	ioapic_set_irq(f->ioapic, 3, VIRQ_SOURCE_RESAMPLE, 0, false);
	assert_int_equal(get_state(f).irr, 1 << 3);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 2);
	ioapic_set_irq(f->ioapic, 3, VIRQ_SOURCE_USERSPACE, 0, false);
	ioapic_eoi(f->ioapic, VECTOR, true, false);
	assert_int_equal(f->delivered, 2);
	assert_int_equal(get_state(f).irr, 0);
}

static int tick(struct fixture *f)
{
	int ret = ioapic_set_irq(f->ioapic, RTC_PIN, 0, 1, true);

	ioapic_set_irq(f->ioapic, RTC_PIN, 0, 0, true);
	return ret;
}

/* RTC: a tick is dropped until every vCPU that got the last one did EOI. */
static void rtc_tick_waits_for_all_eois(void **state)
{
	struct fixture *f = *state;

	f->targets = 2;
	set_low(f, RTC_PIN, VECTOR);
	assert_int_equal(tick(f), 2);
	assert_int_equal(tick(f), 0);
	assert_int_equal(f->delivered, 1);
	ioapic_eoi(f->ioapic, VECTOR, false, false);
	assert_int_equal(tick(f), 0);
	ioapic_eoi(f->ioapic, VECTOR, false, false);
	assert_int_equal(tick(f), 2);
}

/* ... but only for calls that want the status, and only on pin 8. */
static void rtc_rule_needs_line_status(void **state)
{
	struct fixture *f = *state;

	set_low(f, RTC_PIN, VECTOR);
	set_low(f, 9, VECTOR + 1);
	assert_int_equal(tick(f), 1);
	assert_int_equal(pulse(f, RTC_PIN), 1);
	assert_int_equal(ioapic_set_irq(f->ioapic, 9, 0, 1, true), 1);
	ioapic_set_irq(f->ioapic, 9, 0, 0, true);
	assert_int_equal(ioapic_set_irq(f->ioapic, 9, 0, 1, true), 1);
	assert_int_equal(tick(f), 0);
}

/* A tick that nobody got is not waited for; a new vector starts afresh. */
static void rtc_wait_ends_without_target_or_vector(void **state)
{
	struct fixture *f = *state;

	f->targets = -1;
	set_low(f, RTC_PIN, VECTOR);
	assert_int_equal(tick(f), -1);
	f->targets = 1;
	assert_int_equal(tick(f), 1);
	set_low(f, RTC_PIN, VECTOR + 1);
	assert_int_equal(tick(f), 1);
}

/* An NMI has no EOI that could be waited for. */
static void rtc_as_nmi_is_not_awaited(void **state)
{
	struct fixture *f = *state;

	set_low(f, RTC_PIN, X86_DM_NMI << 8 | VECTOR);
	assert_int_equal(tick(f), 1);
	assert_int_equal(tick(f), 1);
}

/* EOIs that matter: level pins, the RTC, pins with an ack notifier. */
static void handled_vectors(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, LEVEL | 0x31);
	set_low(f, 4, 0x41);
	set_low(f, 5, 0xff);
	set_low(f, RTC_PIN, 0x51);
	assert_true(ioapic_handles_vector(f->ioapic, 0x31));
	assert_false(ioapic_handles_vector(f->ioapic, 0x41));
	assert_true(ioapic_handles_vector(f->ioapic, 0x51));
	assert_false(ioapic_handles_vector(f->ioapic, 0xff));
	set_acks(f, 1 << 5);
	assert_true(ioapic_handles_vector(f->ioapic, 0xff));
	set_acks(f, 0);
	assert_false(ioapic_handles_vector(f->ioapic, 0xff));
	set_low(f, 3, LEVEL | 0x61);
	assert_false(ioapic_handles_vector(f->ioapic, 0x31));
	assert_true(ioapic_handles_vector(f->ioapic, 0x61));
	set_low(f, 3, 0x61);
	assert_false(ioapic_handles_vector(f->ioapic, 0x61));
}

/* Without a has_ack callback every pin counts, and is acked. */
static void without_has_ack_every_pin_counts(void **state)
{
	struct fixture *f = *state;
	struct ioapic_callbacks cb = callbacks;

	ioapic_destroy(f->ioapic);
	cb.has_ack = NULL;
	f->ioapic = ioapic_create(&cb, f);
	assert_non_null(f->ioapic);
	set_low(f, 4, VECTOR);
	ioapic_scan(f->ioapic);
	assert_true(ioapic_handles_vector(f->ioapic, VECTOR));
	ioapic_eoi(f->ioapic, VECTOR, false, false);
	assert_int_equal(f->acks[4], 1);
}

/* A write tells of the RTE as it now is, before anything is sent by it. */
static void rte_change_is_told_before_delivery(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, MASKED | LEVEL | VECTOR);
	line(f, 3, 1);
	f->rte_changes = 0;
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->rte_changes, 1);
	assert_int_equal(f->rte, LEVEL | VECTOR);
	assert_int_equal(f->delivered_at_rte_changed, 0);
	assert_int_equal(f->delivered, 1);
}

/* A pulse that falls into the telling is sent after it, not lost. */
static void edge_during_rte_change_is_not_lost(void **state)
{
	struct fixture *f = *state;

	f->pulse_in_rte_changed = true;
	set_low(f, 3, VECTOR);
	assert_int_equal(f->delivered_at_rte_changed, 0);
	assert_int_equal(f->delivered, 1);
}

/* A level that came and went in the telling is not sent. */
static void level_gone_during_rte_change_is_not_sent(void **state)
{
	struct fixture *f = *state;

	f->pulse_in_rte_changed = true;
	set_low(f, 3, LEVEL | VECTOR);
	assert_int_equal(f->delivered, 0);
}

/* GET hides an edge that a local APIC has; it shows one that is masked. */
static void get_hides_delivered_edges(void **state)
{
	struct fixture *f = *state;

	set_low(f, 3, VECTOR);
	set_low(f, 4, MASKED | VECTOR);
	set_low(f, 5, LEVEL | VECTOR);
	line(f, 3, 1);
	line(f, 4, 1);
	line(f, 5, 1);
	assert_int_equal(get_state(f).irr, 1 << 4 | 1 << 5);
	/* Raised again while up: that one nobody has seen. */
	assert_int_equal(line(f, 3, 1), 0);
	assert_int_equal(get_state(f).irr, 1 << 3 | 1 << 4 | 1 << 5);
}

/* SET sends again what its irr holds, and what is restored masked waits. */
static void set_state_reinjects(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state s = get_state(f);

	s.redirtbl[3].bits = VECTOR;
	s.redirtbl[4].bits = LEVEL | REMOTE_IRR | (VECTOR + 1);
	s.redirtbl[5].bits = LEVEL | MASKED | (VECTOR + 2);
	s.redirtbl[6].bits = LEVEL | (VECTOR + 3);
	s.irr = 1 << 3 | 1 << 4 | 1 << 5 | 0xff000000;
	s.ioregsel = 0x12;
	s.id = 5;
	f->rte_changes = 0;
	ioapic_set_state(f->ioapic, &s);
	assert_int_equal(f->rte_changes, IOAPIC_NR_PINS);
	assert_int_equal(f->delivered, 1);
	assert_int_equal(f->msg.vector, VECTOR);
	assert_int_equal(get_state(f).irr, 1 << 4 | 1 << 5);
	assert_int_equal(mmio_read(f, SELECT, 4), 0x12);
	assert_int_equal(reg_read(f, 0), 5 << 24);
	ioapic_eoi(f->ioapic, VECTOR + 1, true, false);
	assert_int_equal(f->delivered, 2);
}

/* What goes out comes in again, bit by bit. */
static void state_round_trips(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state s = get_state(f), got;

	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
		s.redirtbl[pin].bits =
			0xf0fffffffffe0000 | MASKED | LEVEL | (0x20 + pin);
	s.irr = 0x00abcdef;
	s.base_address = 0xfec10000;
	ioapic_set_state(f->ioapic, &s);
	got = get_state(f);
	assert_memory_equal(&got, &s, sizeof(s));
}

/* SET forgets the tracked EOI of the RTC. */
static void set_state_resets_rtc(void **state)
{
	struct fixture *f = *state;
	struct kvm_ioapic_state s;

	set_low(f, RTC_PIN, VECTOR);
	assert_int_equal(tick(f), 1);
	s = get_state(f);
	ioapic_set_state(f->ioapic, &s);
	assert_int_equal(tick(f), 1);
}

/* A pin or source that does not exist answers as if masked. */
static void unknown_pin_or_source_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(line(f, 24, 1), -1);
	assert_int_equal(
		ioapic_set_irq(f->ioapic, 3, VIRQ_NR_SOURCES, 1, false), -1);
	assert_int_equal(get_state(f).irr, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reset_masks_every_pin),
		CASE(id_version_and_arbitration),
		CASE(registers_beyond_the_pins),
		CASE(access_sizes),
		CASE(frame_bounds),
		CASE(rte_read_only_bits),
		CASE(message_is_decoded_from_rte),
		CASE(polarity_is_ignored),
		CASE(answer_is_number_of_targets),
		CASE(edge_coalesces_while_up),
		CASE(masked_edge_is_lost),
		CASE(level_is_blocked_by_remote_irr),
		CASE(level_without_target_is_tried_again),
		CASE(level_without_match_sets_remote_irr),
		CASE(masked_level_is_sent_at_unmask),
		CASE(unmask_with_remote_irr_sends_nothing),
		CASE(unmask_with_resampler_asks_instead),
		CASE(signal_inside_resample_is_kept),
		CASE(write_of_high_half_services_too),
		CASE(write_as_edge_clears_remote_irr),
		CASE(eoi_reinjects_while_line_is_up),
		CASE(eoi_of_masked_pin_waits_for_unmask),
		CASE(line_lowered_in_ack_is_not_reinjected),
		CASE(line_raised_in_ack_is_sent_after),
		CASE(directed_eoi_keeps_remote_irr),
		CASE(edge_eoi_only_acks),
		CASE(pin_without_notifier_is_not_acked),
		CASE(eoi_completes_all_pins_of_vector),
		CASE(level_eoi_repeats_a_shared_edge),
		CASE(eoi_of_old_vector_matches_nothing),
		CASE(storm_is_throttled),
		CASE(quiet_eoi_resets_storm_count),
		CASE(masked_eoi_resets_storm_count),
		CASE(set_state_resets_storm_count),
		CASE(reinject_serves_free_level_pins),
		CASE(line_is_or_of_sources),
		CASE(rtc_tick_waits_for_all_eois),
		CASE(rtc_rule_needs_line_status),
		CASE(rtc_wait_ends_without_target_or_vector),
		CASE(rtc_as_nmi_is_not_awaited),
		CASE(handled_vectors),
		CASE(without_has_ack_every_pin_counts),
		CASE(rte_change_is_told_before_delivery),
		CASE(edge_during_rte_change_is_not_lost),
		CASE(level_gone_during_rte_change_is_not_sent),
		CASE(get_hides_delivered_edges),
		CASE(set_state_reinjects),
		CASE(state_round_trips),
		CASE(set_state_resets_rtc),
		CASE(unknown_pin_or_source_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

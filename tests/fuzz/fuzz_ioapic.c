// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IOAPIC: lines, registers, EOIs, notifiers and state in any order, from
 * inside the callbacks too.  Every message must have a request behind it and be
 * what its redirection entry says; the inside must agree with itself.
 */
#include "fuzz.h"
#include <errno.h>
#include <stdlib.h>
#include <virq/routing.h>
#include "irqchip/x86/ioapic_impl.h"

#define NESTING 3
#define STORM 10001
#define NR_VECTORS 256

struct fixture {
	struct ioapic *ioapic;
	struct input in;
	unsigned int depth; /* of operations that callbacks run */
	unsigned int nested; /* those, ever */
	unsigned int delivered;
	unsigned int stormed;
	bool deferred;
	uint32_t has_ack;
	uint32_t may_ack; /* of the EOI in progress */
	uint32_t sent; /* pins, by this operation */
	uint32_t edge_sent; /* pins, of the request that is latched */
	int answer; /* of the last message */
	uint32_t cause; /* pins with a request: raised, and not lowered since */
	/* Restored as no chip could have it: remote IRR on an edge pin. */
	uint32_t odd;
	uint32_t lines[IOAPIC_NR_PINS];
	uint64_t rte[IOAPIC_NR_PINS]; /* without the read-only bits */
	bool restored;
};

static void run_op(struct fixture *f);

static void nested_op(struct fixture *f)
{
	if (f->depth < NESTING && f->in.left && input_u8(&f->in) & 1) {
		f->nested++;
		run_op(f);
	}
}

static int on_deliver(void *opaque, const struct x86_msg *msg)
{
	static const int answers[] = {1, 1, 2, 0, -1};
	struct fixture *f = opaque;
	unsigned int pin = 0;
	uint64_t rte;

	while (pin < IOAPIC_NR_PINS && msg != &f->ioapic->pins[pin].msg)
		pin++;
	HOLDS(pin < IOAPIC_NR_PINS);
	rte = f->rte[pin];
	HOLDS2(f->cause & pin_bit(pin), pin, f->cause);
	HOLDS2(!(rte & RTE_MASKED), pin, rte);
	HOLDS2(!(rte & RTE_LEVEL) ||
		       !(f->ioapic->pins[pin].rte & RTE_REMOTE_IRR),
	       pin, rte);
	HOLDS2(!(f->ioapic->updating & pin_bit(pin)), pin, rte);
	EQUAL(msg->vector, rte & 0xff);
	EQUAL(msg->mode, rte >> 8 & 7);
	EQUAL(msg->logical, rte >> 11 & 1);
	EQUAL(msg->level_triggered, rte >> 15 & 1);
	EQUAL(msg->dest, rte >> 56);
	HOLDS(msg->assert_level && !msg->redirect_hint);
	f->delivered++;
	f->sent |= pin_bit(pin);
	if (!(rte & RTE_LEVEL))
		f->edge_sent |= pin_bit(pin);
	f->answer = answers[input_below(&f->in, 5)];
	return f->answer;
}

static void on_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	HOLDS2(pin < IOAPIC_NR_PINS && f->may_ack >> pin & 1, pin, f->may_ack);
	nested_op(f);
}

static void on_unmasked(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	HOLDS2(pin < IOAPIC_NR_PINS, pin, 0);
	nested_op(f);
}

static bool on_resample(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	HOLDS2(pin < IOAPIC_NR_PINS, pin, 0);
	nested_op(f);
	return input_u8(&f->in) & 1;
}

static bool on_has_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	return f->has_ack >> pin & 1;
}

static void on_rte_changed(void *opaque, unsigned int pin, uint64_t rte)
{
	struct fixture *f = opaque;

	HOLDS2(pin < IOAPIC_NR_PINS, pin, rte);
	nested_op(f);
}

static void on_defer(void *opaque, uint64_t delay_ns)
{
	struct fixture *f = opaque;

	HOLDS(delay_ns);
	f->deferred = true;
}

static void note_line(struct fixture *f, unsigned int pin, unsigned int source,
		      bool level)
{
	if (level)
		f->lines[pin] |= UINT32_C(1) << source;
	else
		f->lines[pin] &= ~(UINT32_C(1) << source);
	/* Gone, or one more on top, which no local APIC has had. */
	f->edge_sent &= ~pin_bit(pin);
	if (f->lines[pin])
		f->cause |= pin_bit(pin);
}

/* What driving @pin to @level answers; nothing nests in it. */
static int expect_line(const struct fixture *f, unsigned int pin, bool level,
		       bool line_status, uint32_t irr, uint64_t rte)
{
	if (!level)
		return 1;
	if (pin == IOAPIC_RTC_PIN && line_status && f->ioapic->rtc_pending)
		return 0;
	if (!(rte & RTE_LEVEL) && irr & pin_bit(pin))
		return 0;
	if (rte & RTE_MASKED || (rte & RTE_LEVEL && rte & RTE_REMOTE_IRR))
		return -1;
	return 2; /* what the message answers, or that it is held back */
}

static void op_line(struct fixture *f)
{
	unsigned int pin = input_below(&f->in, IOAPIC_NR_PINS + 1);
	uint8_t how = input_u8(&f->in);
	unsigned int source = (how >> 2) % (VIRQ_NR_SOURCES + 1);
	bool line_status = how & 1, level = how & 2;
	unsigned int delivered = f->delivered;
	uint32_t irr = f->ioapic->irr;
	int ret, expect;
	uint64_t rte;

	if (pin == IOAPIC_NR_PINS || source == VIRQ_NR_SOURCES) {
		EQUAL(ioapic_set_irq(f->ioapic, pin, source, 1, false), -1);
		EQUAL(ioapic_pulse(f->ioapic, pin, source), -1);
		return;
	}
	rte = f->ioapic->pins[pin].rte;
	note_line(f, pin, source, level);
	expect = expect_line(f, pin, f->lines[pin], line_status, irr, rte);
	ret = ioapic_set_irq(f->ioapic, pin, source, level, line_status);
	if (expect < 2)
		EQUAL(ret, expect);
	else if (f->delivered != delivered)
		EQUAL(ret, f->answer);
	else
		HOLDS2(f->ioapic->held & pin_bit(pin) && ret == 1, pin, ret);
	EQUAL(f->ioapic->pins[pin].sources, f->lines[pin]);
	if (!f->lines[pin])
		HOLDS2(!(f->ioapic->irr & pin_bit(pin)), pin, 0);
	if (f->delivered != delivered && rte & RTE_LEVEL && f->answer)
		HOLDS2(f->ioapic->pins[pin].rte & RTE_REMOTE_IRR, pin, rte);
}

static void op_pulse(struct fixture *f)
{
	unsigned int pin = input_below(&f->in, IOAPIC_NR_PINS);
	unsigned int source = input_below(&f->in, VIRQ_NR_SOURCES);

	note_line(f, pin, source, true);
	ioapic_pulse(f->ioapic, pin, source);
	note_line(f, pin, source, false);
	EQUAL(f->ioapic->pins[pin].sources, f->lines[pin]);
}

static void access_at(struct fixture *f, uint64_t offset, bool write,
		      uint8_t len, uint64_t *data)
{
	struct virq_access access = {
		.addr = f->ioapic->base + offset,
		.len = len,
		.write = write,
		.data = *data,
	};

	EQUAL(ioapic_mmio(f->ioapic, &access),
	      offset + len <= IOAPIC_SIZE ? 0 : -ENODEV);
	*data = access.data;
}

/* What the guest may write of an entry, known before it takes effect. */
static void note_write(struct fixture *f, uint32_t select, uint32_t value)
{
	unsigned int pin = (select - 0x10) / 2;
	unsigned int shift = select & 1 ? 32 : 0;
	uint64_t half = UINT64_C(0xffffffff) << shift;

	if (select < 0x10 || pin >= IOAPIC_NR_PINS)
		return;
	f->rte[pin] = (f->rte[pin] & ~half) | (uint64_t)value << shift;
	f->rte[pin] &= ~RTE_READ_ONLY;
	if (!(f->rte[pin] & RTE_LEVEL))
		f->odd &= ~pin_bit(pin);
}

static void op_rte(struct fixture *f)
{
	uint64_t select = 0x10 + input_below(&f->in, 2 * IOAPIC_NR_PINS);
	uint64_t value = input_u32(&f->in);

	access_at(f, 0x00, true, 4, &select);
	note_write(f, (uint32_t)select, (uint32_t)value);
	access_at(f, 0x10, true, 4, &value);
}

static void op_mmio(struct fixture *f)
{
	static const uint64_t masks[] = {0xff, 0xffff, 0xffffffff, 0xffffffff};
	uint8_t how = input_u8(&f->in);
	uint8_t len = (uint8_t)(1u << (how & 3));
	bool write = how & 4;
	uint64_t offset = how & 8 ? 0x10 : how & 16 ? 0 : input_u16(&f->in);
	uint64_t data = write ? input_u64(&f->in) : UINT64_MAX;

	if (write && offset == 0x10)
		note_write(f, f->ioapic->select,
			   (uint32_t)(data & masks[how & 3]));
	access_at(f, offset, write, len, &data);
	if (!write && offset + len <= IOAPIC_SIZE)
		HOLDS2(!(data & ~masks[how & 3]), data, len);
}

static void op_eoi(struct fixture *f)
{
	uint8_t vector = input_u8(&f->in);
	uint8_t how = input_u8(&f->in);
	bool level = how & 1, directed = (how & 6) == 6;
	unsigned int nested = f->nested, times = 1;
	uint32_t pins, may_ack = f->may_ack;

	/* A pin that is not serviced between them: one storm an input. */
	if (how >= 0xf0 && !f->stormed++)
		times = STORM;
	do {
		pins = f->ioapic->pins_of_vector[vector];
		f->may_ack = pins & f->ioapic->acked;
		f->sent = 0;
		ioapic_eoi(f->ioapic, vector, level, directed);
	} while (--times);
	f->may_ack = may_ack;
	if (f->nested != nested || !level || directed)
		return;
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
		if (pins >> pin & 1 && !(f->sent >> pin & 1) &&
		    !(f->odd >> pin & 1))
			HOLDS2(!(f->ioapic->pins[pin].rte & RTE_REMOTE_IRR),
			       pin, f->ioapic->pins[pin].rte);
}

static void op_scan(struct fixture *f)
{
	f->has_ack = input_u32(&f->in) & IOAPIC_ALL_PINS;
	ioapic_scan(f->ioapic);
	if (f->ioapic->cb.has_ack)
		EQUAL(f->ioapic->acked, f->has_ack);
}

static void restore(struct fixture *f, const struct kvm_ioapic_state *state)
{
	unsigned int nested = f->nested;

	f->restored = true;
	f->cause |= state->irr & IOAPIC_ALL_PINS;
	f->edge_sent &= ~state->irr;
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		uint64_t rte = state->redirtbl[pin].bits;

		f->rte[pin] = rte & ~RTE_READ_ONLY;
		if (!(rte & RTE_LEVEL) && rte & RTE_REMOTE_IRR)
			f->odd |= pin_bit(pin);
		else
			f->odd &= ~pin_bit(pin);
	}
	ioapic_set_state(f->ioapic, state);
	/* What callbacks sent may be pending once more by this state. */
	if (f->nested != nested)
		f->edge_sent = 0;
}

/* A state that was given back is kept, once it has sent what it can. */
static void op_identity(struct fixture *f)
{
	struct kvm_ioapic_state first, second;
	unsigned int nested = f->nested;
	uint32_t seen = f->ioapic->irr & f->edge_sent;

	ioapic_get_state(f->ioapic, &first);
	f->sent = 0;
	restore(f, &first);
	/* An edge that a local APIC has had already is not sent again. */
	if (f->nested == nested)
		HOLDS2(!(f->sent & seen), f->sent, seen);
	ioapic_get_state(f->ioapic, &first);
	f->delivered = 0;
	restore(f, &first);
	ioapic_get_state(f->ioapic, &second);
	if (f->nested == nested && !f->delivered)
		HOLDS(!memcmp(&first, &second, sizeof(first)));
}

static void op_restore(struct fixture *f)
{
	struct kvm_ioapic_state state;
	uint8_t how = input_u8(&f->in);

	if (how & 1) {
		input_bytes(&f->in, &state, sizeof(state));
	} else {
		/* The present one, and one entry changed. */
		ioapic_get_state(f->ioapic, &state);
		state.redirtbl[(how >> 1) % IOAPIC_NR_PINS].bits =
			input_u64(&f->in);
		state.irr = input_u32(&f->in);
	}
	restore(f, &state);
}

static void check_vectors(const struct ioapic *ioapic)
{
	uint64_t handled[NR_VECTORS / 64] = {0};
	uint32_t seen = 0;

	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		uint64_t rte = ioapic->pins[pin].rte;
		uint8_t vector = rte & 0xff;

		HOLDS2(ioapic->pins_of_vector[vector] & pin_bit(pin), pin, rte);
		if (rte & RTE_LEVEL || ioapic->acked & pin_bit(pin) ||
		    pin == IOAPIC_RTC_PIN)
			handled[vector / 64] |= UINT64_C(1) << (vector % 64);
	}
	for (unsigned int v = 0; v < NR_VECTORS; v++) {
		HOLDS2(!(seen & ioapic->pins_of_vector[v]), v, seen);
		seen |= ioapic->pins_of_vector[v];
	}
	EQUAL(seen, IOAPIC_ALL_PINS);
	for (unsigned int i = 0; i < NR_VECTORS / 64; i++)
		EQUAL(ioapic->handled[i], handled[i]);
}

/* Between operations, when no callback is in progress. */
static void check(struct fixture *f)
{
	const struct ioapic *ioapic = f->ioapic;

	EQUAL(ioapic->updating, 0);
	EQUAL(ioapic->held, 0);
	EQUAL(ioapic->irr & ~IOAPIC_ALL_PINS, 0);
	HOLDS2(!(ioapic->irr & ~f->cause), ioapic->irr, f->cause);
	/* What is left of a request: a line that is up, or what is latched. */
	f->cause &= ioapic->irr;
	f->edge_sent &= ioapic->irr;
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		uint64_t rte = ioapic->pins[pin].rte;

		EQUAL(rte & ~RTE_READ_ONLY, f->rte[pin]);
		if (rte & RTE_REMOTE_IRR && !(f->odd >> pin & 1))
			HOLDS2(rte & RTE_LEVEL, pin, rte);
		if (!f->restored)
			HOLDS2(!(rte & RTE_DELIVERY_STATUS), pin, rte);
		if (f->lines[pin])
			f->cause |= pin_bit(pin);
	}
	check_vectors(ioapic);
}

static void run_op(struct fixture *f)
{
	uint8_t op = input_u8(&f->in) % 16;

	f->depth++;
	switch (op) {
	case 0 ... 3: op_line(f); break;
	case 4: op_pulse(f); break;
	case 5 ... 7: op_rte(f); break;
	case 8 ... 9: op_mmio(f); break;
	case 10 ... 12: op_eoi(f); break;
	case 13: op_scan(f); break;
	case 14:
		ioapic_reinject(f->ioapic);
		f->deferred = false;
		break;
	default:
		if (input_u8(&f->in) & 1)
			op_restore(f);
		else
			op_identity(f);
		break;
	}
	f->depth--;
	if (!f->depth)
		check(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f = {.in = {data, size}};
	uint8_t shape = input_u8(&f.in);
	struct ioapic_callbacks callbacks = {
		.deliver = on_deliver,
		.ack = on_ack,
		.unmasked = shape & 4 ? on_unmasked : NULL,
		.resample = on_resample,
		.has_ack = shape & 1 ? on_has_ack : NULL,
		.rte_changed = shape & 2 ? on_rte_changed : NULL,
		.defer = on_defer,
	};

	f.ioapic = ioapic_create(&callbacks, &f);
	HOLDS(f.ioapic);
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
		f.rte[pin] = RTE_MASKED;
	check(&f);
	while (f.in.left)
		run_op(&f);
	ioapic_destroy(f.ioapic);
	return 0;
}

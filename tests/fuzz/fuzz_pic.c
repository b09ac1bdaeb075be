// SPDX-License-Identifier: BSD-3-Clause
/*
 * The 8259 pair: lines, ports, INTACK and state in any order, from inside the
 * callbacks too.  After each operation the pair is compared with the rules of
 * the chip, worked out here pin by pin.
 */
#include "fuzz.h"
#include <errno.h>
#include <stdlib.h>
#include <virq/routing.h>
#include "irqchip/x86/pic_impl.h"

#define NESTING 3
#define BOTH_CHIPS 2

struct fixture {
	struct pic *pic;
	struct input in;
	bool accepted;
	unsigned int depth; /* of operations that callbacks run */
	unsigned int outputs;
	unsigned int nested; /* operations that callbacks ran, ever */
	unsigned int nested_before; /* this operation */
	uint8_t lines[PIC_PINS]; /* who holds each up */
	/* Requests that have a cause: raised, and not taken or lowered since */
	uint8_t cause[BOTH_CHIPS];
	uint16_t raised; /* during this operation */
	bool guest_only; /* no state was restored: the guest's masks hold */
	bool took; /* INTACK or a restore, which set in-service bits */
};

static void run_op(struct fixture *f);

static void nested_op(struct fixture *f)
{
	if (f->depth < NESTING && f->in.left && input_u8(&f->in) & 1) {
		f->nested++;
		run_op(f);
	}
}

static void on_output(void *opaque)
{
	struct fixture *f = opaque;

	f->outputs++;
	nested_op(f);
}

static void on_ack(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	HOLDS2(pin < PIC_PINS, pin, 0);
	if (f->nested == f->nested_before)
		HOLDS2(!(f->pic->chip[pin / CHIP_PINS].isr &
			 bit8(pin % CHIP_PINS)),
		       pin, f->pic->chip[pin / CHIP_PINS].isr);
	nested_op(f);
}

static void on_unmasked(void *opaque, unsigned int pin)
{
	struct fixture *f = opaque;

	HOLDS2(pin < PIC_PINS, pin, 0);
	nested_op(f);
}

static bool on_accepted(void *opaque)
{
	struct fixture *f = opaque;

	return f->accepted;
}

static const struct pic_callbacks callbacks = {
	.output = on_output,
	.ack = on_ack,
	.unmasked = on_unmasked,
	.accepted = on_accepted,
};

/* From the highest priority down: in service stops, a request wins. */
static int expect_request(const struct kvm_pic_state *chip, bool master)
{
	unsigned int isr = chip->isr;

	if (master && chip->special_fully_nested_mode)
		isr &= ~(1u << CASCADE_PIN);
	for (unsigned int i = 0; i < CHIP_PINS; i++) {
		unsigned int pin = (chip->priority_add + i) % CHIP_PINS;

		if (isr >> pin & 1)
			return -1;
		if ((chip->irr & ~chip->imr) >> pin & 1)
			return (int)pin;
	}
	return -1;
}

static void check_output(struct fixture *f)
{
	EQUAL(pic_output(f->pic),
	      expect_request(&f->pic->chip[MASTER], true) >= 0);
}

static int expect_line(const struct kvm_pic_state *chip, unsigned int pin,
		       bool level)
{
	uint8_t bit = bit8(pin);

	if (chip->imr & bit)
		return -1;
	if (level && (!(chip->last_irr & bit) || chip->elcr & bit))
		return !(chip->irr & bit);
	return 1;
}

static void op_line(struct fixture *f)
{
	unsigned int pin = input_below(&f->in, PIC_PINS + 1);
	unsigned int source = input_below(&f->in, VIRQ_NR_SOURCES + 1);
	int level = (int8_t)input_u8(&f->in);
	struct kvm_pic_state *chip;
	unsigned int nested = f->nested;
	bool was_up;
	uint8_t bit;
	int expect;

	if (pin == PIC_PINS || source == VIRQ_NR_SOURCES) {
		EQUAL(pic_set_irq(f->pic, pin, source, level), -1);
		return;
	}
	chip = &f->pic->chip[pin / CHIP_PINS];
	bit = bit8(pin % CHIP_PINS);
	if (level)
		f->lines[pin] |= bit8(source);
	else
		f->lines[pin] &= (uint8_t)~bit8(source);
	was_up = f->lines[pin];
	if (was_up) {
		f->cause[pin / CHIP_PINS] |= bit;
		f->raised |= (uint16_t)(1u << pin);
	}
	expect = expect_line(chip, pin % CHIP_PINS, was_up);
	EQUAL(pic_set_irq(f->pic, pin, source, level), expect);
	if (f->nested != nested)
		return;
	EQUAL(f->pic->sources[pin], f->lines[pin]);
	if (pin != CASCADE_PIN)
		EQUAL(!!(chip->last_irr & bit), was_up);
	if (chip->elcr & bit && pin != CASCADE_PIN) {
		EQUAL(!!(chip->irr & bit), was_up);
		if (!was_up)
			f->cause[pin / CHIP_PINS] &= (uint8_t)~bit;
	}
	check_output(f);
}

static void op_intack(struct fixture *f)
{
	struct kvm_pic_state *chip = f->pic->chip;
	unsigned int nested = f->nested, outputs = f->outputs, c = MASTER;
	int pin = expect_request(&chip[MASTER], true);
	uint8_t base, bit;

	f->raised = 0;
	f->took = true;
	if (pin == CASCADE_PIN) {
		c = SLAVE;
		pin = expect_request(&chip[SLAVE], false);
	}
	base = chip[c].irq_base;
	bit = bit8(pin < 0 ? SPURIOUS_PIN : (unsigned int)pin);
	EQUAL(pic_intack(f->pic),
	      (uint8_t)(base + (pin < 0 ? SPURIOUS_PIN : pin)));
	/* INTACK takes the output down: what is left is a new rise. */
	HOLDS(f->outputs != outputs || !pic_output(f->pic));
	if (f->nested != nested)
		return;
	check_output(f);
	if (pin >= 0) {
		EQUAL(!!(chip[c].isr & bit), !chip[c].auto_eoi);
		if (!(chip[c].elcr & bit) &&
		    !(f->raised >> (c * CHIP_PINS + (unsigned int)pin) & 1))
			f->cause[c] &= (uint8_t)~bit;
	}
}

static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};

static void op_pio(struct fixture *f, bool write)
{
	unsigned int index = input_below(&f->in, sizeof(ports) / 2 + 1);
	bool known = index < sizeof(ports) / 2;
	uint8_t how = input_u8(&f->in);
	unsigned int nested = f->nested;
	struct virq_access access = {
		.addr = known ? ports[index] : input_u16(&f->in),
		.len = how < 0xf0 ? 1 : (uint8_t)(1u << (how & 3)),
		.write = write,
		.data = input_u8(&f->in) | ~UINT64_C(0xff),
	};
	int ret;

	for (unsigned int i = 0; !known && i < sizeof(ports) / 2; i++)
		known = access.addr == ports[i];
	ret = pic_pio(f->pic, &access);
	/* The ports come in pairs, and an access stays in one. */
	known = known && (access.addr & 1) + access.len <= 2;
	EQUAL(ret, known ? 0 : -ENODEV);
	if (ret || f->nested != nested)
		return;
	if (!write)
		HOLDS2(!(access.data >> (access.len == 1 ? 8 : 0)), access.data,
		       access.len);
}

static void get_both(struct fixture *f, struct kvm_pic_state *states)
{
	pic_get_state(f->pic, MASTER, &states[MASTER]);
	pic_get_state(f->pic, SLAVE, &states[SLAVE]);
}

static void set_both(struct fixture *f, const struct kvm_pic_state *states)
{
	for (unsigned int c = BOTH_CHIPS; c--;) {
		f->cause[c] |= states[c].irr;
		pic_set_state(f->pic, c, &states[c]);
	}
}

/* A state that was given back is kept, once its cascade has settled. */
static void op_identity(struct fixture *f)
{
	struct kvm_pic_state first[BOTH_CHIPS], second[BOTH_CHIPS];
	unsigned int nested = f->nested;

	f->took = true; /* what callbacks do in between is undone */
	get_both(f, first);
	/* Twice: a device may hold the cascade's line up. */
	set_both(f, first);
	get_both(f, first);
	set_both(f, first);
	get_both(f, first);
	set_both(f, first);
	get_both(f, second);
	if (f->nested == nested)
		HOLDS(!memcmp(first, second, sizeof(first)));
}

static void op_restore(struct fixture *f)
{
	unsigned int c = input_below(&f->in, BOTH_CHIPS);
	unsigned int nested = f->nested;
	struct kvm_pic_state state;

	input_bytes(&f->in, &state, sizeof(state));
	f->guest_only = false;
	f->took = true;
	f->cause[c] = state.irr;
	pic_set_state(f->pic, c, &state);
	if (f->nested == nested)
		check_output(f);
}

static void run_op(struct fixture *f)
{
	uint8_t op = input_u8(&f->in) % 16;
	uint8_t isr[BOTH_CHIPS] = {f->pic->chip[MASTER].isr,
				   f->pic->chip[SLAVE].isr};
	bool was_high = pic_output(f->pic);
	unsigned int outputs = f->outputs;

	if (!f->depth) {
		f->took = false;
		f->nested_before = f->nested;
	}
	f->depth++;
	switch (op) {
	case 0 ... 4: op_line(f); break;
	case 5 ... 9: op_pio(f, true); break;
	case 10 ... 11: op_pio(f, false); break;
	case 12 ... 13: op_intack(f); break;
	case 14: f->accepted = !f->accepted; break;
	default:
		if (input_u8(&f->in) & 1)
			op_restore(f);
		else
			op_identity(f);
		break;
	}
	f->depth--;

	if (pic_output(f->pic) && !was_high)
		HOLDS(f->outputs != outputs);
	if (f->depth)
		return;
	for (unsigned int c = 0; c < BOTH_CHIPS; c++) {
		const struct kvm_pic_state *chip = &f->pic->chip[c];
		uint8_t cause = f->cause[c];

		if (c == MASTER)
			cause |= bit8(CASCADE_PIN);
		HOLDS2(!(chip->irr & ~cause), chip->irr, cause);
		if (!f->took)
			HOLDS2(!(chip->isr & ~isr[c]), chip->isr, isr[c]);
		if (f->guest_only) {
			HOLDS2(!(chip->elcr & ~chip->elcr_mask), chip->elcr, c);
			HOLDS2(!(chip->irq_base & 7), chip->irq_base, c);
			HOLDS2(chip->priority_add < 8, chip->priority_add, c);
			HOLDS2(chip->init_state < 4, chip->init_state, c);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture f = {
		.in = {data, size},
		.accepted = true,
		.guest_only = true,
	};

	f.pic = pic_create(&callbacks, &f);
	HOLDS(f.pic);
	while (f.in.left)
		run_op(&f);
	pic_destroy(f.pic);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The 8259 pair: lines in, priority, the output, and INTACK.
 *
 * One lock, pic->lock, innermost; every callback runs with it dropped.
 */
#include "pic_impl.h"
#include <stdlib.h>

/* Pins 0, 1, 2, 8 and 13 are edge triggered on every PC. */
#define ELCR_MASK_MASTER 0xf8
#define ELCR_MASK_SLAVE 0xde

void pic_unlock(struct pic *pic)
{
	bool rose = pic->rose;

	pic->rose = false;
	spin_unlock(&pic->lock);
	if (rose)
		pic->cb.output(pic->opaque);
}

/* Call @fn for each of @pins with the lock dropped. */
static void tell(struct pic *pic, unsigned int pins,
		 void (*fn)(void *opaque, unsigned int pin))
{
	if (!pins || !fn)
		return;
	pic_unlock(pic);
	for (; pins; pins &= pins - 1)
		fn(pic->opaque, (unsigned int)__builtin_ctz(pins));
	spin_lock(&pic->lock);
}

void pic_ack(struct pic *pic, uint16_t pins)
{
	tell(pic, pins, pic->cb.ack);
}

void pic_unmasked(struct pic *pic, unsigned int c, uint8_t pins)
{
	tell(pic, (unsigned int)pins << (c * CHIP_PINS), pic->cb.unmasked);
}

/* Drive one input; -1 masked, 0 still pending, 1 taken. */
static int chip_set_pin(struct kvm_pic_state *chip, unsigned int pin,
			bool level)
{
	uint8_t bit = bit8(pin);
	int ret = 1;

	if (level) {
		bool rising = !(chip->last_irr & bit);

		if (rising || (chip->elcr & bit)) {
			ret = !(chip->irr & bit);
			chip->irr |= bit;
		}
		chip->last_irr |= bit;
	} else {
		/* An edge stays latched when its line drops, a level not. */
		if (chip->elcr & bit)
			chip->irr &= (uint8_t)~bit;
		chip->last_irr &= (uint8_t)~bit;
	}
	return (chip->imr & bit) ? -1 : ret;
}

int pic_request(const struct pic *pic, unsigned int c)
{
	const struct kvm_pic_state *chip = &pic->chip[c];
	unsigned int wanted, serving, isr = chip->isr;

	/*
	 * Special fully nested mode: a slave in service does not keep its own
	 * higher pins from interrupting.
	 */
	if (c == MASTER && chip->special_fully_nested_mode)
		isr &= ~(1u << CASCADE_PIN);
	wanted = chip_by_priority(chip, chip->irr & (uint8_t)~chip->imr);
	serving = chip_by_priority(chip, isr);
	/* Isolate the lowest bits: only strictly above what is in service. */
	if (!wanted || (serving && (wanted & -wanted) >= (serving & -serving)))
		return -1;
	return (int)chip_first(chip, wanted);
}

static bool pic_output_locked(const struct pic *pic)
{
	/* Relaxed: written only under the lock, which the caller holds. */
	return atomic_load_explicit(&pic->output, memory_order_relaxed);
}

void pic_update(struct pic *pic)
{
	bool high;

	if (pic_request(pic, SLAVE) >= 0) {
		chip_set_pin(&pic->chip[MASTER], CASCADE_PIN, true);
		chip_set_pin(&pic->chip[MASTER], CASCADE_PIN, false);
	}
	high = pic_request(pic, MASTER) >= 0;
	if (high == pic_output_locked(pic))
		return;
	if (high)
		pic->rose = true;
	/* Release: pairs with the acquire in pic_output(). */
	atomic_store_explicit(&pic->output, high, memory_order_release);
}

int pic_set_irq(struct pic *pic, unsigned int pin, unsigned int source_id,
		int level)
{
	int ret;

	if (pin >= PIC_PINS || source_id >= VIRQ_NR_SOURCES)
		return -1;
	spin_lock(&pic->lock);
	if (level)
		pic->sources[pin] |= bit8(source_id);
	else
		pic->sources[pin] &= (uint8_t)~bit8(source_id);
	ret = chip_set_pin(&pic->chip[pin / CHIP_PINS], pin % CHIP_PINS,
			   pic->sources[pin]);
	pic_update(pic);
	pic_unlock(pic);
	return ret;
}

bool pic_output(const struct pic *pic)
{
	/* Acquire: pairs with the release in pic_update(). */
	return atomic_load_explicit(&pic->output, memory_order_acquire);
}

/* The CPU takes @pin of chip @c; the pins that are thereby completed. */
static uint16_t chip_intack(struct pic *pic, unsigned int c, unsigned int pin)
{
	struct kvm_pic_state *chip = &pic->chip[c];
	uint8_t bit = bit8(pin);

	if (!(chip->elcr & bit))
		chip->irr &= (uint8_t)~bit;
	chip->isr |= bit;
	if (!chip->auto_eoi)
		return 0;
	if (chip->rotate_on_auto_eoi)
		chip->priority_add = (pin + 1) & 7u;
	chip->isr &= (uint8_t)~bit;
	return acked_pin(c, pin);
}

int pic_intack(struct pic *pic)
{
	unsigned int c = MASTER;
	uint16_t acked = 0;
	uint8_t vector;
	int pin;

	spin_lock(&pic->lock);
	pin = pic_request(pic, MASTER);
	if (pin == CASCADE_PIN) {
		acked |= chip_intack(pic, MASTER, CASCADE_PIN);
		c = SLAVE;
		pin = pic_request(pic, SLAVE);
	}
	if (pin >= 0)
		acked |= chip_intack(pic, c, (unsigned int)pin);
	else
		pin = SPURIOUS_PIN; /* the request has gone meanwhile */
	vector = (uint8_t)(pic->chip[c].irq_base + pin);
	pic_ack(pic, acked);
	pic_update(pic);
	/* INTACK takes the output down: what is left is a new rise. */
	pic->rose = pic_output_locked(pic);
	pic_unlock(pic);
	return vector;
}

struct pic *pic_create(const struct pic_callbacks *cb, void *opaque)
{
	struct pic *pic = calloc(1, sizeof(*pic));

	if (!pic)
		return NULL;
	spin_init(&pic->lock);
	atomic_init(&pic->output, false);
	pic->chip[MASTER].elcr_mask = ELCR_MASK_MASTER;
	pic->chip[SLAVE].elcr_mask = ELCR_MASK_SLAVE;
	pic->cb = *cb;
	pic->opaque = opaque;
	return pic;
}

void pic_destroy(struct pic *pic)
{
	free(pic);
}

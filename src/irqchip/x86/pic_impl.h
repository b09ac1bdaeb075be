/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the 8259 pair, shared by its pins (pic.c) and its ports
 * (pic_regs.c).  Everything but `output` is under pic->lock.
 */
#ifndef VIRQ_X86_PIC_IMPL_H
#define VIRQ_X86_PIC_IMPL_H

#include "pic.h"
#include <virq/routing.h>
#include "core/spinlock.h"

#define CHIP_PINS 8
#define PIC_PINS 16
#define MASTER KVM_IRQCHIP_PIC_MASTER
#define SLAVE KVM_IRQCHIP_PIC_SLAVE
#define CASCADE_PIN 2
#define SPURIOUS_PIN 7

struct pic {
	struct spinlock lock;
	atomic_bool output;
	bool rose; /* the output rose under this hold of the lock */
	struct kvm_pic_state chip[2];
	uint8_t sources[PIC_PINS]; /* who holds each line up */
	struct pic_callbacks cb;
	void *opaque;
};

_Static_assert(VIRQ_NR_SOURCES <= 8, "a byte of sources a pin");

static inline uint8_t bit8(unsigned int pin)
{
	return (uint8_t)(1u << pin);
}

static inline uint16_t acked_pin(unsigned int chip, unsigned int pin)
{
	return (uint16_t)(1u << (chip * CHIP_PINS + pin));
}

/* Turn @pins so that bit 0 is the pin of highest priority. */
static inline unsigned int chip_by_priority(const struct kvm_pic_state *chip,
					    unsigned int pins)
{
	unsigned int first = chip->priority_add & 7u;

	return ((pins >> first) | (pins << (CHIP_PINS - first))) & 0xffu;
}

static inline unsigned int chip_first(const struct kvm_pic_state *chip,
				      unsigned int by_priority)
{
	return ((unsigned int)__builtin_ctz(by_priority) + chip->priority_add) &
	       7u;
}

/* The pin that chip @c asks service for, or -1. */
int pic_request(const struct pic *pic, unsigned int c);
/* Re-evaluate the cascade and the output. */
void pic_update(struct pic *pic);
/* Run the ack callbacks of @pins (bit per pin 0..15) with the lock dropped. */
void pic_ack(struct pic *pic, uint16_t pins);
/* The same for the pins that chip @c no longer masks. */
void pic_unmasked(struct pic *pic, unsigned int c, uint8_t pins);
/* Drop the lock; tell of a risen output. */
void pic_unlock(struct pic *pic);

#endif

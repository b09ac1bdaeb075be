/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 8259 pair, as KVM models it.  Used by the back ends "x86" and "split".
 *
 * Every call is for any thread; one lock inside, never held over a callback.
 */
#ifndef VIRQ_X86_PIC_H
#define VIRQ_X86_PIC_H

#include <virq/irqchip.h>

struct pic;

struct pic_callbacks {
	/* The output to the CPU has risen: wake a vCPU that takes ExtINT. */
	void (*output)(void *opaque);
	/* The in-service bit of @pin (0..15) was cleared (EOI). */
	void (*ack)(void *opaque, unsigned int pin);
	/* The guest unmasked @pin.  Optional. */
	void (*unmasked)(void *opaque, unsigned int pin);
	/* Is there a vCPU that accepts PIC interrupts now?  For ICW1. */
	bool (*accepted)(void *opaque);
};

struct pic *pic_create(const struct pic_callbacks *cb, void *opaque);
void pic_destroy(struct pic *pic);

/* -1 masked, 0 coalesced, 1 taken. */
int pic_set_irq(struct pic *pic, unsigned int pin, unsigned int source_id,
		int level);
/* Is the output to the CPU high?  One load, no lock. */
bool pic_output(const struct pic *pic);
/* INTACK: the vector; spurious ones included. */
int pic_intack(struct pic *pic);
/* Ports 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1; else -ENODEV. */
int pic_pio(struct pic *pic, struct virq_access *access);

/* @chip: KVM_IRQCHIP_PIC_MASTER or _SLAVE. */
void pic_get_state(struct pic *pic, unsigned int chip,
		   struct kvm_pic_state *state);
void pic_set_state(struct pic *pic, unsigned int chip,
		   const struct kvm_pic_state *state);
/* Derive the cascade and the output from the requests anew. */
void pic_refresh(struct pic *pic);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What "x86" and "split" have in common: an 8259 pair and an IOAPIC of ours.
 *
 * A chip of theirs begins with struct pic_ioapic and gives itself as `opaque`
 * to pic_create() and ioapic_create(), so that the callbacks below fit.
 */
#ifndef VIRQ_X86_PIC_IOAPIC_H
#define VIRQ_X86_PIC_IOAPIC_H

#include "ioapic.h"
#include "pic.h"
#include "state.h"

struct pic_ioapic {
	struct x86_irqchip x86;
	struct pic *pic;
	struct ioapic *ioapic;
};

/* For struct pic_callbacks and struct ioapic_callbacks: to the core's books. */
void pic_ioapic_pic_ack(void *opaque, unsigned int pin);
void pic_ioapic_ack(void *opaque, unsigned int pin);
void pic_ioapic_pic_unmasked(void *opaque, unsigned int pin);
void pic_ioapic_unmasked(void *opaque, unsigned int pin);
bool pic_ioapic_resample(void *opaque, unsigned int pin);
bool pic_ioapic_has_ack(void *opaque, unsigned int pin);

/* A decoded route to a pin (gsi.h): how to drive it. */
void pic_ioapic_route(struct virq_route *route);

/*
 * For struct x86_state_ops.  Requests that a restored state holds are injected,
 * inside an RCU read-side section.
 */
int pic_ioapic_get_irqchip(struct virq_irqchip *chip,
			   struct kvm_irqchip *state);
int pic_ioapic_set_irqchip(struct virq_irqchip *chip,
			   const struct kvm_irqchip *state);

#endif

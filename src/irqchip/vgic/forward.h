/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarded interrupts: an SPI that is mapped to a physical interrupt.  The
 * guest's deactivation of the one deactivates the other, and nothing of the
 * host comes between.
 *
 * The physical interrupt of a user-space device is a level and no state of its
 * own: it is active while the virtual one is pending or active, so the two
 * cannot get apart, whatever is written to registers or restored.  What there
 * is of it is in the state word, under the lock of the interrupt's home:
 *
 *   IRQ_HW          it is mapped
 *   IRQ_HW_LINE     the device's line is up, as its producer told last
 *   IRQ_HW_SHARED   somebody else (KVM_IRQ_LINE, another irqfd) holds it up
 *   IRQ_LINE        it is pending by either
 *
 *                        device      others      taken       completed
 *   IRQ_HW_LINE          := level                            := 0, ask again
 *   IRQ_HW_SHARED                    := level
 *   IRQ_LINE             := level *  := level *  := 0        := SHARED, acked
 *
 *   * up only while it is not active: never pending and active together, by
 *     the device; down only when the other does not hold it up
 *
 * A producer tells its level again whenever the guest has completed the
 * interrupt (virq/bypass.h), so what it told in between needs no memory.
 *
 * Linux ignores others on an interrupt that has an owner; there nobody can bind
 * an irqfd to one.  Here a line may be shared with a device that knows nothing
 * of forwarding: if others held it up, its completion is told by the ack
 * notifiers, too.
 *
 * The configuration is looked at when something happens, not when it is mapped:
 * all SPIs begin edge-triggered, and guests choose later.  For one that is
 * edge-triggered, becoming active is an edge, as in hardware.
 */
#ifndef VIRQ_VGIC_FORWARD_H
#define VIRQ_VGIC_FORWARD_H

#include "vgic.h"

/* An SPI that is, or was once, mapped.  There until the VM is closed. */
struct vgic_forward {
	struct virq_forward base;
	struct vgic_irq *irq;
	/* Whose it is; NULL: nobody's.  Read under RCU. */
	_Atomic(struct virq_bypass_producer *) owner;
};

/*
 * Changes of the state word of an interrupt with IRQ_HW; the new word.  With
 * the lock of its home, between vgic_irq_lock() and vgic_irq_unlock().
 */

/*
 * What is pending is what the lines tell now.  For who has cleared pending or
 * active, changed the configuration, or found in a list register that the guest
 * did not take it: Linux looks at the physical line then, and where it is up
 * clears the physical active state, so that it fires again.
 */
static inline unsigned int vgic_forward_sample(unsigned int state)
{
	if (state & IRQ_ACTIVE)
		return state;
	if (!(state & IRQ_LEVEL))
		return state & IRQ_HW_LINE ? state | IRQ_LATCH : state;
	return state & (IRQ_HW_LINE | IRQ_HW_SHARED) ? state | IRQ_LINE
						     : state & ~IRQ_LINE;
}

static inline unsigned int
vgic_forward_lower(unsigned int state, unsigned int mine, unsigned int other)
{
	state &= ~mine;
	return state & other ? state : state & ~IRQ_LINE;
}

/* The device's line. */
static inline unsigned int vgic_forward_device(unsigned int state, bool level)
{
	if (!level)
		return vgic_forward_lower(state, IRQ_HW_LINE, IRQ_HW_SHARED);
	/* The edge was when it rose, and a list register may have it. */
	if (state & IRQ_HW_LINE && !(state & IRQ_LEVEL))
		return state;
	return vgic_forward_sample(state | IRQ_HW_LINE);
}

/* The line as all others see it: vgic_irq_inject(). */
static inline unsigned int vgic_forward_others(unsigned int state, bool level)
{
	if (!level)
		return vgic_forward_lower(state, IRQ_HW_SHARED, IRQ_HW_LINE);
	if (!(state & IRQ_LEVEL))
		return state | IRQ_LATCH;
	return vgic_forward_sample(state | IRQ_HW_SHARED);
}

/* The guest has taken it: it became active, or went into a list register. */
static inline unsigned int vgic_forward_taken(unsigned int state)
{
	return state & ~(unsigned int)IRQ_LINE;
}

/*
 * The guest has deactivated it, by EOI, DIR, ICACTIVER or a list register.
 * vgic_forward_deactivated() must follow, without the lock.
 */
static inline unsigned int vgic_forward_done(unsigned int state)
{
	/* A level is not remembered; what a guest set by ISPENDR is over. */
	if (state & IRQ_LEVEL)
		state &= ~(unsigned int)IRQ_LATCH;
	return state & ~(unsigned int)(IRQ_ACTIVE | IRQ_HW_LINE);
}

/*
 * What a guest reads in ISPENDR of a level-triggered one: the line, as Linux
 * reads it at the physical interrupt, not what is pending.
 */
static inline bool vgic_forward_line(unsigned int state)
{
	return state & (IRQ_HW_LINE | IRQ_HW_SHARED);
}

/*
 * vgic_forward_map - @intid belongs to @owner; *@forward is how it tells its
 * line.  @hwintid, an SPI or PPI of the host, goes into list registers beside
 * the HW bit; 0: there is none, list registers ask for maintenance at EOI.
 *
 * -EAGAIN  the controller is not initialised
 * -EINVAL  @intid is no SPI (an LPI has no active state, an SGI no line), or
 *          @hwintid can be no physical interrupt
 * -EINVAL  it is @owner's, with another @hwintid; the same again is 0
 * -EEXIST  it is somebody else's
 * -ENOMEM
 *
 * vgic_forward_unmap - it is nobody's: what the device held up falls, and an
 * interrupt that the guest is handling is completed by the ack notifiers.  The
 * owner may be called until a grace period is over (virq/bypass.h).  What is
 * not @owner's is left alone.
 *
 * Both with the VM's routing mutex held, or before anybody else knows the VM.
 */
int vgic_forward_map(struct vgic *vgic, uint32_t intid, uint32_t hwintid,
		     struct virq_bypass_producer *owner,
		     const struct virq_forward **forward);
void vgic_forward_unmap(struct vgic *vgic, uint32_t intid,
			struct virq_bypass_producer *owner);

/* The end of the VM: free what mapping made. */
void vgic_forward_destroy(struct vgic *vgic);

/*
 * The back end's hooks (virq/irqchip.h).  A producer that can be forwarded is,
 * where its route is an SPI that nobody else owns, resample irqfd or not; then
 * the resamplefd is not signalled, nor needed.  One that can post does, to SPIs
 * and LPIs alike, by what a plain irqfd does; a resample irqfd cannot be
 * posted.
 *
 * vgic_bypass_retry - who found an interrupt owned is forwarded to it now, the
 * first of them, if its owner has left: disconnected, or by a new table, where
 * it may be one of those who come after.
 */
struct virq_irqfd *vgic_irqfd_alloc(struct virq_irqchip *chip);
void vgic_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
int vgic_bypass_add_producer(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd,
			     const struct virq_route *route);
void vgic_bypass_retry(struct virq_irqchip *chip);
void vgic_bypass_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			const struct virq_route *old_route,
			const struct virq_route *new_route);
void vgic_bypass_del_producer(struct virq_irqchip *chip,
			      struct virq_irqfd *irqfd);

#endif

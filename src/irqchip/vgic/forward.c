// SPDX-License-Identifier: BSD-3-Clause
/*
 * Mapping an SPI to a physical interrupt, and what the device and the guest
 * tell each other by it.  forward.h has the states.
 *
 * Locks: the home of the interrupt, for its state word.  map and unmap are
 * serialised by the VM's routing mutex.  The owner is called, and acks are
 * told, with no lock held, inside an RCU read-side section, whose end the
 * owner's unregistration waits for.
 */
#include "forward.h"
#include "queue.h"
#include "core/rcu.h"

#include <errno.h>
#include <stdlib.h>
#include <virq/irqchip.h>

static struct vgic_forward *irq_forward(const struct vgic_irq *irq)
{
	/* Acquire: pairs with forward_make(); what it leads to is there. */
	return atomic_load_explicit(&irq->forward, memory_order_acquire);
}

/* virq_forward.set_level */
static int forward_set_level(const struct virq_forward *base, bool level)
{
	const struct vgic_forward *forward = (const struct vgic_forward *)base;
	struct vgic_irq *irq = forward->irq;
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int was = vgic_irq_state(irq);
	unsigned int is = was;

	/* It may have been unmapped a moment ago. */
	if (was & IRQ_HW) {
		is = vgic_forward_device(was, level);
		irq_set_state(irq, is);
	}
	vgic_irq_unlock(irq, home);
	return vgic_state_pending(was) != level &&
	       vgic_state_pending(is) == level;
}

static struct vgic_forward *forward_make(struct vgic_irq *irq)
{
	struct vgic_forward *forward = irq_forward(irq);

	if (forward)
		return forward;
	forward = calloc(1, sizeof(*forward));
	if (!forward)
		return NULL;
	forward->base.set_level = forward_set_level;
	forward->irq = irq;
	/* Release: pairs with irq_forward(). */
	atomic_store_explicit(&irq->forward, forward, memory_order_release);
	return forward;
}

static struct vgic_irq *find_spi(const struct vgic *vgic, uint32_t intid)
{
	if (intid < VGIC_NR_PRIVATE || intid >= VGIC_MAX_IRQS)
		return NULL;
	return vgic_irq_get(vgic, NULL, intid);
}

int vgic_forward_map(struct vgic *vgic, uint32_t intid, uint32_t hwintid,
		     struct virq_bypass_producer *owner,
		     const struct virq_forward **out)
{
	struct virq_bypass_producer *present;
	struct vgic_forward *forward;
	struct vgic_irq *irq;
	struct vgic_cpu *home;
	unsigned int state;

	if (vgic_state(vgic) < VGIC_INITIALIZED)
		return -EAGAIN;
	irq = find_spi(vgic, intid);
	/* A list register has ten bits for it; an SGI is never physical. */
	if (!irq || hwintid >= VGIC_MAX_IRQS ||
	    (hwintid && hwintid < VGIC_NR_SGIS))
		return -EINVAL;
	forward = forward_make(irq);
	if (!forward)
		return -ENOMEM;
	present = atomic_load(&forward->owner);
	if (present && present != owner)
		return -EEXIST;
	if (present && irq->hwintid != hwintid)
		return -EINVAL;
	*out = &forward->base;
	if (present)
		return 0;
	/* Before IRQ_HW: who completes it from then on finds the owner. */
	atomic_store(&forward->owner, owner);
	home = vgic_irq_lock(irq);
	irq->hwintid = hwintid;
	state = vgic_irq_state(irq) | IRQ_HW;
	/* Whoever holds the line up now is another to us. */
	if (state & IRQ_LINE)
		state |= IRQ_HW_SHARED;
	/* One that the guest is handling is not pending as well. */
	if (state & IRQ_ACTIVE)
		state = vgic_forward_taken(state);
	irq_set_state(irq, state);
	forward->base.vcpu = irq->target ? irq->target->vcpu : NULL;
	vgic_irq_unlock(irq, home);
	return 0;
}

void vgic_forward_unmap(struct vgic *vgic, uint32_t intid,
			struct virq_bypass_producer *owner)
{
	struct vgic_irq *irq = find_spi(vgic, intid);
	struct vgic_forward *forward = irq ? irq_forward(irq) : NULL;
	struct vgic_cpu *home;
	unsigned int state;

	if (!forward || atomic_load(&forward->owner) != owner)
		return;
	home = vgic_irq_lock(irq);
	state = vgic_irq_state(irq);
	/* An active one with others on it keeps their level, too. */
	if (state & IRQ_HW_SHARED)
		state |= IRQ_LINE;
	else
		state &= ~(unsigned int)IRQ_LINE;
	irq_set_state(irq, state & ~(unsigned int)(IRQ_HW | IRQ_HW_LINE |
						   IRQ_HW_SHARED));
	irq->hwintid = 0;
	vgic_irq_unlock(irq, home);
	/*
	 * After IRQ_HW: a completion that was seen with it, by now or not, is
	 * told to the owner, or finds none and is acked.  Never to neither.
	 */
	atomic_store(&forward->owner, NULL);
}

void vgic_forward_deactivated(struct vgic_irq *irq)
{
	struct vgic_forward *forward = irq_forward(irq);
	struct virq_bypass_producer *owner = NULL;
	struct vgic_cpu *home;
	bool shared;

	rcu_lock();
	if (forward)
		owner = atomic_load(&forward->owner);
	shared = vgic_irq_state(irq) & IRQ_HW_SHARED;
	if (shared || !owner)
		irq_ack(irq);
	if (shared) {
		/* Those whom the ack did not make let go hold it up still. */
		home = vgic_irq_lock(irq);
		if (vgic_irq_state(irq) & IRQ_HW)
			irq_set_state(irq,
				      vgic_forward_sample(vgic_irq_state(irq)));
		vgic_irq_unlock(irq, home);
	}
	if (owner)
		owner->deactivated(owner);
	rcu_unlock();
}

void vgic_forward_destroy(struct vgic *vgic)
{
	if (!vgic->spis)
		return;
	for (uint32_t i = 0; i < vgic->nr_irqs - VGIC_NR_PRIVATE; i++)
		free(irq_forward(&vgic->spis[i]));
}

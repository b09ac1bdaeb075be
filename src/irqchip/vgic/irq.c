// SPDX-License-Identifier: BSD-3-Clause
/*
 * The state model of one interrupt.
 *
 * Locks: the home's (vgic.h), one at a time.  A record that moves is for a
 * moment in no queue, with its new home written already: whoever locks it then
 * does what is left, and so does the one that moves it.
 */
#include "forward.h"
#include "its.h"
#include "queue.h"

struct vgic_irq *vgic_irq_get(const struct vgic *vgic,
			      const struct vgic_cpu *cpu, uint32_t intid)
{
	if (vgic_state(vgic) < VGIC_INITIALIZED)
		return NULL;
	if (intid < VGIC_NR_PRIVATE)
		return cpu ? &cpu->private_irqs[intid] : NULL;
	if (intid < VGIC_MAX_IRQS)
		return intid < vgic->nr_irqs
			       ? &vgic->spis[intid - VGIC_NR_PRIVATE]
			       : NULL;
	if (intid < VGIC_MIN_LPI || !vgic->lpis)
		return NULL;
	return vgic_lpi_find(vgic, intid);
}

void vgic_irq_init(struct vgic_irq *irq, struct vgic *vgic, uint32_t intid,
		   struct vgic_cpu *home)
{
	bool nowhere = home == vgic->nowhere;
	unsigned int state = vgic_is_v3(vgic) ? IRQ_GROUP1 : 0;

	if (intid < VGIC_NR_SGIS)
		state |= IRQ_ENABLED;
	else if (intid < VGIC_NR_PRIVATE)
		state |= IRQ_LEVEL;
	*irq = (struct vgic_irq){.vgic = vgic, .intid = intid};
	CDS_INIT_LIST_HEAD(&irq->node);
	atomic_init(&irq->home, home);
	atomic_init(&irq->state, state);
	if (!nowhere) {
		irq->target = home;
		/* An SPI goes to the first CPU, and GICD_ITARGETSR reads 0. */
		if (intid < VGIC_NR_PRIVATE && home->index < VGIC_MAX_CPUS_V2)
			irq->targets = (uint8_t)(1u << home->index);
	}
}

struct vgic_cpu *vgic_irq_lock(struct vgic_irq *irq)
{
	for (;;) {
		struct vgic_cpu *home = irq_home(irq);

		spin_lock(&home->lock);
		if (irq_home(irq) == home)
			return home;
		spin_unlock(&home->lock);
	}
}

/* Where it should be.  One that a vCPU has taken stays until it is done. */
static struct vgic_cpu *irq_destination(const struct vgic_irq *irq,
					struct vgic_cpu *home,
					unsigned int state)
{
	if (irq->target == home || state & IRQ_ACTIVE ||
	    irq->queue == VGIC_QUEUE_LRS || irq->intid < VGIC_NR_PRIVATE)
		return home;
	return irq->target ? irq->target : irq->vgic->nowhere;
}

static void cpu_unlock(struct vgic_cpu *cpu, bool kick)
{
	spin_unlock(&cpu->lock);
	if (kick && cpu->vcpu)
		virq_vcpu_kick(cpu->vcpu);
}

/*
 * A list register does not have this: a further edge, an active bit, that it is
 * pending no more.
 */
static bool lr_is_old(unsigned int state)
{
	return state & (IRQ_ACTIVE_WRITTEN | IRQ_LATCH_CLEARED) ||
	       (state & IRQ_ENABLED && vgic_state_pending(state));
}

/* Home locked, @irq not to move.  True: kick. */
static bool irq_settle(struct vgic_irq *irq, struct vgic_cpu *home,
		       unsigned int state)
{
	bool changed = queue_update(home, irq, state);

	/*
	 * The guest runs on list registers: what it could take now must get
	 * into one, or what has become of it into the one that it is in.
	 */
	if (home->in_lrs)
		return (changed && irq->queue == VGIC_QUEUE_PENDING) ||
		       (irq->queue == VGIC_QUEUE_LRS && lr_is_old(state));
	return changed && vgic_cpu_update(home);
}

void vgic_irq_unlock_by(struct vgic_irq *irq, struct vgic_cpu *home,
			const struct vgic_cpu *self)
{
	for (;;) {
		unsigned int state = vgic_irq_state(irq);
		struct vgic_cpu *dest = irq_destination(irq, home, state);
		bool kick;

		if (dest == home) {
			kick = irq_settle(irq, home, state);
			cpu_unlock(home, kick && home != self);
			return;
		}
		kick = irq->queue != VGIC_QUEUE_NONE;
		queue_remove(home, irq);
		/* Without it the CPU may have something else to take. */
		kick = kick && vgic_cpu_update(home) && home != self;
		/* Release: pairs with irq_home(). */
		atomic_store_explicit(&irq->home, dest, memory_order_release);
		cpu_unlock(home, kick);
		home = vgic_irq_lock(irq);
	}
}

void vgic_irq_unlock(struct vgic_irq *irq, struct vgic_cpu *home)
{
	vgic_irq_unlock_by(irq, home, NULL);
}

int vgic_irq_inject(struct vgic_irq *irq, bool level)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = vgic_irq_state(irq);
	unsigned int next = state;
	int answer = -1;

	if (state & IRQ_HW) {
		next = vgic_forward_others(state, level);
		answer = 0;
	} else if (state & IRQ_LEVEL) {
		next = level ? state | IRQ_LINE : state & ~IRQ_LINE;
		answer = 0;
	} else if (level) {
		next = state | IRQ_LATCH;
		answer = 0;
	}
	if (next == state) {
		spin_unlock(&home->lock);
		return answer;
	}
	if (level && !vgic_state_pending(state))
		answer = 1;
	irq_set_state(irq, next);
	vgic_irq_unlock(irq, home);
	return answer;
}

void vgic_sgi_raise(struct vgic_cpu *cpu, uint32_t sgi, uint8_t source)
{
	struct vgic_irq *irq = vgic_irq_get(cpu->vgic, cpu, sgi);
	struct vgic_cpu *home;

	if (!irq || sgi >= VGIC_NR_SGIS)
		return;
	home = vgic_irq_lock(irq);
	if (!vgic_is_v3(cpu->vgic))
		irq->sgi_sources |= (uint8_t)(1u << source);
	irq_set_state(irq, vgic_irq_state(irq) | IRQ_LATCH);
	vgic_irq_unlock(irq, home);
}

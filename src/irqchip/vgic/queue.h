/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A CPU's queues and what it could take from them, and small things that the
 * files of the state model share.  With cpu->lock held, if not said otherwise.
 *
 * The next interrupt is the first of the list of the highest priority: two bit
 * scans, however many there are.  Of one priority the one that became a
 * candidate first goes first, in list registers too.
 */
#ifndef VIRQ_VGIC_QUEUE_H
#define VIRQ_VGIC_QUEUE_H

#include "cpu_regs.h"

#define VGIC_PRIORITY_SHIFT 3 /* of eight bits the top five */
#define VGIC_IDLE_PRIORITY 0xff

/* A candidate: group * VGIC_NR_LEVELS + level, or -1. */
#define VGIC_NO_PICK (-1)

static inline unsigned int pick_group(int pick)
{
	return (unsigned int)pick / VGIC_NR_LEVELS;
}

static inline unsigned int pick_priority(int pick)
{
	return (unsigned int)pick % VGIC_NR_LEVELS << VGIC_PRIORITY_SHIFT;
}

static inline void irq_set_state(struct vgic_irq *irq, unsigned int state)
{
	/* Relaxed: the lock orders it for all but mere looks. */
	atomic_store_explicit(&irq->state, state, memory_order_relaxed);
}

static inline struct vgic_cpu *irq_home(const struct vgic_irq *irq)
{
	/*
	 * Acquire: pairs with the release when a record moves; what the former
	 * home's lock guarded is visible under the new one's.
	 */
	return atomic_load_explicit(&irq->home, memory_order_acquire);
}

static inline bool irq_is_lpi(const struct vgic_irq *irq)
{
	return irq->intid >= VGIC_MIN_LPI;
}

static inline bool irq_is_sgi(const struct vgic_irq *irq)
{
	return irq->intid < VGIC_NR_SGIS;
}

/* Is its deactivation told to ack notifiers? */
static inline bool irq_tells_ack(const struct vgic_irq *irq, unsigned int state)
{
	return (state & (IRQ_LEVEL | IRQ_HW)) == IRQ_LEVEL &&
	       irq->intid >= VGIC_NR_PRIVATE && !irq_is_lpi(irq);
}

/* Tell them.  No lock held. */
static inline void irq_ack(const struct vgic_irq *irq)
{
	virq_irqchip_ack(&irq->vgic->chip, 0, irq->intid - VGIC_NR_PRIVATE);
}

/*
 * ISACTIVER, ICACTIVER.  Of one in a list register the hardware has the active
 * state, until sync, which does not undo this.
 */
static inline unsigned int irq_write_active(const struct vgic_irq *irq,
					    unsigned int state, bool active)
{
	state = active ? state | IRQ_ACTIVE : state & ~IRQ_ACTIVE;
	return irq->queue == VGIC_QUEUE_LRS ? state | IRQ_ACTIVE_WRITTEN
					    : state;
}

/*
 * Its latch is cleared: ICPENDR, CLEAR of an LPI.  What the guest has not taken
 * from a list register does not set it again.
 */
static inline unsigned int irq_clear_latch(const struct vgic_irq *irq,
					   unsigned int state)
{
	state &= ~IRQ_LATCH;
	return irq->queue == VGIC_QUEUE_LRS ? state | IRQ_LATCH_CLEARED : state;
}

/* Where an interrupt in this state belongs. */
static inline enum vgic_queue state_queue(unsigned int state)
{
	if (state & IRQ_ACTIVE)
		return VGIC_QUEUE_ACTIVE;
	if (state & IRQ_ENABLED && vgic_state_pending(state))
		return VGIC_QUEUE_PENDING;
	return VGIC_QUEUE_NONE;
}

static inline void queue_remove(struct vgic_cpu *cpu, struct vgic_irq *irq)
{
	if (irq->queue == VGIC_QUEUE_NONE)
		return;
	cds_list_del(&irq->node);
	if (irq->queue == VGIC_QUEUE_PENDING) {
		unsigned int group = irq->queued_group;
		unsigned int level = irq->queued_level;

		if (cds_list_empty(&cpu->pending[group][level]))
			cpu->pending_levels[group] &= ~(1u << (31 - level));
	}
	irq->queue = VGIC_QUEUE_NONE;
}

static inline void queue_add(struct vgic_cpu *cpu, struct vgic_irq *irq,
			     enum vgic_queue queue, unsigned int state,
			     bool first)
{
	if (queue == VGIC_QUEUE_PENDING) {
		unsigned int group = !!(state & IRQ_GROUP1);
		unsigned int level = irq->priority >> VGIC_PRIORITY_SHIFT;

		irq->queued_group = (uint8_t)group;
		irq->queued_level = (uint8_t)level;
		if (first)
			cds_list_add(&irq->node, &cpu->pending[group][level]);
		else
			cds_list_add_tail(&irq->node,
					  &cpu->pending[group][level]);
		cpu->pending_levels[group] |= 1u << (31 - level);
	} else if (queue == VGIC_QUEUE_ACTIVE) {
		cds_list_add(&irq->node, &cpu->active);
	}
	irq->queue = (uint8_t)queue;
}

/*
 * Put @irq where it belongs at its home.  True if the candidates have changed.
 * One in a list register stays there until it is taken back.
 */
static inline bool queue_update(struct vgic_cpu *cpu, struct vgic_irq *irq,
				unsigned int state)
{
	enum vgic_queue queue = state_queue(state);

	if (irq->queue == VGIC_QUEUE_LRS)
		return false;
	if (irq->queue == queue &&
	    (queue != VGIC_QUEUE_PENDING ||
	     (irq->queued_level == irq->priority >> VGIC_PRIORITY_SHIFT &&
	      irq->queued_group == !!(state & IRQ_GROUP1))))
		return false;
	queue_remove(cpu, irq);
	queue_add(cpu, irq, queue, state, false);
	return true;
}

/*
 * The highest priority pending interrupt.  In GICv3 those of a disabled group
 * are not looked at; in GICv2 one that comes first hides the other group.
 */
static inline int cpu_best(const struct vgic_cpu *cpu)
{
	const struct vgic *vgic = cpu->vgic;
	uint32_t levels[2] = {cpu->pending_levels[0], cpu->pending_levels[1]};
	unsigned int group, level;

	/* Relaxed: vgic_set_enabled() comes by under the lock. */
	if (!atomic_load_explicit(&vgic->enabled, memory_order_relaxed))
		return VGIC_NO_PICK;
	if (vgic_is_v3(vgic)) {
		levels[0] &= -(uint32_t)cpu->cif.group_enabled[0];
		levels[1] &= -(uint32_t)cpu->cif.group_enabled[1];
	}
	if (!(levels[0] | levels[1]))
		return VGIC_NO_PICK;
	/* Of equal priorities group 0: its bit is in both. */
	level = (unsigned int)__builtin_clz(levels[0] | levels[1]);
	group = !(levels[0] & 1u << (31 - level));
	if (!cpu->cif.group_enabled[group])
		return VGIC_NO_PICK;
	return (int)(group * VGIC_NR_LEVELS + level);
}

static inline struct vgic_irq *cpu_first(const struct vgic_cpu *cpu, int pick)
{
	const struct cds_list_head *head =
		&cpu->pending[0][0] + (unsigned int)pick;

	return cds_list_entry(head->next, struct vgic_irq, node);
}

/* The bits of a priority that decide about preemption. */
static inline unsigned int cif_group_mask(const struct vgic_cpu_if *cif,
					  unsigned int group)
{
	unsigned int point = cif->bpr[0];

	/* Group 1's own binary point counts from one bit lower. */
	if (group && !cif->cbpr)
		point = cif->bpr[1] ? cif->bpr[1] - 1u : 0;
	return 0xffu & ~0u << ((point & 7) + 1);
}

static inline unsigned int cif_running(const struct vgic_cpu_if *cif)
{
	uint32_t apr = cif->apr[0] | cif->apr[1];

	if (!apr)
		return VGIC_IDLE_PRIORITY;
	return (unsigned int)__builtin_ctz(apr) << VGIC_PRIORITY_SHIFT;
}

/* Would @pick interrupt what runs? */
static inline bool cpu_can_take(const struct vgic_cpu *cpu, int pick)
{
	const struct vgic_cpu_if *cif = &cpu->cif;
	unsigned int mask, priority;

	if (pick == VGIC_NO_PICK)
		return false;
	priority = pick_priority(pick);
	/* It has no low bits, but an attribute can set them. */
	if (priority >= (cif->pmr & VGIC_PMR_MASK))
		return false;
	if (!(cif->apr[0] | cif->apr[1]))
		return true;
	mask = cif_group_mask(cif, pick_group(pick));
	return (priority & mask) < (cif_running(cif) & mask);
}

/* enum virq_event bits for what could be taken now. */
static inline unsigned int cpu_events(const struct vgic_cpu *cpu)
{
	int pick = cpu_best(cpu);

	if (!cpu_can_take(cpu, pick))
		return 0;
	if (!pick_group(pick) && (vgic_is_v3(cpu->vgic) || cpu->cif.fiq_en))
		return VIRQ_EVENT_FIQ;
	return VIRQ_EVENT_INTR;
}

/*
 * irq.c: vgic_irq_unlock(), but without a kick for @self: a vCPU's own thread
 * looks at what is pending by itself.
 */
void vgic_irq_unlock_by(struct vgic_irq *irq, struct vgic_cpu *home,
			const struct vgic_cpu *self);

/*
 * cpu_if.c: deactivate what some CPU holds active, with all that follows.  On
 * @self's thread, no lock held.  What a list register has is left alone.
 */
void vgic_irq_deactivate(struct vgic_irq *irq, const struct vgic_cpu *self);

#endif

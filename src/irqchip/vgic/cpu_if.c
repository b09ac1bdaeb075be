// SPDX-License-Identifier: BSD-3-Clause
/*
 * The CPU interface: GICC of GICv2 (IHI 0048B chapter 4.4), ICC of GICv3
 * (IHI 0069), as functions of its registers.
 *
 * All but vgic_cpu_update() take cpu->lock.  To take and to complete does not
 * kick the vCPU whose thread it is on: who runs a guest looks at
 * virq_vcpu_pending() after it.
 * Acks and completions are told with no lock held.
 */
#include "cpu_regs.h"
#include "forward.h"
#include "queue.h"

#define SGI_SOURCE_SHIFT 10
#define INTID_MASK_V2 0x3ffu
#define INTID_MASK_V3 0xffffffu
#define INTID_GROUP1 1022 /* v2: there is one, but not for this register */

void vgic_cpu_init(struct vgic_cpu *cpu)
{
	spin_init(&cpu->lock);
	atomic_init(&cpu->signal, 0);
	cpu->cif = (struct vgic_cpu_if){0};
	cpu->icc_ctlr_fields = VGIC_ICC_CTLR_RESET;
	atomic_init(&cpu->pendbaser, VGIC_PENDBASER_RESET);
	for (unsigned int group = 0; group < 2; group++) {
		cpu->pending_levels[group] = 0;
		for (unsigned int i = 0; i < VGIC_NR_LEVELS; i++)
			CDS_INIT_LIST_HEAD(&cpu->pending[group][i]);
	}
	CDS_INIT_LIST_HEAD(&cpu->active);
	cpu->in_lrs = false;
}

bool vgic_cpu_update(struct vgic_cpu *cpu)
{
	unsigned int was, is;

	if (!cpu->vcpu || cpu->early)
		return false;
	/* What is pending does not change before sync; but flush again. */
	if (cpu->in_lrs)
		return true;
	/* Relaxed: written under the lock alone. */
	was = atomic_load_explicit(&cpu->signal, memory_order_relaxed);
	is = cpu_events(cpu);
	if (is != was)
		/*
		 * Release: pairs with the acquire in virq_vcpu_pending().  That
		 * no wake-up is lost is the kick's business, which orders this
		 * store before its look at the vCPU.
		 */
		atomic_store_explicit(&cpu->signal, is, memory_order_release);
	return is & ~was;
}

struct vgic_cpu_if *vgic_cpu_if_lock(struct vgic_cpu *cpu)
{
	spin_lock(&cpu->lock);
	return &cpu->cif;
}

void vgic_cpu_if_unlock(struct vgic_cpu *cpu)
{
	bool kick = vgic_cpu_update(cpu);

	spin_unlock(&cpu->lock);
	/*
	 * Though it may be on its own thread: attributes come by the same way,
	 * and distributors are written by other vCPUs.  There it costs one
	 * round of virq_vcpu_enter(), no more.
	 */
	if (kick)
		virq_vcpu_kick(cpu->vcpu);
}

void vgic_set_enabled(struct vgic *vgic, bool enabled)
{
	/* Acquire: pairs with the release by which a CPU was added. */
	uint32_t nr =
		atomic_load_explicit(&vgic->nr_cpus, memory_order_acquire);

	/*
	 * Relaxed: a CPU that has looked at it before does so again when it is
	 * locked here.
	 */
	atomic_store_explicit(&vgic->enabled, enabled, memory_order_relaxed);
	for (uint32_t i = 0; i < nr; i++) {
		vgic_cpu_if_lock(vgic->cpus[i]);
		vgic_cpu_if_unlock(vgic->cpus[i]);
	}
}

static uint32_t apr_bit(unsigned int priority)
{
	return 1u << (priority >> VGIC_PRIORITY_SHIFT);
}

/* Take @pick; the value of IAR. */
static uint32_t cpu_take(struct vgic_cpu *cpu, int pick)
{
	struct vgic_irq *irq = cpu_first(cpu, pick);
	unsigned int group = pick_group(pick);
	unsigned int mask = cif_group_mask(&cpu->cif, group);
	unsigned int state = vgic_irq_state(irq);
	uint32_t value = irq->intid;

	/*
	 * The latch of a level-triggered one stays until it is deactivated, as
	 * Linux has it, which sees no acknowledge.
	 */
	if (!(state & IRQ_LEVEL))
		state &= ~IRQ_LATCH;
	if (state & IRQ_HW)
		state = vgic_forward_taken(state);
	if (irq->sgi_sources) {
		irq->active_source = (uint8_t)__builtin_ctz(irq->sgi_sources);
		irq->sgi_sources &= (uint8_t)(irq->sgi_sources - 1);
		value |= (uint32_t)irq->active_source << SGI_SOURCE_SHIFT;
		if (irq->sgi_sources)
			state |= IRQ_LATCH;
	} else {
		irq->active_source = 0;
	}
	if (!irq_is_lpi(irq))
		state |= IRQ_ACTIVE;
	irq_set_state(irq, state);
	queue_update(cpu, irq, state);
	cpu->cif.apr[vgic_is_v3(cpu->vgic) && group] |=
		apr_bit(pick_priority(pick) & mask);
	return value;
}

/* May @group's register give out @pick?  If not, what it reads. */
static bool group_may_take(const struct vgic_cpu *cpu, int pick,
			   unsigned int group, uint32_t *value)
{
	if (pick_group(pick) == group)
		return true;
	*value = VGIC_SPURIOUS;
	if (vgic_is_v3(cpu->vgic) || group)
		return false;
	if (!cpu->cif.ack_ctl)
		*value = INTID_GROUP1;
	return cpu->cif.ack_ctl;
}

uint32_t vgic_cpu_iar(struct vgic_cpu *cpu, unsigned int group)
{
	uint32_t value = VGIC_SPURIOUS;
	int pick;

	spin_lock(&cpu->lock);
	pick = cpu_best(cpu);
	if (!cpu->in_lrs && cpu_can_take(cpu, pick) &&
	    group_may_take(cpu, pick, group, &value)) {
		value = cpu_take(cpu, pick);
		vgic_cpu_update(cpu);
	}
	spin_unlock(&cpu->lock);
	return value;
}

uint32_t vgic_cpu_hppir(struct vgic_cpu *cpu, unsigned int group)
{
	uint32_t value = VGIC_SPURIOUS;
	int pick;

	spin_lock(&cpu->lock);
	/* Whatever the priority mask, and whatever runs. */
	pick = cpu_best(cpu);
	if (pick != VGIC_NO_PICK && group_may_take(cpu, pick, group, &value)) {
		const struct vgic_irq *irq = cpu_first(cpu, pick);

		value = irq->intid;
		if (irq->sgi_sources)
			value |= (uint32_t)__builtin_ctz(irq->sgi_sources)
				 << SGI_SOURCE_SHIFT;
	}
	spin_unlock(&cpu->lock);
	return value;
}

uint8_t vgic_cpu_rpr(struct vgic_cpu *cpu)
{
	uint8_t priority;

	spin_lock(&cpu->lock);
	priority = (uint8_t)cif_running(&cpu->cif);
	spin_unlock(&cpu->lock);
	return priority;
}

/* The highest active priority ends; which, or VGIC_IDLE_PRIORITY. */
static unsigned int cif_drop(struct vgic_cpu_if *cif)
{
	unsigned int running = cif_running(cif);
	uint32_t bit;

	if (running == VGIC_IDLE_PRIORITY)
		return running;
	bit = apr_bit(running);
	cif->apr[!!(cif->apr[1] & bit)] &= ~bit;
	return running;
}

/*
 * Is @irq in this CPU's hands, not in a list register?  With cpu->lock held.
 * The home comes first: what is at home here stays, and *@state is its state;
 * a state from before may be one that it had elsewhere.
 */
static bool irq_active_here(const struct vgic_irq *irq,
			    const struct vgic_cpu *cpu, unsigned int *state)
{
	if (irq_home(irq) != cpu)
		return false;
	*state = vgic_irq_state(irq);
	return *state & IRQ_ACTIVE && irq->queue != VGIC_QUEUE_LRS;
}

/*
 * Does a write of EOIR that ends priority @dropped deactivate?  GICv3 wants the
 * register of its group, and the priority that it runs at.  GICv2 leaves both
 * unpredictable; but AEOIR is for group 1 alone.
 */
static bool eoir_deactivates(const struct vgic_cpu *cpu,
			     const struct vgic_irq *irq, unsigned int group,
			     unsigned int dropped, unsigned int *state)
{
	unsigned int mask;

	if (!irq || cpu->cif.eoi_mode || !irq_active_here(irq, cpu, state))
		return false;
	if (!vgic_is_v3(cpu->vgic))
		return !group || *state & IRQ_GROUP1;
	mask = cif_group_mask(&cpu->cif, group);
	return group == !!(*state & IRQ_GROUP1) &&
	       (irq->priority & mask) == dropped;
}

/* Its home is locked and unlocked here. */
static void irq_deactivate(struct vgic_irq *irq, struct vgic_cpu *home,
			   unsigned int state, const struct vgic_cpu *self)
{
	if (state & IRQ_HW)
		irq_set_state(irq, vgic_forward_done(state));
	else if (state & IRQ_LEVEL)
		irq_set_state(irq, state & ~(IRQ_ACTIVE | IRQ_LATCH));
	else
		irq_set_state(irq, state & ~IRQ_ACTIVE);
	vgic_irq_unlock_by(irq, home, self);
	if (state & IRQ_HW)
		vgic_forward_deactivated(irq);
}

static uint32_t intid_of(const struct vgic *vgic, uint32_t value)
{
	return value & (vgic_is_v3(vgic) ? INTID_MASK_V3 : INTID_MASK_V2);
}

static bool intid_is_special(uint32_t intid)
{
	return intid >= VGIC_MAX_IRQS && intid <= VGIC_SPURIOUS;
}

void vgic_cpu_eoir(struct vgic_cpu *cpu, unsigned int group, uint32_t value)
{
	uint32_t intid = intid_of(cpu->vgic, value);
	struct vgic_irq *irq;
	unsigned int state, dropped;

	if (intid_is_special(intid))
		return;
	irq = vgic_irq_get(cpu->vgic, cpu, intid);
	spin_lock(&cpu->lock);
	/*
	 * The ack comes before the state changes, and without the lock.  What
	 * is active here nobody else takes away, but by ICACTIVER; it may go
	 * by then, or the running priority has not got that far.
	 */
	if (eoir_deactivates(cpu, irq, group, cif_running(&cpu->cif), &state) &&
	    irq_tells_ack(irq, state)) {
		spin_unlock(&cpu->lock);
		irq_ack(irq);
		spin_lock(&cpu->lock);
	}
	dropped = cif_drop(&cpu->cif);
	if (eoir_deactivates(cpu, irq, group, dropped, &state)) {
		irq_deactivate(irq, cpu, state, cpu);
		return;
	}
	vgic_cpu_update(cpu);
	spin_unlock(&cpu->lock);
}

void vgic_irq_deactivate(struct vgic_irq *irq, const struct vgic_cpu *self)
{
	bool acked = false;

	for (;;) {
		struct vgic_cpu *home = vgic_irq_lock(irq);
		unsigned int state;

		if (!irq_active_here(irq, home, &state)) {
			spin_unlock(&home->lock);
			return;
		}
		if (acked || !irq_tells_ack(irq, state)) {
			irq_deactivate(irq, home, state, self);
			return;
		}
		spin_unlock(&home->lock);
		irq_ack(irq);
		acked = true;
	}
}

void vgic_cpu_dir(struct vgic_cpu *cpu, uint32_t value)
{
	uint32_t intid = intid_of(cpu->vgic, value);
	struct vgic_irq *irq;

	/* Without EOImode unpredictable: ignored. */
	if (!cpu->cif.eoi_mode || intid_is_special(intid))
		return;
	/* An SPI may be active at another CPU. */
	irq = vgic_irq_get(cpu->vgic, cpu, intid);
	if (irq)
		vgic_irq_deactivate(irq, cpu);
}

uint32_t virq_vgic_iar(struct virq_vcpu *vcpu, unsigned int group)
{
	return vgic_cpu_iar(vcpu_to_vgic_cpu(vcpu), !!group);
}

void virq_vgic_eoir(struct virq_vcpu *vcpu, unsigned int group, uint32_t value)
{
	vgic_cpu_eoir(vcpu_to_vgic_cpu(vcpu), !!group, value);
}

void virq_vgic_dir(struct virq_vcpu *vcpu, uint32_t value)
{
	vgic_cpu_dir(vcpu_to_vgic_cpu(vcpu), value);
}

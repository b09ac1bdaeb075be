// SPDX-License-Identifier: BSD-3-Clause
/*
 * List registers: the same state for hypervisors whose hardware is the CPU
 * interface (GICH_LR, IHI 0048B chapter 5; ICH_LR_EL2, IHI 0069).
 *
 * What is in a list register is in no queue: cpu->lrs holds it until sync, and
 * it does not move to another CPU meanwhile.  What happens to it in between is
 * kept in its record: an edge makes it pending again, in the same register at
 * the next flush; an active bit that another vCPU writes wins over the
 * register's (Linux stops the guest for that); and an edge that one clears does
 * not come back, if it was not taken (by its source, in Linux it does).  Reads
 * see it as it was at flush.
 *
 * What goes in if not everything fits: the next pending one, so that it is
 * taken as soon as it may be; the active ones of highest priority, which are
 * completed first; more pending ones.  (Linux lets active ones go first.)  The
 * guest comes out when it has taken the last pending one that it has (NPIE),
 * when nearly all registers are empty (UIE), and when it has completed an
 * active one that is in none (LRENPIE).  Which that was EOIcount does not tell:
 * the one of highest priority of those at flush, as with EOImode 0 it must be.
 * With EOImode 1 it could be another; there GICv3 traps DIR.
 *
 * An SGI of GICv2 that several CPUs have raised takes one register for the
 * first of them, which asks for maintenance at EOI; until all were seen nothing
 * of lower priority goes in.
 *
 * Locks: cpu->lock; acks and completions are told without.
 */
#include <errno.h>
#include "forward.h"
#include "lr.h"

/* GICH_HCR, ICH_HCR_EL2 */
#define HCR_EN (1u << 0)
#define HCR_UIE (1u << 1) /* maintenance when at most one is left */
#define HCR_LRENPIE (1u << 2) /* ... when one is completed that is in none */
#define HCR_NPIE (1u << 3) /* ... when none is pending any more */
#define HCR_VGRP0EIE (1u << 4) /* ... when the guest enables a group */
#define HCR_VGRP0DIE (1u << 5) /* ... or disables it */
#define HCR_VGRP1EIE (1u << 6)
#define HCR_VGRP1DIE (1u << 7)
#define HCR_TDIR (1u << 14) /* v3: trap writes of ICC_DIR_EL1 */
#define HCR_EOICOUNT_SHIFT 27

/* ---- Into list registers ---- */

/*
 * The @max active interrupts of highest priority, which a guest completes
 * first.  Answers how many there are, and whether there are more.
 */
static uint32_t pick_active(const struct vgic_cpu *cpu, uint32_t max,
			    struct vgic_irq **picked, bool *more)
{
	struct vgic_irq *irq;
	uint32_t nr = 0;

	cds_list_for_each_entry(irq, &cpu->active, node) {
		uint32_t at = nr;

		if (nr < max)
			nr++;
		else
			*more = true;
		/* An insertion sort; the first to become active stays last. */
		while (at && picked[at - 1]->priority > irq->priority) {
			if (at < max)
				picked[at] = picked[at - 1];
			at--;
		}
		if (at < max)
			picked[at] = irq;
	}
	return nr;
}

struct packing {
	struct vgic_cpu *cpu;
	struct virq_vgic_lrs *lrs;
	uint32_t nr; /* registers in use */
	/*
	 * The distributor, looked at once: what goes in because it is pending
	 * is pending there, or an empty register would look like a completion.
	 */
	bool enabled;
	/* Nothing of lower priority: an SGI has further sources. */
	unsigned int lowest_level;
};

static void pack(struct packing *packing, struct vgic_irq *irq)
{
	struct vgic_cpu *cpu = packing->cpu;
	const struct lr_format *format = lr_format(cpu->vgic);
	unsigned int level = irq->priority >> VGIC_PRIORITY_SHIFT;
	uint64_t lr;

	queue_remove(cpu, irq);
	irq->queue = VGIC_QUEUE_LRS;
	lr = lr_pack(format, irq, packing->enabled);
	cpu->lrs[packing->nr] = irq;
	packing->lrs->lr[packing->nr++] = lr;
	/*
	 * With EOImode 1 what is active already lets others come before it is
	 * deactivated, and only then comes its next source.
	 */
	if (irq->sgi_sources && level < packing->lowest_level &&
	    (!cpu->cif.eoi_mode || lr & format->pending))
		packing->lowest_level = level;
}

/* The next pending one; those of groups that GICv3 has disabled come last. */
static struct vgic_irq *next_pending(const struct packing *packing)
{
	const struct vgic_cpu *cpu = packing->cpu;
	int pick = cpu_best(cpu);
	uint32_t levels = cpu->pending_levels[0] | cpu->pending_levels[1];
	unsigned int level, group;

	if (!levels || !packing->enabled)
		return NULL;
	if (pick != VGIC_NO_PICK)
		return cpu_first(cpu, pick);
	level = (unsigned int)__builtin_clz(levels);
	group = !(cpu->pending_levels[0] & 1u << (31 - level));
	return cds_list_first_entry(&cpu->pending[group][level],
				    struct vgic_irq, node);
}

/* Up to @room pending ones.  How to come out for those that are left. */
static uint32_t pack_pending(struct packing *packing, uint32_t room)
{
	const struct vgic_cpu *cpu = packing->cpu;
	struct vgic_irq *irq;

	while ((irq = next_pending(packing))) {
		if (irq->queued_level > packing->lowest_level)
			return cpu->cif.eoi_mode ? HCR_NPIE : 0;
		if (!room--)
			break;
		pack(packing, irq);
	}
	/* Those of a disabled group wait for groups_left(). */
	if (!irq || (vgic_is_v3(cpu->vgic) &&
		     !cpu->cif.group_enabled[irq->queued_group]))
		return 0;
	/* A single register is always nearly empty. */
	return HCR_NPIE | (packing->lrs->nr > 1 ? HCR_UIE : 0);
}

/*
 * Others may be the first ones when the guest enables a group or disables it;
 * in GICv2 they are so whichever groups are enabled.
 */
static uint32_t groups_left(const struct vgic_cpu *cpu)
{
	static const uint32_t on[] = {HCR_VGRP0EIE, HCR_VGRP1EIE};
	static const uint32_t off[] = {HCR_VGRP0DIE, HCR_VGRP1DIE};
	uint32_t hcr = 0;

	if (!vgic_is_v3(cpu->vgic))
		return 0;
	for (unsigned int group = 0; group < 2; group++) {
		if (!cpu->pending_levels[group])
			continue;
		if (!cpu->cif.group_enabled[group])
			hcr |= on[group];
		else if (cpu->cif.group_enabled[!group])
			hcr |= off[!group];
	}
	return hcr;
}

/*
 * An active one that is pending as well becomes pending when it is completed,
 * maybe before one that is left.  So the guest comes out then.
 */
static void hold_doubles_back(struct packing *packing)
{
	const struct lr_format *format = lr_format(packing->cpu->vgic);
	uint64_t both = format->pending | format->active;

	for (uint32_t i = 0; i < packing->nr; i++) {
		struct vgic_irq *irq = packing->cpu->lrs[i];
		uint64_t *lr = &packing->lrs->lr[i];

		if ((*lr & both) != both)
			continue;
		*lr = (*lr & ~format->pending) | format->eoi;
		irq_set_state(irq, vgic_irq_state(irq) | IRQ_LATCH);
	}
}

static int lrs_check(const struct vgic_cpu *cpu,
		     const struct virq_vgic_lrs *lrs)
{
	if (lrs->nr < 1 || lrs->nr > VIRQ_VGIC_MAX_LRS)
		return -EINVAL;
	return vgic_state(cpu->vgic) < VGIC_INITIALIZED ? -EBUSY : 0;
}

int virq_vgic_lrs_flush(struct virq_vcpu *vcpu, struct virq_vgic_lrs *lrs)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(vcpu);
	struct packing packing = {
		.cpu = cpu,
		.lrs = lrs,
		.lowest_level = VGIC_NR_LEVELS,
	};
	struct vgic_irq *active[VIRQ_VGIC_MAX_LRS];
	bool more_active = false;
	uint32_t nr_active, hcr;
	int rc = lrs_check(cpu, lrs);

	if (rc)
		return rc;
	spin_lock(&cpu->lock);
	if (cpu->in_lrs) {
		spin_unlock(&cpu->lock);
		return -EBUSY;
	}
	cpu->in_lrs = true;
	/* Relaxed: vgic_set_enabled() comes by under the lock, and kicks. */
	packing.enabled =
		atomic_load_explicit(&cpu->vgic->enabled, memory_order_relaxed);
	pack_pending(&packing, 1);
	nr_active =
		pick_active(cpu, lrs->nr - packing.nr, active, &more_active);
	for (uint32_t i = 0; i < nr_active; i++)
		pack(&packing, active[i]);
	hcr = pack_pending(&packing, lrs->nr - packing.nr);
	if (hcr)
		hold_doubles_back(&packing);
	hcr |= groups_left(cpu);
	for (uint32_t i = packing.nr; i < VIRQ_VGIC_MAX_LRS; i++) {
		lrs->lr[i] = 0;
		cpu->lrs[i] = NULL;
	}
	cpu->nr_left = 0;
	if (more_active) {
		hcr |= HCR_LRENPIE;
		cpu->nr_left = pick_active(cpu, VGIC_MAX_EOICOUNT, cpu->left,
					   &more_active);
	}
	if (more_active && cpu->cif.eoi_mode && vgic_is_v3(cpu->vgic))
		hcr |= HCR_TDIR;
	lrs->hcr = HCR_EN | hcr;
	lrs->vmcr = vmcr_pack(cpu->vgic, &cpu->cif);
	lrs->ap0r = cpu->cif.apr[0];
	lrs->ap1r = cpu->cif.apr[1];
	spin_unlock(&cpu->lock);
	return 0;
}

/* ---- Out of list registers ---- */

/* One of ours that the guest has completed, and that tells it.  Was it told? */
static bool lr_tell_ack(const struct vgic *vgic, const struct vgic_irq *irq,
			uint64_t lr)
{
	const struct lr_format *format = lr_format(vgic);

	if (!lr_empty(format, lr) || !(lr & format->eoi) || lr & format->hw ||
	    !irq_tells_ack(irq, vgic_irq_state(irq)))
		return false;
	irq_ack(irq);
	return true;
}

/*
 * One that is forwarded, or was until a moment ago: its completion is told to
 * its owner, by which the level comes again that lr_fold() forgets, or, if it
 * has none any more, by the acks.  Home locked.
 */
static bool lr_completes(const struct vgic_irq *irq, uint64_t lr, bool acked)
{
	const struct lr_format *format = lr_format(irq->vgic);
	unsigned int state = vgic_irq_state(irq);

	if (state & IRQ_HW)
		return lr_completed(format, state, lr);
	return lr_empty(format, lr) && !acked && irq_tells_ack(irq, state) &&
	       lr & (format->hw | format->eoi);
}

/*
 * Those that the guest has completed without a register, as far as known.  Who
 * is not active here any more was another vCPU's ICACTIVER's: the guest counts
 * it all the same.
 */
static void complete_counted(struct vgic_cpu *cpu, uint32_t count)
{
	for (uint32_t i = 0; i < count && i < cpu->nr_left; i++) {
		struct vgic_irq *irq = cpu->left[i];
		bool active;

		spin_lock(&cpu->lock);
		active = irq_home(irq) == cpu &&
			 vgic_irq_state(irq) & IRQ_ACTIVE;
		spin_unlock(&cpu->lock);
		if (active)
			vgic_irq_deactivate(irq, cpu);
	}
}

/* A list register is free again. */
static void lr_take_back(struct vgic_cpu *cpu, struct vgic_irq *irq,
			 uint64_t lr)
{
	const struct lr_format *format = lr_format(cpu->vgic);
	unsigned int state;

	lr_fold(format, irq, lr);
	irq->queue = VGIC_QUEUE_NONE;
	state = vgic_irq_state(irq);
	/* One that was not taken keeps its place in the order. */
	queue_add(cpu, irq, state_queue(state), state, lr & format->pending);
}

int virq_vgic_lrs_sync(struct virq_vcpu *vcpu, const struct virq_vgic_lrs *lrs)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(vcpu);
	const struct vgic *vgic = cpu->vgic;
	struct vgic_irq *taken[VIRQ_VGIC_MAX_LRS];
	bool acked[VIRQ_VGIC_MAX_LRS], completed[VIRQ_VGIC_MAX_LRS];
	uint32_t nr = 0;
	int rc = lrs_check(cpu, lrs);

	if (rc)
		return rc;
	if (!cpu->in_lrs)
		return -EBUSY;
	complete_counted(cpu, lrs->hcr >> HCR_EOICOUNT_SHIFT);
	while (nr < VIRQ_VGIC_MAX_LRS && cpu->lrs[nr]) {
		taken[nr] = cpu->lrs[nr];
		acked[nr] = lr_tell_ack(vgic, taken[nr], lrs->lr[nr]);
		nr++;
	}
	spin_lock(&cpu->lock);
	cpu->in_lrs = false;
	vmcr_unpack(vgic, &cpu->cif, lrs->vmcr);
	cpu->cif.apr[0] = lrs->ap0r;
	cpu->cif.apr[1] = vgic_is_v3(vgic) ? lrs->ap1r : 0;
	/* The last first, as each goes before the others of its priority. */
	for (uint32_t i = nr; i--;) {
		completed[i] = lr_completes(taken[i], lrs->lr[i], acked[i]);
		lr_take_back(cpu, taken[i], lrs->lr[i]);
		cpu->lrs[i] = NULL;
	}
	vgic_cpu_update(cpu);
	spin_unlock(&cpu->lock);
	for (uint32_t i = 0; i < nr; i++) {
		/* It may have been sent elsewhere meanwhile. */
		struct vgic_cpu *home = vgic_irq_lock(taken[i]);

		vgic_irq_unlock_by(taken[i], home, cpu);
		if (completed[i])
			vgic_forward_deactivated(taken[i]);
	}
	return 0;
}

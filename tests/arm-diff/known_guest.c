// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which of a guest's accesses can be compared.  See known.h.  The subject's
 * queues are looked at directly; no other thread is about.
 */
#include "known.h"

#include "conform/arm/port_vgic.h"
#include "irqchip/vgic/queue.h"

struct queues {
	unsigned int active;
	unsigned int before; /* more urgent than the first to be taken */
	unsigned int ties; /* as urgent as that */
	unsigned int pending;
	int first; /* its level; -1: none */
	bool first_is_group1;
	bool mixed; /* of both groups */
	bool stray_lpi; /* LPIs are off here */
	int multi_sgi; /* level of the most urgent; -1: none */
};

static bool is_multi_sgi(const struct vgic_irq *irq)
{
	bool active = vgic_irq_state(irq) & IRQ_ACTIVE;

	return irq->intid < VGIC_NR_SGIS &&
	       __builtin_popcount(irq->sgi_sources) + active > 1;
}

static void note_multi_sgi(struct queues *q, const struct vgic_irq *irq)
{
	int level = irq->priority >> 3;

	if (is_multi_sgi(irq) && (q->multi_sgi < 0 || level < q->multi_sgi))
		q->multi_sgi = level;
}

static void look_at_level(struct vgic_cpu *cpu, int level, struct queues *q)
{
	unsigned int nr = 0;
	bool enabled = false, group1 = false, mixed;

	mixed = !cds_list_empty(&cpu->pending[0][level]) &&
		!cds_list_empty(&cpu->pending[1][level]);
	for (unsigned int group = 0; group < 2; group++) {
		struct vgic_irq *irq;

		cds_list_for_each_entry(irq, &cpu->pending[group][level],
					node) {
			nr++;
			enabled |= cpu->cif.group_enabled[group];
			group1 = group;
			q->stray_lpi |= irq_is_lpi(irq) && !cpu->lpis_enabled;
			note_multi_sgi(q, irq);
		}
	}
	q->pending += nr;
	if (q->first < 0 && enabled) {
		q->first = level;
		q->first_is_group1 = group1;
		q->ties = nr;
		q->mixed = mixed;
	} else if (q->first < 0) {
		q->before += nr;
	}
}

/* No other thread is about: no lock. */
static struct queues look(struct vgic_cpu *cpu)
{
	struct queues q = {.first = -1, .multi_sgi = -1};
	struct vgic_irq *irq;

	cds_list_for_each_entry(irq, &cpu->active, node) {
		q.active++;
		note_multi_sgi(&q, irq);
	}
	/* The kernel has them in the first list that they find. */
	cds_list_for_each_entry(irq, &cpu->vgic->nowhere->active, node)
		q.active++;
	for (int level = 0; level < VGIC_NR_LEVELS; level++)
		look_at_level(cpu, level, &q);
	return q;
}

/* Of GICv2, whose guest in the lab has QEMU's registers. */
static bool gicv_skip(const struct vgic_cpu *cpu, const struct queues *q,
		      enum known_access sort)
{
	unsigned int priority = (unsigned int)q->first << 3;
	unsigned int running = cif_running(&cpu->cif);

	if (q->before || (q->first < 0 && q->pending))
		return known_step_round(KNOWN_GICV_GROUPS);
	if (q->first < 0)
		return false;
	if (sort == ACCESS_LOOK)
		return priority >= cpu->cif.pmr &&
		       known_step_round(KNOWN_GICV_HPPIR);
	if (q->first_is_group1 && !cpu->cif.ack_ctl && cpu->cif.apr[0])
		return known_step_round(KNOWN_GICV_1022);
	return priority < cpu->cif.pmr &&
	       cpu_can_take(cpu, cpu_best(cpu)) != (priority < running) &&
	       known_step_round(KNOWN_GICV_PREEMPTION);
}

void known_choose(struct machine *subject, unsigned int vcpu, uint64_t iar)
{
	struct vgic_cpu *cpu =
		vcpu_to_vgic_cpu(arm_vgic_vcpu(subject->vm, vcpu));
	uint64_t intid = iar & (vgic_is_v3(cpu->vgic) ? 0xffffff : 0x3ff);
	struct cds_list_head *of;
	struct vgic_irq *irq;
	int pick = cpu_best(cpu);

	if (pick == VGIC_NO_PICK)
		return;
	of = &cpu->pending[pick_group(pick)][pick % VGIC_NR_LEVELS];
	cds_list_for_each_entry(irq, of, node) {
		if (irq->intid != intid)
			continue;
		cds_list_del(&irq->node);
		cds_list_add(&irq->node, of);
		return;
	}
}

/* ---- LPIs ---- */

static int open_lpi(const struct known_lpis *lpis, uint64_t intid)
{
	for (unsigned int i = 0; i < lpis->nr; i++)
		if (lpis->lpi[i].intid == intid)
			return (int)i;
	return -1;
}

void known_taken(struct known_lpis *lpis, unsigned int vcpu, uint32_t intid)
{
	if (intid < VGIC_MIN_LPI || open_lpi(lpis, intid) >= 0 ||
	    lpis->nr == KNOWN_MAX_LPIS)
		return;
	lpis->lpi[lpis->nr].vcpu = vcpu;
	lpis->lpi[lpis->nr++].intid = intid;
}

/* EOIR: if it is its group's, and this is the priority that runs. */
static void lpi_completed(struct known_lpis *lpis, const struct vgic_cpu *cpu,
			  unsigned int vcpu, const struct arm_access *access)
{
	const struct vgic_cpu_if *cif = &cpu->cif;
	int i = open_lpi(lpis, access->data);
	struct vgic_irq *irq;

	if (i < 0 || lpis->lpi[i].vcpu != vcpu || access->addr != ICC_EOIR1)
		return;
	irq = vgic_irq_get(cpu->vgic, NULL, (uint32_t)access->data);
	if (irq && (irq->priority & cif_group_mask(cif, 1)) == cif_running(cif))
		lpis->lpi[i] = lpis->lpi[--lpis->nr];
}

static unsigned int open_lpis(const struct known_lpis *lpis, unsigned int vcpu)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < lpis->nr; i++)
		nr += lpis->lpi[i].vcpu == vcpu;
	return nr;
}

static bool takes_open_lpi(const struct known_lpis *lpis,
			   const struct vgic_cpu *cpu)
{
	int pick = cpu_best(cpu);

	return pick != VGIC_NO_PICK &&
	       open_lpi(lpis, cpu_first(cpu, pick)->intid) >= 0;
}

static bool take_skip(const struct vgic_cpu *cpu, const struct queues *q,
		      enum known_access sort)
{
	if (!vgic_is_v3(cpu->vgic) && gicv_skip(cpu, q, sort))
		return true;
	if (q->first < 0)
		return false;
	if (q->stray_lpi)
		return known_step_round(KNOWN_LPIS_OFF);
	if (q->mixed)
		return known_step_round(KNOWN_TIE);
	if (q->multi_sgi >= 0 && (q->first > q->multi_sgi || q->active))
		return known_step_round(KNOWN_MULTI_SGI);
	return q->active + q->before >= KNOWN_NR_LRS &&
	       known_step_round(KNOWN_LIST_REGISTERS);
}

static bool is_active_elsewhere(const struct vgic_cpu *cpu, uint64_t value)
{
	struct vgic_irq *irq = vgic_irq_get(cpu->vgic, cpu, value & 0x3ff);

	return irq && vgic_irq_state(irq) & IRQ_ACTIVE && irq_home(irq) != cpu;
}

bool known_skip(struct machine *subject, struct known_lpis *lpis,
		unsigned int vcpu, enum known_access sort,
		const struct arm_access *access, struct known_look *found)
{
	struct vgic_cpu *cpu =
		vcpu_to_vgic_cpu(arm_vgic_vcpu(subject->vm, vcpu));
	struct queues q = look(cpu);

	q.active += open_lpis(lpis, vcpu);
	found->off = !cpu->vgic->enabled;
	found->crowded = q.active + q.pending > KNOWN_NR_LRS;
	found->active = q.active;
	found->before = q.before;
	found->tie = q.ties > 1;
	switch (sort) {
	case ACCESS_ALIAS: return known_step_round(KNOWN_ALIASES);
	case ACCESS_LOOK:
	case ACCESS_TAKE:
		if (takes_open_lpi(lpis, cpu))
			return known_step_round(KNOWN_ACTIVE_LPI);
		return take_skip(cpu, &q, sort);
	case ACCESS_DEACTIVATE:
		if (is_active_elsewhere(cpu, access->data))
			return known_step_round(KNOWN_REMOTE_DIR);
		__attribute__((fallthrough));
	case ACCESS_COMPLETE:
		if (q.multi_sgi >= 0 && q.active > 1)
			return known_step_round(KNOWN_MULTI_SGI);
		if (q.active > KNOWN_NR_LRS)
			return known_step_round(KNOWN_LIST_REGISTERS);
		if (sort == ACCESS_COMPLETE)
			lpi_completed(lpis, cpu, vcpu, access);
		return false;
	default: return false;
	}
}

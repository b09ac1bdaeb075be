// SPDX-License-Identifier: BSD-3-Clause
#include "vgic_lr_sim.h"

#define SPURIOUS 1023u
#define IDLE 0xffu

static uint64_t pending(const struct lr_sim *sim)
{
	return sim->v3 ? LR3_PENDING : LR2_PENDING;
}

static uint64_t active(const struct lr_sim *sim)
{
	return sim->v3 ? LR3_ACTIVE : LR2_ACTIVE;
}

static unsigned int lr_group(const struct lr_sim *sim, uint64_t lr)
{
	return !!(lr & (sim->v3 ? LR3_GROUP1 : LR2_GROUP1));
}

static unsigned int lr_priority(const struct lr_sim *sim, uint64_t lr)
{
	return (unsigned int)(sim->v3 ? lr >> 48 & 0xff
				      : (lr >> 23 & 0x1f) << 3);
}

static uint32_t lr_intid(const struct lr_sim *sim, uint64_t lr)
{
	return (uint32_t)(sim->v3 ? lr & UINT32_MAX : lr & 0x3ff);
}

static unsigned int pmr(const struct lr_sim *sim)
{
	return sim->v3 ? sim->regs.vmcr >> 24 & 0xf8
		       : sim->regs.vmcr >> 27 << 3;
}

static bool eoi_mode(const struct lr_sim *sim)
{
	return sim->regs.vmcr & 1u << 9;
}

static unsigned int group_mask(const struct lr_sim *sim, unsigned int group)
{
	unsigned int point = sim->regs.vmcr >> 21 & 7;

	if (group && !(sim->regs.vmcr & 1u << 4)) {
		point = sim->regs.vmcr >> 18 & 7;
		point = point < 3 ? 2 : point - 1;
	}
	return 0xf8u & ~0u << (point + 1);
}

static unsigned int running(const struct lr_sim *sim)
{
	uint32_t apr = sim->regs.ap0r | sim->regs.ap1r;

	return apr ? (unsigned int)__builtin_ctz(apr) << 3 : IDLE;
}

/* The pending one that comes first, of the lowest register. */
static int highest(const struct lr_sim *sim)
{
	unsigned int best = IDLE + 1;
	int found = -1;

	for (unsigned int i = 0; i < sim->regs.nr; i++) {
		uint64_t lr = sim->regs.lr[i];

		if ((lr & (pending(sim) | active(sim))) != pending(sim) ||
		    lr_priority(sim, lr) >= best)
			continue;
		if (sim->v3 && !(sim->regs.vmcr & 1u << lr_group(sim, lr)))
			continue;
		best = lr_priority(sim, lr);
		found = (int)i;
	}
	if (found >= 0 &&
	    !(sim->regs.vmcr & 1u << lr_group(sim, sim->regs.lr[found])))
		return -1;
	return found;
}

uint32_t sim_iar(struct lr_sim *sim, unsigned int group)
{
	int i = highest(sim);
	unsigned int priority, mask, of;
	uint64_t lr;

	if (i < 0)
		return SPURIOUS;
	lr = sim->regs.lr[i];
	of = lr_group(sim, lr);
	priority = lr_priority(sim, lr);
	mask = group_mask(sim, of);
	if (priority >= pmr(sim) ||
	    (running(sim) != IDLE &&
	     (priority & mask) >= (running(sim) & mask)))
		return SPURIOUS;
	if (of != group) {
		bool ack_ctl = sim->regs.vmcr & 1u << 2;

		if (sim->v3 || group)
			return SPURIOUS;
		if (!ack_ctl)
			return 1022;
	}
	sim->regs.lr[i] = (lr & ~pending(sim)) | active(sim);
	*(sim->v3 && of ? &sim->regs.ap1r : &sim->regs.ap0r) |=
		1u << (priority & mask) / 8;
	if (!sim->v3 && lr_intid(sim, lr) < 16)
		return (uint32_t)(lr & 0x1fff);
	return lr_intid(sim, lr);
}

static int find_active(const struct lr_sim *sim, uint32_t intid)
{
	for (unsigned int i = 0; i < sim->regs.nr; i++)
		if (sim->regs.lr[i] & active(sim) &&
		    lr_intid(sim, sim->regs.lr[i]) == intid)
			return (int)i;
	return -1;
}

static void count_eoi(struct lr_sim *sim)
{
	sim->regs.hcr += 1u << 27;
}

void sim_eoir(struct lr_sim *sim, unsigned int group, uint32_t value)
{
	uint32_t intid = value & (sim->v3 ? 0xffffff : 0x3ff);
	unsigned int dropped = running(sim);
	uint64_t lr;
	int i;

	if (intid >= 1020 && intid < 1024)
		return;
	if (dropped != IDLE) {
		uint32_t bit = 1u << dropped / 8;

		if (sim->regs.ap1r & bit)
			sim->regs.ap1r &= ~bit;
		else
			sim->regs.ap0r &= ~bit;
	} else if (sim->v3) {
		return;
	}
	if (eoi_mode(sim))
		return;
	i = find_active(sim, intid);
	if (i < 0) {
		if (dropped != IDLE && intid < 8192)
			count_eoi(sim);
		return;
	}
	lr = sim->regs.lr[i];
	if (sim->v3 &&
	    (lr_group(sim, lr) != group ||
	     (lr_priority(sim, lr) & group_mask(sim, group)) != dropped))
		return;
	sim->regs.lr[i] &= ~active(sim);
}

void sim_dir(struct lr_sim *sim, uint32_t value)
{
	int i = find_active(sim, value & (sim->v3 ? 0xffffff : 0x3ff));

	if (!eoi_mode(sim))
		return;
	if (i < 0)
		count_eoi(sim);
	else
		sim->regs.lr[i] &= ~active(sim);
}

bool sim_maintenance(const struct lr_sim *sim)
{
	unsigned int nr_valid = 0, nr_pending = 0;
	uint32_t hcr = sim->regs.hcr;

	for (unsigned int i = 0; i < sim->regs.nr; i++) {
		uint64_t lr = sim->regs.lr[i];
		bool hw = lr & (sim->v3 ? LR3_HW : LR2_HW);
		bool eoi = lr & (sim->v3 ? LR3_EOI : LR2_EOI);

		if (lr & (pending(sim) | active(sim)))
			nr_valid++;
		else if (eoi && !hw)
			return true;
		nr_pending +=
			(lr & (pending(sim) | active(sim))) == pending(sim);
	}
	return (hcr & HCR_UIE && nr_valid < 2) ||
	       (hcr & HCR_NPIE && !nr_pending) ||
	       (hcr & HCR_LRENPIE && HCR_EOICOUNT(hcr)) ||
	       (hcr & HCR_VGRP0EIE && sim->regs.vmcr & 1) ||
	       (hcr & HCR_VGRP0DIE && !(sim->regs.vmcr & 1)) ||
	       (hcr & HCR_VGRP1EIE && sim->regs.vmcr & 2) ||
	       (hcr & HCR_VGRP1DIE && !(sim->regs.vmcr & 2));
}

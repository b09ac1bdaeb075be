// SPDX-License-Identifier: BSD-3-Clause
#include "lr.h"
#include "forward.h"

/* GICH_VMCR, ICH_VMCR_EL2: but for the priority mask alike. */
#define VMCR_ENG0 (1u << 0)
#define VMCR_ENG1 (1u << 1)
#define VMCR_ACK_CTL (1u << 2)
#define VMCR_FIQ_EN (1u << 3)
#define VMCR_CBPR (1u << 4)
#define VMCR_EOIM (1u << 9)
#define VMCR_BPR1_SHIFT 18
#define VMCR_BPR0_SHIFT 21
#define VMCR_PMR_SHIFT_V2 27
#define VMCR_PMR_SHIFT_V3 24

#define LR_SGI_SOURCE_SHIFT 10

static const struct lr_format gich_lr = {
	.eoi = 1u << 19,
	.pending = 1u << 28,
	.active = 1u << 29,
	.group1 = 1u << 30,
	.hw = 1u << 31,
	.physical_shift = 10,
	.priority_shift = 23,
	.priority_drop = VGIC_PRIORITY_SHIFT,
};

static const struct lr_format ich_lr = {
	.eoi = 1ull << 41,
	.pending = 1ull << 62,
	.active = 1ull << 63,
	.group1 = 1ull << 60,
	.hw = 1ull << 61,
	.physical_shift = 32,
	.priority_shift = 48,
};

const struct lr_format *lr_format(const struct vgic *vgic)
{
	return vgic_is_v3(vgic) ? &ich_lr : &gich_lr;
}

uint32_t vmcr_pack(const struct vgic *vgic, const struct vgic_cpu_if *cif)
{
	uint32_t vmcr = (uint32_t)cif->bpr[0] << VMCR_BPR0_SHIFT |
			(uint32_t)cif->bpr[1] << VMCR_BPR1_SHIFT;

	if (cif->group_enabled[0])
		vmcr |= VMCR_ENG0;
	if (cif->group_enabled[1])
		vmcr |= VMCR_ENG1;
	if (cif->ack_ctl)
		vmcr |= VMCR_ACK_CTL;
	/* Always so in GICv3 without the legacy interface. */
	if (cif->fiq_en || vgic_is_v3(vgic))
		vmcr |= VMCR_FIQ_EN;
	if (cif->cbpr)
		vmcr |= VMCR_CBPR;
	if (cif->eoi_mode)
		vmcr |= VMCR_EOIM;
	if (vgic_is_v3(vgic))
		return vmcr | (uint32_t)cif->pmr << VMCR_PMR_SHIFT_V3;
	return vmcr | (uint32_t)(cif->pmr >> VGIC_PRIORITY_SHIFT)
			      << VMCR_PMR_SHIFT_V2;
}

void vmcr_unpack(const struct vgic *vgic, struct vgic_cpu_if *cif,
		 uint32_t vmcr)
{
	bool v3 = vgic_is_v3(vgic);

	cif->bpr[0] = vmcr >> VMCR_BPR0_SHIFT & 7;
	cif->bpr[1] = vmcr >> VMCR_BPR1_SHIFT & 7;
	cif->group_enabled[0] = vmcr & VMCR_ENG0;
	cif->group_enabled[1] = vmcr & VMCR_ENG1;
	cif->ack_ctl = !v3 && vmcr & VMCR_ACK_CTL;
	cif->fiq_en = !v3 && vmcr & VMCR_FIQ_EN;
	cif->cbpr = vmcr & VMCR_CBPR;
	cif->eoi_mode = vmcr & VMCR_EOIM;
	if (v3)
		cif->pmr = (uint8_t)(vmcr >> VMCR_PMR_SHIFT_V3);
	else
		cif->pmr = (uint8_t)(vmcr >> VMCR_PMR_SHIFT_V2
						     << VGIC_PRIORITY_SHIFT);
}

/* The lowest source; true if it was not the only one. */
static bool sgi_pop(struct vgic_irq *irq, uint64_t *lr)
{
	if (!irq->sgi_sources)
		return false;
	*lr |= (uint64_t)__builtin_ctz(irq->sgi_sources) << LR_SGI_SOURCE_SHIFT;
	irq->sgi_sources &= (uint8_t)(irq->sgi_sources - 1);
	return irq->sgi_sources;
}

/* It goes elsewhere as soon as it is not active. */
static bool irq_leaves(const struct vgic_irq *irq)
{
	return irq->intid >= VGIC_NR_PRIVATE && irq->target != irq_home(irq);
}

uint64_t lr_pack(const struct lr_format *format, struct vgic_irq *irq,
		 bool enabled)
{
	unsigned int state = vgic_irq_state(irq);
	bool pending =
		enabled && state & IRQ_ENABLED && vgic_state_pending(state);
	uint64_t lr = irq->intid;

	lr |= (uint64_t)(irq->priority >> format->priority_drop)
	      << format->priority_shift;
	if (state & IRQ_GROUP1)
		lr |= format->group1;
	if (state & IRQ_HW && irq->hwintid)
		lr |= format->hw | (uint64_t)irq->hwintid
					   << format->physical_shift;
	else if (state & (IRQ_LEVEL | IRQ_HW))
		lr |= format->eoi;
	if (state & IRQ_ACTIVE) {
		/* The next one is another CPU's, or of another source. */
		bool last = irq->sgi_sources || irq_leaves(irq);

		lr |= format->active;
		lr |= (uint64_t)irq->active_source << LR_SGI_SOURCE_SHIFT;
		if (last && !(lr & format->hw))
			lr |= format->eoi;
		if (last || state & (IRQ_LEVEL | IRQ_HW))
			pending = false;
	}
	if (pending) {
		lr |= format->pending;
		if (!(state & IRQ_LEVEL))
			state &= ~IRQ_LATCH;
		if (state & IRQ_HW)
			state = vgic_forward_taken(state);
		if (sgi_pop(irq, &lr)) {
			lr |= format->eoi;
			state |= IRQ_LATCH;
		}
		irq_set_state(irq, state);
	}
	return lr;
}

void lr_fold(const struct lr_format *format, struct vgic_irq *irq, uint64_t lr)
{
	unsigned int was = vgic_irq_state(irq);
	unsigned int state =
		was & ~(IRQ_ACTIVE | IRQ_ACTIVE_WRITTEN | IRQ_LATCH_CLEARED);
	uint8_t source = lr >> LR_SGI_SOURCE_SHIFT & 7;
	bool sgi_v2 = irq_is_sgi(irq) && !vgic_is_v3(irq->vgic);
	bool active = lr & format->active && !irq_is_lpi(irq);

	if (active)
		irq->active_source = sgi_v2 ? source : 0;
	/* Written after the guest was let in: as if it had been so now. */
	if (was & IRQ_ACTIVE_WRITTEN)
		active = was & IRQ_ACTIVE;
	if (lr & format->pending && !(state & IRQ_LEVEL) &&
	    !(was & IRQ_LATCH_CLEARED)) {
		state |= IRQ_LATCH;
		if (sgi_v2)
			irq->sgi_sources |= (uint8_t)(1u << source);
	}
	if (state & IRQ_HW) {
		if (lr_completed(format, was, lr))
			state = vgic_forward_done(vgic_forward_taken(state));
		else if (lr & format->pending && !active)
			state = vgic_forward_sample(state);
		else
			state = vgic_forward_taken(state);
	} else if (state & IRQ_LEVEL && lr_empty(format, lr)) {
		state &= ~IRQ_LATCH;
	}
	irq_set_state(irq, active ? state | IRQ_ACTIVE : state);
}

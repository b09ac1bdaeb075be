/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One list register, GICH_LR or ICH_LR_EL2, and one record: the formats, and
 * what becomes of a state.  With the lock of the record's home held.
 *
 * Rules of packing and of taking back are Linux's:
 *
 *                  edge            level               HW (a physical id)
 *   pending        pending         pending, EOI        pending, HW
 *   active         active          active, EOI         active, HW
 *   both           both            active, EOI         active, HW
 *   in the record  latch := 0      -                   line := 0
 *
 *   taken back     pending: latch  empty: ack, latch   pending: as the line is
 *                  := 1            := 0                empty: completed
 *
 * A forwarded one without a physical id has EOI instead of HW.
 *
 * Not Linux's: what was written meanwhile wins (IRQ_ACTIVE_WRITTEN), and a
 * latch that was cleared is not set again by what is pending
 * (IRQ_LATCH_CLEARED).
 */
#ifndef VIRQ_VGIC_LR_H
#define VIRQ_VGIC_LR_H

#include "queue.h"

struct lr_format {
	uint64_t pending, active, group1, hw, eoi;
	unsigned int physical_shift, priority_shift;
	unsigned int priority_drop; /* low bits that are not there */
};

const struct lr_format *lr_format(const struct vgic *vgic);

/* GICH_VMCR, ICH_VMCR_EL2: the guest's view of the interface's registers. */
uint32_t vmcr_pack(const struct vgic *vgic, const struct vgic_cpu_if *cif);
void vmcr_unpack(const struct vgic *vgic, struct vgic_cpu_if *cif,
		 uint32_t vmcr);

/*
 * An interrupt as a list register; its record gives up what is in there.
 * @enabled: the distributor is, as the caller saw it for all of them.
 */
uint64_t lr_pack(const struct lr_format *format, struct vgic_irq *irq,
		 bool enabled);
/* The record's state by what the register says now. */
void lr_fold(const struct lr_format *format, struct vgic_irq *irq, uint64_t lr);

static inline bool lr_empty(const struct lr_format *format, uint64_t lr)
{
	return !(lr & (format->pending | format->active));
}

/*
 * Is it completed, by the guest that had it, or by another vCPU that has
 * cleared its active bit meanwhile?
 */
static inline bool lr_completed(const struct lr_format *format,
				unsigned int state, uint64_t lr)
{
	return lr_empty(format, lr) ||
	       (lr & format->active && state & IRQ_ACTIVE_WRITTEN &&
		!(state & IRQ_ACTIVE));
}

#endif

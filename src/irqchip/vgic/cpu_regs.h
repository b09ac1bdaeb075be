/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the CPU interface's two faces, gicc.c and icc.c, have in common.
 *
 * The fields of struct vgic_cpu_if hold what was written, as the virtual
 * machine control register of Linux's vGIC does in memory.  Reset is 0.  Where
 * they are used, and where a guest reads them, hardware's limits apply.
 */
#ifndef VIRQ_VGIC_CPU_REGS_H
#define VIRQ_VGIC_CPU_REGS_H

#include "vgic.h"

/* What Linux's begin with: five bits of priority, 24 of interrupt ids. */
#define VGIC_ICC_CTLR_RESET (4 | 1 << 3)
#define VGIC_PENDBASER_RESET 0x580 /* inner shareable, write-back */

#define VGIC_PMR_MASK 0xf8u
/* With five bits of priority the binary points begin here. */
#define VGIC_MIN_BPR0 2
#define VGIC_MIN_BPR1 3

static inline void vgic_cpu_set_pmr(struct vgic_cpu *cpu, uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(cpu);

	cif->pmr = (uint8_t)value;
	vgic_cpu_if_unlock(cpu);
}

/* As a guest reads it; the field holds what was written. */
static inline uint8_t vgic_cpu_bpr(const struct vgic_cpu *cpu,
				   unsigned int group)
{
	uint8_t min = group ? VGIC_MIN_BPR1 : VGIC_MIN_BPR0;

	return cpu->cif.bpr[group] < min ? min : cpu->cif.bpr[group];
}

static inline void vgic_cpu_set_bpr(struct vgic_cpu *cpu, unsigned int group,
				    uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(cpu);

	cif->bpr[group] = (uint8_t)value;
	vgic_cpu_if_unlock(cpu);
}

#endif

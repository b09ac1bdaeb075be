/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers that hold a bit, two bits or a byte for each interrupt, in the
 * distributor and in the redistributors: what the rows of all frames have in
 * common (mmio.h).
 *
 * _read_ and _write_ are the guest's, _get_ and _set_ an attribute's where that
 * differs.  Which interrupt comes from the offset: banks of registers lie at
 * multiples of their size.
 */
#ifndef VIRQ_VGIC_IRQ_REGS_H
#define VIRQ_VGIC_IRQ_REGS_H

#include "mmio.h"

/* The first interrupt of a register with @bits for each. */
static inline uint32_t vgic_reg_intid(const struct vgic_reg_access *at,
				      unsigned int bits)
{
	return at->offset % (1024 * bits / 8) * 8 / bits;
}

static inline uint32_t vgic_nr_cpus(const struct vgic *vgic)
{
	/* Relaxed: it does not change once there are registers. */
	return atomic_load_explicit(&vgic->nr_cpus, memory_order_relaxed);
}

/* IGROUPR */
uint64_t vgic_reg_read_group(const struct vgic_reg_access *at);
void vgic_reg_write_group(const struct vgic_reg_access *at, uint64_t value);

/* ISENABLER, ICENABLER */
uint64_t vgic_reg_read_enable(const struct vgic_reg_access *at);
void vgic_reg_write_senable(const struct vgic_reg_access *at, uint64_t value);
void vgic_reg_write_cenable(const struct vgic_reg_access *at, uint64_t value);

/* ISPENDR, ICPENDR */
uint64_t vgic_reg_read_pending(const struct vgic_reg_access *at);
void vgic_reg_write_spending(const struct vgic_reg_access *at, uint64_t value);
void vgic_reg_write_cpending(const struct vgic_reg_access *at, uint64_t value);
uint64_t vgic_reg_get_pending_v2(const struct vgic_reg_access *at);
int vgic_reg_set_spending_v2(const struct vgic_reg_access *at, uint64_t value);
int vgic_reg_set_cpending_v2(const struct vgic_reg_access *at, uint64_t value);
/* v3: the latch itself, without the line; the clearing register is dead. */
uint64_t vgic_reg_get_latch(const struct vgic_reg_access *at);
int vgic_reg_set_latch(const struct vgic_reg_access *at, uint64_t value);

/* ISACTIVER, ICACTIVER */
uint64_t vgic_reg_read_active(const struct vgic_reg_access *at);
void vgic_reg_write_sactive(const struct vgic_reg_access *at, uint64_t value);
void vgic_reg_write_cactive(const struct vgic_reg_access *at, uint64_t value);
int vgic_reg_set_sactive(const struct vgic_reg_access *at, uint64_t value);
int vgic_reg_set_cactive(const struct vgic_reg_access *at, uint64_t value);

/* IPRIORITYR, ICFGR */
uint64_t vgic_reg_read_priority(const struct vgic_reg_access *at);
void vgic_reg_write_priority(const struct vgic_reg_access *at, uint64_t value);
uint64_t vgic_reg_read_config(const struct vgic_reg_access *at);
void vgic_reg_write_config(const struct vgic_reg_access *at, uint64_t value);

/* Reads as zero, ignores writes; by attribute too. */
uint64_t vgic_reg_get_raz(const struct vgic_reg_access *at);
int vgic_reg_set_wi(const struct vgic_reg_access *at, uint64_t value);

/* GICD_IIDR, GICR_IIDR; and what an attribute may write there. */
#define VGIC_IIDR_PRODUCT_KVM (0x4bu << 24)
#define VGIC_IIDR_IMPLEMENTER_ARM 0x43bu
#define VGIC_IIDR_REVISION_SHIFT 12
#define VGIC_REVISION_LPI_DISABLE 3 /* from then on EnableLPIs can go to 0 */
uint32_t vgic_reg_dist_iidr(const struct vgic *vgic);
int vgic_reg_set_dist_iidr(struct vgic *vgic, uint64_t value);

/* The identification registers at the end of a GICv3 frame. */
uint64_t vgic_reg_read_idregs(const struct vgic_reg_access *at);
/* An ITS was made: there are LPIs. */
bool vgic_has_its(const struct vgic *vgic);

/* sgi.c */
void vgic_sgir_write(const struct vgic_reg_access *at, uint64_t value);
uint64_t vgic_sgi_read_sources(const struct vgic_reg_access *at);
void vgic_sgi_clear_sources(const struct vgic_reg_access *at, uint64_t value);
void vgic_sgi_set_sources(const struct vgic_reg_access *at, uint64_t value);
/*
 * ICC_SGI1R_EL1 (@group1) raises SGIs of both groups, ICC_SGI0R_EL1 and
 * ICC_ASGI1R_EL1 those of group 0.
 */
void vgic_sgi_write_v3(struct vgic_cpu *cpu, uint64_t value, bool group1);

#endif

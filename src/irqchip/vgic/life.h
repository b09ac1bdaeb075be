/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What src/device asks of a controller's life and addresses.
 *
 * With vgic->lock held, but the first two; 0 or a negative errno as Linux's.
 */
#ifndef VIRQ_VGIC_LIFE_H
#define VIRQ_VGIC_LIFE_H

#include "vgic.h"

/* Is it one of this back end? */
bool vgic_is_chip(const struct virq_irqchip *chip);
/* The affinity that KVM gives a vCPU. */
uint32_t vgic_mpidr(uint32_t vcpu_id);

/* KVM_DEV_TYPE_ARM_VGIC_V2 or _V3 comes: -EEXIST, -E2BIG. */
int vgic_create_model(struct vgic *vgic, uint32_t type);
/* KVM_DEV_ARM_VGIC_GRP_NR_IRQS: -EINVAL, -EBUSY. */
int vgic_set_nr_irqs(struct vgic *vgic, uint32_t nr_irqs);

/*
 * addr.c: KVM_DEV_ARM_VGIC_GRP_ADDR, -ENODEV for an address of the other
 * model.  get: *@value is the index of a REDIST_REGION before, the address
 * after.
 */
int vgic_set_addr(struct vgic *vgic, uint64_t type, uint64_t value);
int vgic_get_addr(const struct vgic *vgic, uint64_t type, uint64_t *value);
/* May @size bytes at @addr become what was at @old: -EEXIST, -EINVAL, -E2BIG */
int vgic_check_range(const struct vgic *vgic, uint64_t old, uint64_t addr,
		     uint64_t alignment, uint64_t size);
/* Are the frames apart and inside the address space? */
bool vgic_addrs_good(const struct vgic *vgic);
/* v3: a redistributor for @cpu as soon as there is room: -EINVAL. */
int vgic_place_redist(struct vgic *vgic, struct vgic_cpu *cpu);

#endif

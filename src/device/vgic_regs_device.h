/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The groups of attributes that save and restore a vGIC: DIST_REGS, CPU_REGS,
 * REDIST_REGS, CPU_SYSREGS, LEVEL_INFO.  -ENXIO: no such group on this model.
 */
#ifndef VIRQ_DEVICE_VGIC_REGS_DEVICE_H
#define VIRQ_DEVICE_VGIC_REGS_DEVICE_H

#include "irqchip/vgic/vgic.h"

int vgic_regs_set(struct vgic *vgic, const struct kvm_device_attr *attr);
int vgic_regs_get(struct vgic *vgic, const struct kvm_device_attr *attr);
int vgic_regs_has(struct vgic *vgic, const struct kvm_device_attr *attr);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device: a type's operations and the chip that it belongs to.
 *
 * Devices are on their chip's list, which only grows, and go with the chip.
 * Attribute operations are called with no lock held.
 */
#ifndef VIRQ_DEVICE_DEVICE_H
#define VIRQ_DEVICE_DEVICE_H

#include <virq/device.h>
#include "irqchip/vgic/vgic.h"

typedef int device_attr_fn(struct virq_device *device,
			   const struct kvm_device_attr *attr);

struct device_ops {
	uint32_t type; /* KVM_DEV_TYPE_* */
	/* Can this chip have one?  NULL: any. */
	bool (*offered)(const struct vgic *vgic);
	/* With vgic->lock held. */
	int (*create)(struct virq_device *device);
	void (*destroy)(struct virq_device *device); /* NULL: nothing to do */
	device_attr_fn *set_attr, *get_attr, *has_attr;
};

struct virq_device {
	const struct device_ops *ops;
	struct vgic *vgic;
	struct vgic_its *its; /* its_device.c */
	struct virq_device *next; /* of the chip's */
};

extern const struct device_ops device_vgic_v2, device_vgic_v3, device_its;

/* A whole list, at the end of its chip. */
void devices_destroy(struct virq_device *devices);

#endif

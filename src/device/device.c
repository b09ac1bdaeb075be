// SPDX-License-Identifier: BSD-3-Clause
/* KVM_CREATE_DEVICE and the requests on a device: to the type's operations. */
#include "device.h"
#include "irqchip/vgic/life.h"
#include <errno.h>
#include <stdlib.h>

static const struct device_ops *const types[] = {
	&device_vgic_v2,
	&device_vgic_v3,
	&device_its,
};

static const struct device_ops *find_type(const struct vgic *vgic,
					  uint32_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i]->type == type)
			return !types[i]->offered || types[i]->offered(vgic)
				       ? types[i]
				       : NULL;
	return NULL;
}

int virq_device_create(struct virq_vm *vm, uint32_t type, uint32_t flags,
		       struct virq_device **out)
{
	struct virq_irqchip *chip = virq_vm_irqchip(vm);
	const struct device_ops *ops;
	struct virq_device *device;
	struct vgic *vgic;
	int ret;

	if (!chip || !vgic_is_chip(chip))
		return -ENODEV;
	vgic = to_vgic(chip);
	ops = find_type(vgic, type);
	if (!ops)
		return -ENODEV;
	if (flags & KVM_CREATE_DEVICE_TEST)
		return 0;
	device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->ops = ops;
	device->vgic = vgic;
	pthread_mutex_lock(&vgic->lock);
	ret = ops->create(device);
	if (!ret) {
		device->next = vgic->devices;
		vgic->devices = device;
	}
	pthread_mutex_unlock(&vgic->lock);
	if (ret)
		free(device);
	else
		*out = device;
	return ret;
}

void devices_destroy(struct virq_device *device)
{
	while (device) {
		struct virq_device *next = device->next;

		if (device->ops->destroy)
			device->ops->destroy(device);
		free(device);
		device = next;
	}
}

int virq_device_set_attr(struct virq_device *device,
			 const struct kvm_device_attr *attr)
{
	return device->ops->set_attr(device, attr);
}

int virq_device_get_attr(struct virq_device *device,
			 const struct kvm_device_attr *attr)
{
	return device->ops->get_attr(device, attr);
}

int virq_device_has_attr(struct virq_device *device,
			 const struct kvm_device_attr *attr)
{
	return device->ops->has_attr(device, attr);
}

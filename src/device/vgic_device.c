// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_DEV_TYPE_ARM_VGIC_V2 and _V3: the groups that configure and initialise a
 * controller.  Those that save and restore it are in vgic_regs_device.c.
 *
 * Memory of the caller is read before vgic->lock is taken and written after,
 * in Linux's order of checks.
 */
#include "device.h"
#include "host/user_copy.h"
#include "irqchip/vgic/its.h"
#include "irqchip/vgic/life.h"
#include "vgic_regs_device.h"
#include <errno.h>

static bool device_is_v3(const struct virq_device *device)
{
	return device->ops->type == KVM_DEV_TYPE_ARM_VGIC_V3;
}

static int create(struct virq_device *device)
{
	return vgic_create_model(device->vgic, device->ops->type);
}

/* ---- KVM_DEV_ARM_VGIC_GRP_ADDR ---- */

/* Linux says ENXIO to user space where a type is not the model's. */
static int addr_errno(int ret)
{
	return ret == -ENODEV ? -ENXIO : ret;
}

static int set_addr(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	uint64_t value;
	int ret = user_copy_in(&value, (uintptr_t)attr->addr, sizeof(value));

	if (ret)
		return ret;
	pthread_mutex_lock(&vgic->lock);
	ret = vgic_set_addr(vgic, attr->attr, value);
	pthread_mutex_unlock(&vgic->lock);
	return addr_errno(ret);
}

static int get_addr(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	uint64_t value = 0;
	int ret;

	/* A region's index comes in by the same place. */
	if (attr->attr == KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION) {
		ret = user_copy_in(&value, (uintptr_t)attr->addr,
				   sizeof(value));
		if (ret)
			return ret;
	}
	pthread_mutex_lock(&vgic->lock);
	ret = vgic_get_addr(vgic, attr->attr, &value);
	pthread_mutex_unlock(&vgic->lock);
	if (ret)
		return addr_errno(ret);
	return user_copy_out((uintptr_t)attr->addr, &value, sizeof(value));
}

static int has_addr(const struct virq_device *device, uint64_t type)
{
	switch (type) {
	case KVM_VGIC_V2_ADDR_TYPE_DIST:
	case KVM_VGIC_V2_ADDR_TYPE_CPU:
		return device_is_v3(device) ? -ENXIO : 0;
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		return device_is_v3(device) ? 0 : -ENXIO;
	default: return -ENXIO;
	}
}

/* ---- KVM_DEV_ARM_VGIC_GRP_NR_IRQS ---- */

static int set_nr_irqs(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	uint32_t count;
	int ret = user_copy_in(&count, (uintptr_t)attr->addr, sizeof(count));

	if (ret)
		return ret;
	pthread_mutex_lock(&vgic->lock);
	ret = vgic_set_nr_irqs(vgic, count);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

static int get_nr_irqs(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	uint32_t count;

	pthread_mutex_lock(&vgic->lock);
	count = vgic->nr_irqs ? vgic->nr_irqs : VGIC_NR_PRIVATE;
	pthread_mutex_unlock(&vgic->lock);
	return user_copy_out((uintptr_t)attr->addr, &count, sizeof(count));
}

/* ---- KVM_DEV_ARM_VGIC_GRP_CTRL ---- */

static int has_ctrl(const struct virq_device *device, uint64_t attr)
{
	if (attr == KVM_DEV_ARM_VGIC_CTRL_INIT ||
	    (attr == KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES &&
	     device_is_v3(device)))
		return 0;
	return -ENXIO;
}

static int control(struct virq_device *device, uint64_t attr)
{
	struct vgic *vgic = device->vgic;
	int ret = has_ctrl(device, attr);

	if (ret)
		return ret;
	pthread_mutex_lock(&vgic->lock);
	if (attr == KVM_DEV_ARM_VGIC_CTRL_INIT)
		ret = vgic_init(vgic);
	else
		ret = vgic_lpis_save_pending(vgic);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

/* ---- All groups ---- */

static int set_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR: return set_addr(device->vgic, attr);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return set_nr_irqs(device->vgic, attr);
	case KVM_DEV_ARM_VGIC_GRP_CTRL: return control(device, attr->attr);
	default: return vgic_regs_set(device->vgic, attr);
	}
}

static int get_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR: return get_addr(device->vgic, attr);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS:
		return get_nr_irqs(device->vgic, attr);
	case KVM_DEV_ARM_VGIC_GRP_CTRL: return -ENXIO;
	default: return vgic_regs_get(device->vgic, attr);
	}
}

static int has_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR: return has_addr(device, attr->attr);
	case KVM_DEV_ARM_VGIC_GRP_NR_IRQS: return 0;
	case KVM_DEV_ARM_VGIC_GRP_CTRL: return has_ctrl(device, attr->attr);
	default: return vgic_regs_has(device->vgic, attr);
	}
}

const struct device_ops device_vgic_v2 = {
	.type = KVM_DEV_TYPE_ARM_VGIC_V2,
	.create = create,
	.set_attr = set_attr,
	.get_attr = get_attr,
	.has_attr = has_attr,
};

const struct device_ops device_vgic_v3 = {
	.type = KVM_DEV_TYPE_ARM_VGIC_V3,
	.create = create,
	.set_attr = set_attr,
	.get_attr = get_attr,
	.has_attr = has_attr,
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_DEV_TYPE_ARM_VGIC_ITS: a VM may have several, before or after its vGIC.
 *
 * Linux's order of checks; vgic->lock is held for what touches the ITS.
 */
#include "device.h"
#include "host/user_copy.h"
#include "irqchip/vgic/its.h"
#include "irqchip/vgic/life.h"
#include <errno.h>

/* Its tables are in guest memory. */
static bool offered(const struct vgic *vgic)
{
	return vgic->lpis;
}

static int create(struct virq_device *device)
{
	return vgic_its_create(device->vgic, &device->its);
}

static void destroy(struct virq_device *device)
{
	vgic_its_destroy(device->its);
}

static int set_addr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	uint64_t base;
	int ret;

	if (attr->attr != KVM_VGIC_ITS_ADDR_TYPE)
		return -ENODEV;
	ret = user_copy_in(&base, (uintptr_t)attr->addr, sizeof(base));
	if (ret)
		return ret;
	pthread_mutex_lock(&device->vgic->lock);
	ret = vgic_its_set_base(device->its, base);
	pthread_mutex_unlock(&device->vgic->lock);
	return ret;
}

static int get_addr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	uint64_t base;

	if (attr->attr != KVM_VGIC_ITS_ADDR_TYPE)
		return -ENODEV;
	pthread_mutex_lock(&device->vgic->lock);
	base = vgic_its_base(device->its);
	pthread_mutex_unlock(&device->vgic->lock);
	return user_copy_out((uintptr_t)attr->addr, &base, sizeof(base));
}

static int has_ctrl(uint64_t attr)
{
	switch (attr) {
	case KVM_DEV_ARM_VGIC_CTRL_INIT:
	case KVM_DEV_ARM_ITS_SAVE_TABLES:
	case KVM_DEV_ARM_ITS_RESTORE_TABLES:
	case KVM_DEV_ARM_ITS_CTRL_RESET: return 0;
	default: return -ENXIO;
	}
}

/* What Linux does not know it does not refuse either. */
static int control(struct virq_device *device, uint64_t attr)
{
	struct vgic_its *its = device->its;
	int ret = 0;

	pthread_mutex_lock(&device->vgic->lock);
	switch (attr) {
	case KVM_DEV_ARM_VGIC_CTRL_INIT: ret = vgic_its_init(its); break;
	case KVM_DEV_ARM_ITS_SAVE_TABLES:
		ret = vgic_its_save_tables(its);
		break;
	case KVM_DEV_ARM_ITS_RESTORE_TABLES:
		ret = vgic_its_restore_tables(its);
		break;
	case KVM_DEV_ARM_ITS_CTRL_RESET: vgic_its_reset(its); break;
	default: break;
	}
	pthread_mutex_unlock(&device->vgic->lock);
	return ret;
}

static int set_reg(struct virq_device *device,
		   const struct kvm_device_attr *attr)
{
	uint64_t value;
	int ret = user_copy_in(&value, (uintptr_t)attr->addr, sizeof(value));

	if (ret)
		return ret;
	pthread_mutex_lock(&device->vgic->lock);
	ret = vgic_its_set_reg(device->its, attr->attr, value);
	pthread_mutex_unlock(&device->vgic->lock);
	return ret;
}

static int get_reg(struct virq_device *device,
		   const struct kvm_device_attr *attr)
{
	uint64_t value = 0;
	int ret;

	pthread_mutex_lock(&device->vgic->lock);
	ret = vgic_its_get_reg(device->its, attr->attr, &value);
	pthread_mutex_unlock(&device->vgic->lock);
	if (ret)
		return ret;
	return user_copy_out((uintptr_t)attr->addr, &value, sizeof(value));
}

static int set_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR: return set_addr(device, attr);
	case KVM_DEV_ARM_VGIC_GRP_CTRL: return control(device, attr->attr);
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS: return set_reg(device, attr);
	default: return -ENXIO;
	}
}

static int get_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR: return get_addr(device, attr);
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS: return get_reg(device, attr);
	default: return -ENXIO;
	}
}

static int has_attr(struct virq_device *device,
		    const struct kvm_device_attr *attr)
{
	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_ADDR:
		return attr->attr == KVM_VGIC_ITS_ADDR_TYPE ? 0 : -ENXIO;
	case KVM_DEV_ARM_VGIC_GRP_CTRL: return has_ctrl(attr->attr);
	case KVM_DEV_ARM_VGIC_GRP_ITS_REGS:
		return vgic_its_has_reg(device->its, attr->attr);
	default: return -ENXIO;
	}
}

const struct device_ops device_its = {
	.type = KVM_DEV_TYPE_ARM_VGIC_ITS,
	.offered = offered,
	.create = create,
	.destroy = destroy,
	.set_attr = set_attr,
	.get_attr = get_attr,
	.has_attr = has_attr,
};

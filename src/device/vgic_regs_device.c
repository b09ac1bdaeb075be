// SPDX-License-Identifier: BSD-3-Clause
/*
 * A controller's state by attributes.
 *
 * Linux's order: the group and the vCPU, the caller's memory, the state of the
 * controller, the register.  vgic->lock is held for the last two; the caller
 * sees to it that no vCPU runs.
 */
#include "vgic_regs_device.h"
#include "host/user_copy.h"
#include "irqchip/vgic/life.h"
#include "irqchip/vgic/mmio.h"
#include <errno.h>

/* What an attribute names. */
struct target {
	const struct vgic_frame *frame; /* NULL: no frame */
	struct vgic_reg_access at;
};

static bool group_known(const struct vgic *vgic, uint32_t group)
{
	switch (group) {
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS: return true;
	case KVM_DEV_ARM_VGIC_GRP_CPU_REGS: return !vgic_is_v3(vgic);
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS:
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO: return vgic_is_v3(vgic);
	default: return false;
	}
}

static const struct vgic_frame *group_frame(const struct vgic *vgic,
					    uint32_t group)
{
	switch (group) {
	case KVM_DEV_ARM_VGIC_GRP_DIST_REGS:
		return vgic_is_v3(vgic) ? &vgic_dist_v3 : &vgic_dist_v2;
	case KVM_DEV_ARM_VGIC_GRP_CPU_REGS: return &vgic_gicc_v2;
	case KVM_DEV_ARM_VGIC_GRP_REDIST_REGS: return &vgic_redist_v3;
	default: return NULL;
	}
}

/* v2: by vCPU id.  v3: by affinity; the distributor is everybody's. */
static struct vgic_cpu *attr_cpu(const struct vgic *vgic,
				 const struct kvm_device_attr *attr)
{
	uint32_t high = (uint32_t)(attr->attr >> 32);
	struct virq_vcpu *vcpu;

	if (!vgic_is_v3(vgic)) {
		vcpu = virq_vm_vcpu(vgic->chip.vm, high & 0xff);
		return vcpu ? vcpu_to_vgic_cpu(vcpu) : NULL;
	}
	if (attr->group == KVM_DEV_ARM_VGIC_GRP_DIST_REGS)
		return atomic_load(&vgic->nr_cpus) ? vgic->cpus[0] : NULL;
	return vgic_cpu_by_mpidr(vgic, high);
}

static int find_target(struct vgic *vgic, const struct kvm_device_attr *attr,
		       struct target *target)
{
	if (!group_known(vgic, attr->group))
		return -ENXIO;
	*target = (struct target){
		.frame = group_frame(vgic, attr->group),
		.at =
			{
				.vgic = vgic,
				.cpu = attr_cpu(vgic, attr),
				.offset = (uint32_t)attr->attr,
				.len = 4,
			},
	};
	return target->at.cpu ? 0 : -EINVAL;
}

static uint32_t attr_sysreg(const struct kvm_device_attr *attr)
{
	return (uint32_t)attr->attr & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK;
}

static size_t value_size(const struct kvm_device_attr *attr)
{
	return attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS ? 8 : 4;
}

/* v2 initialises here, as in Linux; a v3 must have been. */
static int prepare(struct vgic *vgic)
{
	if (!vgic_is_v3(vgic))
		return vgic_init(vgic);
	return vgic_state(vgic) < VGIC_INITIALIZED ? -EBUSY : 0;
}

/* The first interrupt of a LEVEL_INFO attribute. */
static int level_info(const struct kvm_device_attr *attr, uint32_t *intid)
{
	uint64_t info = (attr->attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK) >>
			KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT;

	*intid = (uint32_t)attr->attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INTID_MASK;
	if (info != VGIC_LEVEL_INFO_LINE_LEVEL || *intid % 32)
		return -EINVAL;
	return 0;
}

static int write_target(const struct target *target,
			const struct kvm_device_attr *attr, uint64_t value)
{
	const struct vgic_reg_access *at = &target->at;
	uint32_t intid;
	int ret;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		return vgic_icc_set(at->cpu, attr_sysreg(attr), value);
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		ret = level_info(attr, &intid);
		if (!ret)
			vgic_set_lines(at->vgic, at->cpu, intid,
				       (uint32_t)value);
		return ret;
	default: return vgic_uaccess_set(target->frame, at, (uint32_t)value);
	}
}

static int read_target(const struct target *target,
		       const struct kvm_device_attr *attr, uint64_t *value)
{
	const struct vgic_reg_access *at = &target->at;
	uint32_t intid, word = 0;
	int ret;

	switch (attr->group) {
	case KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS:
		return vgic_icc_get(at->cpu, attr_sysreg(attr), value);
	case KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO:
		ret = level_info(attr, &intid);
		if (!ret)
			word = vgic_get_lines(at->vgic, at->cpu, intid);
		break;
	default: ret = vgic_uaccess_get(target->frame, at, &word);
	}
	*value = word;
	return ret;
}

static int copy_value(const struct kvm_device_attr *attr, uint64_t *value)
{
	return user_copy_in(value, (uintptr_t)attr->addr, value_size(attr));
}

int vgic_regs_set(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	struct target target;
	uint64_t value = 0;
	int ret = find_target(vgic, attr, &target);

	if (ret)
		return ret;
	if (target.frame || attr->group == KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO)
		ret = copy_value(attr, &value);
	if (ret)
		return ret;
	pthread_mutex_lock(&vgic->lock);
	ret = prepare(vgic);
	/* Of system registers, Linux reads the value here. */
	if (!ret && attr->group == KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS)
		ret = copy_value(attr, &value);
	if (!ret)
		ret = write_target(&target, attr, value);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

int vgic_regs_get(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	struct target target;
	uint64_t value = 0;
	int ret = find_target(vgic, attr, &target);

	if (ret)
		return ret;
	pthread_mutex_lock(&vgic->lock);
	ret = prepare(vgic);
	if (!ret)
		ret = read_target(&target, attr, &value);
	pthread_mutex_unlock(&vgic->lock);
	if (ret)
		return ret;
	return user_copy_out((uintptr_t)attr->addr, &value, value_size(attr));
}

int vgic_regs_has(struct vgic *vgic, const struct kvm_device_attr *attr)
{
	struct target target;
	int ret;

	if (attr->group == KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO && vgic_is_v3(vgic))
		return attr->attr & KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_MASK
			       ? -ENXIO
			       : 0;
	ret = find_target(vgic, attr, &target);
	if (ret)
		return ret;
	if (!target.frame)
		return vgic_icc_has(target.at.cpu, attr_sysreg(attr));
	/* How many registers a bank has may just be told. */
	pthread_mutex_lock(&vgic->lock);
	ret = vgic_uaccess_has(target.frame, &target.at);
	pthread_mutex_unlock(&vgic->lock);
	return ret;
}

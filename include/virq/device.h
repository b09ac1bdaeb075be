/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices of a VM in the sense of KVM_CREATE_DEVICE: what is configured and
 * saved by attributes.  Today the vGIC (v2, v3) and its ITS (vgic.h).
 *
 * The structs, groups and errno values are Linux's; attr->addr is a pointer in
 * this process, and one that leads nowhere is -EFAULT.
 */
#ifndef VIRQ_DEVICE_H
#define VIRQ_DEVICE_H

#include <virq/defs.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct virq_device;

/*
 * virq_device_create - KVM_CREATE_DEVICE.  @type is KVM_DEV_TYPE_*.  With
 * KVM_CREATE_DEVICE_TEST in @flags only the type is checked, and *@device stays
 * as it was; other flags are not looked at.  The device lives as long as the
 * VM.
 * Any thread.  0, -ENOMEM, -ENODEV (no such type for this VM's irqchip), or
 * what the type answers: a vGIC -EEXIST (there is one), -E2BIG (more vCPUs than
 * the model has).
 *
 * virq_device_set_attr, _get_attr, _has_attr - KVM_SET_DEVICE_ATTR and so on.
 * Any thread; they may block.  No vCPU may be in guest code meanwhile, for
 * which Linux answers -EBUSY.  -ENXIO: no such group or attribute.
 */
VIRQ_API int virq_device_create(struct virq_vm *vm, uint32_t type,
				uint32_t flags, struct virq_device **device);
VIRQ_API int virq_device_set_attr(struct virq_device *device,
				  const struct kvm_device_attr *attr);
VIRQ_API int virq_device_get_attr(struct virq_device *device,
				  const struct kvm_device_attr *attr);
VIRQ_API int virq_device_has_attr(struct virq_device *device,
				  const struct kvm_device_attr *attr);

VIRQ_END_DECLS

#endif

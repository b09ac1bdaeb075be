// SPDX-License-Identifier: BSD-3-Clause
/*
 * From the devices to the guest: the guest's parameters, the routing table and
 * the irqfds; and back: the acks.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

static enum guest_kind device_kind(const struct vmm_device *device)
{
	switch (device->kind) {
	case VMM_LEVEL: return GUEST_LEVEL;
	case VMM_MSI: return GUEST_MSI;
	default: return GUEST_EDGE;
	}
}

void vmm_write_params(struct vmm *vmm)
{
	struct guest_params *params = (void *)(vmm->memory + GUEST_PARAMS_GPA);

	params->magic = GUEST_MAGIC;
	params->nr_vcpus = vmm->nr_vcpus;
	params->nr_devices = vmm->nr_devices;
	params->flags = vmm->machine->param_flags(vmm);
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		params->device[i] = (struct guest_device){
			.kind = device_kind(&vmm->devices[i]),
			.pin = vmm->devices[i].pin,
			.vector = vmm->machine->vector(vmm, i),
			.vcpu = vmm->devices[i].vcpu,
		};
	}
}

static int set_routes(struct vmm *vmm)
{
	union {
		struct kvm_irq_routing head;
		uint8_t space[sizeof(struct kvm_irq_routing) +
			      VMM_MAX_ROUTES *
				      sizeof(struct kvm_irq_routing_entry)];
	} table;

	memset(&table, 0, sizeof(table));
	table.head.nr = vmm->machine->routes(vmm, table.head.entries);
	return virq_vm_set_gsi_routing(vmm->vm, &table.head);
}

int vmm_irqfd(struct vmm *vmm, unsigned int device, int irq_fd, uint32_t flags)
{
	const struct vmm_device *dev = &vmm->devices[device];
	struct kvm_irqfd args = {
		.fd = (uint32_t)irq_fd,
		.gsi = dev->kind == VMM_MSI ? vmm->machine->nr_pins + device
					    : dev->pin,
		.flags = flags,
	};

	if (dev->kind == VMM_LEVEL && !(flags & KVM_IRQFD_FLAG_DEASSIGN)) {
		args.flags |= KVM_IRQFD_FLAG_RESAMPLE;
		args.resamplefd = (uint32_t)dev->resample_fd;
	}
	return virq_vm_irqfd(vmm->vm, &args);
}

int vmm_connect(struct vmm *vmm)
{
	int ret = set_routes(vmm);

	if (ret)
		return vmm_fail(vmm, ret, "routing table refused: %s",
				strerror(-ret));
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		ret = vmm_irqfd(vmm, i, vmm->devices[i].irq_fd, 0);
		if (ret)
			return vmm_fail(vmm, ret, "device %u: irqfd: %s", i,
					strerror(-ret));
		ret = eventfd_signal_init(&vmm->acks[i],
					  vmm->devices[i].ack_fd);
		if (ret)
			return vmm_fail(vmm, ret, "device %u: ack: %s", i,
					strerror(-ret));
	}
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * From the devices to the guest: the guest's parameters, the routing table and
 * the irqfds; and back: the acks.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#define PIC_VECTOR_BASE 0x20
/* Each device of the APIC program has a vector; two of them share a class. */
#define APIC_VECTOR(i) (0x30 + 8 * (i))

#define MSI_ADDRESS 0xfee00000u
#define MSI_DEST_SHIFT 12
#define NR_PIC_PINS 8 /* a chip */

static uint32_t device_vector(const struct vmm *vmm, unsigned int i)
{
	if (vmm->program == VMM_PROGRAM_PIC)
		return PIC_VECTOR_BASE + vmm->devices[i].pin;
	return APIC_VECTOR(i);
}

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
	if (vmm->x2apic)
		params->flags |= GUEST_X2APIC;
	/* CR8 is the monitor's business where the local APIC is. */
	if (!vmm->kernel_apic)
		params->flags |= GUEST_CR8;
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		params->device[i] = (struct guest_device){
			.kind = device_kind(&vmm->devices[i]),
			.pin = vmm->devices[i].pin,
			.vector = device_vector(vmm, i),
			.vcpu = vmm->devices[i].vcpu,
		};
	}
}

/*
 * A PC's pins, which are not everybody's default (a split irqchip starts with
 * an empty table), and a message for each MSI device.
 */
static int set_routes(struct vmm *vmm)
{
	enum { MAX_ROUTES = 2 * NR_PIC_PINS + VMM_NR_PINS + GUEST_MAX_DEVICES };
	union {
		struct kvm_irq_routing head;
		uint8_t space[sizeof(struct kvm_irq_routing) +
			      MAX_ROUTES *
				      sizeof(struct kvm_irq_routing_entry)];
	} table;
	struct kvm_irq_routing_entry *entry = table.head.entries;

	memset(&table, 0, sizeof(table));
	for (uint32_t pin = 0; pin < 2 * NR_PIC_PINS; pin++) {
		entry->gsi = pin;
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = pin < NR_PIC_PINS
						   ? KVM_IRQCHIP_PIC_MASTER
						   : KVM_IRQCHIP_PIC_SLAVE;
		entry->u.irqchip.pin = pin % NR_PIC_PINS;
		entry++;
	}
	for (uint32_t pin = 0; pin < VMM_NR_PINS; pin++) {
		entry->gsi = pin;
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entry->u.irqchip.pin = pin;
		entry++;
	}
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		if (vmm->devices[i].kind != VMM_MSI)
			continue;
		entry->gsi = VMM_MSI_GSI(i);
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->u.msi.address_lo =
			MSI_ADDRESS | vmm->devices[i].vcpu << MSI_DEST_SHIFT;
		entry->u.msi.data = device_vector(vmm, i);
		entry++;
	}
	table.head.nr = (uint32_t)(entry - table.head.entries);
	return virq_vm_set_gsi_routing(vmm->vm, &table.head);
}

int vmm_irqfd(struct vmm *vmm, unsigned int device, int irq_fd, uint32_t flags)
{
	const struct vmm_device *dev = &vmm->devices[device];
	struct kvm_irqfd args = {
		.fd = (uint32_t)irq_fd,
		.gsi = dev->kind == VMM_MSI ? VMM_MSI_GSI(device) : dev->pin,
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

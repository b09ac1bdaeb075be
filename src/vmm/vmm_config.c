// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a user may ask of the monitor, each rule told in one line; and what is
 * chosen where the user leaves it open.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NR_PIC_LINES 16
#define PIC_CASCADE_LINE 2
/* Lines whose ELCR bit is fixed at edge: timer, keyboard, cascade, RTC, FPU. */
#define PIC_EDGE_ONLY 0x2107u

/*
 * The one that is everywhere: it runs natively and on any KVM, and its EOIs do
 * not depend on the host's local APIC.
 */
#define DEFAULT_IRQCHIP "x86"

bool vmm_kvm_usable(const char **why)
{
	const char *reason = NULL;
#ifdef __x86_64__
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		reason = errno == ENOENT   ? "there is no /dev/kvm"
			 : errno == EACCES ? "no permission for /dev/kvm"
					   : "/dev/kvm does not open";
	} else {
		if (ioctl(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
			reason = "/dev/kvm is not a KVM of API version 12";
		close(fd);
	}
#else
	reason = "the KVM guest programs are for x86-64 hosts";
#endif
	if (why)
		*why = reason;
	return !reason;
}

static int choose_guest(struct vmm *vmm, const struct vmm_config *config)
{
	const char *why = NULL;
	bool usable = config->guest != VMM_GUEST_NATIVE && vmm_kvm_usable(&why);

	switch (config->guest) {
	case VMM_GUEST_AUTO:
		vmm->guest = usable ? VMM_GUEST_KVM : VMM_GUEST_NATIVE;
		break;
	case VMM_GUEST_KVM:
		if (!usable)
			return vmm_fail(vmm, -ENODEV,
					"no KVM guest: %s; try the native one",
					why);
		vmm->guest = VMM_GUEST_KVM;
		break;
	case VMM_GUEST_NATIVE: vmm->guest = VMM_GUEST_NATIVE; break;
	default: return vmm_fail(vmm, -EINVAL, "unknown kind of guest");
	}
#ifdef __x86_64__
	if (vmm->guest == VMM_GUEST_KVM) {
		vmm->ops = &vmm_kvm_ops;
		return 0;
	}
#endif
	vmm->ops = &vmm_native_ops;
	return 0;
}

static int choose_irqchip(struct vmm *vmm, const struct vmm_config *config)
{
	const char *name = config->irqchip ? config->irqchip : DEFAULT_IRQCHIP;
	bool user = !strcmp(name, "x86");

	vmm->irqchip = virq_irqchip_find(name);
	if (!vmm->irqchip ||
	    (!user && strcmp(name, "split") && strcmp(name, "kvm")))
		return vmm_fail(vmm, -EINVAL,
				"no irqchip '%s' for these guests: "
				"use x86, split or kvm",
				name);
	if (!user && vmm->guest == VMM_GUEST_NATIVE)
		return vmm_fail(vmm, -EINVAL,
				"irqchip '%s' is part of KVM: "
				"the native guest needs x86",
				name);
	vmm->kernel_apic = !user;
	return 0;
}

static int check_pin(struct vmm *vmm, unsigned int i)
{
	const struct vmm_device *device = &vmm->devices[i];
	bool pic = vmm->program == VMM_PROGRAM_PIC;
	uint32_t nr = pic ? NR_PIC_LINES : VMM_NR_PINS;

	if (device->pin >= nr)
		return vmm_fail(vmm, -EINVAL,
				"device %u: no pin %u, the %s has 0 to %u", i,
				device->pin, pic ? "8259 pair" : "IOAPIC",
				nr - 1);
	if (pic && device->pin == PIC_CASCADE_LINE)
		return vmm_fail(vmm, -EINVAL,
				"device %u: line 2 of the 8259 is its cascade",
				i);
	if (pic && device->kind == VMM_LEVEL &&
	    PIC_EDGE_ONLY >> device->pin & 1)
		return vmm_fail(vmm, -EINVAL,
				"device %u: line %u of the 8259 is edge only",
				i, device->pin);
	for (unsigned int j = 0; j < i; j++) {
		if (vmm->devices[j].kind != VMM_MSI &&
		    vmm->devices[j].pin == device->pin)
			return vmm_fail(vmm, -EINVAL,
					"devices %u and %u: both on pin %u", j,
					i, device->pin);
	}
	return 0;
}

static int check_device(struct vmm *vmm, unsigned int i)
{
	const struct vmm_device *device = &vmm->devices[i];

	if (device->vcpu >= vmm->nr_vcpus)
		return vmm_fail(vmm, -EINVAL,
				"device %u: no vCPU %u, there are %u", i,
				device->vcpu, vmm->nr_vcpus);
	switch (device->kind) {
	case VMM_EDGE:
	case VMM_LEVEL: return check_pin(vmm, i);
	case VMM_MSI:
		if (vmm->program == VMM_PROGRAM_PIC)
			return vmm_fail(vmm, -EINVAL,
					"device %u: the 8259 takes no MSI", i);
		return 0;
	default: return vmm_fail(vmm, -EINVAL, "device %u: unknown kind", i);
	}
}

int vmm_configure(struct vmm *vmm, const struct vmm_config *config)
{
	int ret;

	ret = choose_guest(vmm, config);
	if (ret)
		return ret;
	ret = choose_irqchip(vmm, config);
	if (ret)
		return ret;

	if (config->program != VMM_PROGRAM_APIC &&
	    config->program != VMM_PROGRAM_PIC)
		return vmm_fail(vmm, -EINVAL, "unknown guest program");
	if (config->nr_vcpus < 1 || config->nr_vcpus > GUEST_MAX_VCPUS)
		return vmm_fail(vmm, -EINVAL,
				"%u vCPUs: the guest takes 1 to %u",
				config->nr_vcpus, GUEST_MAX_VCPUS);
	if (config->program == VMM_PROGRAM_PIC && config->nr_vcpus > 1)
		return vmm_fail(vmm, -EINVAL,
				"the 8259 interrupts one vCPU, not %u",
				config->nr_vcpus);
	if (config->nr_devices < 1 || config->nr_devices > GUEST_MAX_DEVICES)
		return vmm_fail(vmm, -EINVAL,
				"%u devices: the guest takes 1 to %u",
				config->nr_devices, GUEST_MAX_DEVICES);

	vmm->program = config->program;
	vmm->nr_vcpus = config->nr_vcpus;
	vmm->x2apic = config->x2apic;
	vmm->nr_devices = config->nr_devices;
	vmm->delivered = config->delivered;
	vmm->acked = config->acked;
	vmm->opaque = config->opaque;
	vmm->bypass = config->bypass;
	vmm->halt_poll_ns = config->halt_poll_ns;
	memcpy(vmm->devices, config->devices,
	       config->nr_devices * sizeof(*config->devices));
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		ret = check_device(vmm, i);
		if (ret)
			return ret;
	}
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a user may ask of the monitor, each rule told in one line; and what is
 * chosen where the user leaves it open.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <string.h>

static const struct vmm_host_machine *find_machine(const char *irqchip)
{
	if (!irqchip)
		return &vmm_host_machines[0];
	for (unsigned int i = 0; i < vmm_nr_host_machines; i++) {
		const char *const *name = vmm_host_machines[i].irqchips;

		for (; *name; name++) {
			if (!strcmp(*name, irqchip))
				return &vmm_host_machines[i];
		}
	}
	return NULL;
}

static int choose_machine(struct vmm *vmm, const struct vmm_config *config,
			  const struct vmm_host_machine **host)
{
	const char *name = config->irqchip;

	*host = find_machine(name);
	if (*host) {
		vmm->machine = (*host)->machine;
		vmm->irqchip =
			virq_irqchip_find(name ? name : vmm->machine->irqchip);
	}
	if (!vmm->irqchip)
		return vmm_fail(vmm, -EINVAL,
				"no irqchip '%s' for these guests: use %s",
				name ? name : "default", vmm_host_irqchips);
	return 0;
}

/* Is the irqchip in the kernel, and so for guests on KVM alone? */
static bool of_kvm(const struct vmm *vmm)
{
	return strcmp(vmm->irqchip->name, vmm->machine->irqchip) != 0;
}

static int choose_guest(struct vmm *vmm, const struct vmm_config *config,
			const struct vmm_host_machine *host)
{
	const char *why = "this machine is not of the host's sort";
	bool usable = config->guest != VMM_GUEST_NATIVE && host->kvm &&
		      vmm_kvm_usable(&why);

	if (config->guest != VMM_GUEST_NATIVE && !usable && of_kvm(vmm))
		return vmm_fail(vmm, -ENODEV,
				"no irqchip %s: %s; use irqchip %s with the "
				"native guest",
				vmm->irqchip->name, why, vmm->machine->irqchip);
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
	vmm->ops =
		vmm->guest == VMM_GUEST_KVM ? host->kvm : vmm->machine->native;
	if (vmm->guest == VMM_GUEST_NATIVE && of_kvm(vmm))
		return vmm_fail(vmm, -EINVAL,
				"irqchip '%s' is part of KVM: "
				"the native guest needs %s",
				vmm->irqchip->name, vmm->machine->irqchip);
	vmm->kernel_halt = vmm->ops->kernel_halt && vmm->ops->kernel_halt(vmm);
	return 0;
}

static int check_device(struct vmm *vmm, unsigned int i)
{
	const struct vmm_device *device = &vmm->devices[i];
	int ret;

	if (device->vcpu >= vmm->nr_vcpus)
		return vmm_fail(vmm, -EINVAL,
				"device %u: no vCPU %u, there are %u", i,
				device->vcpu, vmm->nr_vcpus);
	if (device->kind != VMM_EDGE && device->kind != VMM_LEVEL &&
	    device->kind != VMM_MSI)
		return vmm_fail(vmm, -EINVAL, "device %u: unknown kind", i);
	ret = vmm->machine->check_device(vmm, i);
	if (ret || device->kind == VMM_MSI)
		return ret;
	for (unsigned int j = 0; j < i; j++) {
		if (vmm->devices[j].kind != VMM_MSI &&
		    vmm->devices[j].pin == device->pin)
			return vmm_fail(vmm, -EINVAL,
					"devices %u and %u: both on pin %u", j,
					i, device->pin);
	}
	return 0;
}

int vmm_configure(struct vmm *vmm, const struct vmm_config *config)
{
	const struct vmm_host_machine *host;
	int ret;

	ret = choose_machine(vmm, config, &host);
	if (ret)
		return ret;
	ret = choose_guest(vmm, config, host);
	if (ret)
		return ret;

	if (config->nr_vcpus < 1 || config->nr_vcpus > GUEST_MAX_VCPUS)
		return vmm_fail(vmm, -EINVAL,
				"%u vCPUs: the guest takes 1 to %u",
				config->nr_vcpus, GUEST_MAX_VCPUS);
	if (config->nr_devices < 1 || config->nr_devices > GUEST_MAX_DEVICES)
		return vmm_fail(vmm, -EINVAL,
				"%u devices: the guest takes 1 to %u",
				config->nr_devices, GUEST_MAX_DEVICES);

	vmm->nr_vcpus = config->nr_vcpus;
	vmm->nr_devices = config->nr_devices;
	vmm->delivered = config->delivered;
	vmm->acked = config->acked;
	vmm->opaque = config->opaque;
	vmm->bypass = config->bypass;
	vmm->halt_poll_ns = config->halt_poll_ns;
	memcpy(vmm->devices, config->devices,
	       config->nr_devices * sizeof(*config->devices));
	ret = vmm->machine->configure(vmm, config);
	for (unsigned int i = 0; i < vmm->nr_devices && !ret; i++)
		ret = check_device(vmm, i);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_CHECK_EXTENSION: what x86 says of the interrupt capabilities, on
 * /dev/kvm and on a VM alike.
 */
#include "cases.h"
#include "env.h"
#include <errno.h>

struct cap_row {
	unsigned long cap;
	int want;
};

static void run_row(struct conform *c)
{
	const struct cap_row *row = c->test->row;
	int kvm = kvm_new(c);

	CHECK_RET(c, port_ioctl_value(c, kvm, KVM_CHECK_EXTENSION, row->cap),
		  row->want);
	CHECK_RET(c,
		  port_ioctl_value(c, vm_new(c, VM_FULL), KVM_CHECK_EXTENSION,
				   row->cap),
		  row->want);
}

#define ROW(name_, cap_, want_)                                                \
	{                                                                      \
		.name = "cap/" name_,                                          \
		.rule = "KVM_CHECK_EXTENSION(" #cap_ ") is " #want_            \
			" (kvm_vm_ioctl_check_extension())",                   \
		.run = run_row, .row = &(const struct cap_row){cap_, want_},   \
	}

static void nr_vcpus(struct conform *c)
{
	int kvm = kvm_new(c);
	int soft =
		port_ioctl_value(c, kvm, KVM_CHECK_EXTENSION, KVM_CAP_NR_VCPUS);
	int max = port_ioctl_value(c, kvm, KVM_CHECK_EXTENSION,
				   KVM_CAP_MAX_VCPUS);
	int max_id = port_ioctl_value(c, kvm, KVM_CHECK_EXTENSION,
				      KVM_CAP_MAX_VCPU_ID);

	CHECK(c, soft >= 1);
	CHECK(c, max >= soft);
	CHECK(c, max_id >= max);
}

static void x2apic_api(struct conform *c)
{
	int flags = port_ioctl_value(c, kvm_new(c), KVM_CHECK_EXTENSION,
				     KVM_CAP_X2APIC_API);

	/* Newer kernels have more. */
	CHECK_EQ(c, flags & 3, 3);
}

static const struct conform_case cases[] = {
	ROW("irqchip", KVM_CAP_IRQCHIP, 1),
	ROW("user-memory", KVM_CAP_USER_MEMORY, 1),
	ROW("ioeventfd", KVM_CAP_IOEVENTFD, 1),
	ROW("ioeventfd-any-length", KVM_CAP_IOEVENTFD_ANY_LENGTH, 1),
	ROW("ioeventfd-no-length", KVM_CAP_IOEVENTFD_NO_LENGTH, 1),
	ROW("irqfd", KVM_CAP_IRQFD, 1),
	ROW("irqfd-resample", KVM_CAP_IRQFD_RESAMPLE, 1),
	ROW("irq-routing", KVM_CAP_IRQ_ROUTING, 4096),
	ROW("irq-inject-status", KVM_CAP_IRQ_INJECT_STATUS, 1),
	ROW("signal-msi", KVM_CAP_SIGNAL_MSI, 1),
	ROW("msi-devid", KVM_CAP_MSI_DEVID, 0),
	ROW("split-irqchip", KVM_CAP_SPLIT_IRQCHIP, 1),
	ROW("mp-state", KVM_CAP_MP_STATE, 1),
	ROW("pit2", KVM_CAP_PIT2, 1),
	ROW("pit-state2", KVM_CAP_PIT_STATE2, 1),
	ROW("reinject-control", KVM_CAP_REINJECT_CONTROL, 1),
	ROW("check-extension-vm", KVM_CAP_CHECK_EXTENSION_VM, 1),
	ROW("enable-cap-vm", KVM_CAP_ENABLE_CAP_VM, 1),
	ROW("set-boot-cpu-id", KVM_CAP_SET_BOOT_CPU_ID, 1),
	ROW("irqchip-of-powerpc", KVM_CAP_IRQ_MPIC, 0),
	ROW("irqchip-of-arm", KVM_CAP_ARM_EL1_32BIT, 0),
	ROW("zero-is-irqchip", 0, 1),
	ROW("unknown", 0x7fffffff, 0),
	{
		.name = "cap/vcpu-numbers",
		.rule = "KVM_CAP_NR_VCPUS <= KVM_CAP_MAX_VCPUS <= "
			"KVM_CAP_MAX_VCPU_ID",
		.run = nr_vcpus,
	},
	{
		.name = "cap/device-control",
		.rule = "KVM_CHECK_EXTENSION(KVM_CAP_DEVICE_CTRL) is 1 "
			"everywhere (kvm_vm_ioctl_check_extension_generic())",
		.since = KERNEL_VERSION(6, 5, 0),
		.run = run_row,
		.row = &(const struct cap_row){KVM_CAP_DEVICE_CTRL, 1},
	},
	{
		.name = "cap/x2apic-api",
		.rule = "KVM_CHECK_EXTENSION(KVM_CAP_X2APIC_API) is the set of "
			"its flags: 32-bit ids, no broadcast quirk",
		.run = x2apic_api,
	},
};

CONFORM_GROUP(caps);

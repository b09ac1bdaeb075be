// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_CHECK_EXTENSION.
 *
 * The interrupt path's capabilities are ours to answer, with Linux's values.
 * Others are the host's, but for those that work through its local APIC.
 */
#include <unistd.h>
#include "uapi.h"

/* Newer than the headers we build with. */
#define CAP_X86_APIC_BUS_CYCLES_NS 237

struct cap_row {
	unsigned int cap;
	int value;
};

/* What we have, with a host or without. */
static const struct cap_row ours[] = {
	{KVM_CAP_IRQCHIP, 1},
	{KVM_CAP_USER_MEMORY, 1},
	{KVM_CAP_SET_TSS_ADDR, 1},
	{KVM_CAP_VAPIC, 1},
	{KVM_CAP_EXT_CPUID, 1},
	{KVM_CAP_PIT, 1},
	{KVM_CAP_NOP_IO_DELAY, 1},
	{KVM_CAP_MP_STATE, 1},
	{KVM_CAP_DESTROY_MEMORY_REGION_WORKS, 1},
	{KVM_CAP_USER_NMI, 1},
	{KVM_CAP_REINJECT_CONTROL, 1},
	{KVM_CAP_IRQ_ROUTING, VIRQ_MAX_ROUTES},
	{KVM_CAP_IRQ_INJECT_STATUS, 1},
	{KVM_CAP_JOIN_MEMORY_REGIONS_WORKS, 1},
	{KVM_CAP_IRQFD, 1},
	{KVM_CAP_PIT2, 1},
	{KVM_CAP_SET_BOOT_CPU_ID, 1},
	{KVM_CAP_PIT_STATE2, 1},
	{KVM_CAP_IOEVENTFD, 1},
	{KVM_CAP_SET_IDENTITY_MAP_ADDR, 1},
	{KVM_CAP_VCPU_EVENTS, 1},
	{KVM_CAP_MAX_VCPUS, UAPI_MAX_VCPUS},
	{KVM_CAP_SIGNAL_MSI, 1},
	{KVM_CAP_IRQFD_RESAMPLE, 1},
	{KVM_CAP_DEVICE_CTRL, 1},
	{KVM_CAP_ENABLE_CAP_VM, 1},
	{KVM_CAP_IOEVENTFD_NO_LENGTH, 1},
	{KVM_CAP_CHECK_EXTENSION_VM, 1},
	{KVM_CAP_SPLIT_IRQCHIP, 1},
	{KVM_CAP_IOEVENTFD_ANY_LENGTH, 1},
	{KVM_CAP_MAX_VCPU_ID, UAPI_MAX_VCPU_IDS},
	{KVM_CAP_X2APIC_API,
	 KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK},
	{KVM_CAP_IMMEDIATE_EXIT, 1},
	{KVM_CAP_TSC_DEADLINE_TIMER, 1},
};

/* What works without a host, too, where a host has its own answer. */
static const struct cap_row no_host[] = {
	{KVM_CAP_NR_MEMSLOTS, UAPI_MAX_MEMORY_SLOTS},
	{KVM_CAP_SYNC_MMU, 1},
	{KVM_CAP_READONLY_MEM, 1},
};

/*
 * What a host offers and its local APIC carries out; with ours in its place
 * it would not work.
 */
static const unsigned int host_apic_only[] = {
	KVM_CAP_HYPERV,
	KVM_CAP_HYPERV_VAPIC,
	KVM_CAP_HYPERV_SPIN,
	KVM_CAP_HYPERV_SYNIC,
	KVM_CAP_HYPERV_SYNIC2,
	KVM_CAP_HYPERV_VP_INDEX,
	KVM_CAP_HYPERV_EVENTFD,
	KVM_CAP_HYPERV_TLBFLUSH,
	KVM_CAP_HYPERV_SEND_IPI,
	KVM_CAP_HYPERV_CPUID,
	KVM_CAP_SYS_HYPERV_CPUID,
	KVM_CAP_HYPERV_ENFORCE_CPUID,
	KVM_CAP_HYPERV_ENLIGHTENED_VMCS,
	KVM_CAP_HYPERV_DIRECT_TLBFLUSH,
	KVM_CAP_XEN_HVM,
	KVM_CAP_ASYNC_PF,
	KVM_CAP_ASYNC_PF_INT,
	CAP_X86_APIC_BUS_CYCLES_NS,
};

static const struct cap_row *find_row(const struct cap_row *rows, size_t count,
				      unsigned long cap)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].cap == cap)
			return &rows[i];
	}
	return NULL;
}

int uapi_check_extension(struct uapi_system *system, struct uapi_vm *vm,
			 unsigned long cap)
{
	int host_fd = vm ? vm->host_fd : system->host_fd;
	const struct cap_row *row;

	if (cap == KVM_CAP_NR_VCPUS) {
		long online = sysconf(_SC_NPROCESSORS_ONLN);

		return online < UAPI_MAX_VCPUS ? (int)online : UAPI_MAX_VCPUS;
	}
	row = find_row(ours, sizeof(ours) / sizeof(ours[0]), cap);
	if (!row && host_fd < 0)
		row = find_row(no_host, sizeof(no_host) / sizeof(no_host[0]),
			       cap);
	if (row)
		return row->value;
	for (size_t i = 0;
	     i < sizeof(host_apic_only) / sizeof(host_apic_only[0]); i++) {
		if (host_apic_only[i] == cap)
			return 0;
	}
	if (host_fd < 0)
		return 0;
	return uapi_host_ioctl(host_fd, KVM_CHECK_EXTENSION, cap);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * CPUID of a front-door vCPU.
 *
 * A host without an irqchip still offers paravirtual features that work
 * through its local APIC; the guest must not see them, or it would program an
 * APIC that it does not have.
 */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include "cpuid.h"

#define CPUID_KVM_FEATURES 0x40000001u
/* By number: the paravirtual interface's header is the guest's. */
#define FEATURE_ASYNC_PF (1u << 4)
#define FEATURE_PV_EOI (1u << 6)
#define FEATURE_PV_UNHALT (1u << 7)
#define FEATURE_ASYNC_PF_VMEXIT (1u << 10)
#define FEATURE_PV_SEND_IPI (1u << 11)
#define FEATURE_POLL_CONTROL (1u << 12)
#define FEATURE_PV_SCHED_YIELD (1u << 13)
#define FEATURE_ASYNC_PF_INT (1u << 14)
#define NEEDS_HOST_APIC                                                        \
	(FEATURE_ASYNC_PF | FEATURE_PV_EOI | FEATURE_PV_UNHALT |               \
	 FEATURE_ASYNC_PF_VMEXIT | FEATURE_PV_SEND_IPI |                       \
	 FEATURE_POLL_CONTROL | FEATURE_PV_SCHED_YIELD | FEATURE_ASYNC_PF_INT)

#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_HYPERVISOR (1u << 31)
#define CPUID_1_EDX_APIC (1u << 9)

#define MAX_ENTRIES 256u /* Linux KVM_MAX_CPUID_ENTRIES */

static int copy_header(uintptr_t arg, struct kvm_cpuid2 *header)
{
	return user_copy_in(header, arg, sizeof(*header));
}

static int copy_entries_out(uintptr_t arg, const struct kvm_cpuid2 *cpuid)
{
	return user_copy_out(arg, cpuid,
			     sizeof(*cpuid) +
				     cpuid->nent * sizeof(cpuid->entries[0]));
}

static struct kvm_cpuid2 *alloc_cpuid(uint32_t nent)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + nent * sizeof(cpuid->entries[0]));

	if (cpuid)
		cpuid->nent = nent;
	return cpuid;
}

int uapi_get_host_cpuid(struct uapi_system *system, uintptr_t arg)
{
	struct kvm_cpuid2 header, *cpuid;
	int ret = copy_header(arg, &header);

	if (ret)
		return ret;
	cpuid = alloc_cpuid(header.nent < MAX_ENTRIES ? header.nent
						      : MAX_ENTRIES);
	if (!cpuid)
		return -ENOMEM;
	ret = uapi_host_ioctl(system->host_fd, KVM_GET_SUPPORTED_CPUID,
			      (uintptr_t)cpuid);
	if (ret)
		goto out;
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		/* Only where the local APICs are the host's do these work. */
		if (entry->function == CPUID_KVM_FEATURES)
			entry->eax &= ~NEEDS_HOST_APIC;
		else if (entry->function == 1)
			entry->ecx |= CPUID_1_ECX_X2APIC;
	}
	ret = copy_entries_out(arg, cpuid);
out:
	free(cpuid);
	return ret;
}

/* ---- Without a host: this processor's own leaves, with an APIC ---- */

#define MAX_BASIC_LEAF 7u
#define MAX_EXTENDED_LEAF 0x80000008u

static void read_leaf(struct kvm_cpuid2 *cpuid, uint32_t function)
{
	struct kvm_cpuid_entry2 *entry = &cpuid->entries[cpuid->nent++];

	entry->function = function;
	__cpuid_count(function, 0, entry->eax, entry->ebx, entry->ecx,
		      entry->edx);
	if (function == 1) {
		entry->ecx |= CPUID_1_ECX_X2APIC | CPUID_1_ECX_HYPERVISOR;
		entry->edx |= CPUID_1_EDX_APIC;
	}
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int uapi_get_supported_cpuid(unsigned int request, uintptr_t arg)
{
	struct kvm_cpuid2 header, *cpuid;
	uint32_t room, basic, extended;
	int ret = copy_header(arg, &header);

	if (ret)
		return ret;
	if (!header.nent)
		return -E2BIG;
	room = min_u32(header.nent, MAX_ENTRIES);
	cpuid = alloc_cpuid(MAX_ENTRIES);
	if (!cpuid)
		return -ENOMEM;
	cpuid->nent = 0;
	if (request == KVM_GET_SUPPORTED_CPUID) {
		basic = min_u32(__get_cpuid_max(0, NULL), MAX_BASIC_LEAF);
		extended = min_u32(__get_cpuid_max(0x80000000u, NULL),
				   MAX_EXTENDED_LEAF);
		for (uint32_t leaf = 0; leaf <= basic; leaf++)
			read_leaf(cpuid, leaf);
		for (uint32_t leaf = 0x80000000u; leaf <= extended; leaf++)
			read_leaf(cpuid, leaf);
	}
	ret = cpuid->nent > room ? -E2BIG : copy_entries_out(arg, cpuid);
	free(cpuid);
	return ret;
}

int uapi_get_msr_index_list(uintptr_t arg)
{
	/* IA32_TSC, IA32_APICBASE, IA32_TSC_DEADLINE, EFER. */
	static const uint32_t indices[] = {0x10, 0x1b, 0x6e0, 0xc0000080};
	const uint32_t count = sizeof(indices) / sizeof(indices[0]);
	struct kvm_msr_list list;
	uint32_t room;
	int ret = user_copy_in(&list, arg, sizeof(list));

	if (ret)
		return ret;
	room = list.nmsrs;
	list.nmsrs = count;
	ret = user_copy_out(arg, &list, sizeof(list));
	if (ret)
		return ret;
	if (room < count)
		return -E2BIG;
	return user_copy_out(arg + sizeof(list), indices, sizeof(indices));
}

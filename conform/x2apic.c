// SPDX-License-Identifier: BSD-3-Clause
/* See x2apic.h. */
#include "x2apic.h"
#include <string.h>

/* KVM's structs end in an array; this is room for the struct and the array. */
#define ROOM(type, entry, nr)                                                  \
	union {                                                                \
		struct type head;                                              \
		uint8_t bytes[sizeof(struct type) +                            \
			      (nr) * sizeof(struct entry)];                    \
	}

int msr_set(struct conform *c, int vcpu, uint32_t index, uint64_t value)
{
	ROOM(kvm_msrs, kvm_msr_entry, 1) msr = {.head = {.nmsrs = 1}};

	msr.head.entries[0].index = index;
	msr.head.entries[0].data = value;
	return port_ioctl(c, vcpu, KVM_SET_MSRS, &msr);
}

int msr_get(struct conform *c, int vcpu, uint32_t index, uint64_t *value)
{
	ROOM(kvm_msrs, kvm_msr_entry, 1) msr = {.head = {.nmsrs = 1}};
	int ret;

	msr.head.entries[0].index = index;
	ret = port_ioctl(c, vcpu, KVM_GET_MSRS, &msr);
	*value = msr.head.entries[0].data;
	return ret;
}

#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_EDX_MSR (1u << 5)
#define CPUID_1_EDX_APIC (1u << 9)

void cpuid_set(struct conform *c, int vcpu)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{.function = 0, .eax = 1},
		{.function = 1,
		 .ecx = CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE,
		 .edx = CPUID_1_EDX_MSR | CPUID_1_EDX_APIC},
	};
	ROOM(kvm_cpuid2, kvm_cpuid_entry2, 2) cpuid = {.head = {.nent = 2}};

	memcpy(cpuid.head.entries, entries, sizeof(entries));
	CHECK_RET(c, port_ioctl(c, vcpu, KVM_SET_CPUID2, &cpuid), 0);
}

void x2apic_enable(struct conform *c, int vcpu)
{
	uint64_t base;

	cpuid_set(c, vcpu);
	CHECK_RET(c, msr_get(c, vcpu, MSR_APIC_BASE, &base), 1);
	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base | APIC_BASE_X2), 1);
}

// SPDX-License-Identifier: BSD-3-Clause
/* See x2apic.h. */
#include "x2apic.h"

struct one_msr {
	struct kvm_msrs head;
	struct kvm_msr_entry entry;
};

int msr_set(struct conform *c, int vcpu, uint32_t index, uint64_t value)
{
	struct one_msr msr = {{.nmsrs = 1}, {.index = index, .data = value}};

	return port_ioctl(c, vcpu, KVM_SET_MSRS, &msr);
}

int msr_get(struct conform *c, int vcpu, uint32_t index, uint64_t *value)
{
	struct one_msr msr = {{.nmsrs = 1}, {.index = index}};
	int ret = port_ioctl(c, vcpu, KVM_GET_MSRS, &msr);

	*value = msr.entry.data;
	return ret;
}

#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_EDX_MSR (1u << 5)
#define CPUID_1_EDX_APIC (1u << 9)

void cpuid_set(struct conform *c, int vcpu)
{
	struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[2];
	} cpuid = {
		.head = {.nent = 2},
		.entries =
			{
				{.function = 0, .eax = 1},
				{.function = 1,
				 .ecx = CPUID_1_ECX_X2APIC |
					CPUID_1_ECX_TSC_DEADLINE,
				 .edx = CPUID_1_EDX_MSR | CPUID_1_EDX_APIC},
			},
	};

	CHECK_RET(c, port_ioctl(c, vcpu, KVM_SET_CPUID2, &cpuid), 0);
}

void x2apic_enable(struct conform *c, int vcpu)
{
	uint64_t base;

	cpuid_set(c, vcpu);
	CHECK_RET(c, msr_get(c, vcpu, MSR_APIC_BASE, &base), 1);
	CHECK_RET(c, msr_set(c, vcpu, MSR_APIC_BASE, base | APIC_BASE_X2), 1);
}

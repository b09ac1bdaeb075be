// SPDX-License-Identifier: BSD-3-Clause
/*
 * MSRs: those of our local APIC among those of the vCPU below.
 *
 * IA32_APICBASE is in both places.  The host has a copy for CPUID's sake, and
 * refuses what the guest's CPUID and address width do not allow; our APIC
 * knows the guest's rules for changing between the modes.
 */
#include <stdlib.h>
#include "irqchip/x86/lapic_host.h"
#include "vcpu.h"

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_APICBASE 0x1bu
#define MSR_IA32_TSC_ADJUST 0x3bu
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC_FIRST 0x800u
#define MSR_X2APIC_LAST 0x8ffu

#define MAX_MSRS 256u /* Linux MAX_IO_MSRS: the first number refused */

bool vcpu_msr_is_ours(uint32_t index)
{
	return index == MSR_IA32_APICBASE || index == MSR_IA32_TSC_DEADLINE ||
	       (index >= MSR_X2APIC_FIRST && index <= MSR_X2APIC_LAST);
}

int vcpu_lower_msr(struct uapi_vcpu *vcpu, unsigned int request, uint32_t index,
		   uint64_t *data)
{
	union {
		struct kvm_msrs msrs;
		char space[sizeof(struct kvm_msrs) +
			   sizeof(struct kvm_msr_entry)];
	} one = {.msrs.nmsrs = 1};
	struct kvm_msr_entry *entry = &one.msrs.entries[0];

	entry->index = index;
	entry->data = *data;
	if (vcpu_lower_ptr(vcpu, request, &one) != 1)
		return -EINVAL;
	*data = entry->data;
	return 0;
}

static int our_msr(struct uapi_vcpu *vcpu, uint32_t index, uint64_t *data,
		   bool write)
{
	struct virq_access access = {
		.addr = index,
		.len = 8,
		.write = write,
		.data = *data,
	};
	int ret;

	if (write && index == MSR_IA32_TSC_DEADLINE)
		vcpu_tsc_refresh(vcpu);
	ret = virq_vcpu_msr(vcpu->virq, &access);
	if (!ret && !write)
		*data = access.data;
	return ret;
}

uint64_t vcpu_apic_base(struct uapi_vcpu *vcpu)
{
	uint64_t base = 0;

	our_msr(vcpu, MSR_IA32_APICBASE, &base, false);
	return base;
}

int vcpu_set_apic_base(struct uapi_vcpu *vcpu, uint64_t base)
{
	int ret = vcpu_lower_msr(vcpu, KVM_SET_MSRS, MSR_IA32_APICBASE, &base);

	return ret ? ret : lapic_host_set_base(vcpu->virq, base);
}

/* The host first: what it refuses must not have touched the APIC. */
static int guest_set_base(struct uapi_vcpu *vcpu, struct virq_access *access)
{
	uint64_t old = vcpu_apic_base(vcpu), base = access->data;
	int ret = vcpu_lower_msr(vcpu, KVM_SET_MSRS, MSR_IA32_APICBASE, &base);

	if (ret)
		return -EPERM;
	ret = virq_vcpu_msr(vcpu->virq, access);
	if (ret)
		vcpu_lower_msr(vcpu, KVM_SET_MSRS, MSR_IA32_APICBASE, &old);
	return ret;
}

int vcpu_guest_msr(struct uapi_vcpu *vcpu, struct virq_access *access)
{
	if (access->write && access->addr == MSR_IA32_APICBASE)
		return guest_set_base(vcpu, access);
	return our_msr(vcpu, (uint32_t)access->addr, &access->data,
		       access->write);
}

/* ---- KVM_GET_MSRS, KVM_SET_MSRS ---- */

static int one_of_ours(struct uapi_vcpu *vcpu, struct kvm_msr_entry *entry,
		       bool write)
{
	uint64_t data = entry->data;
	int ret;

	if (write && entry->index == MSR_IA32_APICBASE)
		ret = vcpu_set_apic_base(vcpu, data);
	else
		ret = our_msr(vcpu, entry->index, &data, write);
	if (!ret && !write)
		entry->data = data;
	return ret;
}

/* As many as are not ours: how many of @count were done, or -errno. */
static int run_of_theirs(struct uapi_vcpu *vcpu, unsigned int request,
			 struct kvm_msr_entry *entries, uint32_t count)
{
	struct kvm_msrs *msrs =
		malloc(sizeof(*msrs) + count * sizeof(*entries));
	int done;

	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = count;
	msrs->pad = 0;
	for (uint32_t i = 0; i < count; i++)
		msrs->entries[i] = entries[i];
	done = vcpu_lower_ptr(vcpu, request, msrs);
	for (int i = 0; i < done; i++)
		entries[i] = msrs->entries[i];
	free(msrs);
	return done;
}

static bool moves_tsc(uint32_t index)
{
	return index == MSR_IA32_TSC || index == MSR_IA32_TSC_ADJUST;
}

/* In order, up to the first that is refused: how many, or -errno. */
static int do_msrs(struct uapi_vcpu *vcpu, unsigned int request,
		   struct kvm_msr_entry *entries, uint32_t nmsrs)
{
	bool write = request == KVM_SET_MSRS;
	uint32_t i = 0;

	while (i < nmsrs) {
		uint32_t count = 0;
		bool tsc = false;
		int done;

		if (vcpu_msr_is_ours(entries[i].index)) {
			if (one_of_ours(vcpu, &entries[i], write))
				return (int)i;
			i++;
			continue;
		}
		while (i + count < nmsrs &&
		       !vcpu_msr_is_ours(entries[i + count].index))
			tsc |= moves_tsc(entries[i + count++].index);
		done = run_of_theirs(vcpu, request, entries + i, count);
		if (write && tsc)
			vcpu_tsc_refresh(vcpu);
		if (done < 0)
			return done;
		i += (uint32_t)done;
		if ((uint32_t)done < count)
			break;
	}
	return (int)i;
}

int vcpu_msrs(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg)
{
	struct kvm_msr_entry *entries;
	struct kvm_msrs header;
	size_t size;
	int ret = user_copy_in(&header, arg, sizeof(header));
	int done;

	if (ret)
		return ret;
	if (header.nmsrs >= MAX_MSRS)
		return -E2BIG;
	size = header.nmsrs * sizeof(*entries);
	entries = malloc(size ? size : 1);
	if (!entries)
		return -ENOMEM;
	done = user_copy_in(entries, arg + sizeof(header), size);
	if (!done)
		done = do_msrs(vcpu, request, entries, header.nmsrs);
	if (done >= 0 && request == KVM_GET_MSRS) {
		ret = user_copy_out(arg + sizeof(header), entries, size);
		if (ret)
			done = ret;
	}
	free(entries);
	return done;
}

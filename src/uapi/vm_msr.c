// SPDX-License-Identifier: BSD-3-Clause
/*
 * The MSRs of our local APICs on a host.
 *
 * A host without its own local APIC refuses the x2APIC's MSRs, which so come
 * out as invalid accesses.  It answers for IA32_APICBASE, and takes a TSC
 * deadline and forgets it: these come out by a filter.  A client that sets a
 * filter of its own gets ours with it, ahead, because the first range that has
 * a MSR decides.
 */
#include <string.h>
#include "vm.h"

#define MSR_IA32_APICBASE 0x1b
#define MSR_IA32_TSC_DEADLINE 0x6e0
#define OUR_RANGES 2
#define OUR_EXITS (KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_FILTER)

int uapi_vm_set_msr_exits(struct uapi_vm *vm, struct kvm_enable_cap *cap)
{
	uint64_t client = cap->args[0];
	int ret;

	if (atomic_load(&vm->user_apic))
		cap->args[0] |= OUR_EXITS;
	ret = uapi_host_ioctl(vm->host_fd, KVM_ENABLE_CAP, (uintptr_t)cap);
	if (!ret)
		atomic_store(&vm->client_msr_exits, client);
	return ret;
}

static struct kvm_msr_filter_range deny(uint32_t index)
{
	static uint8_t none; /* a clear bit a MSR */

	return (struct kvm_msr_filter_range){
		.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
		.nmsrs = 1,
		.base = index,
		.bitmap = &none,
	};
}

/* The client's ranges make room for ours; with vm->lock held. */
static int set_filter(struct uapi_vm *vm, struct kvm_msr_filter *filter)
{
	memmove(filter->ranges + OUR_RANGES, filter->ranges,
		sizeof(filter->ranges) -
			OUR_RANGES * sizeof(filter->ranges[0]));
	filter->ranges[0] = deny(MSR_IA32_APICBASE);
	filter->ranges[1] = deny(MSR_IA32_TSC_DEADLINE);
	return uapi_host_ioctl(vm->host_fd, KVM_X86_SET_MSR_FILTER,
			       (uintptr_t)filter);
}

int uapi_vm_take_msrs(struct uapi_vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = OUR_EXITS | atomic_load(&vm->client_msr_exits),
	};
	struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
	int ret;

	if (vm->host_fd < 0)
		return 0;
	ret = uapi_host_ioctl(vm->host_fd, KVM_ENABLE_CAP, (uintptr_t)&cap);
	return ret ? ret : set_filter(vm, &filter);
}

int uapi_vm_set_msr_filter(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_msr_filter filter;
	int ret = user_copy_in(&filter, arg, sizeof(filter));

	if (ret)
		return ret;
	if (!atomic_load(&vm->user_apic))
		return uapi_host_ioctl(vm->host_fd, KVM_X86_SET_MSR_FILTER,
				       arg);
	/* Of the sixteen ranges some are taken. */
	for (int i = KVM_MSR_FILTER_MAX_RANGES - OUR_RANGES;
	     i < KVM_MSR_FILTER_MAX_RANGES; i++) {
		if (filter.ranges[i].nmsrs)
			return -EINVAL;
	}
	pthread_mutex_lock(&vm->lock);
	ret = set_filter(vm, &filter);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

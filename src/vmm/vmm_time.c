// SPDX-License-Identifier: BSD-3-Clause
/* The guest's TSC as CLOCK_MONOTONIC; see vmm_time.h. */
#include "vmm_time.h"
#include "vmm_internal.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#define MSR_IA32_TSC 0x10
#define CALIBRATE_ROUNDS 64
#define READ_ATTEMPTS 4

static uint64_t ticks_to_ns(const struct vmm_time *time, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * time->scale) >> 32);
}

/* The guest's TSC is read between two readings of the host's. */
int vmm_time_measure(struct vmm_time *time, int vcpu_fd,
		     uint64_t *error_ticks)
{
	union {
		struct kvm_msrs head;
		uint8_t space[sizeof(struct kvm_msrs) +
			      sizeof(struct kvm_msr_entry)];
	} msrs = { .head.nmsrs = 1 };
	struct kvm_msr_entry *entry = msrs.head.entries;

	*entry = (struct kvm_msr_entry){ .index = MSR_IA32_TSC };
	*error_ticks = UINT64_MAX;
	for (int i = 0; i < CALIBRATE_ROUNDS; i++) {
		uint64_t before = __rdtsc(), width;

		if (ioctl(vcpu_fd, KVM_GET_MSRS, &msrs) != 1)
			return -ENOTSUP;
		width = __rdtsc() - before;
		if (width / 2 >= *error_ticks)
			continue;
		*error_ticks = width / 2;
		time->offset = entry->data - (before + width / 2);
	}
	return 0;
}

int vmm_time_init(struct vmm_time *time, int vcpu_fd)
{
	uint64_t offset = 0, error_ticks = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)&offset,
	};
	int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0), ret;

	if (khz <= 0)
		return -ENOTSUP;
	time->scale = (1000000ull << 32) / (uint64_t)khz;
	time->offset = 0;
	if (ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr)) {
		ret = vmm_time_measure(time, vcpu_fd, &error_ticks);
		if (ret)
			return ret;
	}
	time->bracket = UINT64_MAX;
	for (int i = 0; i < CALIBRATE_ROUNDS; i++) {
		uint64_t before = __rdtsc(), width;

		vmm_now();
		width = __rdtsc() - before;
		if (width < time->bracket)
			time->bracket = width;
	}
	/* A reading of vmm_time_read() may be twice as wide as the best. */
	time->accuracy_ns = ticks_to_ns(time, time->bracket + error_ticks) + 1;
	return 0;
}

struct vmm_time_pair vmm_time_read(const struct vmm_time *time)
{
	struct vmm_time_pair best = { 0 };
	uint64_t best_width = UINT64_MAX;

	/* Preemption between the readings shows in their distance. */
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		uint64_t before = __rdtsc();
		uint64_t ns = vmm_now();
		uint64_t width = __rdtsc() - before;

		if (width < best_width) {
			best_width = width;
			best.ns = ns;
			best.tsc = before + width / 2 + time->offset;
		}
		if (width <= 2 * time->bracket)
			break;
	}
	return best;
}

uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t tsc)
{
	if (tsc > now->tsc)
		return now->ns + ticks_to_ns(time, tsc - now->tsc);
	return now->ns - ticks_to_ns(time, now->tsc - tsc);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The guest's TSC as CLOCK_MONOTONIC; see vmm_time.h. */
#include "vmm_time.h"
#include "vmm_internal.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

#define CALIBRATE_ROUNDS 64
#define READ_ATTEMPTS 4

static uint64_t ticks_to_ns(const struct vmm_time *time, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * time->scale) >> 32);
}

/* Set, and does it stay?  Asking schedules the vCPU as running it does. */
static bool set_host_tsc(int vcpu_fd)
{
	uint64_t offset = 0;
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)&offset,
	};

	return !ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr) &&
	       !ioctl(vcpu_fd, KVM_GET_DEVICE_ATTR, &attr) && !offset;
}

/* How many ticks went by between the two readings. */
static uint64_t read_pair(struct vmm_time_pair *pair)
{
	uint64_t before = __rdtsc(), width;

	pair->ns = vmm_now();
	width = __rdtsc() - before;
	pair->tsc = before + width / 2;
	return width;
}

int vmm_time_init(struct vmm_time *time, int vcpu_fd)
{
	int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);

	if (khz <= 0)
		return -ENOTSUP;
	time->host_tsc = set_host_tsc(vcpu_fd);
	time->scale = (1000000ull << 32) / (uint64_t)khz;
	time->bracket = UINT64_MAX;
	for (int i = 0; i < CALIBRATE_ROUNDS; i++) {
		struct vmm_time_pair pair;
		uint64_t width = read_pair(&pair);

		if (width < time->bracket)
			time->bracket = width;
	}
	/* vmm_time_read() may take a pair twice as wide as the best. */
	time->accuracy_ns = ticks_to_ns(time, 2 * time->bracket) + 1;
	return 0;
}

struct vmm_time_pair vmm_time_read(const struct vmm_time *time)
{
	struct vmm_time_pair best = {0};
	uint64_t best_width = UINT64_MAX;

	/* Preemption between the readings shows in their distance. */
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		struct vmm_time_pair pair;
		uint64_t width = read_pair(&pair);

		if (width < best_width) {
			best = pair;
			best_width = width;
		}
		if (width <= 2 * time->bracket)
			break;
	}
	return best;
}

uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t tsc)
{
	if (!time->host_tsc)
		return now->ns;
	if (tsc > now->tsc)
		return now->ns + ticks_to_ns(time, tsc - now->tsc);
	return now->ns - ticks_to_ns(time, now->tsc - tsc);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The virtual counter: KVM gives the guest one that began with its VM. */
#include "vmm_time.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#define ROUNDS 16

uint64_t vmm_time_ticks(void)
{
	uint64_t value;

	/* The barrier keeps the read where it stands. */
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

static uint64_t frequency(void)
{
	uint64_t value;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(value));
	return value;
}

/* Both counters at one moment, which lies between two looks at ours. */
int vmm_time_find_source(int vcpu_fd, struct vmm_time_source *source)
{
	uint64_t guest, best = UINT64_MAX;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM_TIMER_CNT,
		.addr = (uint64_t)(uintptr_t)&guest,
	};

	*source = (struct vmm_time_source){.hz = frequency(), .known = true};
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t before = vmm_time_ticks(), width;

		if (ioctl(vcpu_fd, KVM_GET_ONE_REG, &reg))
			return -ENOTSUP;
		width = vmm_time_ticks() - before;
		if (width >= best)
			continue;
		best = width;
		source->offset = before + width / 2 - guest;
		source->error = width / 2 + 1;
	}
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The TSC: the guest gets the host's. */
#include "vmm_time.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <x86intrin.h>

uint64_t vmm_time_ticks(void)
{
	return __rdtsc();
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

int vmm_time_find_source(int vcpu_fd, struct vmm_time_source *source)
{
	int khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);

	if (khz <= 0)
		return -ENOTSUP;
	*source = (struct vmm_time_source){
		.hz = (uint64_t)khz * 1000,
		.known = set_host_tsc(vcpu_fd),
	};
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The guest's clock as CLOCK_MONOTONIC: set, and where it cannot be, measured. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <x86intrin.h>
#include <vmm/vmm_time.h>
#include "device.h"

#define OFFSET 123456789012345u

static int vm_fd = -1, vcpu_fd = -1;

static int open_vcpu(void **state)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		return 0;
	vm_fd = ioctl(fd, KVM_CREATE_VM, 0);
	vcpu_fd = ioctl(vm_fd, KVM_CREATE_VCPU, 0);
	close(fd);
	return vcpu_fd < 0;
}

static int close_vcpu(void **state)
{
	(void)state;
	if (vm_fd >= 0) {
		close(vcpu_fd);
		close(vm_fd);
	}
	return 0;
}

static void need_kvm(void)
{
	if (vm_fd < 0)
		skip();
}

static int set_tsc_offset(uint64_t offset)
{
	struct kvm_device_attr attr = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)(uintptr_t)&offset,
	};

	return ioctl(vcpu_fd, KVM_SET_DEVICE_ATTR, &attr);
}

/* A TSC read now is this moment's CLOCK_MONOTONIC. */
static void a_time_converts_within_its_accuracy(void **state)
{
	struct vmm_time time;
	struct vmm_time_pair pair;

	(void)state;
	need_kvm();
	assert_int_equal(vmm_time_init(&time, vcpu_fd), 0);
	assert_true(time.accuracy_ns > 0 && time.accuracy_ns < 100000);
	for (int i = 0; i < 1000; i++) {
		uint64_t before = now_ns(), tsc, after, ns;

		tsc = __rdtsc() + time.offset;
		after = now_ns();
		pair = vmm_time_read(&time);
		ns = vmm_time_convert(&time, &pair, tsc);
		assert_true(ns + time.accuracy_ns >= before);
		assert_true(ns <= after + time.accuracy_ns);
	}
}

/* Times on both sides of the pair keep their distance. */
static void the_rate_is_that_of_the_tsc(void **state)
{
	struct vmm_time time;
	struct vmm_time_pair pair;
	int khz;

	(void)state;
	need_kvm();
	assert_int_equal(vmm_time_init(&time, vcpu_fd), 0);
	khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);
	pair = vmm_time_read(&time);
	/* A millisecond of ticks; its rounding is less than 2 ns. */
	assert_in_range(vmm_time_convert(&time, &pair,
					 pair.tsc + (uint64_t)khz) -
				pair.ns,
			999998, 1000002);
	assert_in_range(pair.ns - vmm_time_convert(&time, &pair,
						   pair.tsc - (uint64_t)khz),
			999998, 1000002);
}

/* Where a TSC cannot be set, its distance is found to within the error told. */
static void an_offset_is_measured(void **state)
{
	struct vmm_time time = { 0 };
	uint64_t error_ticks, distance;

	(void)state;
	need_kvm();
	if (set_tsc_offset(OFFSET))
		skip();
	assert_int_equal(vmm_time_measure(&time, vcpu_fd, &error_ticks), 0);
	distance = time.offset > OFFSET ? time.offset - OFFSET :
					  OFFSET - time.offset;
	assert_true(distance <= error_ticks);
}

static void what_is_no_vcpu_is_refused(void **state)
{
	struct vmm_time time = { 0 };
	uint64_t error_ticks;

	(void)state;
	assert_int_equal(vmm_time_init(&time, -1), -ENOTSUP);
	assert_int_equal(vmm_time_measure(&time, -1, &error_ticks), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_converts_within_its_accuracy),
		cmocka_unit_test(the_rate_is_that_of_the_tsc),
		cmocka_unit_test(an_offset_is_measured),
		cmocka_unit_test(what_is_no_vcpu_is_refused),
	};

	return cmocka_run_group_tests(tests, open_vcpu, close_vcpu);
}

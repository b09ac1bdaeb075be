// SPDX-License-Identifier: BSD-3-Clause
/* The guest's clock as CLOCK_MONOTONIC. */
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

/* A TSC read now is this moment's CLOCK_MONOTONIC. */
static void a_time_converts_within_its_accuracy(void **state)
{
	struct vmm_time time;

	(void)state;
	need_kvm();
	assert_int_equal(vmm_time_init(&time, vcpu_fd), 0);
	assert_true(time.accuracy_ns > 0 && time.accuracy_ns < 100000);
	if (!time.source.known)
		skip();
	for (int i = 0; i < 1000; i++) {
		uint64_t before = now_ns(), tsc, after, ns;
		struct vmm_time_pair pair;

		tsc = __rdtsc();
		after = now_ns();
		pair = vmm_time_read(&time);
		ns = vmm_time_convert(&time, &pair, tsc);
		assert_true(ns + time.accuracy_ns >= before);
		assert_true(ns <= after + time.accuracy_ns);
	}
}

/* Without a TSC to go by, a record has the time at which it was read. */
static void a_guest_without_our_tsc_gets_the_time_of_exit(void **state)
{
	struct vmm_time time = {.source = {.known = false},
				.scale = 1ull << 32};
	struct vmm_time_pair pair = {.ticks = 5000, .ns = 1000};

	(void)state;
	assert_int_equal(vmm_time_convert(&time, &pair, 0), 1000);
	assert_int_equal(vmm_time_convert(&time, &pair, 9000), 1000);
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
	if (!time.source.known)
		skip();
	khz = ioctl(vcpu_fd, KVM_GET_TSC_KHZ, 0);
	pair = vmm_time_read(&time);
	/* A millisecond of ticks; its rounding is less than 2 ns. */
	assert_in_range(
		vmm_time_convert(&time, &pair, pair.ticks + (uint64_t)khz) -
			pair.ns,
		999998, 1000002);
	assert_in_range(pair.ns - vmm_time_convert(&time, &pair,
						   pair.ticks - (uint64_t)khz),
			999998, 1000002);
}

static void what_is_no_vcpu_is_refused(void **state)
{
	struct vmm_time time;

	(void)state;
	assert_int_equal(vmm_time_init(&time, -1), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_time_converts_within_its_accuracy),
		cmocka_unit_test(the_rate_is_that_of_the_tsc),
		cmocka_unit_test(a_guest_without_our_tsc_gets_the_time_of_exit),
		cmocka_unit_test(what_is_no_vcpu_is_refused),
	};

	return cmocka_run_group_tests(tests, open_vcpu, close_vcpu);
}

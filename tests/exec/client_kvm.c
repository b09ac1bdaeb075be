// SPDX-License-Identifier: BSD-3-Clause
/* What a client does with KVM. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "client.h"

#define AWAIT_SECONDS 20

int open_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

int create_vm(void)
{
	int kvm = open_kvm(), vm;

	/* Interrupted by work of an io_uring of this thread: try again. */
	do {
		vm = ioctl(kvm, KVM_CREATE_VM, 0);
	} while (vm < 0 && errno == EINTR);
	assert_true(vm >= 0);
	assert_int_equal(close(kvm), 0);
	return vm;
}

int create_vm_with_irqchip(void)
{
	int vm = create_vm();

	assert_int_equal(ioctl(vm, KVM_CREATE_IRQCHIP, 0), 0);
	return vm;
}

int irqfd_at(int vm, int event, uint32_t gsi)
{
	struct kvm_irqfd args = {.fd = (uint32_t)event, .gsi = gsi};

	return ioctl(vm, KVM_IRQFD, &args);
}

int irqfd(int vm, int event)
{
	return irqfd_at(vm, event, GSI);
}

bool is_vm(int fd)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_IRQCHIP) == 1 &&
	       ioctl(fd, KVM_GET_API_VERSION, 0) < 0;
}

static bool is_requested(int vm, uint32_t gsi)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};

	assert_int_equal(ioctl(vm, KVM_GET_IRQCHIP, &chip), 0);
	return chip.chip.pic.irr & 1 << gsi;
}

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* An edge stays in the 8259's IRR, as no processor takes it. */
void assert_delivers_at(int vm, int event, uint32_t gsi)
{
	time_t end = now() + AWAIT_SECONDS;

	assert_int_equal(eventfd_write(event, 1), 0);
	while (!is_requested(vm, gsi)) {
		assert_true(now() < end);
		sched_yield();
	}
}

void assert_delivers(int vm, int event)
{
	assert_delivers_at(vm, event, GSI);
}

static bool bound_shows;

bool is_bound(int event)
{
	int vm = create_vm_with_irqchip(), ret = irqfd(vm, event);

	assert_true(!ret || errno == EBUSY);
	assert_int_equal(close(vm), 0);
	return ret;
}

int find_out_if_bound_shows(void **state)
{
	int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	bound_shows = is_bound(event);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(event), 0);
	assert_true(bound_shows || !shim);
	return 0;
}

void assert_bound(int event)
{
	assert_int_equal(is_bound(event), bound_shows);
}

void assert_closed(int fd)
{
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(ioctl(fd, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, EBADF);
}

void assert_kvm(int fd)
{
	char path[64], link[64] = "";

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, KVM_GET_API_VERSION, 0), API_VERSION);
	/* Whose it is shows nowhere else. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_true(readlink(path, link, sizeof(link) - 1) > 0);
	assert_int_equal(strcmp(link, "/dev/kvm") != 0, shim);
	assert_int_equal(close(fd), 0);
}

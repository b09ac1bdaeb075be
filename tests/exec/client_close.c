// SPDX-License-Identifier: BSD-3-Clause
/* close(), dup() and their like. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <cmocka.h>
#include "client.h"

void test_close_deassigns(void **state)
{
	int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

	(void)state;
	assert_int_equal(irqfd(vm, event), 0);
	assert_bound(event);
	assert_int_equal(close(vm), 0);
	assert_false(is_bound(event));
	assert_closed(vm);
	assert_int_equal(close(vm), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(event), 0);
}

void test_number_is_used_again(void **state)
{
	int event = eventfd(0, 0), vm = create_vm(), next;

	(void)state;
	assert_int_equal(close(vm), 0);
	/* The numbers up to the VM's. */
	do {
		next = eventfd(0, 0);
		assert_int_equal(ioctl(next, KVM_CREATE_IRQCHIP, 0), -1);
		assert_int_equal(errno, ENOTTY);
	} while (next < vm);
	assert_int_equal(next, vm);
	closefrom(event);
}

enum dup_how { DUP, DUP2, DUP3, DUPFD, DUPFD_CLOEXEC, NR_DUPS };

static int duplicate(int fd, enum dup_how how)
{
	switch (how) {
	case DUP: return dup(fd);
	case DUP2: return dup2(fd, HIGH_FD);
	case DUP3: return dup3(fd, HIGH_FD, O_CLOEXEC);
	case DUPFD: return fcntl(fd, F_DUPFD, HIGH_FD);
	default: return fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
	}
}

void test_duplicates(void **state)
{
	(void)state;
	for (enum dup_how how = DUP; how < NR_DUPS; how++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);
		int copy = duplicate(vm, how);

		assert_true(how == DUP ? copy >= 0 : copy == HIGH_FD);
		assert_true(is_vm(copy));
		assert_int_equal(irqfd(copy, event), 0);
		assert_int_equal(close(vm), 0);
		/* It is the same VM, and as long as one is open it lives. */
		assert_true(is_vm(copy));
		assert_bound(event);
		assert_delivers(copy, event);
		assert_int_equal(close(copy), 0);
		assert_false(is_bound(event));
		assert_int_equal(close(event), 0);
	}
}

void test_dup_over_a_vm_closes_it(void **state)
{
	(void)state;
	for (int flags = 0; flags < 2; flags++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);

		assert_int_equal(irqfd(vm, event), 0);
		assert_int_equal(flags ? dup3(event, vm, O_CLOEXEC)
				       : dup2(event, vm),
				 vm);
		assert_false(is_bound(event));
		assert_int_equal(ioctl(vm, KVM_CREATE_IRQCHIP, 0), -1);
		assert_int_equal(errno, ENOTTY);
		assert_int_equal(close(vm), 0);
		assert_int_equal(close(event), 0);
	}
}

void test_dup_of_itself_changes_nothing(void **state)
{
	int vm = create_vm();

	(void)state;
	assert_int_equal(dup2(vm, vm), vm);
	assert_true(is_vm(vm));
	assert_int_equal(dup3(vm, vm, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_true(is_vm(vm));
	assert_int_equal(close(vm), 0);
}

/* Close all but the standard ones, and this. */
static void close_others_by_range(int fd)
{
	assert_int_equal(close_range(3, (unsigned int)fd - 1, 0), 0);
	assert_int_equal(close_range((unsigned int)fd + 1, ~0u, 0), 0);
}

static void close_others_one_by_one(int fd)
{
	for (int i = 3; i < 4096; i++) {
		if (i != fd)
			close(i);
	}
}

/* As programs do before they become a daemon: the VM must not notice. */
void test_close_all_others(void **state)
{
	static void (*const close_others[])(int fd) = {
		close_others_by_range,
		close_others_one_by_one,
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int vm = create_vm_with_irqchip(), event = eventfd(0, 0);
		int other = create_vm(), vcpu;

		assert_int_equal(irqfd(vm, event), 0);
		assert_int_equal(dup2(vm, HIGH_FD), HIGH_FD);
		assert_int_equal(dup2(event, 2 + HIGH_FD), 2 + HIGH_FD);
		assert_int_equal(dup2(event, 0), 0);
		close_others[i](HIGH_FD);
		assert_closed(vm);
		assert_closed(other);
		assert_closed(2 + HIGH_FD);
		assert_true(is_vm(HIGH_FD));
		assert_delivers(HIGH_FD, 0);
		assert_bound(0);
		/* What there is, works; and more can be had. */
		event = eventfd(0, 0);
		assert_int_equal(irqfd_at(HIGH_FD, event, OTHER_GSI), 0);
		assert_delivers_at(HIGH_FD, event, OTHER_GSI);
		vcpu = ioctl(HIGH_FD, KVM_CREATE_VCPU, 0);
		assert_true(vcpu >= 0);
		assert_int_equal(close(vcpu), 0);
		assert_int_equal(close(event), 0);
		assert_int_equal(close(HIGH_FD), 0);
		assert_false(is_bound(0));
	}
}

void test_closefrom(void **state)
{
	int event = eventfd(0, 0), vm = create_vm_with_irqchip();

	(void)state;
	assert_int_equal(dup2(event, vm + 1), vm + 1);
	assert_int_equal(irqfd(vm, vm + 1), 0);
	assert_int_equal(dup2(vm, HIGH_FD), HIGH_FD);
	closefrom(vm + 2);
	assert_closed(HIGH_FD);
	assert_delivers(vm, vm + 1);
	closefrom(event);
	assert_closed(vm);
	vm = create_vm_with_irqchip();
	assert_true(is_vm(vm));
	assert_int_equal(close(vm), 0);
}

/* No number is kept from the program for longer than it is in use. */
void test_numbers_come_back(void **state)
{
	enum { FIRST = 512, COUNT = 64 };
	int event = eventfd(0, 0), vm;

	(void)state;
	vm = create_vm_with_irqchip();
	assert_int_equal(irqfd(vm, event), 0);
	assert_int_equal(close(vm), 0);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(fcntl(event, F_DUPFD, FIRST), FIRST + i);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(close(FIRST + i), 0);
	assert_int_equal(close(event), 0);
}

void test_close_range_cloexec(void **state)
{
	int kvm = open("/dev/kvm", O_RDWR);

	(void)state;
	assert_int_equal(fcntl(kvm, F_GETFD), 0);
	assert_int_equal(close_range(3, ~0u, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(fcntl(kvm, F_GETFD), FD_CLOEXEC);
	assert_kvm(kvm);
	assert_int_equal(close_range(5, 4, 0), -1);
	assert_int_equal(errno, EINVAL);
}

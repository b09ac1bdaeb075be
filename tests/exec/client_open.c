// SPDX-License-Identifier: BSD-3-Clause
/* open(), ioctl() and mmap(). */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <cmocka.h>
#include "client.h"

/* ---- open ---- */

int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
int __openat64_2(int dir, const char *path, int flags);

void test_every_open(void **state)
{
	(void)state;
	assert_kvm(open("/dev/kvm", O_RDWR));
	assert_kvm(open64("/dev/kvm", O_RDWR));
	assert_kvm(openat(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(openat64(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(__open_2("/dev/kvm", O_RDWR));
	assert_kvm(__open64_2("/dev/kvm", O_RDWR));
	assert_kvm(__openat_2(AT_FDCWD, "/dev/kvm", O_RDWR));
	assert_kvm(__openat64_2(AT_FDCWD, "/dev/kvm", O_RDWR));
	/* Read-only will do, and a mode that nobody asked for is no matter. */
	assert_kvm(open("/dev/kvm", O_RDONLY | O_CREAT, 0600));
}

void test_other_names(void **state)
{
	char dir[] = "/tmp/client-XXXXXX", link[64];
	int dev;

	(void)state;
	if (access("/dev/kvm", R_OK | W_OK)) {
		print_message("# no /dev/kvm here to have other names\n");
		skip();
	}
	assert_kvm(open("/dev/../dev//kvm", O_RDWR));
	dev = open("/dev", O_RDONLY | O_DIRECTORY);
	assert_kvm(openat(dev, "kvm", O_RDWR));
	assert_int_equal(close(dev), 0);
	assert_non_null(mkdtemp(dir));
	snprintf(link, sizeof(link), "%s/link", dir);
	assert_int_equal(symlink("/dev/kvm", link), 0);
	assert_kvm(open(link, O_RDWR));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rmdir(dir), 0);
}

void test_open_flags(void **state)
{
	int fd;

	(void)state;
	fd = open("/dev/kvm", O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(close(fd), 0);
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(close(fd), 0);
	if (!access("/dev/kvm", F_OK)) {
		assert_int_equal(open("/dev/kvm", O_RDWR | O_DIRECTORY), -1);
		assert_int_equal(errno, ENOTDIR);
		assert_int_equal(open("/dev/kvm", O_CREAT | O_EXCL, 0600), -1);
		assert_int_equal(errno, EEXIST);
	}
	assert_int_equal(open("/dev/kvmx", O_RDWR), -1);
	assert_int_equal(errno, ENOENT);
}

/* As POSIX has it: programs close 0 and open something else in its place. */
void test_lowest_numbers(void **state)
{
	int first = dup(0), vm, event, low;

	(void)state;
	assert_int_equal(close(first), 0);
	vm = create_vm_with_irqchip();
	event = eventfd(0, 0);
	assert_int_equal(irqfd(vm, event), 0);
	low = dup(0);
	/* What the library has for itself is not among them. */
	assert_true(vm <= first + 1 && event <= first + 2);
	assert_true(low <= first + 2);
	assert_int_equal(close(low), 0);
	assert_int_equal(close(event), 0);
	assert_int_equal(close(vm), 0);
}

/* ---- ioctl ---- */

void test_ioctl_answers(void **state)
{
	int kvm = open_kvm(), null = open("/dev/null", O_RDWR), vm;
	struct kvm_msr_list list = {.nmsrs = 0};
	struct termios termios;

	(void)state;
	errno = 77;
	assert_int_equal(ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_IRQFD), 1);
	assert_int_equal(errno, 77);
	assert_int_equal(ioctl(kvm, KVM_CREATE_VM, 77), -1);
	assert_int_equal(errno, EINVAL);
	/* A request as an int, sign and all, as it often goes around. */
	assert_int_equal(
		ioctl(kvm, (unsigned long)(int)KVM_GET_MSR_INDEX_LIST, &list),
		-1);
	assert_int_equal(errno, E2BIG);
	/* Not KVM's type: KVM answers all the same. */
	assert_int_equal(ioctl(kvm, TCGETS, &termios), -1);
	assert_int_equal(errno, EINVAL);
	vm = create_vm();
	assert_int_equal(ioctl(vm, TCGETS, &termios), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(kvm, FIOCLEX), 0);
	/* KVM's type, but of another device. */
	assert_int_equal(ioctl(null, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(ioctl(-1, KVM_GET_API_VERSION, 0), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(null), 0);
	assert_int_equal(close(kvm), 0);
}

/* ---- mmap ---- */

void test_kvm_run(void **state)
{
	int kvm = open_kvm(), vm = create_vm_with_irqchip();
	int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	struct kvm_run *run, *again;

	(void)state;
	assert_true(size >= (int)sizeof(*run));
	assert_true(vcpu >= 0);
	assert_int_equal(fcntl(vcpu, F_GETFD), FD_CLOEXEC);
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   0);
	assert_true(run != MAP_FAILED);
	again = mmap64(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
		       vcpu, 0);
	assert_true(again != MAP_FAILED);
	run->immediate_exit = 1;
	assert_int_equal(again->immediate_exit, 1);
	assert_int_equal(ioctl(vcpu, KVM_RUN, 0), -1);
	assert_int_equal(errno, EINTR);
	if (!guest_code) {
		run->immediate_exit = 0;
		assert_int_equal(ioctl(vcpu, KVM_RUN, 0), -1);
		assert_int_equal(errno, EOPNOTSUPP);
		run->immediate_exit = 1;
	}
	/* The mapping outlives the descriptors. */
	assert_int_equal(close(vcpu), 0);
	assert_int_equal(close(vm), 0);
	assert_int_equal(close(kvm), 0);
	assert_int_equal(run->immediate_exit, 1);
	assert_int_equal(munmap(run, (size_t)size), 0);
	assert_int_equal(munmap(again, (size_t)size), 0);
}

void test_other_mappings(void **state)
{
	int file = memfd_create("file", MFD_CLOEXEC), vm = create_vm();
	char *p;

	(void)state;
	assert_int_equal(ftruncate(file, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	assert_true(p != MAP_FAILED);
	p[0] = 'x';
	assert_int_equal(pread(file, p + 1, 1, 0), 1);
	assert_int_equal(p[1], 'x');
	assert_int_equal(munmap(p, 4096), 0);
	assert_int_equal(close(file), 0);
	assert_int_equal(close(vm), 0);
}

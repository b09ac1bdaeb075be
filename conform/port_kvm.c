// SPDX-License-Identifier: BSD-3-Clause
/*
 * The kernel's own KVM.  Raw system calls: a library that is preloaded under
 * the suite must not come between.
 */
#include "conform.h"
#ifdef __aarch64__
#include "arm/port.h"
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int kvm_open(const struct conform_port *port)
{
	long fd = syscall(SYS_openat, AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)port;
	return fd < 0 ? -errno : (int)fd;
}

static int kvm_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	long ret;

	/* Task work of a process with an io_uring interrupts it now and then */
	do {
		ret = syscall(SYS_ioctl, fd, request, arg);
	} while (ret < 0 && errno == EINTR && request == KVM_CREATE_VM);
	return ret < 0 ? -errno : (int)ret;
}

static void *kvm_mmap(int fd, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static int kvm_close(int fd)
{
	return syscall(SYS_close, fd) ? -errno : 0;
}

static int kvm_dup(int fd, int newfd)
{
	(void)fd;
	(void)newfd;
	return 0;
}

static uint32_t running_version(void)
{
	unsigned int major = 0, minor = 0, patch = 0;
	struct utsname uts;

	if (uname(&uts) ||
	    sscanf(uts.release, "%u.%u.%u", &major, &minor, &patch) < 2)
		return 0;
	/* KERNEL_VERSION() has 8 bits for the patch level. */
	return KERNEL_VERSION(major, minor, patch > 255 ? 255 : patch);
}

const struct conform_port *conform_port_kvm(const char **reason)
{
	static char why[128];
	static struct conform_port port = {
		.name = "kvm",
		.kernel = true,
		.open = kvm_open,
		.ioctl = kvm_ioctl,
		.mmap = kvm_mmap,
		.close = kvm_close,
		.dup = kvm_dup,
#ifdef __aarch64__
		.suite = &conform_suite_arm,
		.arm = &arm_port_kvm,
#else
		.suite = &conform_suite_x86,
#endif
	};
	int fd = kvm_open(&port);

	if (fd < 0) {
		snprintf(why, sizeof(why), "/dev/kvm: %s", strerror(-fd));
		*reason = why;
		return NULL;
	}
	kvm_close(fd);
	port.version = running_version();
	return &port;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * ioctl() and mmap().
 *
 * The door sees an ioctl() only if its type is KVM's, or if nobody else knew
 * it; any other costs one comparison.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <virq/uapi.h>
#include "real.h"
#include "shim.h"
#include "uapi/files.h"

/* More than any kvm_run has, less than a VMM's mapping of guest memory. */
#define KVM_RUN_SIZE_MAX (1u << 20)

int hook_ioctl(int fd, unsigned long request, ...) __asm__("ioctl");
void *hook_mmap(void *addr, size_t length, int prot, int flags, int fd,
		off_t offset) __asm__("mmap");
void *hook_mmap64(void *addr, size_t length, int prot, int flags, int fd,
		  off64_t offset) __asm__("mmap64");

static int door_ioctl(int fd, unsigned long request, void *arg)
{
	int saved = errno, ret;

	ret = virq_ioctl(fd, request, (uintptr_t)arg);
	if (ret >= 0) {
		errno = saved;
		return ret;
	}
	errno = -ret;
	return -1;
}

int hook_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	/* One that came by a message from another process is met here. */
	if (_IOC_TYPE(request) == KVMIO && virq_uapi_owns(fd)) {
		shim_meet_door();
		return door_ioctl(fd, request, arg);
	}
	ret = REAL(ioctl)(fd, request, arg);
	/* Of no type that it knows, KVM says what Linux's KVM says. */
	if (ret < 0 && errno == ENOTTY && shim_door_is_open() &&
	    uapi_fd_is_known(fd))
		return door_ioctl(fd, request, arg);
	return ret;
}

/*
 * A vCPU's kvm_run is shared and small.  For a descriptor that we have not
 * seen yet the question costs a system call or two, so other mappings of files
 * are not asked about.
 */
static bool is_kvm_run(size_t length, int flags, int fd)
{
	if (fd < 0 || !shim_door_is_open())
		return false;
	if (uapi_fd_is_known(fd))
		return true;
	return (flags & MAP_TYPE) == MAP_SHARED && length <= KVM_RUN_SIZE_MAX &&
	       virq_uapi_owns(fd);
}

void *hook_mmap(void *addr, size_t length, int prot, int flags, int fd,
		off_t offset)
{
	if (is_kvm_run(length, flags, fd))
		return virq_uapi_mmap(addr, length, prot, flags, fd, offset);
	return REAL(mmap)(addr, length, prot, flags, fd, offset);
}

void *hook_mmap64(void *addr, size_t length, int prot, int flags, int fd,
		  off64_t offset)
{
	if (is_kvm_run(length, flags, fd))
		return virq_uapi_mmap(addr, length, prot, flags, fd, offset);
	return REAL(mmap64)(addr, length, prot, flags, fd, offset);
}

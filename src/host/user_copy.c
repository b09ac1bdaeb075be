// SPDX-License-Identifier: BSD-3-Clause
/*
 * Copies from and to memory that may not be there.
 *
 * The kernel does the access for us and tells: process_vm_readv(2) on
 * ourselves, which every process may do.  Where a filter forbids it, a pointer
 * is taken at its word, as any library does.
 */
#include "user_copy.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static bool refused(int error)
{
	return error == ENOSYS || error == EPERM;
}

int user_copy_in(void *to, uintptr_t from, size_t size)
{
	struct iovec local = {.iov_base = to, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)from, .iov_len = size};
	ssize_t ret;

	if (!size)
		return 0;
	ret = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (ret == (ssize_t)size)
		return 0;
	if (ret >= 0 || !refused(errno))
		return -EFAULT;
	memcpy(to, (const void *)from, size);
	return 0;
}

int user_copy_out(uintptr_t to, const void *from, size_t size)
{
	struct iovec local = {.iov_base = (void *)from, .iov_len = size};
	struct iovec remote = {.iov_base = (void *)to, .iov_len = size};
	ssize_t ret;

	if (!size)
		return 0;
	ret = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	if (ret == (ssize_t)size)
		return 0;
	if (ret >= 0 || !refused(errno))
		return -EFAULT;
	memcpy((void *)to, from, size);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * close(), dup() and their like: the door learns which descriptors are its
 * own, and the program does not get at those that the library has for itself.
 *
 * All that is not the door's goes to the real function after two loads, also
 * in a signal handler.  Closing the door's own descriptors takes its locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <virq/uapi.h>
#include "real.h"
#include "shim.h"
#include "uapi/files.h"

int hook_close(int fd) __asm__("close");
int hook_close_range(unsigned int first, unsigned int last,
		     int flags) __asm__("close_range");
void hook_closefrom(int first) __asm__("closefrom");
int hook_dup(int fd) __asm__("dup");
int hook_dup2(int fd, int new_fd) __asm__("dup2");
int hook_dup3(int fd, int new_fd, int flags) __asm__("dup3");
int hook_fcntl(int fd, int command, ...) __asm__("fcntl");
int hook_fcntl64(int fd, int command, ...) __asm__("fcntl64");

static int answer(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/* One of the library's, which are not there for the program. */
static bool is_hidden(int fd)
{
	return shim_door_is_open() && own_fd_is(fd) && shim_in_process();
}

static bool is_known(int fd)
{
	return shim_door_is_open() && uapi_fd_is_known(fd);
}

int hook_close(int fd)
{
	if (is_hidden(fd)) {
		errno = EBADF;
		return -1;
	}
	if (is_known(fd))
		return answer(virq_uapi_close(fd));
	return REAL(close)(fd);
}

/* ---- Many at once ---- */

/* A kernel without close_range(): up to the limit, as closefrom() does. */
static int close_segment(unsigned int first, unsigned int last, int flags)
{
	struct rlimit limit;

	if (!REAL(close_range)(first, last, flags))
		return 0;
	if (errno != ENOSYS || getrlimit(RLIMIT_NOFILE, &limit))
		return -1;
	if (limit.rlim_max <= last)
		last = (unsigned int)limit.rlim_max - 1;
	for (; first <= last; first++)
		REAL(close)((int)first);
	return 0;
}

static int close_around(unsigned int first, unsigned int last, int flags)
{
	/* Descriptors are ints: one above all that can be. */
	unsigned int end = last < INT_MAX ? last + 1 : (unsigned int)INT_MAX;
	int fd;

	for (fd = uapi_fd_next_known((int)first, (int)end - 1); fd >= 0;
	     fd = uapi_fd_next_known(fd + 1, (int)end - 1))
		virq_uapi_close(fd);
	while (first < end) {
		fd = own_fd_next((int)first, (int)end - 1);
		if (fd < 0)
			return close_segment(first, last, flags);
		if ((unsigned int)fd > first &&
		    close_segment(first, (unsigned int)fd - 1, flags))
			return -1;
		first = (unsigned int)fd + 1;
	}
	return 0;
}

int hook_close_range(unsigned int first, unsigned int last, int flags)
{
	/*
	 * Nothing is closed by CLOEXEC, and ours have it.  UNSHARE is about a
	 * table that is no longer the process's.
	 */
	if (!shim_door_is_open() || flags || first > last || first > INT_MAX ||
	    !shim_in_process())
		return REAL(close_range)(first, last, flags);
	return close_around(first, last, flags);
}

void hook_closefrom(int first)
{
	unsigned int from = first > 0 ? (unsigned int)first : 0;
	int saved = errno;

	if (shim_door_is_open() && shim_in_process())
		close_around(from, ~0u, 0);
	else
		close_segment(from, ~0u, 0);
	errno = saved;
}

/* ---- Duplicates ---- */

/* @new_fd is a duplicate now, and may have been something of the door's. */
static int duplicated(int fd, int new_fd)
{
	int saved = errno;

	if (new_fd >= 0 && (is_known(fd) || is_known(new_fd)))
		virq_uapi_dup(fd, new_fd);
	errno = saved;
	return new_fd;
}

int hook_dup(int fd)
{
	return duplicated(fd, REAL(dup)(fd));
}

int hook_dup2(int fd, int new_fd)
{
	/* As when another thread's open() has the number reserved. */
	if (is_hidden(new_fd)) {
		errno = EBUSY;
		return -1;
	}
	return duplicated(fd, REAL(dup2)(fd, new_fd));
}

int hook_dup3(int fd, int new_fd, int flags)
{
	if (is_hidden(new_fd)) {
		errno = EBUSY;
		return -1;
	}
	return duplicated(fd, REAL(dup3)(fd, new_fd, flags));
}

static int after_fcntl(int fd, int command, int ret)
{
	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return duplicated(fd, ret);
	return ret;
}

/* The argument is a pointer, an int or nothing: a register, in any case. */
int hook_fcntl(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return after_fcntl(fd, command, REAL(fcntl)(fd, command, arg));
}

int hook_fcntl64(int fd, int command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return after_fcntl(fd, command, REAL(fcntl64)(fd, command, arg));
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The library's own system calls, and the descriptors it opens for itself.
 *
 * The shim is linked with --wrap for each function here: what the library
 * calls close() is __wrap_close(), while the program's close() is the hook.
 *
 * Descriptors of the library are kept out of the program's way: above the low
 * numbers, which POSIX promises in order, and in a bitmap that says which must
 * stay open when the program closes all that it does not know.
 */
#include <fcntl.h>
#include <limits.h>
#include <liburing.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include "real.h"
#include "shim.h"

#define OWN_FD_MIN 512 /* moved to there, where the limit allows */
#define OWN_FD_END (1u << 20) /* as the door's own table of descriptors */
#define WORD_BITS 64u

/*
 * Relaxed: a bit is about the number alone, and set and cleared by whoever has
 * the descriptor.
 */
static _Atomic(uint64_t) own[OWN_FD_END / WORD_BITS];

static void own_fd_add(int fd)
{
	unsigned int n = (unsigned int)fd;

	if (fd >= 0 && n < OWN_FD_END)
		atomic_fetch_or_explicit(&own[n / WORD_BITS],
					 UINT64_C(1) << n % WORD_BITS,
					 memory_order_relaxed);
}

static void own_fd_del(int fd)
{
	unsigned int n = (unsigned int)fd;

	if (fd >= 0 && n < OWN_FD_END)
		atomic_fetch_and_explicit(&own[n / WORD_BITS],
					  ~(UINT64_C(1) << n % WORD_BITS),
					  memory_order_relaxed);
}

static uint64_t own_word(unsigned int index)
{
	return atomic_load_explicit(&own[index], memory_order_relaxed);
}

bool own_fd_is(int fd)
{
	unsigned int n = (unsigned int)fd;

	return fd >= 0 && n < OWN_FD_END &&
	       own_word(n / WORD_BITS) >> n % WORD_BITS & 1;
}

int own_fd_next(int first, int last)
{
	unsigned int n = (unsigned int)first, end = (unsigned int)last;

	while (n <= end && n < OWN_FD_END) {
		uint64_t word = own_word(n / WORD_BITS) >> n % WORD_BITS;

		if (word) {
			n += (unsigned int)__builtin_ctzll(word);
			return n <= end ? (int)n : -1;
		}
		n = (n / WORD_BITS + 1) * WORD_BITS;
	}
	return -1;
}

/* Keep it where it is if there is no room above. */
static int own_fd_move(int fd)
{
	int high;

	if (fd < 0)
		return fd;
	if (fd < OWN_FD_MIN) {
		high = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, OWN_FD_MIN);
		if (high >= 0) {
			REAL(close)(fd);
			fd = high;
		}
	}
	own_fd_add(fd);
	return fd;
}

/* ---- What the library calls ---- */

int __real_eventfd(unsigned int count, int flags);
int __real_epoll_create1(int flags);
int __real_timerfd_create(int clock, int flags);
int __real_memfd_create(const char *name, unsigned int flags);
int __real_pipe2(int fds[2], int flags);
int __real_io_uring_queue_init(unsigned int entries, struct io_uring *ring,
			       unsigned int flags);
int __real_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *ring,
				      struct io_uring_params *params);
void __real_io_uring_queue_exit(struct io_uring *ring);

int __wrap_open(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset);
void *__wrap_mmap64(void *addr, size_t length, int prot, int flags, int fd,
		    off64_t offset);
int __wrap_close(int fd);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_eventfd(unsigned int count, int flags);
int __wrap_epoll_create1(int flags);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);
int __wrap_pipe2(int fds[2], int flags);
int __wrap_io_uring_queue_init(unsigned int entries, struct io_uring *ring,
			       unsigned int flags);
int __wrap_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *ring,
				      struct io_uring_params *params);
void __wrap_io_uring_queue_exit(struct io_uring *ring);

/* The library creates no file in a folder: no mode. */
int __wrap_open(const char *path, int flags, ...)
{
	return own_fd_move(REAL(open)(path, flags));
}

int __wrap_open64(const char *path, int flags, ...)
{
	return own_fd_move(REAL(open64)(path, flags));
}

int __wrap_openat(int dir, const char *path, int flags, ...)
{
	return own_fd_move(REAL(openat)(dir, path, flags));
}

int __wrap_openat64(int dir, const char *path, int flags, ...)
{
	return own_fd_move(REAL(openat64)(dir, path, flags));
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	return REAL(ioctl)(fd, request, arg);
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags, int fd,
		  off_t offset)
{
	return REAL(mmap)(addr, length, prot, flags, fd, offset);
}

void *__wrap_mmap64(void *addr, size_t length, int prot, int flags, int fd,
		    off64_t offset)
{
	return REAL(mmap64)(addr, length, prot, flags, fd, offset);
}

/* Cleared first: when it is closed the number may be somebody else's. */
int __wrap_close(int fd)
{
	own_fd_del(fd);
	return REAL(close)(fd);
}

static int own_fcntl(int fd, int command, long arg)
{
	int ret;

	if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
		return REAL(fcntl)(fd, command, arg);
	ret = REAL(fcntl)(fd, command, arg < OWN_FD_MIN ? OWN_FD_MIN : arg);
	if (ret < 0)
		ret = REAL(fcntl)(fd, command, arg);
	if (ret >= 0)
		own_fd_add(ret);
	return ret;
}

int __wrap_fcntl(int fd, int command, ...)
{
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	return own_fcntl(fd, command, arg);
}

int __wrap_fcntl64(int fd, int command, ...)
{
	va_list args;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	return own_fcntl(fd, command, arg);
}

int __wrap_eventfd(unsigned int count, int flags)
{
	return own_fd_move(__real_eventfd(count, flags));
}

int __wrap_epoll_create1(int flags)
{
	return own_fd_move(__real_epoll_create1(flags));
}

int __wrap_timerfd_create(int clock, int flags)
{
	return own_fd_move(__real_timerfd_create(clock, flags));
}

/* All but this one of the core are the program's: /dev/kvm, VMs, vCPUs. */
int __wrap_memfd_create(const char *name, unsigned int flags)
{
	int fd = __real_memfd_create(name, flags);

	return strcmp(name, "virq-signal") ? fd : own_fd_move(fd);
}

int __wrap_pipe2(int fds[2], int flags)
{
	int ret = __real_pipe2(fds, flags);

	if (!ret) {
		fds[0] = own_fd_move(fds[0]);
		fds[1] = own_fd_move(fds[1]);
	}
	return ret;
}

/* The rings' library makes its system calls itself: change what it made. */
static int own_ring(struct io_uring *ring, int ret)
{
	if (!ret) {
		ring->ring_fd = own_fd_move(ring->ring_fd);
		ring->enter_ring_fd = ring->ring_fd;
	}
	return ret;
}

int __wrap_io_uring_queue_init(unsigned int entries, struct io_uring *ring,
			       unsigned int flags)
{
	return own_ring(ring, __real_io_uring_queue_init(entries, ring, flags));
}

int __wrap_io_uring_queue_init_params(unsigned int entries,
				      struct io_uring *ring,
				      struct io_uring_params *params)
{
	return own_ring(
		ring, __real_io_uring_queue_init_params(entries, ring, params));
}

void __wrap_io_uring_queue_exit(struct io_uring *ring)
{
	own_fd_del(ring->ring_fd);
	__real_io_uring_queue_exit(ring);
}

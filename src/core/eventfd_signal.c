// SPDX-License-Identifier: BSD-3-Clause
/*
 * Signalling an eventfd that an untrusted process also holds.
 *
 * write(2) is no good: the other side can fill the counter and clear
 * O_NONBLOCK, and the thread that signals, a vCPU at its EOI, would sleep for
 * as long as it likes.  The kernel can signal an eventfd without blocking when
 * it completes an asynchronous I/O request (IOCB_FLAG_RESFD), so we complete
 * one: a read of nothing from an empty memfd, done when io_submit(2) returns.
 *
 * Where AIO is not to be had (seccomp, CONFIG_AIO, a forked child) the signal
 * is a write after a look at POLLOUT.
 */
#include "eventfd.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AIO_EVENTS 256

static pthread_once_t aio_once = PTHREAD_ONCE_INIT;
static aio_context_t aio_context;
static int aio_fd = -1;

static void aio_init(void)
{
	aio_context_t context = 0;
	int fd = memfd_create("virq-signal", MFD_CLOEXEC);

	if (fd < 0)
		return;
	if (syscall(SYS_io_setup, AIO_EVENTS, &context) < 0) {
		close(fd);
		return;
	}
	aio_context = context;
	aio_fd = fd;
}

int eventfd_signal_init(struct eventfd_signal *signal, int fd)
{
	pthread_once(&aio_once, aio_init);
	signal->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return signal->fd < 0 ? -errno : 0;
}

void eventfd_signal_fini(struct eventfd_signal *signal)
{
	if (signal->fd >= 0)
		close(signal->fd);
	signal->fd = -1;
}

static bool signal_by_aio(int fd)
{
	struct iocb iocb = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)aio_fd,
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = (uint32_t)fd,
	};
	struct iocb *list = &iocb;

	if (aio_fd < 0)
		return false;
	/* Two tries: the second after making room in the completion ring. */
	for (int i = 0; i < 2; i++) {
		struct io_event events[AIO_EVENTS];
		struct timespec now = {0};

		if (syscall(SYS_io_submit, aio_context, 1L, &list) == 1)
			return true;
		if (errno != EAGAIN)
			return false;
		(void)syscall(SYS_io_getevents, aio_context, 0L,
			      (long)AIO_EVENTS, events, &now);
	}
	return false;
}

void eventfd_signal(const struct eventfd_signal *signal)
{
	struct pollfd poll_fd = {.fd = signal->fd, .events = POLLOUT};
	const uint64_t one = 1;

	if (signal_by_aio(signal->fd))
		return;
	if (poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT))
		(void)!write(signal->fd, &one, sizeof(one));
}

// SPDX-License-Identifier: BSD-3-Clause
/* See fds.h. */
#include "fds.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* A number that the next descriptor does not get. */
#define CLOSED_MIN 500

static int closed_fd(struct conform *c)
{
	int low = event_open(c, 0);
	int fd = fd_keep(c, fcntl(low, F_DUPFD_CLOEXEC, CLOSED_MIN));

	c->port->dup(low, fd);
	fd_close(c, low);
	fd_close(c, fd);
	return fd;
}

static int pipe_fd(struct conform *c)
{
	int ends[2];

	CHECK_RET(c, pipe2(ends, O_CLOEXEC), 0);
	fd_keep(c, ends[1]);
	return fd_keep(c, ends[0]);
}

static int signal_fd(void)
{
	sigset_t none;

	sigemptyset(&none);
	return signalfd(-1, &none, SFD_CLOEXEC);
}

int fd_new(struct conform *c, enum fd_kind kind, int same)
{
	switch (kind) {
	case FD_SAME: return same;
	case FD_MINUS_ONE: return -1;
	case FD_INT_MAX: return INT_MAX;
	case FD_INT_MIN: return INT_MIN;
	case FD_CLOSED: return closed_fd(c);
	case FD_EVENT: return event_open(c, 0);
	case FD_SEMAPHORE:
		return fd_keep(c, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK |
						     EFD_SEMAPHORE));
	case FD_BLOCKING: return fd_keep(c, eventfd(0, EFD_CLOEXEC));
	case FD_PATH: return fd_keep(c, open("/", O_PATH | O_CLOEXEC));
	case FD_PIPE: return pipe_fd(c);
	case FD_SOCKET:
		return fd_keep(c,
			       socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	case FD_TIMER:
		return fd_keep(c, timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	case FD_SIGNAL: return fd_keep(c, signal_fd());
	case FD_EPOLL: return fd_keep(c, epoll_create1(EPOLL_CLOEXEC));
	case FD_NULL: return fd_keep(c, open("/dev/null", O_RDWR | O_CLOEXEC));
	case FD_MEMORY: return fd_keep(c, memfd_create("conform", MFD_CLOEXEC));
	case FD_DIRECTORY:
		return fd_keep(c, open("/", O_DIRECTORY | O_CLOEXEC));
	case FD_KVM: return kvm_new(c);
	case FD_VM: return vm_new(c, VM_BARE);
	case FD_VCPU: return vcpu_new(c, vm_new(c, VM_FULL), 0);
	}
	return -1;
}

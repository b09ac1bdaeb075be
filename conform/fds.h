/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors of every sort, for rows that say what must be refused. */
#ifndef CONFORM_FDS_H
#define CONFORM_FDS_H

#include "env.h"

enum fd_kind {
	FD_EVENT,
	FD_SEMAPHORE, /* an eventfd with EFD_SEMAPHORE */
	FD_BLOCKING, /* an eventfd without EFD_NONBLOCK */
	FD_SAME, /* the one made before */
	FD_MINUS_ONE,
	FD_INT_MAX,
	FD_INT_MIN,
	FD_CLOSED, /* was an eventfd's */
	FD_PATH, /* O_PATH: no file operations, fdget() refuses it */
	FD_PIPE,
	FD_SOCKET,
	FD_TIMER,
	FD_SIGNAL,
	FD_EPOLL,
	FD_NULL, /* /dev/null */
	FD_MEMORY,
	FD_DIRECTORY,
	FD_KVM,
	FD_VM,
	FD_VCPU,
};

/* One of @kind, kept for the runner to close if it is open. */
int fd_new(struct conform *c, enum fd_kind kind, int same);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* The loop that one writes by hand: epoll_wait, read, blocked or spinning. */
#include "waiter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static int epoll_open(struct waiter *waiter)
{
	struct epoll_event event = {.events = EPOLLIN};
	int *epoll = malloc(sizeof(*epoll));

	if (!epoll)
		return -ENOMEM;
	waiter->state = epoll;
	*epoll = epoll_create1(EPOLL_CLOEXEC);
	if (*epoll < 0 || epoll_ctl(*epoll, EPOLL_CTL_ADD, waiter->fd, &event))
		return -errno;
	return 0;
}

static void epoll_close(struct waiter *waiter)
{
	int *epoll = waiter->state;

	if (epoll && *epoll >= 0)
		close(*epoll);
	free(epoll);
}

static void wait_and_handle(struct waiter *waiter, int timeout)
{
	const int *epoll = waiter->state;
	struct epoll_event event;

	for (;;) {
		if (epoll_wait(*epoll, &event, 1, timeout) == 1 &&
		    !waiter_handle(waiter))
			return;
	}
}

static void run_blocked(struct waiter *waiter)
{
	wait_and_handle(waiter, -1);
}

static void run_spinning(struct waiter *waiter)
{
	wait_and_handle(waiter, 0);
}

const struct waiter_kind waiter_epoll = {
	.open = epoll_open,
	.close = epoll_close,
	.run = run_blocked,
};

const struct waiter_kind waiter_epoll_spin = {
	.open = epoll_open,
	.close = epoll_close,
	.run = run_spinning,
};

// SPDX-License-Identifier: BSD-3-Clause
/* libevent: a persistent read event on the eventfd. */
#include "waiter.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

struct libevent {
	struct event_base *base;
	struct event *event;
};

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct waiter *waiter = arg;
	struct libevent *lib = waiter->state;

	(void)fd;
	(void)what;
	if (!waiter_handle(waiter))
		event_base_loopbreak(lib->base);
}

static int libevent_open(struct waiter *waiter)
{
	struct libevent *lib = calloc(1, sizeof(*lib));

	if (!lib)
		return -ENOMEM;
	waiter->state = lib;
	lib->base = event_base_new();
	if (!lib->base)
		return -ENOMEM;
	lib->event = event_new(lib->base, waiter->fd, EV_READ | EV_PERSIST,
			       on_readable, waiter);
	if (!lib->event)
		return -ENOMEM;
	return event_add(lib->event, NULL) ? -EIO : 0;
}

static void libevent_close(struct waiter *waiter)
{
	struct libevent *lib = waiter->state;

	if (!lib)
		return;
	if (lib->event)
		event_free(lib->event);
	if (lib->base)
		event_base_free(lib->base);
	free(lib);
}

static void libevent_run(struct waiter *waiter)
{
	struct libevent *lib = waiter->state;

	event_base_dispatch(lib->base);
}

const struct waiter_kind waiter_libevent = {
	.open = libevent_open,
	.close = libevent_close,
	.run = libevent_run,
};

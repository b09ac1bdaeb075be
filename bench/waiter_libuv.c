// SPDX-License-Identifier: BSD-3-Clause
/* libuv: a poll handle on the eventfd. */
#include "waiter.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

struct libuv {
	uv_loop_t loop;
	uv_poll_t poll;
	bool has_poll;
};

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	if (!waiter_handle(poll->data))
		uv_stop(poll->loop);
}

/* uv's errors are negative errno. */
static int libuv_open(struct waiter *waiter)
{
	struct libuv *uv = calloc(1, sizeof(*uv));
	int ret;

	if (!uv)
		return -ENOMEM;
	ret = uv_loop_init(&uv->loop);
	if (ret) {
		free(uv);
		return ret;
	}
	waiter->state = uv;
	ret = uv_poll_init(&uv->loop, &uv->poll, waiter->fd);
	if (ret)
		return ret;
	uv->has_poll = true;
	uv->poll.data = waiter;
	return uv_poll_start(&uv->poll, UV_READABLE, on_readable);
}

static void libuv_close(struct waiter *waiter)
{
	struct libuv *uv = waiter->state;

	if (!uv)
		return;
	if (uv->has_poll)
		uv_close((uv_handle_t *)&uv->poll, NULL);
	uv_run(&uv->loop, UV_RUN_DEFAULT);
	uv_loop_close(&uv->loop);
	free(uv);
}

static void libuv_run(struct waiter *waiter)
{
	struct libuv *uv = waiter->state;

	uv_run(&uv->loop, UV_RUN_DEFAULT);
}

const struct waiter_kind waiter_libuv = {
	.open = libuv_open,
	.close = libuv_close,
	.run = libuv_run,
};

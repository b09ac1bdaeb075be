// SPDX-License-Identifier: BSD-3-Clause
/* Raises events for a waiter and times them. */
#include "waiter.h"
#include "cpus.h"
#include "core/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TIMEOUT_NS UINT64_C(1000000000)
#define EVENTS 150 /* a turn */
#define WARM_UP 20 /* before those */
#define PAUSE_NS 20000

int waiter_open(struct waiter *waiter, const struct waiter_kind *kind)
{
	int ret;

	*waiter = (struct waiter){.kind = kind};
	waiter->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (waiter->fd < 0)
		return -errno;
	ret = kind->open(waiter);
	if (ret)
		waiter_close(waiter);
	return ret;
}

void waiter_close(struct waiter *waiter)
{
	waiter->kind->close(waiter);
	close(waiter->fd);
}

static void *run(void *arg)
{
	struct waiter *waiter = arg;

	waiter->kind->run(waiter);
	return NULL;
}

static int start(struct waiter *waiter)
{
	atomic_store(&waiter->stopping, false);
	return cpus_thread(&waiter->thread, run, waiter);
}

static int raise_event(struct waiter *waiter)
{
	const uint64_t one = 1;

	return write(waiter->fd, &one, sizeof(one)) == sizeof(one) ? 0 : -errno;
}

static int stop(struct waiter *waiter)
{
	atomic_store(&waiter->stopping, true);
	if (waiter->kind->stop)
		waiter->kind->stop(waiter);
	else
		raise_event(waiter);
	pthread_join(waiter->thread, NULL);
	return waiter->kind->check ? waiter->kind->check(waiter) : 0;
}

static int event(struct waiter *waiter, struct waiter_times *times)
{
	uint64_t begin, at;
	int ret;

	/* Relaxed: the write to the eventfd orders it before the handler. */
	atomic_store_explicit(&waiter->handled_at, 0, memory_order_relaxed);
	if (waiter->kind->arm)
		waiter->kind->arm(waiter);
	waiter->raised++;
	begin = now_ns();
	ret = raise_event(waiter);
	times->write_ns = now_ns() - begin;
	if (ret)
		return ret;
	/* Acquire: pairs with waiter_stamp(). */
	while (!(at = atomic_load_explicit(&waiter->handled_at,
					   memory_order_acquire))) {
		if (now_ns() - begin > TIMEOUT_NS)
			return -ETIMEDOUT;
		cpus_relax();
	}
	times->handled_ns = at - begin;
	return waiter->kind->settle ? waiter->kind->settle(waiter) : 0;
}

int waiter_turn(struct waiter *waiter,
		int (*sample)(void *arg, const struct waiter_times *times),
		void *arg)
{
	int ret = start(waiter);
	int stop_ret;

	if (ret)
		return ret;
	for (int i = 0; i < WARM_UP + EVENTS && !ret; i++) {
		struct waiter_times times;

		cpus_pause(PAUSE_NS);
		ret = event(waiter, &times);
		if (!ret && i >= WARM_UP)
			ret = sample(arg, &times);
	}
	stop_ret = stop(waiter);
	return ret ? ret : stop_ret;
}

bool waiter_handle(struct waiter *waiter)
{
	uint64_t value;

	if (read(waiter->fd, &value, sizeof(value)) != sizeof(value))
		return true;
	if (atomic_load(&waiter->stopping))
		return false;
	waiter_stamp(waiter);
	return true;
}

void waiter_stamp(struct waiter *waiter)
{
	/* Release: what the handler did is done. */
	atomic_store_explicit(&waiter->handled_at, now_ns(),
			      memory_order_release);
}

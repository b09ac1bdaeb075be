// SPDX-License-Identifier: BSD-3-Clause
#include "relay.h"
#include "contest.h"
#include "cpus.h"
#include "patience.h"

#include <errno.h>
#include <sys/mman.h>

/* From the let-go to the raise: the vCPU is in its loop by then. */
#define SETTLE_NS 500
#define SKEW_EXCHANGES 2001

int relay_open(struct relay *relay)
{
	void *shared =
		mmap(NULL, sizeof(*relay->shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*relay = (struct relay){.next = 1};
	if (shared == MAP_FAILED)
		return -ENOMEM;
	relay->shared = shared;
	return 0;
}

void relay_close(struct relay *relay)
{
	if (relay->shared)
		munmap(relay->shared, sizeof(*relay->shared));
	relay->shared = NULL;
}

void relay_stop(struct relay *relay)
{
	atomic_store(&relay->shared->stop, true);
}

void relay_restart(struct relay *relay)
{
	atomic_store(&relay->shared->stop, false);
}

static int await_go(struct relay_shared *shared, uint64_t event)
{
	struct patience patience = {0};

	/* Acquire: pairs with relay_event(); the former event is over. */
	while (atomic_load_explicit(&shared->go, memory_order_acquire) !=
	       event) {
		/* Relaxed: nothing but the end of the waiting hangs on it. */
		if (atomic_load_explicit(&shared->stop, memory_order_relaxed))
			return -ECANCELED;
		if (patience_ends(&patience))
			return -ETIMEDOUT;
	}
	return 0;
}

static void settle(uint64_t event)
{
	/* Not in step with the rounds of the other's loop. */
	uint64_t until = now_ns() + SETTLE_NS + event * 37 % 64;

	while (now_ns() < until)
		;
}

static void publish(struct relay_shared *shared, uint64_t event,
		    uint64_t begun_at, uint64_t done_at)
{
	shared->begun_at = begun_at;
	shared->done_at = done_at;
	/* Release: the times are there.  Pairs with await_published(). */
	atomic_store_explicit(&shared->raised, event, memory_order_release);
}

static int await_published(struct relay_shared *shared, uint64_t event)
{
	struct patience patience = {0};

	/* Acquire: pairs with publish(). */
	while (atomic_load_explicit(&shared->raised, memory_order_acquire) !=
	       event) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
	}
	return 0;
}

int relay_serve(struct relay_shared *shared, uint64_t first, unsigned int nr,
		int (*raise)(void *arg, uint64_t event), void *arg)
{
	for (uint64_t event = first; event < first + nr; event++) {
		uint64_t begun_at, done_at;
		int ret = await_go(shared, event);

		if (ret)
			return ret;
		settle(event);
		begun_at = now_ns();
		ret = raise(arg, event);
		done_at = now_ns();
		if (ret)
			return ret;
		publish(shared, event, begun_at, done_at);
	}
	return 0;
}

static double at_least_0(double ns)
{
	return ns > 0 ? ns : 0;
}

int relay_event(struct relay *relay,
		int (*await)(void *arg, uint64_t event, uint64_t *at),
		void *arg, struct relay_times *times)
{
	struct relay_shared *shared = relay->shared;
	uint64_t event = relay->next++;
	uint64_t acked_at;
	int ret;

	/* Release: what was done with the former event is over. */
	atomic_store_explicit(&shared->go, event, memory_order_release);
	ret = await(arg, event, &acked_at);
	if (ret)
		return ret;
	ret = await_published(shared, event);
	if (ret)
		return ret;
	times->acked_ns =
		at_least_0((double)acked_at - (double)shared->begun_at -
			   relay->skew_ns - contest_clock_ns());
	times->raise_ns =
		at_least_0((double)(shared->done_at - shared->begun_at) -
			   contest_clock_ns());
	return 0;
}

int relay_raise_ball(void *arg, uint64_t event)
{
	struct relay_shared *shared = arg;

	/* Release and acquire: as a mailbox between threads has. */
	atomic_store_explicit(&shared->ball, event, memory_order_release);
	return 0;
}

int relay_await_ball(void *arg, uint64_t event, uint64_t *at)
{
	struct relay_shared *shared = arg;
	struct patience patience = {0};

	/* Acquire: pairs with relay_raise_ball(), and with echo(). */
	while (atomic_load_explicit(&shared->ball, memory_order_acquire) !=
	       event) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
	}
	*at = now_ns();
	return 0;
}

/*
 * The helper sends each ball back: the even ones.  The times of both ways are
 * alike but for the skew, which one has with a plus and the other a minus.
 */
static void *echo(void *arg)
{
	struct relay_shared *shared = arg;

	for (uint64_t i = 1; i <= SKEW_EXCHANGES; i++) {
		uint64_t came_at, sent_at;

		if (relay_await_ball(shared, 2 * i - 1, &came_at))
			break;
		settle(i);
		sent_at = now_ns();
		relay_raise_ball(shared, 2 * i);
		publish(shared, 2 * i, came_at, sent_at);
	}
	return NULL;
}

static int exchange_balls(struct relay_shared *shared, struct samples *skews)
{
	int ret = 0;

	for (uint64_t i = 1; i <= SKEW_EXCHANGES && !ret; i++) {
		uint64_t sent_at, back_at;
		double over, back;

		settle(i);
		sent_at = now_ns();
		relay_raise_ball(shared, 2 * i - 1);
		ret = relay_await_ball(shared, 2 * i, &back_at);
		if (!ret)
			ret = await_published(shared, 2 * i);
		if (ret)
			return ret;
		over = (double)shared->begun_at - (double)sent_at;
		back = (double)back_at - (double)shared->done_at;
		ret = samples_add(skews, (back - over) / 2);
	}
	return ret;
}

int relay_measure_skew(struct relay *relay)
{
	struct samples skews = {0};
	pthread_t thread;
	int ret;

	atomic_store(&relay->shared->ball, 0);
	ret = cpus_thread(&thread, echo, relay->shared);
	if (ret)
		return ret;
	ret = exchange_balls(relay->shared, &skews);
	pthread_join(thread, NULL);
	if (!ret) {
		samples_sort(&skews);
		relay->skew_ns = samples_median(&skews);
	}
	samples_free(&skews);
	return ret;
}

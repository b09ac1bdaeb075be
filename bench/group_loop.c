// SPDX-License-Identifier: BSD-3-Clause
/*
 * From the write to an eventfd to its handler on another thread: ours beside
 * plain loops.  Blocked is compared with blocked, spinning with spinning.
 */
#include "contest.h"
#include "cpus.h"
#include "waiter.h"

#include <stdio.h>
#include <string.h>
#include <virq/loop.h>

#define ROUNDS 40

/* The blocked ones first, and of these the plain ones. */
enum {
	PLAIN_EPOLL,
	LIBUV,
	LIBEVENT,
	NR_PLAIN_BLOCKED,
	VIRQ_EPOLL = NR_PLAIN_BLOCKED,
	VIRQ_URING,
	PLAIN_SPIN,
	VIRQ_EPOLL_BUSY,
	VIRQ_URING_BUSY,
	NR_KINDS,
};

static const struct {
	const char *name;
	const struct waiter_kind *kind; /* NULL: not built in */
	const char *missing;
} kinds[NR_KINDS] = {
	[PLAIN_EPOLL] = {"plain epoll, blocked", &waiter_epoll},
#ifdef BENCH_LIBUV
	[LIBUV] = {"libuv, blocked", &waiter_libuv},
#else
	[LIBUV] = {"libuv, blocked", NULL, "built without libuv (libuv1-dev)"},
#endif
#ifdef BENCH_LIBEVENT
	[LIBEVENT] = {"libevent, blocked", &waiter_libevent},
#else
	[LIBEVENT] = {"libevent, blocked", NULL,
		      "built without libevent (libevent-dev)"},
#endif
	[VIRQ_EPOLL] = {"virq epoll, blocked", &waiter_virq_epoll},
	[VIRQ_URING] = {"virq io_uring, blocked", &waiter_virq_uring},
	[PLAIN_SPIN] = {"plain epoll, spinning", &waiter_epoll_spin},
	[VIRQ_EPOLL_BUSY] = {"virq epoll, busy polling",
			     &waiter_virq_epoll_busy},
	[VIRQ_URING_BUSY] = {"virq io_uring, busy polling",
			     &waiter_virq_uring_busy},
};

static int sample_latency(void *arg, const struct waiter_times *times)
{
	return contender_sample(arg, (double)times->handled_ns);
}

static int take_turn(struct contender *c)
{
	return waiter_turn(c->state, sample_latency, c);
}

static void open_contender(struct contender *c, struct waiter *waiter,
			   unsigned int i)
{
	bool spins = i >= PLAIN_SPIN;
	int ret;

	*c = (struct contender){.turn = take_turn};
	snprintf(c->name, sizeof(c->name), "%s", kinds[i].name);
	if (!kinds[i].kind) {
		contender_fail(c, "%s", kinds[i].missing);
		return;
	}
	if (spins && !cpus_two()) {
		contender_fail(c, "needs two CPUs");
		return;
	}
	ret = waiter_open(waiter, kinds[i].kind);
	if (ret)
		contender_fail(c, "cannot be made: %s", strerror(-ret));
	else
		c->state = waiter;
}

/* Which back end a loop gets that asks for none. */
static void mark_default(struct contender *contenders)
{
	struct virq_loop *loop;
	unsigned int i;

	if (virq_loop_create(NULL, &loop))
		return;
	i = virq_loop_backend(loop) == VIRQ_LOOP_IO_URING ? VIRQ_URING
							  : VIRQ_EPOLL;
	snprintf(contenders[i].note, BENCH_TEXT_LEN, "the default here");
	virq_loop_destroy(loop);
}

static void set_peers(struct contender *contenders)
{
	const struct contender *best =
		contest_best(contenders, NR_PLAIN_BLOCKED);

	contenders[LIBUV].peer = &contenders[PLAIN_EPOLL];
	contenders[LIBEVENT].peer = &contenders[PLAIN_EPOLL];
	for (unsigned int i = VIRQ_EPOLL; i < NR_KINDS; i++) {
		if (i == PLAIN_SPIN)
			continue;
		contenders[i].peer =
			i < PLAIN_SPIN ? best : &contenders[PLAIN_SPIN];
		contenders[i].aim = (struct bench_aim){BENCH_AIM_RATIO, 1.05};
	}
}

int bench_loop(struct bench *bench)
{
	struct contender contenders[NR_KINDS];
	struct waiter waiters[NR_KINDS];
	int ret;

	for (unsigned int i = 0; i < NR_KINDS; i++)
		open_contender(&contenders[i], &waiters[i], i);
	mark_default(contenders);
	ret = contest_run(bench, contenders, NR_KINDS, ROUNDS);
	if (!ret) {
		set_peers(contenders);
		ret = contest_report(bench, contenders, NR_KINDS);
	}
	for (unsigned int i = 0; i < NR_KINDS; i++) {
		if (contenders[i].state)
			waiter_close(contenders[i].state);
	}
	contest_free(contenders, NR_KINDS);
	return ret;
}

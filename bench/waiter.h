/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A waiter: some kind of event loop on a helper thread that waits for one
 * eventfd, and notes the time when it has the event.
 */
#ifndef BENCH_WAITER_H
#define BENCH_WAITER_H

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct waiter;

struct waiter_kind {
	/* Make the loop that waits for waiter->fd.  0 or a negative errno. */
	int (*open)(struct waiter *waiter);
	/* Whatever open left, all or some of it. */
	void (*close)(struct waiter *waiter);
	/* The helper thread: drive the loop until waiter_handle() is false. */
	void (*run)(struct waiter *waiter);
	/*
	 * NULL: the next event ends run.  Else the kind delivers by itself:
	 * stop ends run, and on the main thread arm goes before each event and
	 * settle after it (a negative errno when what came was not it).
	 */
	void (*stop)(struct waiter *waiter);
	void (*arm)(struct waiter *waiter);
	int (*settle)(struct waiter *waiter);
	/* After the helper thread has ended: was everything delivered? */
	int (*check)(struct waiter *waiter);
};

struct waiter {
	const struct waiter_kind *kind;
	void *state; /* the kind's own */
	int fd;
	pthread_t thread;
	uint64_t raised; /* events since open */
	alignas(64) _Atomic uint64_t handled_at; /* 0: not yet */
	atomic_bool stopping;
};

/* 0, or a negative errno with nothing left behind. */
int waiter_open(struct waiter *waiter, const struct waiter_kind *kind);
void waiter_close(struct waiter *waiter);

/* Of one event: from before the write to its handler, and the write itself. */
struct waiter_times {
	uint64_t handled_ns;
	uint64_t write_ns;
};

/*
 * waiter_turn - start it, raise some events with a pause before each in which
 * a loop that blocks falls asleep, stop it.  @sample gets each event's times,
 * but not those of the first few.  0, -ETIMEDOUT (an event did not come), what
 * @sample or kind->check answered, or another negative errno.
 */
int waiter_turn(struct waiter *waiter,
		int (*sample)(void *arg, const struct waiter_times *times),
		void *arg);

/* In the handler: take the event.  False: leave the loop. */
bool waiter_handle(struct waiter *waiter);
/* In the handler: the event is here. */
void waiter_stamp(struct waiter *waiter);

extern const struct waiter_kind waiter_epoll;
extern const struct waiter_kind waiter_epoll_spin;
extern const struct waiter_kind waiter_virq;
extern const struct waiter_kind waiter_virq_epoll;
extern const struct waiter_kind waiter_virq_uring;
extern const struct waiter_kind waiter_virq_epoll_busy;
extern const struct waiter_kind waiter_virq_uring_busy;
#ifdef BENCH_LIBUV
extern const struct waiter_kind waiter_libuv;
#endif
#ifdef BENCH_LIBEVENT
extern const struct waiter_kind waiter_libevent;
#endif

#endif

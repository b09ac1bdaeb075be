/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop inside: what its two sets of eventfds (an epoll set, always; an
 * io_uring where there is one) and its timers share.
 *
 * Locks, all leaves: a slot's spin lock, held while the source fires; the
 * lists' spin locks; the timers' spin lock.
 */
#ifndef VIRQ_CORE_LOOP_H
#define VIRQ_CORE_LOOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <virq/eventfd.h>
#include <virq/loop.h>
#include "epoll_set.h"
#include "spinlock.h"

/* An eventfd that is watched; embedded in what it belongs to. */
struct loop_source {
	/*
	 * It was signalled.  On the thread that drives the loop or, for the
	 * last time, on the one that removes the source; never on two at once.
	 */
	void (*fire)(struct loop_source *source);
	uint32_t slot;
	bool in_ring;
	/* It fires for what was signalled before loop_add(). */
	bool from_before;
};

struct uring_set;
struct virq_timer;

struct loop_timers {
	struct spinlock lock;
	struct virq_timer **heap; /* by deadline, earliest first */
	uint32_t count;
	uint32_t capacity;
	uint32_t nr_timers; /* that exist: reserved room in heap */
	struct virq_timer *running; /* its callback is in progress */
	uint64_t passed; /* when timers_expire() last looked */
	int fd; /* timerfd, armed for the earliest */
};

/* Who drives the loop. */
enum loop_driver {
	LOOP_IDLE,
	LOOP_DRIVEN, /* run or dispatch */
	LOOP_HELPED, /* a thread that waits for a removal, for a moment */
};

struct virq_loop {
	struct epoll_set epoll;
	struct uring_set *uring; /* NULL: epoll only */
	struct loop_timers timers;
	int wake_fd;
	_Atomic(enum loop_driver) driver;
	/*
	 * The driver may be asleep: whoever adds work must wake it.  Pairs:
	 * the driver sets it and then looks for work, others add work and then
	 * look at it, both with seq_cst, so one of them sees the other.
	 */
	atomic_bool sleeping;
	atomic_bool stop;
	atomic_uint users; /* VMs, line and shared-memory sources */
	uint32_t max_sources;
	atomic_uint nr_sources;
	bool has_thread; /* to be joined */
	atomic_bool thread_drives;
	pthread_t thread;
	uint64_t busy_poll_max_ns;
	uint64_t busy_poll_ns; /* in force; the driver's */
	atomic_uint_least64_t events;
	atomic_uint_least64_t sleeps;
	atomic_uint_least64_t busy_polls;
};

/*
 * Watch @fd, of which @info is fresh.  The loop keeps its own reference.  A
 * source that is signalled already fires when the loop first looks, and its
 * counter stays as it is until the next signal (as Linux leaves it).
 * 0, -ENOSPC, -EMFILE, -ENOMEM.  Any thread.
 */
int loop_add(struct virq_loop *loop, struct loop_source *source, int fd,
	     const struct virq_eventfd_info *info);

/*
 * Stop watching, in two steps so that many can go at once.  After start the
 * source does not fire.  finish waits until the loop has let go of it, drains
 * the counter, and fires a last time if a signal had not been handled.
 * start may be called again for a source that it was called for.
 */
void loop_remove_start(struct virq_loop *loop, struct loop_source *source);
void loop_remove_finish(struct virq_loop *loop, struct loop_source *source);

/* There is work: wake the driver if it may be asleep.  Any thread. */
void loop_wake(struct virq_loop *loop);

/* As the driver for a moment: true if nobody else was it and it is now done. */
bool loop_help(struct virq_loop *loop);

void loop_count_event(struct virq_loop *loop);

/* timer.c */
int timers_init(struct loop_timers *timers);
void timers_fini(struct loop_timers *timers);
/* The timerfd was read: run what is due. */
void timers_expire(struct virq_loop *loop);

#endif

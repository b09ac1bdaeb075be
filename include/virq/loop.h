/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event loop: watches the eventfds of irqfds and the timers of interrupt
 * controllers, and runs the delivery path when one fires.
 *
 * No thread is hidden in it.  A VMM drives a loop in one of three ways:
 *   - virq_loop_run() on a thread of its own, until virq_loop_stop();
 *   - virq_loop_start(), which makes that thread for it;
 *   - virq_loop_fd() in the VMM's own epoll set, and virq_loop_dispatch()
 *     whenever that descriptor is readable.
 * One thread at a time drives a loop; which one may change.
 *
 * Two back ends exist.  io_uring keeps a registered file and a read in flight
 * for each eventfd: one system call an interrupt, and no second descriptor.
 * epoll keeps a duplicate of each descriptor.  VIRQ_LOOP_AUTO takes io_uring
 * where it is permitted and the kernel lets go of an unregistered file at
 * once (Linux >= 6.13, tested by behaviour, not by version), else epoll.
 */
#ifndef VIRQ_LOOP_H
#define VIRQ_LOOP_H

#include <virq/defs.h>

VIRQ_BEGIN_DECLS

struct virq_loop;

enum virq_loop_backend {
	VIRQ_LOOP_AUTO,
	VIRQ_LOOP_EPOLL,
	VIRQ_LOOP_IO_URING,
};

struct virq_loop_config {
	enum virq_loop_backend backend;
	/*
	 * The most eventfds the loop will watch at once; 0 takes what
	 * RLIMIT_NOFILE allows, at most 65536.  One more is -ENOSPC.
	 */
	uint32_t max_sources;
	/*
	 * Adaptive busy polling: after an event, look for the next one this
	 * long at most before the thread sleeps.  The time in force grows
	 * while polling finds events and shrinks while it does not.  0: never.
	 */
	uint64_t busy_poll_max_ns;
};

struct virq_loop_stats {
	uint64_t events; /* eventfd signals and timers handled */
	uint64_t sleeps; /* times the thread blocked in the kernel */
	uint64_t busy_polls; /* events found by busy polling */
};

/*
 * virq_loop_create - make a loop.  @config may be NULL: all defaults.
 * Any thread; does not block.
 * 0, -EINVAL (unknown back end), -ENOMEM, -EMFILE/-ENFILE, or, when io_uring
 * was asked for by name: -EPERM or -ENOSYS (not permitted, not there),
 * -EOPNOTSUPP (the kernel keeps unregistered files).
 */
VIRQ_API int virq_loop_create(const struct virq_loop_config *config,
			      struct virq_loop **loop);

/*
 * virq_loop_destroy - stop the loop's own thread if it has one, and free it.
 * No VM, line source or shared-memory source may use it any more, and nobody
 * else may drive it: -EBUSY otherwise, and nothing is done.  Blocks until the
 * thread has ended.
 */
VIRQ_API int virq_loop_destroy(struct virq_loop *loop);

/* The back end in force: VIRQ_LOOP_EPOLL or VIRQ_LOOP_IO_URING. */
VIRQ_API enum virq_loop_backend virq_loop_backend(const struct virq_loop *loop);

/*
 * virq_loop_run - drive the loop on the calling thread until
 * virq_loop_stop().  0, or -EBUSY when another thread drives it.
 */
VIRQ_API int virq_loop_run(struct virq_loop *loop);

/* Make virq_loop_run() return soon.  Any thread, signal handlers included. */
VIRQ_API void virq_loop_stop(struct virq_loop *loop);

/*
 * virq_loop_start - give the loop a thread of its own, with all signals
 * blocked.  0, -EBUSY (it is driven already), -EAGAIN (no thread to be had).
 */
VIRQ_API int virq_loop_start(struct virq_loop *loop);

/*
 * virq_loop_fd - one descriptor that is readable while the loop has work.
 * For the VMM's own epoll set; only virq_loop_dispatch() may consume it.
 * With the io_uring back end, task work interrupts the driving thread, and now
 * and then the one that created the loop or deassigned: a system call that
 * waits, KVM_CREATE_VM included, may return EINTR there without a signal.
 */
VIRQ_API int virq_loop_fd(const struct virq_loop *loop);

/*
 * virq_loop_dispatch - handle what is ready, without blocking.
 * The number of events handled, or -EBUSY when another thread drives it.
 * The first call after an assign arms it, so call it once after assigning
 * (virq_loop_fd() is readable then, too).
 */
VIRQ_API int virq_loop_dispatch(struct virq_loop *loop);

/* Any thread. */
VIRQ_API void virq_loop_get_stats(const struct virq_loop *loop,
				  struct virq_loop_stats *stats);

VIRQ_END_DECLS

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The event loop: who drives it, when it sleeps, and where a source goes.
 */
#include "loop.h"
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "clock.h"
#include "uring_set.h"

#define MAX_SOURCES 65536u
/* Rounds of one dispatch, so that a flood cannot keep its caller for ever. */
#define DISPATCH_ROUNDS 16
/* Busy polling starts here when a sleep turns out to have been short. */
#define BUSY_POLL_START_NS 10000u

static uint32_t default_max_sources(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > MAX_SOURCES)
		return MAX_SOURCES;
	return (uint32_t)limit.rlim_cur;
}

static int init_sets(struct virq_loop *loop, enum virq_loop_backend backend,
		     uint32_t max_sources)
{
	int rc = epoll_set_init(&loop->epoll, max_sources);

	if (rc)
		return rc;
	if (backend != VIRQ_LOOP_EPOLL) {
		rc = uring_set_create(loop, max_sources, &loop->uring);
		if (!rc)
			return 0;
		if (backend == VIRQ_LOOP_IO_URING)
			goto out_epoll;
	}
	rc = epoll_set_watch(&loop->epoll, loop->wake_fd, EPOLL_WAKE);
	if (!rc)
		rc = epoll_set_watch(&loop->epoll, loop->timers.fd,
				     EPOLL_TIMER);
	if (!rc)
		return 0;
out_epoll:
	epoll_set_fini(&loop->epoll);
	return rc;
}

int virq_loop_create(const struct virq_loop_config *config,
		     struct virq_loop **out)
{
	static const struct virq_loop_config defaults;
	struct virq_loop *loop;
	uint32_t max_sources;
	int rc;

	if (!config)
		config = &defaults;
	if ((unsigned int)config->backend > VIRQ_LOOP_IO_URING)
		return -EINVAL;
	max_sources = config->max_sources;
	if (!max_sources)
		max_sources = default_max_sources();
	loop = calloc(1, sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	loop->max_sources = max_sources;
	loop->busy_poll_max_ns = config->busy_poll_max_ns;
	/* Nobody looks yet, so the first to add work must leave a signal. */
	atomic_init(&loop->sleeping, true);
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		rc = -errno;
		goto out_loop;
	}
	rc = timers_init(&loop->timers);
	if (rc)
		goto out_wake;
	rc = init_sets(loop, config->backend, max_sources);
	if (rc)
		goto out_timers;
	if (loop->uring)
		(void)uring_set_poll(loop->uring, false);
	*out = loop;
	return 0;

out_timers:
	timers_fini(&loop->timers);
out_wake:
	close(loop->wake_fd);
out_loop:
	free(loop);
	return rc;
}

static void loop_join(struct virq_loop *loop)
{
	if (!loop->has_thread)
		return;
	/* It may have stopped already, and another thread drive the loop. */
	if (atomic_load(&loop->thread_drives))
		virq_loop_stop(loop);
	pthread_join(loop->thread, NULL);
	loop->has_thread = false;
}

int virq_loop_destroy(struct virq_loop *loop)
{
	if (atomic_load(&loop->users))
		return -EBUSY;
	loop_join(loop);
	if (atomic_load(&loop->driver) != LOOP_IDLE)
		return -EBUSY;
	if (loop->uring)
		uring_set_destroy(loop->uring);
	epoll_set_fini(&loop->epoll);
	timers_fini(&loop->timers);
	close(loop->wake_fd);
	free(loop);
	return 0;
}

enum virq_loop_backend virq_loop_backend(const struct virq_loop *loop)
{
	return loop->uring ? VIRQ_LOOP_IO_URING : VIRQ_LOOP_EPOLL;
}

int virq_loop_fd(const struct virq_loop *loop)
{
	return loop->uring ? uring_set_fd(loop->uring) : loop->epoll.fd;
}

void loop_count_event(struct virq_loop *loop)
{
	/* Relaxed: a statistic. */
	atomic_fetch_add_explicit(&loop->events, 1, memory_order_relaxed);
}

static void wake_write(struct virq_loop *loop)
{
	const uint64_t one = 1;

	/* Never full: the counter would have to reach 2^64. */
	(void)!write(loop->wake_fd, &one, sizeof(one));
}

void loop_wake(struct virq_loop *loop)
{
	/* One signal is enough for all who find it asleep. */
	if (atomic_load(&loop->sleeping) &&
	    atomic_exchange(&loop->sleeping, false))
		wake_write(loop);
}

int loop_add(struct virq_loop *loop, struct loop_source *source, int fd,
	     const struct virq_eventfd_info *info)
{
	int rc;

	if (atomic_fetch_add(&loop->nr_sources, 1) >= loop->max_sources) {
		rc = -ENOSPC;
		goto out_count;
	}
	source->in_ring = loop->uring && !info->semaphore && !info->count;
	if (source->in_ring)
		rc = uring_set_add(loop->uring, source, fd);
	else
		rc = epoll_set_add(&loop->epoll, source, fd, info);
	if (!rc)
		return 0;
out_count:
	atomic_fetch_sub(&loop->nr_sources, 1);
	return rc;
}

void loop_remove_start(struct virq_loop *loop, struct loop_source *source)
{
	if (source->in_ring)
		uring_set_remove_start(loop->uring, source);
}

void loop_remove_finish(struct virq_loop *loop, struct loop_source *source)
{
	bool owed = source->in_ring
			    ? uring_set_remove_finish(loop->uring, source)
			    : epoll_set_remove(&loop->epoll, source);

	atomic_fetch_sub(&loop->nr_sources, 1);
	if (owed) {
		source->fire(source);
		loop_count_event(loop);
	}
}

/* Become the driver.  Helpers are there for a moment only: wait for them. */
static int driver_enter(struct virq_loop *loop, enum loop_driver as)
{
	enum loop_driver idle = LOOP_IDLE;

	/* seq_cst CAS: what the former driver did is ours to continue. */
	while (!atomic_compare_exchange_strong(&loop->driver, &idle, as)) {
		if (idle == LOOP_DRIVEN)
			return -EBUSY;
		idle = LOOP_IDLE;
		sched_yield();
	}
	return 0;
}

static bool loop_has_work(struct virq_loop *loop)
{
	return loop->uring && uring_set_has_work(loop->uring);
}

static int loop_poll(struct virq_loop *loop, bool wait)
{
	unsigned int special;
	int n;

	if (loop->uring) {
		n = uring_set_poll(loop->uring, wait);
	} else {
		if (wait)
			atomic_fetch_add_explicit(&loop->sleeps, 1,
						  memory_order_relaxed);
		n = epoll_set_poll(&loop->epoll, wait ? -1 : 0, &special);
		if (special & (1u << EPOLL_WAKE)) {
			uint64_t value;

			(void)!read(loop->wake_fd, &value, sizeof(value));
		}
		if (special & (1u << EPOLL_TIMER)) {
			uint64_t value;

			(void)!read(loop->timers.fd, &value, sizeof(value));
			timers_expire(loop);
			n++;
		}
	}
	if (n > 0)
		atomic_fetch_add_explicit(&loop->events, (unsigned int)n,
					  memory_order_relaxed);
	return n;
}

/*
 * Whoever adds work from now on leaves a signal; look once more for what was
 * added before.  Pairs with loop_wake().
 */
static bool loop_rest(struct virq_loop *loop)
{
	atomic_store(&loop->sleeping, true);
	return !loop_has_work(loop);
}

/*
 * Nobody drives it now.  From here on the loop's descriptor is all that the
 * next driver has to go by, so everything that makes it readable is armed.
 */
static void driver_leave(struct virq_loop *loop)
{
	atomic_store(&loop->sleeping, true);
	if (loop->uring && !uring_set_arm(loop->uring))
		loop_wake(loop);
	atomic_store(&loop->driver, LOOP_IDLE);
}

bool loop_help(struct virq_loop *loop)
{
	if (driver_enter(loop, LOOP_HELPED))
		return false;
	(void)loop_poll(loop, false);
	driver_leave(loop);
	sched_yield();
	return true;
}

int virq_loop_dispatch(struct virq_loop *loop)
{
	int total = 0;

	if (driver_enter(loop, LOOP_DRIVEN))
		return -EBUSY;
	atomic_store(&loop->sleeping, false);
	for (int round = 0; round < DISPATCH_ROUNDS; round++) {
		int n = loop_poll(loop, false);

		total += n;
		if (!n && loop_rest(loop))
			break;
	}
	driver_leave(loop);
	return total;
}

/* True if an event came within the time in force. */
static bool busy_poll(struct virq_loop *loop)
{
	uint64_t until;

	if (!loop->busy_poll_ns)
		return false;
	until = now_ns() + loop->busy_poll_ns;
	do {
		if (loop_poll(loop, false) > 0) {
			atomic_fetch_add_explicit(&loop->busy_polls, 1,
						  memory_order_relaxed);
			return true;
		}
		cpu_relax();
	} while (!atomic_load(&loop->stop) && now_ns() < until);
	return false;
}

/* A sleep of @slept: would polling have caught the event?  As halt_poll_ns. */
static void busy_poll_adapt(struct virq_loop *loop, uint64_t slept)
{
	uint64_t max = loop->busy_poll_max_ns;

	if (slept > max) {
		loop->busy_poll_ns = 0;
	} else if (loop->busy_poll_ns < max) {
		uint64_t next = loop->busy_poll_ns ? 2 * loop->busy_poll_ns
						   : BUSY_POLL_START_NS;

		loop->busy_poll_ns = next < max ? next : max;
	}
}

static void loop_drive(struct virq_loop *loop)
{
	atomic_store(&loop->sleeping, false);
	while (!atomic_load(&loop->stop)) {
		uint64_t start;

		if (!loop->busy_poll_max_ns) {
			(void)loop_poll(loop, true);
			continue;
		}
		/* Polling may have taken the wake-up of a stop: look again. */
		if (busy_poll(loop) || atomic_load(&loop->stop))
			continue;
		start = now_ns();
		if (loop_poll(loop, true) > 0)
			busy_poll_adapt(loop, now_ns() - start);
	}
	atomic_store(&loop->stop, false);
	atomic_store(&loop->thread_drives, false);
	driver_leave(loop);
}

int virq_loop_run(struct virq_loop *loop)
{
	int rc = driver_enter(loop, LOOP_DRIVEN);

	if (!rc)
		loop_drive(loop);
	return rc;
}

void virq_loop_stop(struct virq_loop *loop)
{
	/* Not loop_wake(): the signal must be there even if it is awake. */
	atomic_store(&loop->stop, true);
	wake_write(loop);
}

static void *loop_thread(void *opaque)
{
	loop_drive(opaque);
	return NULL;
}

int virq_loop_start(struct virq_loop *loop)
{
	sigset_t all, old;
	int rc = driver_enter(loop, LOOP_DRIVEN);

	if (rc)
		return rc;
	/* A thread that stopped by itself is still to be joined. */
	if (loop->has_thread)
		pthread_join(loop->thread, NULL);
	atomic_store(&loop->thread_drives, true);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&loop->thread, NULL, loop_thread, loop);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	loop->has_thread = !rc;
	if (rc) {
		atomic_store(&loop->thread_drives, false);
		driver_leave(loop);
	}
	return -rc;
}

void virq_loop_get_stats(const struct virq_loop *loop,
			 struct virq_loop_stats *stats)
{
	stats->events = atomic_load(&loop->events);
	stats->sleeps = atomic_load(&loop->sleeps);
	stats->busy_polls = atomic_load(&loop->busy_polls);
}

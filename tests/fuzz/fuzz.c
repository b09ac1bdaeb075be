// SPDX-License-Identifier: BSD-3-Clause
/*
 * See fuzz.h.  A timerfd is an eventfd here, signalled when the input moves
 * the clock past its deadline.
 *
 * timers_lock is a leaf: the front door arms timers on a thread of its own.
 */
#include "fuzz.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define NR_TIMERS 8
#define NR_FDS 1024

static struct fake_timer {
	int fd;
	uint64_t deadline; /* 0: not armed */
} timers[NR_TIMERS];
static unsigned int nr_timers;
static pthread_mutex_t timers_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t now = FUZZ_EPOCH;

_Noreturn void fuzz_broken(const char *file, int line, const char *what,
			   uint64_t a, uint64_t b)
{
	fprintf(stderr, "%s:%d: does not hold: %s (%#llx, %#llx)\n", file, line,
		what, (unsigned long long)a, (unsigned long long)b);
	abort();
}

int fuzz_clock_gettime(int clock, struct timespec *ts)
{
	uint64_t ns = atomic_load(&now);

	(void)clock;
	ts->tv_sec = (time_t)(ns / NS_PER_S);
	ts->tv_nsec = (long)(ns % NS_PER_S);
	return 0;
}

int fuzz_timerfd_create(int clock, int flags)
{
	struct fake_timer *timer = timers;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	(void)clock;
	(void)flags;
	if (fd < 0)
		return fd;
	pthread_mutex_lock(&timers_lock);
	/* The number was another timer's, and is that no more. */
	while (timer < timers + nr_timers && timer->fd != fd)
		timer++;
	HOLDS(timer < timers + NR_TIMERS);
	if (timer == timers + nr_timers)
		nr_timers++;
	timer->fd = fd;
	timer->deadline = 0;
	pthread_mutex_unlock(&timers_lock);
	return fd;
}

/* timers_lock held. */
static void timer_check(struct fake_timer *timer)
{
	const uint64_t one = 1;

	if (!timer->deadline || timer->deadline > atomic_load(&now))
		return;
	timer->deadline = 0;
	/* It may have been closed meanwhile, and its number be another's. */
	(void)!write(timer->fd, &one, sizeof(one));
}

int fuzz_timerfd_settime(int fd, int flags, const struct itimerspec *spec,
			 struct itimerspec *old)
{
	struct fake_timer *timer = timers;
	uint64_t count;

	(void)flags;
	(void)old;
	pthread_mutex_lock(&timers_lock);
	while (timer < timers + nr_timers && timer->fd != fd)
		timer++;
	HOLDS(timer < timers + nr_timers);
	/* Expirations that nobody has read are forgotten. */
	(void)!read(fd, &count, sizeof(count));
	timer->deadline = (uint64_t)spec->it_value.tv_sec * NS_PER_S +
			  (uint64_t)spec->it_value.tv_nsec;
	timer_check(timer);
	pthread_mutex_unlock(&timers_lock);
	return 0;
}

void fuzz_clock_reset(void)
{
	atomic_store(&now, FUZZ_EPOCH);
}

void fuzz_clock_advance(uint64_t ns)
{
	pthread_mutex_lock(&timers_lock);
	atomic_fetch_add(&now, ns);
	for (unsigned int i = 0; i < nr_timers; i++)
		timer_check(&timers[i]);
	pthread_mutex_unlock(&timers_lock);
}

uint64_t fuzz_clock_now(void)
{
	return atomic_load(&now);
}

unsigned int fuzz_open_fds(void)
{
	/* poll(2) takes no more than a process may have. */
	long limit = sysconf(_SC_OPEN_MAX);
	int nr = limit > 0 && limit < NR_FDS ? (int)limit : NR_FDS;
	struct pollfd fds[NR_FDS];
	unsigned int open = 0;

	for (int fd = 0; fd < nr; fd++)
		fds[fd] = (struct pollfd){.fd = fd};
	HOLDS(poll(fds, (nfds_t)nr, 0) >= 0);
	for (int fd = 0; fd < nr; fd++)
		open += !(fds[fd].revents & POLLNVAL);
	return open;
}

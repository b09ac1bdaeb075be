// SPDX-License-Identifier: BSD-3-Clause
/* Chip timers: order, arming again, cancelling, destroying, floods. */
#include "fake_irqchip.h"
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)
#define MS UINT64_C(1000000)
#define MAX_FIRED 64

struct tick {
	struct virq_timer *timer;
	int id;
	int *fired;
	atomic_uint *nr_fired;
	uint64_t deadline;
	bool early;
	int rearm; /* so many times, for a time already past */
	bool destroy_self;
	atomic_uint count;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void on_tick(void *opaque)
{
	struct tick *tick = opaque;

	if (now() < tick->deadline)
		tick->early = true;
	if (tick->fired)
		tick->fired[atomic_fetch_add(tick->nr_fired, 1) % MAX_FIRED] =
			tick->id;
	atomic_fetch_add(&tick->count, 1);
	if (tick->rearm) {
		tick->rearm--;
		virq_timer_arm(tick->timer, 1);
	}
	if (tick->destroy_self) {
		virq_timer_destroy(tick->timer);
		tick->timer = NULL;
	}
}

static void make(struct bench *b, struct tick *tick)
{
	assert_int_equal(virq_timer_create(b->vm, on_tick, tick, &tick->timer),
			 0);
}

static void arm(struct tick *tick, uint64_t deadline)
{
	tick->deadline = deadline;
	virq_timer_arm(tick->timer, deadline);
}

/* Drive the loop by its descriptor until @count is @wanted. */
static void drive(struct bench *b, atomic_uint *count, unsigned int wanted)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC);

	assert_int_equal(
		epoll_ctl(set, EPOLL_CTL_ADD, virq_loop_fd(b->loop), &event),
		0);
	while (atomic_load(count) < wanted) {
		int rc = epoll_wait(set, &event, 1, 10000);

		if (rc < 0 && errno == EINTR)
			continue;
		assert_int_equal(rc, 1);
		assert_true(virq_loop_dispatch(b->loop) >= 0);
	}
	close(set);
}

static void fire_in_order_of_deadline(void **state)
{
	static const int order[] = {3, 0, 5, 1, 4, 2, 9, 7, 8, 6, 11, 10};
	enum { NR = sizeof(order) / sizeof(order[0]) };
	struct bench *b = bench_begin(state);
	struct tick ticks[NR] = {0};
	int fired[MAX_FIRED];
	atomic_uint nr_fired = 0;
	uint64_t start = now() + 20 * MS;

	for (int i = 0; i < NR; i++) {
		ticks[i].id = order[i];
		ticks[i].fired = fired;
		ticks[i].nr_fired = &nr_fired;
		make(b, &ticks[i]);
		arm(&ticks[i], start + (uint64_t)order[i] * MS / 10);
	}
	drive(b, &nr_fired, NR);
	for (int i = 0; i < NR; i++) {
		assert_int_equal(fired[i], i);
		assert_false(ticks[i].early);
		virq_timer_destroy(ticks[i].timer);
	}
	assert_int_equal(nr_fired, NR);
}

/* Once, and not again. */
static void fires_once(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick tick = {0}, later = {0};

	make(b, &tick);
	make(b, &later);
	arm(&tick, now() + MS);
	arm(&later, now() + 3 * MS);
	drive(b, &later.count, 1);
	assert_int_equal(tick.count, 1);
	virq_timer_destroy(tick.timer);
	virq_timer_destroy(later.timer);
}

/* A deadline already past, 0 included, fires at once; the last stays away. */
static void past_deadlines_fire(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick tick = {0}, never = {0};

	make(b, &never);
	virq_timer_arm(never.timer, UINT64_MAX);
	make(b, &tick);
	arm(&tick, 0);
	drive(b, &tick.count, 1);
	arm(&tick, 1);
	drive(b, &tick.count, 2);
	arm(&tick, now() - MS);
	drive(b, &tick.count, 3);
	assert_int_equal(never.count, 0);
	virq_timer_destroy(tick.timer);
	virq_timer_destroy(never.timer);
}

/* Arming again replaces the setting, earlier and later. */
static void arming_replaces(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick tick = {0}, other = {0};

	make(b, &tick);
	make(b, &other);
	virq_timer_arm(tick.timer, now() + 3600 * SECOND);
	arm(&tick, now() + MS);
	drive(b, &tick.count, 1);
	assert_false(tick.early);
	virq_timer_arm(tick.timer, now() + MS);
	virq_timer_arm(tick.timer, now() + 3600 * SECOND);
	arm(&other, now() + 5 * MS);
	drive(b, &other.count, 1);
	assert_int_equal(tick.count, 1);
	virq_timer_destroy(tick.timer);
	virq_timer_destroy(other.timer);
}

static void cancelled_does_not_fire(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick ticks[9] = {0};

	for (int i = 0; i < 9; i++) {
		make(b, &ticks[i]);
		arm(&ticks[i], now() + (uint64_t)(i + 1) * MS);
	}
	for (int i = 0; i < 8; i += 2)
		virq_timer_cancel(ticks[i].timer);
	/* Twice, or when it is not armed, is no harm. */
	virq_timer_cancel(ticks[0].timer);
	drive(b, &ticks[8].count, 1);
	virq_timer_cancel(ticks[8].timer);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ticks[i].count, i & 1);
	arm(&ticks[0], now());
	drive(b, &ticks[0].count, 1);
	for (int i = 0; i < 9; i++)
		virq_timer_destroy(ticks[i].timer);
}

static void destroy_from_its_own_callback(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick tick = {.destroy_self = true};
	struct tick armed = {.destroy_self = true, .rearm = 1};
	struct tick other = {0};

	make(b, &tick);
	make(b, &armed);
	make(b, &other);
	arm(&tick, now());
	/* Also when the callback has armed it again before. */
	arm(&armed, now());
	drive(b, &tick.count, 1);
	drive(b, &armed.count, 1);
	arm(&other, now() + MS);
	drive(b, &other.count, 1);
	assert_int_equal(tick.count, 1);
	assert_int_equal(armed.count, 1);
	virq_timer_destroy(other.timer);
}

static void destroy_armed_timers(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick ticks[20] = {0}, last = {0};

	for (int i = 0; i < 20; i++) {
		make(b, &ticks[i]);
		arm(&ticks[i], now() + MS);
	}
	for (int i = 0; i < 20; i++)
		virq_timer_destroy(ticks[(i * 7) % 20].timer);
	make(b, &last);
	arm(&last, now() + 3 * MS);
	drive(b, &last.count, 1);
	for (int i = 0; i < 20; i++)
		assert_int_equal(ticks[i].count, 0);
	virq_timer_destroy(last.timer);
}

static void arm_for_ever(void *opaque)
{
	struct tick *tick = opaque;

	atomic_fetch_add(&tick->count, 1);
	virq_timer_arm(tick->timer, 1);
}

/* Timers that arm themselves for the past keep neither irqfds nor stop. */
static void self_arming_flood_starves_nobody(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick ticks[4] = {0};
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(virq_timer_create(b->vm, arm_for_ever,
						   &ticks[i], &ticks[i].timer),
				 0);
		virq_timer_arm(ticks[i].timer, 1);
	}
	/* A dispatch returns ... */
	assert_true(virq_loop_dispatch(b->loop) >= 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	/* ... a signal arrives ... */
	for (unsigned int n = 1; n <= 20; n++) {
		signal_fd(fd, 1);
		assert_true(fake_wait(&b->fake, FAKE_SET, 2ul * n));
	}
	/* ... and all of them run. */
	for (int i = 0; i < 4; i++) {
		unsigned int before = ticks[i].count;

		while (ticks[i].count == before)
			sched_yield();
	}
	/* Destroy waits for the callback and is not fooled by its arming. */
	for (int i = 0; i < 4; i++)
		virq_timer_destroy(ticks[i].timer);
	close(fd);
}

struct slow {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool inside;
	bool open;
	atomic_bool ended;
	struct virq_timer *timer;
	atomic_bool destroyed_early;
};

static void on_slow(void *opaque)
{
	struct slow *slow = opaque;

	pthread_mutex_lock(&slow->lock);
	slow->inside = true;
	pthread_cond_broadcast(&slow->changed);
	while (!slow->open)
		pthread_cond_wait(&slow->changed, &slow->lock);
	pthread_mutex_unlock(&slow->lock);
	atomic_store(&slow->ended, true);
}

static void *destroy_slow(void *opaque)
{
	struct slow *slow = opaque;

	virq_timer_destroy(slow->timer);
	if (!atomic_load(&slow->ended))
		atomic_store(&slow->destroyed_early, true);
	return NULL;
}

static void destroy_waits_for_a_running_callback(void **state)
{
	struct bench *b = bench_begin(state);
	struct slow slow = {.lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER};
	pthread_t thread;

	assert_int_equal(virq_timer_create(b->vm, on_slow, &slow, &slow.timer),
			 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	virq_timer_arm(slow.timer, 1);
	pthread_mutex_lock(&slow.lock);
	while (!slow.inside)
		pthread_cond_wait(&slow.changed, &slow.lock);
	assert_int_equal(pthread_create(&thread, NULL, destroy_slow, &slow), 0);
	/* Meanwhile the others may be used: no lock is held over it. */
	struct tick other = {0};

	make(b, &other);
	virq_timer_arm(other.timer, 1);
	virq_timer_cancel(other.timer);
	virq_timer_destroy(other.timer);
	slow.open = true;
	pthread_cond_broadcast(&slow.changed);
	pthread_mutex_unlock(&slow.lock);
	pthread_join(thread, NULL);
	assert_false(slow.destroyed_early);
}

/* More than the heap starts with; every one fires. */
static void a_thousand_timers(void **state)
{
	enum { NR = 1000 };
	struct bench *b = bench_begin(state);
	struct tick *ticks = calloc(NR, sizeof(*ticks));
	int fired[MAX_FIRED];
	atomic_uint nr_fired = 0;

	assert_non_null(ticks);
	for (int i = 0; i < NR; i++) {
		ticks[i].fired = fired;
		ticks[i].nr_fired = &nr_fired;
		make(b, &ticks[i]);
		arm(&ticks[i], now() + (uint64_t)((i * 7919) % NR) * 1000);
	}
	drive(b, &nr_fired, NR);
	for (int i = 0; i < NR; i++) {
		assert_int_equal(ticks[i].count, 1);
		assert_false(ticks[i].early);
		virq_timer_destroy(ticks[i].timer);
	}
	free(ticks);
}

static void *dispatch_and_exit(void *opaque)
{
	while (virq_loop_dispatch(opaque) > 0)
		;
	return NULL;
}

/* The driver that waited for the timer has exited: another one gets it. */
static void timer_outlives_its_driver(void **state)
{
	struct bench *b = bench_begin(state);
	struct tick tick = {0};

	make(b, &tick);
	for (unsigned int n = 1; n <= 10; n++) {
		pthread_t thread;

		assert_int_equal(pthread_create(&thread, NULL,
						dispatch_and_exit, b->loop),
				 0);
		pthread_join(thread, NULL);
		bench_pump(b);
		arm(&tick, now() + MS);
		drive(b, &tick.count, n);
	}
	virq_timer_destroy(tick.timer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(fire_in_order_of_deadline),
		BOTH(fires_once),
		BOTH(past_deadlines_fire),
		BOTH(arming_replaces),
		BOTH(cancelled_does_not_fire),
		BOTH(destroy_from_its_own_callback),
		BOTH(destroy_armed_timers),
		BOTH(self_arming_flood_starves_nobody),
		BOTH(destroy_waits_for_a_running_callback),
		BOTH(a_thousand_timers),
		BOTH(timer_outlives_its_driver),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}

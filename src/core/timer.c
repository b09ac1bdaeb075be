// SPDX-License-Identifier: BSD-3-Clause
/*
 * Chip timers: a heap by deadline over one timerfd of the loop.
 *
 * The heap's spin lock may be held over timerfd_settime(2), which does not
 * sleep.  Callbacks run without it, one at a time, on the driver's thread.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "clock.h"
#include "internal.h"
#include "loop.h"

#define NOT_ARMED UINT32_MAX

struct virq_timer {
	struct virq_loop *loop;
	void (*fn)(void *opaque);
	void *opaque;
	uint64_t deadline;
	uint32_t index; /* in the heap, or NOT_ARMED */
};

/* Whose callback this thread is in, so that it may destroy its own timer. */
static _Thread_local struct virq_timer *timer_inside;

int timers_init(struct loop_timers *timers)
{
	spin_init(&timers->lock);
	timers->fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return timers->fd < 0 ? -errno : 0;
}

void timers_fini(struct loop_timers *timers)
{
	free(timers->heap);
	close(timers->fd);
}

/* Lock held.  Let the timerfd fire for the earliest. */
static void timers_program(struct loop_timers *timers)
{
	struct itimerspec spec = {0};

	if (timers->count) {
		uint64_t deadline = timers->heap[0]->deadline;

		spec.it_value.tv_sec = (time_t)(deadline / 1000000000u);
		spec.it_value.tv_nsec = (long)(deadline % 1000000000u);
	}
	timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void heap_place(struct loop_timers *timers, uint32_t index,
		       struct virq_timer *timer)
{
	timers->heap[index] = timer;
	timer->index = index;
}

/* Move @timer, whose place is @index, to where its deadline belongs. */
static void heap_sift(struct loop_timers *timers, uint32_t index,
		      struct virq_timer *timer)
{
	while (index) {
		uint32_t parent = (index - 1) / 2;

		if (timers->heap[parent]->deadline <= timer->deadline)
			break;
		heap_place(timers, index, timers->heap[parent]);
		index = parent;
	}
	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
		    timers->heap[child + 1]->deadline <
			    timers->heap[child]->deadline)
			child++;
		if (timer->deadline <= timers->heap[child]->deadline)
			break;
		heap_place(timers, index, timers->heap[child]);
		index = child;
	}
	heap_place(timers, index, timer);
}

static void heap_remove(struct loop_timers *timers, struct virq_timer *timer)
{
	uint32_t index = timer->index;
	struct virq_timer *last;

	if (index == NOT_ARMED)
		return;
	timer->index = NOT_ARMED;
	last = timers->heap[--timers->count];
	if (last != timer)
		heap_sift(timers, index, last);
}

void timers_expire(struct virq_loop *loop)
{
	struct loop_timers *timers = &loop->timers;
	uint64_t now = now_ns();

	spin_lock(&timers->lock);
	/*
	 * What is armed from here on comes after `now`: one that arms itself
	 * for a time already past keeps neither the thread nor the others
	 * waiting.  The timerfd fires again for it.
	 */
	timers->passed = now;
	while (timers->count && timers->heap[0]->deadline <= now) {
		struct virq_timer *timer = timers->heap[0];

		heap_remove(timers, timer);
		timers->running = timer;
		spin_unlock(&timers->lock);
		timer_inside = timer;
		timer->fn(timer->opaque);
		timer_inside = NULL;
		loop_count_event(loop);
		spin_lock(&timers->lock);
		timers->running = NULL;
	}
	timers_program(timers);
	spin_unlock(&timers->lock);
}

int virq_timer_create(struct virq_vm *vm, void (*fn)(void *opaque),
		      void *opaque, struct virq_timer **out)
{
	struct virq_loop *loop = vm->loops[0];
	struct loop_timers *timers = &loop->timers;
	struct virq_timer *timer = calloc(1, sizeof(*timer));
	struct virq_timer **heap = NULL, **old = NULL;
	uint32_t capacity;

	if (!timer)
		return -ENOMEM;
	timer->loop = loop;
	timer->fn = fn;
	timer->opaque = opaque;
	timer->index = NOT_ARMED;

	/* Room for every timer there is, so that arming cannot fail. */
	spin_lock(&timers->lock);
	while (timers->nr_timers == timers->capacity) {
		capacity = timers->capacity ? 2 * timers->capacity : 8;
		spin_unlock(&timers->lock);
		free(heap);
		heap = calloc(capacity, sizeof(struct virq_timer *));
		if (!heap) {
			free(timer);
			return -ENOMEM;
		}
		spin_lock(&timers->lock);
		if (capacity <= timers->capacity)
			continue; /* somebody else was quicker */
		for (uint32_t i = 0; i < timers->count; i++)
			heap[i] = timers->heap[i];
		old = timers->heap;
		timers->heap = heap;
		timers->capacity = capacity;
		heap = NULL;
	}
	timers->nr_timers++;
	spin_unlock(&timers->lock);
	free(heap);
	free(old);
	*out = timer;
	return 0;
}

void virq_timer_arm(struct virq_timer *timer, uint64_t deadline_ns)
{
	struct loop_timers *timers = &timer->loop->timers;
	uint32_t index;

	spin_lock(&timers->lock);
	/* Never 0, which would disarm the timerfd. */
	timer->deadline =
		deadline_ns > timers->passed ? deadline_ns : timers->passed + 1;
	index = timer->index;
	if (index == NOT_ARMED)
		index = timers->count++;
	heap_sift(timers, index, timer);
	/* Later than another: that one's expiry programs the next. */
	if (timers->heap[0] == timer)
		timers_program(timers);
	spin_unlock(&timers->lock);
}

void virq_timer_cancel(struct virq_timer *timer)
{
	struct loop_timers *timers = &timer->loop->timers;

	/* The timerfd may fire for nothing, which is harmless. */
	spin_lock(&timers->lock);
	heap_remove(timers, timer);
	spin_unlock(&timers->lock);
}

void virq_timer_destroy(struct virq_timer *timer)
{
	struct loop_timers *timers = &timer->loop->timers;

	spin_lock(&timers->lock);
	/* Its callback may arm it again: wait first, then take it out. */
	while (timers->running == timer && timer_inside != timer) {
		spin_unlock(&timers->lock);
		sched_yield();
		spin_lock(&timers->lock);
	}
	heap_remove(timers, timer);
	timers->nr_timers--;
	spin_unlock(&timers->lock);
	free(timer);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A relay: a device on one CPU and a vCPU on the other, event by event.
 *
 *   vCPU (main thread)                 device (helper thread, or a process)
 *   lets event n go, begins to look    sees it, waits until the other looks
 *                                      notes the time, raises
 *   has it, notes the time             notes the time, publishes both
 *   takes the device's times: a sample
 *
 * The device publishes after the raise: a store before it would have to get
 * its cache line back from the other CPU first, and the raise would wait.
 *
 * A time is from the moment before the raise to the moment after the ack, by
 * clocks of two CPUs: less one reading of the clock, and less what the two are
 * apart (relay_measure_skew()).
 */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What both sides have: memory that a forked device shares. */
struct relay_shared {
	alignas(64) _Atomic uint64_t go; /* the last event let go */
	atomic_bool stop;
	alignas(64) _Atomic uint64_t raised; /* the last event published */
	uint64_t begun_at;
	uint64_t done_at;
	alignas(64) _Atomic uint64_t ball; /* a cache line to send over */
};

struct relay {
	struct relay_shared *shared;
	uint64_t next; /* event */
	double skew_ns; /* the main CPU's clock ahead of the helper's */
};

struct relay_times {
	double acked_ns; /* from before the raise to after the ack */
	double raise_ns; /* the raise itself, while the other looks */
};

/* 0 or -ENOMEM. */
int relay_open(struct relay *relay);
void relay_close(struct relay *relay);

/*
 * relay_serve - the device: raise @nr events from @first on as they are let
 * go.  0, -ETIMEDOUT, -ECANCELED (relay_stop()), or what @raise answered.
 */
int relay_serve(struct relay_shared *shared, uint64_t first, unsigned int nr,
		int (*raise)(void *arg, uint64_t event), void *arg);

/*
 * relay_event - the vCPU: one event.  @await looks until it is there, and
 * notes the time; 0 or a negative errno, which is answered.
 */
int relay_event(struct relay *relay,
		int (*await)(void *arg, uint64_t event, uint64_t *at),
		void *arg, struct relay_times *times);

/* The device gives up; nothing else is said to it until it has ended. */
void relay_stop(struct relay *relay);
void relay_restart(struct relay *relay);

/* The plainest of events: a store to a cache line, and loads until it shows. */
int relay_raise_ball(void *shared, uint64_t event);
int relay_await_ball(void *shared, uint64_t event, uint64_t *at);

/* Two CPUs are needed.  0 or a negative errno. */
int relay_measure_skew(struct relay *relay);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vCPU that sleeps (virq_vcpu_block()) on a helper thread, and what it takes
 * to have it ack an interrupt that the main thread raises.
 */
#ifndef BENCH_WAKE_H
#define BENCH_WAKE_H

#include "rig.h"

#include <stdalign.h>
#include <stdatomic.h>

struct wake {
	/* Its first interrupt; the loop shares the vCPU's CPU. */
	struct rig rig;
	struct virq_poster poster; /* RIG_SHM */
	pthread_t thread;
	atomic_bool stop;
	alignas(64) _Atomic uint64_t acked_at; /* 0: not yet */
};

/* 0, or a negative errno with the reason in @why. */
int wake_open(struct wake *wake, enum rig_kind kind, char *why, size_t size);
/* What is zero is left alone. */
void wake_close(struct wake *wake);

/*
 * wake_turn - start, raise @events times with a pause before each in which the
 * vCPU falls asleep, stop.  @sample gets the time from before the raise to
 * after the ack, by the clocks of two CPUs; the first few are left out.
 * 0, -ETIMEDOUT, what @sample answered, or another negative errno.
 */
int wake_turn(struct wake *wake, unsigned int events,
	      int (*sample)(void *arg, double ns), void *arg);

#endif

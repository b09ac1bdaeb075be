// SPDX-License-Identifier: BSD-3-Clause
/*
 * One cache line from one CPU to another: the floor under every latency
 * between two threads, and a scale to read the others by.
 */
#include "contest.h"
#include "cpus.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

struct hop {
	alignas(64) _Atomic uint64_t ball;
	atomic_bool stop;
};

/* The ball is even when it is the main thread's. */
static void *partner(void *arg)
{
	struct hop *hop = arg;

	while (!atomic_load(&hop->stop)) {
		/* Acquire and release: as a mailbox between threads has. */
		uint64_t ball =
			atomic_load_explicit(&hop->ball, memory_order_acquire);

		if (ball & 1)
			atomic_store_explicit(&hop->ball, ball + 1,
					      memory_order_release);
	}
	return NULL;
}

static int hop_batch(void *state, unsigned int ops)
{
	struct hop *hop = state;
	/* Relaxed: ours, the partner is done with it. */
	uint64_t ball = atomic_load_explicit(&hop->ball, memory_order_relaxed);

	for (unsigned int i = 0; i < ops / 2; i++) {
		/* Pair with the partner's load and store. */
		atomic_store_explicit(&hop->ball, ball + 1,
				      memory_order_release);
		ball += 2;
		while (atomic_load_explicit(&hop->ball, memory_order_acquire) !=
		       ball)
			;
	}
	return 0;
}

int bench_hop(struct bench *bench)
{
	static struct hop hop;
	struct contender contender = {
		.name = "cache line between two CPUs",
		.note = "one way",
		.state = &hop,
		.batch = hop_batch,
		.ops = 200,
		.batches = 100,
	};
	pthread_t thread;
	int ret;

	atomic_store(&hop.stop, false);
	if (!cpus_two()) {
		contender_fail(&contender, "needs two CPUs");
		return contest_report(bench, &contender, 1);
	}
	ret = cpus_thread(&thread, partner, &hop);
	if (ret)
		return ret;
	ret = contest_run(bench, &contender, 1, 30);
	atomic_store(&hop.stop, true);
	pthread_join(thread, NULL);
	if (!ret)
		ret = contest_report(bench, &contender, 1);
	contest_free(&contender, 1);
	return ret;
}

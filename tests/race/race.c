// SPDX-License-Identifier: BSD-3-Clause
/* Rounds, relays and jitter for the race tests. */
#include "race.h"
#include <sched.h>
#include <stdlib.h>

#if defined(__SANITIZE_THREAD__)
#define SLOWDOWN 5
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOWDOWN 5
#endif
#endif
#ifndef SLOWDOWN
#define SLOWDOWN 1
#endif

unsigned long race_rounds(unsigned long base)
{
	const char *text = getenv("VIRQ_RACE_PERCENT");
	unsigned long percent = text ? strtoul(text, NULL, 10) : 100;
	unsigned long rounds = base / SLOWDOWN * percent / 100;

	return rounds ? rounds : 1;
}

void relay_start(struct relay *relay, unsigned long round)
{
	atomic_store(&relay->started, round);
}

void relay_join(struct relay *relay, unsigned long round)
{
	while (atomic_load(&relay->finished) != round)
		sched_yield();
}

void relay_stop(struct relay *relay)
{
	atomic_store(&relay->stop, true);
}

bool relay_await(struct relay *relay, unsigned long round)
{
	while (atomic_load(&relay->started) != round) {
		if (atomic_load(&relay->stop))
			return false;
		sched_yield();
	}
	return true;
}

void relay_finish(struct relay *relay, unsigned long round)
{
	atomic_store(&relay->finished, round);
}

void race_jitter(unsigned long round, unsigned int salt)
{
	unsigned int spins =
		(unsigned int)((round * 2654435761u + salt * 97u) % 4096u);

	if (spins < 64) {
		sched_yield();
		return;
	}
	for (volatile unsigned int i = 0; i < spins; i++)
		;
}

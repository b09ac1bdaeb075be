/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Race tests: a bounded number of rounds, an end that does not depend on
 * timing, and sums that come out exactly.
 */
#ifndef RACE_H
#define RACE_H

#include "fake_irqchip.h"

/*
 * @base rounds; a fifth of them under ThreadSanitizer.  VIRQ_RACE_PERCENT
 * in the environment scales both.
 */
unsigned long race_rounds(unsigned long base);

/* Two threads, round by round: the second waits for the first's start. */
struct relay {
	atomic_ulong started;
	atomic_ulong finished;
	atomic_bool stop;
};

/* The one that leads. */
void relay_start(struct relay *relay, unsigned long round);
void relay_join(struct relay *relay, unsigned long round);
void relay_stop(struct relay *relay);
/* The one that follows: false when there is no such round. */
bool relay_await(struct relay *relay, unsigned long round);
void relay_finish(struct relay *relay, unsigned long round);

/* A little time that differs from round to round. */
void race_jitter(unsigned long round, unsigned int salt);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A contest: things that are measured in turns so that they can be compared.
 *
 * In each round every contender has its turn; who begins moves on by one each
 * round.  Of each turn the median is kept.  A contender's percentiles are over
 * all its samples, its ratio is the median over the rounds of its median by
 * its peer's.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "bench.h"
#include "samples.h"

#include <stdint.h>

/* On a busy machine a contest ends early, but not before so many rounds. */
#define CONTEST_MIN_ROUNDS 5
#define CONTEST_BUDGET_NS UINT64_C(10000000000)

struct contender {
	char name[BENCH_NAME_LEN];
	char missing[BENCH_TEXT_LEN]; /* set: it does not take part */
	char note[BENCH_TEXT_LEN];
	const struct contender *peer; /* what it is compared with, or NULL */
	struct bench_aim aim;
	bool counted;
	double syscalls; /* counted: that each one makes */
	void *state;

	/*
	 * One of these, or neither: then it is fed by another's turn.
	 *
	 * turn: measure, contender_sample() each event.
	 * batch: do the operation @ops times; timed as a whole, @batches times
	 * a turn, untimed with settle before and check after each (may be
	 * NULL).
	 * 0, or a negative errno that ends its part in the contest.
	 */
	int (*turn)(struct contender *contender);
	int (*batch)(void *state, unsigned int ops);
	int (*settle)(void *state);
	int (*check)(void *state);
	unsigned int ops;
	unsigned int batches;
	bool means; /* what turn samples are means of many */

	/* The contest's own. */
	struct samples all;
	struct samples turn_samples;
	double median[BENCH_MAX_ROUNDS]; /* NaN: no turn */
	unsigned int nr_rounds;
};

/* Measure what reading the clock costs; batches are charged without it. */
void contest_calibrate(void);
double contest_clock_ns(void);

/* 0 or -ENOMEM. */
int contender_sample(struct contender *contender, double ns);
/* It cannot take part, or not any more. */
void contender_fail(struct contender *contender, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * contest_run - @rounds rounds, at most BENCH_MAX_ROUNDS; fewer when fewer
 * are asked for, the budget is used up or the bench is stopped.  0 or -ENOMEM.
 */
int contest_run(struct bench *bench, struct contender *contenders, size_t nr,
		unsigned int rounds);
/* The median over the rounds, NaN if there is none. */
double contest_p50(const struct contender *contender);
/* The ratio that a row gets; NaN if there was no round with a turn of both. */
double contest_ratio(const struct contender *contender,
		     const struct contender *peer);
/* The one with the smallest median among @nr, NULL if all are missing. */
const struct contender *contest_best(const struct contender *contenders,
				     size_t nr);
/* Add the rows.  0 or -ENOMEM. */
int contest_report(struct bench *bench, struct contender *contenders,
		   size_t nr);
void contest_free(struct contender *contenders, size_t nr);

#endif

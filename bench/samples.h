/* SPDX-License-Identifier: BSD-3-Clause */
/* A growing set of measured times, and its percentiles. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>

struct samples {
	double *value;
	size_t nr;
	size_t room;
};

/* 0 or -ENOMEM. */
int samples_add(struct samples *samples, double value);
int samples_append(struct samples *to, const struct samples *from);
void samples_clear(struct samples *samples);
void samples_free(struct samples *samples);

void samples_sort(struct samples *samples);

/*
 * samples_median - NaN: there are none.  A clock that moves in steps of 10 ns
 * gives few different values; between them the median is interpolated, or all
 * that is compared by it would be as coarse as the clock.
 */
double samples_median(const struct samples *sorted);

/*
 * samples_quantile - the smallest sample that at least @num / @den of all are
 * not above.  NaN where there are too few for one to lie above it: the 99.9th
 * percentile takes 1000.
 */
double samples_quantile(const struct samples *sorted, size_t num, size_t den);

/*
 * samples_curve - @curve[i] is the sample that a share of 10^(-i / @per_decade)
 * of all is not below: the smallest at i = 0, then ever fewer.  NaN where that
 * share is less than one sample.
 */
void samples_curve(const struct samples *sorted, unsigned int per_decade,
		   double *curve, size_t nr);

#endif

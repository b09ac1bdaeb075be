// SPDX-License-Identifier: BSD-3-Clause
#include "samples.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int reserve(struct samples *samples, size_t nr)
{
	size_t room = samples->room ? samples->room : 256;
	double *value;

	if (nr <= samples->room)
		return 0;
	while (room < nr)
		room *= 2;
	value = realloc(samples->value, room * sizeof(*value));
	if (!value)
		return -ENOMEM;
	samples->value = value;
	samples->room = room;
	return 0;
}

int samples_add(struct samples *samples, double value)
{
	int ret = reserve(samples, samples->nr + 1);

	if (!ret)
		samples->value[samples->nr++] = value;
	return ret;
}

int samples_append(struct samples *to, const struct samples *from)
{
	int ret = reserve(to, to->nr + from->nr);

	if (ret || !from->nr)
		return ret;
	memcpy(&to->value[to->nr], from->value,
	       from->nr * sizeof(*from->value));
	to->nr += from->nr;
	return 0;
}

void samples_clear(struct samples *samples)
{
	samples->nr = 0;
}

void samples_free(struct samples *samples)
{
	free(samples->value);
	*samples = (struct samples){0};
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

void samples_sort(struct samples *samples)
{
	if (samples->nr)
		qsort(samples->value, samples->nr, sizeof(*samples->value),
		      compare);
}

/* The end of the run of equal values that begins at @first. */
static size_t end_of_ties(const struct samples *sorted, size_t first)
{
	size_t end = first + 1;

	while (end < sorted->nr && sorted->value[end] <= sorted->value[first])
		end++;
	return end;
}

/*
 * Each distinct value stands in the middle of its ties, and between two of
 * them is a straight line.  Without ties that is the usual median.
 */
double samples_median(const struct samples *sorted)
{
	double half = (double)sorted->nr / 2;
	double below = NAN, below_at = 0;

	for (size_t first = 0, end; first < sorted->nr; first = end) {
		double value = sorted->value[first];
		double at;

		end = end_of_ties(sorted, first);
		at = (double)(first + end) / 2;
		if (at < half && end < sorted->nr) {
			below = value;
			below_at = at;
			continue;
		}
		if (at <= half || isnan(below))
			return value;
		value = below +
			(value - below) * (half - below_at) / (at - below_at);
		/* Ties may be so many that they are the percentiles, too. */
		return fmin(value,
			    sorted->value[(sorted->nr * 99 + 99) / 100 - 1]);
	}
	return NAN;
}

double samples_quantile(const struct samples *sorted, size_t num, size_t den)
{
	size_t rank = (sorted->nr * num + den - 1) / den;

	if (sorted->nr * (den - num) < den)
		return NAN;
	return sorted->value[rank - 1];
}

void samples_curve(const struct samples *sorted, unsigned int per_decade,
		   double *curve, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		double above =
			(double)sorted->nr * pow(10, -(double)i / per_decade);

		curve[i] = above < 1
				   ? NAN
				   : sorted->value[sorted->nr - (size_t)above];
	}
}

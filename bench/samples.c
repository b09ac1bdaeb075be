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

double samples_median(const struct samples *sorted)
{
	return sorted->nr ? sorted->value[(sorted->nr - 1) / 2] : NAN;
}

double samples_quantile(const struct samples *sorted, size_t num, size_t den)
{
	size_t rank = (sorted->nr * num + den - 1) / den;

	if (sorted->nr * (den - num) < den)
		return NAN;
	return sorted->value[rank - 1];
}

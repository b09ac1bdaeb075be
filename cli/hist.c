// SPDX-License-Identifier: BSD-3-Clause
#include "hist.h"

#include <stdlib.h>

/* A value keeps its top 11 bits; the first of them is always 1. */
#define SUB_BITS 10u
#define SUB_COUNT (1u << SUB_BITS)
#define NR_BUCKETS ((64u - SUB_BITS + 1u) << SUB_BITS)

struct hist {
	uint64_t count;
	uint64_t max;
	uint64_t bucket[NR_BUCKETS];
};

static unsigned int bucket_of(uint64_t value)
{
	unsigned int bits, shift;

	if (value < 2 * SUB_COUNT)
		return (unsigned int)value;
	bits = 64u - (unsigned int)__builtin_clzll(value);
	shift = bits - SUB_BITS - 1;
	return (shift << SUB_BITS) + (unsigned int)(value >> shift);
}

/* The largest value that lands in this bucket. */
static uint64_t bucket_end(unsigned int bucket)
{
	unsigned int shift;
	uint64_t top;

	if (bucket < 2 * SUB_COUNT)
		return bucket;
	shift = (bucket >> SUB_BITS) - 1;
	top = (bucket & (SUB_COUNT - 1)) | SUB_COUNT;
	return (top << shift) | ((UINT64_C(1) << shift) - 1);
}

struct hist *hist_create(void)
{
	return calloc(1, sizeof(struct hist));
}

void hist_destroy(struct hist *hist)
{
	free(hist);
}

void hist_add(struct hist *hist, uint64_t value)
{
	hist->count++;
	hist->bucket[bucket_of(value)]++;
	if (value > hist->max)
		hist->max = value;
}

uint64_t hist_count(const struct hist *hist)
{
	return hist->count;
}

uint64_t hist_quantile(const struct hist *hist, uint64_t num, uint64_t den)
{
	/* Divide first: count * num could overflow on a very long run. */
	uint64_t rank = hist->count / den * num +
			(hist->count % den * num + den - 1) / den;
	uint64_t seen = 0;

	if (!rank)
		rank = 1;
	for (unsigned int i = 0; i < NR_BUCKETS && hist->count; i++) {
		seen += hist->bucket[i];
		if (seen >= rank)
			return bucket_end(i) < hist->max ? bucket_end(i)
							 : hist->max;
	}
	return hist->max;
}

uint64_t hist_max(const struct hist *hist)
{
	return hist->max;
}

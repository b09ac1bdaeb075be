/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A latency histogram of fixed size: logarithmic buckets, each split into
 * 1024 linear ones, so a quantile is at most 0.1 % above the exact one however
 * long the run.  The minimum, the maximum and values below 2048 are exact.
 */
#ifndef CLI_HIST_H
#define CLI_HIST_H

#include <stdint.h>

struct hist;

/* NULL: no memory. */
struct hist *hist_create(void);
void hist_destroy(struct hist *hist);
void hist_add(struct hist *hist, uint64_t value);
uint64_t hist_count(const struct hist *hist);

/*
 * The smallest value that at least @num / @den of the samples do not exceed,
 * rounded up to the end of its bucket, never above the maximum.  0 without
 * samples.
 */
uint64_t hist_quantile(const struct hist *hist, uint64_t num, uint64_t den);
uint64_t hist_max(const struct hist *hist);

#endif

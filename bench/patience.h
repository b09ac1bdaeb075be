/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to wait for what must come: seconds.  For loops of a few
 * nanoseconds, so the clock is looked at once in 4096 times.
 */
#ifndef BENCH_PATIENCE_H
#define BENCH_PATIENCE_H

#include "core/clock.h"

#include <stdbool.h>

#define PATIENCE_NS UINT64_C(5000000000)

struct patience {
	unsigned int looks;
	uint64_t deadline; /* 0: not set yet */
};

static inline bool patience_ends(struct patience *patience)
{
	uint64_t now;

	if (++patience->looks & 0xfff)
		return false;
	now = now_ns();
	if (!patience->deadline)
		patience->deadline = now + PATIENCE_NS;
	return now > patience->deadline;
}

#endif

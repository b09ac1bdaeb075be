// SPDX-License-Identifier: BSD-3-Clause
/* The guest's counter as CLOCK_MONOTONIC; see vmm_time.h. */
#include "vmm_time.h"
#include "vmm_internal.h"

#define CALIBRATE_ROUNDS 64
#define READ_ATTEMPTS 4

static uint64_t ticks_to_ns(const struct vmm_time *time, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * time->scale) >> 32);
}

/* How many ticks went by between the two readings. */
static uint64_t read_pair(struct vmm_time_pair *pair)
{
	uint64_t before = vmm_time_ticks(), width;

	pair->ns = vmm_now();
	width = vmm_time_ticks() - before;
	pair->ticks = before + width / 2;
	return width;
}

int vmm_time_init(struct vmm_time *time, int vcpu_fd)
{
	int ret = vmm_time_find_source(vcpu_fd, &time->source);

	if (ret)
		return ret;
	time->scale = (1000000000ull << 32) / time->source.hz;
	time->bracket = UINT64_MAX;
	for (int i = 0; i < CALIBRATE_ROUNDS; i++) {
		struct vmm_time_pair pair;
		uint64_t width = read_pair(&pair);

		if (width < time->bracket)
			time->bracket = width;
	}
	/*
	 * vmm_time_read() may take a pair twice as wide as the best; and a
	 * counter stands still for a tick.
	 */
	time->accuracy_ns =
		ticks_to_ns(time, 2 * time->bracket + time->source.error) +
		ticks_to_ns(time, 1) + 1;
	return 0;
}

struct vmm_time_pair vmm_time_read(const struct vmm_time *time)
{
	struct vmm_time_pair best = {0};
	uint64_t best_width = UINT64_MAX;

	/* Preemption between the readings shows in their distance. */
	for (int i = 0; i < READ_ATTEMPTS; i++) {
		struct vmm_time_pair pair;
		uint64_t width = read_pair(&pair);

		if (width < best_width) {
			best = pair;
			best_width = width;
		}
		if (width <= 2 * time->bracket)
			break;
	}
	return best;
}

uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t ticks)
{
	int64_t since;

	if (!time->source.known)
		return now->ns;
	since = (int64_t)(now->ticks - (ticks + time->source.offset));
	if (since < 0)
		return now->ns + ticks_to_ns(time, (uint64_t)-since);
	return now->ns - ticks_to_ns(time, (uint64_t)since);
}

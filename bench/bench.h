/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virq bench: what the interrupt path costs on this machine, beside its peers.
 *
 * A group is a set of measurements that belong together; a row is one of them.
 * Machines are noisy and drift, so the things that are compared run in turns
 * within one run (contest.h), and a ratio is the median of the ratios of the
 * turns, not a ratio of two totals.
 *
 * Percentiles are of one of two things, told in each row:
 *   batch   an operation of nanoseconds is done many times between two looks
 *	     at the clock; a sample is the mean of one such batch, so a single
 *	     slow operation shows only as its share of the batch;
 *   event   an operation of microseconds, or from one CPU to the other: a
 *	     sample is one operation.
 *
 * Not thread-safe: one run at a time, on one thread.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#define BENCH_MAX_ROUNDS 64
#define BENCH_NAME_LEN 64
#define BENCH_TEXT_LEN 128
/* The distribution of a row's samples, down to one in 10,000. */
#define BENCH_CURVE_PER_DECADE 16
#define BENCH_CURVE_POINTS (4 * BENCH_CURVE_PER_DECADE + 1)

enum bench_per {
	BENCH_BATCH,
	BENCH_EVENT,
};

enum bench_aim_kind {
	BENCH_AIM_NONE,
	BENCH_AIM_NS, /* p50 at most so many nanoseconds */
	BENCH_AIM_RATIO, /* ratio at most */
};

struct bench_aim {
	enum bench_aim_kind kind;
	double most;
};

struct bench_row {
	const char *group;
	char name[BENCH_NAME_LEN];
	/* Not empty: why there are no numbers. */
	char missing[BENCH_TEXT_LEN];
	enum bench_per per;
	size_t samples;
	/* NaN where there are too few samples to tell. */
	double p50_ns;
	double p99_ns;
	double p99_9_ns;
	/* What a share of 10^(-i / BENCH_CURVE_PER_DECADE) is not below. */
	double curve_ns[BENCH_CURVE_POINTS];
	/* Empty: compared with nothing, or the peer has no numbers. */
	char ratio_to[BENCH_NAME_LEN];
	double ratio;
	struct bench_aim aim;
	bool aim_met;
	double syscalls; /* that each one makes; NaN: not counted */
	char note[BENCH_TEXT_LEN];
};

struct bench {
	/* Asked often; true ends the run with the rows so far.  Required. */
	bool (*stopped)(void);
	/* A group begins; NULL: nobody wants to know. */
	void (*progress)(const char *group);
	/* The most rounds of a comparison; 0: as many as it wants. */
	unsigned int max_rounds;
	struct bench_row *rows;
	size_t nr_rows;
	size_t room;
	const char *group; /* that runs */
};

/*
 * The groups that this host has, in the order in which they run; NULL at the
 * end of the names.
 */
const char *bench_group_name(size_t index);

/*
 * bench_run - run all groups, or the one named @only, and append their rows.
 * The calling thread is pinned meanwhile where there is a choice of CPUs.
 * 0, -ENOENT (no such group), -EOPNOTSUPP (not on this host), -ENOMEM.  What
 * cannot be measured is a row that says why.
 */
int bench_run(struct bench *bench, const char *only);
void bench_free(struct bench *bench);

/* For groups: a new row of the group that runs, or NULL (no memory). */
struct bench_row *bench_add_row(struct bench *bench, const char *name);

int bench_hop(struct bench *bench);
int bench_eventfd(struct bench *bench);
int bench_loop(struct bench *bench);
int bench_control(struct bench *bench);
int bench_chip(struct bench *bench);
int bench_bypass(struct bench *bench);
int bench_latency(struct bench *bench);
int bench_throughput(struct bench *bench);
int bench_vgic(struct bench *bench);
int bench_lpi(struct bench *bench);
int bench_forward(struct bench *bench);

#endif

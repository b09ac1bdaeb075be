// SPDX-License-Identifier: BSD-3-Clause
/*
 * How many interrupts a second go through posting: from one producer and from
 * many, while the vCPU acks what it finds.  Each row's sum is exact, or the
 * row is an error: raised = delivered + coalesced.
 */
#include "contest.h"
#include "cpus.h"
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 15
#define RAISES (1u << 17) /* a batch */
#define BATCHES 8 /* a turn */
#define AIM_NS 100 /* 10 million a second */

enum {
	ONE,
	ONE_SPREAD,
	ONE_SHM,
	MANY_OWN,
	MANY_SHARED,
	NR_ROWS,
};

struct row {
	struct contender *contender;
	struct load load;
};

static const struct load_shape shapes[NR_ROWS] = {
	[ONE] = {RIG_POSTED, 1, 1, false},
	[ONE_SPREAD] = {RIG_POSTED, 1, 64, false},
	[ONE_SHM] = {RIG_SHM, 1, 1, false},
	[MANY_OWN] = {RIG_POSTED, LOAD_MAX_PRODUCERS, 1, true},
	[MANY_SHARED] = {RIG_POSTED, LOAD_MAX_PRODUCERS, 1, false},
};

static int prepare(void *state)
{
	struct row *row = state;

	return load_prepare(&row->load, RAISES);
}

static int run(void *state, unsigned int ops)
{
	struct row *row = state;

	(void)ops; /* RAISES */
	return load_run(&row->load);
}

static int check(void *state)
{
	struct row *row = state;
	int ret = load_check(&row->load);

	if (ret && row->load.why[0])
		contender_fail(row->contender, "%s", row->load.why);
	return ret;
}

static void open_row(struct contender *c, struct row *row,
		     const struct load_shape *shape)
{
	row->contender = c;
	c->state = row;
	c->settle = prepare;
	c->batch = run;
	c->check = check;
	c->ops = RAISES;
	c->batches = BATCHES;
	if (!cpus_two())
		contender_fail(c, "needs two CPUs");
	else if (load_open(&row->load, shape))
		contender_fail(c, "%s", row->load.why);
}

static void note_sum(struct contender *c, const struct load *load)
{
	snprintf(c->note, sizeof(c->note),
		 "%.1f million/s; raised %" PRIu64 " = delivered %" PRIu64
		 " + coalesced %" PRIu64,
		 1000 / contest_p50(c), load->raised, load->delivered,
		 load->coalesced);
}

int bench_throughput(struct bench *bench)
{
	struct contender contenders[NR_ROWS] = {
		[ONE] = {.name = "post.one", .aim = {BENCH_AIM_NS, AIM_NS}},
		[ONE_SPREAD] = {.name = "post.one.spread"},
		[ONE_SHM] = {.name = "post.one.shm"},
		[MANY_OWN] = {.name = "post.many.own"},
		[MANY_SHARED] = {.name = "post.many.shared"},
	};
	struct row rows[NR_ROWS] = {0};
	int ret;

	for (unsigned int i = 0; i < NR_ROWS; i++) {
		open_row(&contenders[i], &rows[i], &shapes[i]);
		if (i != ONE)
			contenders[i].peer = &contenders[ONE];
	}
	ret = contest_run(bench, contenders, NR_ROWS, ROUNDS);
	if (!ret) {
		for (unsigned int i = 0; i < NR_ROWS; i++) {
			if (contenders[i].all.nr)
				note_sum(&contenders[i], &rows[i].load);
		}
		ret = contest_report(bench, contenders, NR_ROWS);
	}
	contest_free(contenders, NR_ROWS);
	for (unsigned int i = 0; i < NR_ROWS; i++)
		load_close(&rows[i].load);
	return ret;
}

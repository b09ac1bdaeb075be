// SPDX-License-Identifier: BSD-3-Clause
/*
 * A level interrupt's round trip, forwarded and by eventfds: time, and system
 * calls of all processes for each.  Both are of one run; what is traced for the
 * calls is not timed.
 */
#include "contest.h"
#include "cpus.h"
#include "forward_turn.h"
#include "syscalls.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 30
#define WARM_UP 50u
#define EVENTS 300u /* a turn */
#define SLOW_EVENTS 100u
#define COUNTED 500u
#define CYCLES 1000
#define BATCHES 20
/* Long beside the pause between two events: then it polls all the time. */
#define BUSY_POLL_NS 2000000

enum {
	RESAMPLE_BLOCKED,
	RESAMPLE_SPINNING,
	FORWARD_IN_PROCESS,
	FORWARD_ACROSS,
	FORWARD_ACROSS_WANTED,
	FORWARD_COST,
	NR_ROWS,
};

#define NR_TURNS FORWARD_COST

static const struct way {
	const char *name;
	enum forward_kind kind;
	uint64_t busy_poll_ns;
	bool wanted;
	unsigned int events;
	int most; /* system calls aimed at, or -1 */
} ways[NR_TURNS] = {
	[RESAMPLE_BLOCKED] = {"resample.blocked", FORWARD_RESAMPLE, 0, false,
			      SLOW_EVENTS, -1},
	[RESAMPLE_SPINNING] = {"resample.spinning", FORWARD_RESAMPLE,
			       BUSY_POLL_NS, false, SLOW_EVENTS, -1},
	[FORWARD_IN_PROCESS] = {"forward.inproc", FORWARD_INPROC, 0, false,
				EVENTS, 0},
	[FORWARD_ACROSS] = {"forward.shm", FORWARD_SHM, 0, false, EVENTS, 1},
	[FORWARD_ACROSS_WANTED] = {"forward.shm.wanted", FORWARD_SHM, 0, true,
				   SLOW_EVENTS, -1},
};

struct forward_bench {
	struct forward_turn turns[NR_TURNS];
	struct forward_rig cost;
};

static const struct way *way_of(const struct contender *c)
{
	const struct way *way = ways;

	while (strcmp(way->name, c->name) != 0)
		way++;
	return way;
}

static int take_turn(struct contender *c)
{
	unsigned int nr = WARM_UP + way_of(c)->events;
	double ns[FORWARD_MAX_EVENTS];
	int ret = forward_turn_run(c->state, nr, ns, NULL);

	for (unsigned int i = WARM_UP; i < nr && !ret; i++)
		ret = contender_sample(c, ns[i]);
	return ret;
}

/* All on one thread. */
static int round_trips(void *state, unsigned int ops)
{
	struct forward_rig *rig = state;
	int ret = 0;

	for (unsigned int i = 0; i < ops && !ret; i++) {
		virq_line_source_set(rig->line, true);
		ret = forward_rig_await(rig);
		virq_line_source_set(rig->line, false);
		forward_rig_eoi(rig);
	}
	return ret;
}

static int check_cost(void *state)
{
	return forward_rig_check(state);
}

static void count_calls(struct contender *c)
{
	struct forward_turn *turn = c->state;
	const struct way *way = way_of(c);
	double ns[FORWARD_MAX_EVENTS];
	struct syscalls syscalls;
	uint64_t count;
	double each;
	int ret, end;

	if (c->missing[0])
		return;
	ret = syscalls_begin(&syscalls,
			     turn->remote.pid > 0 ? turn->remote.pid : 0);
	if (ret) {
		snprintf(c->note, sizeof(c->note),
			 "system calls not counted: %s", strerror(-ret));
		return;
	}
	ret = forward_turn_run(turn, COUNTED, ns, syscalls_mark);
	end = syscalls_end(&syscalls, &count);
	if (ret || end) {
		contender_fail(c, "when traced: %s",
			       strerror(ret ? -ret : -end));
		return;
	}
	each = (double)count / COUNTED;
	c->syscalls = each;
	c->counted = true;
	snprintf(c->note, sizeof(c->note), "%.2f system calls an interrupt%s",
		 each,
		 way->most < 0		    ? ""
		 : each < way->most + 0.005 ? "; aim met"
					    : "; aim missed");
}

static void open_turn(struct forward_turn *turn, struct contender *c,
		      const struct way *way)
{
	const struct virq_loop_config config = {
		.max_sources = 16,
		.busy_poll_max_ns = way->busy_poll_ns,
	};
	char why[BENCH_TEXT_LEN] = "needs two CPUs";

	snprintf(c->name, sizeof(c->name), "%s", way->name);
	c->state = turn;
	c->turn = take_turn;
	turn->wanted = way->wanted;
	if (!cpus_two() ||
	    forward_rig_open(&turn->rig, way->kind, &config, why,
			     sizeof(why)) ||
	    forward_turn_open(turn, why, sizeof(why)))
		contender_fail(c, "%s", why);
}

static void open_cost(struct forward_rig *rig, struct contender *c)
{
	char why[BENCH_TEXT_LEN];

	snprintf(c->name, sizeof(c->name), "forward.cost");
	snprintf(c->note, sizeof(c->note), "all of it on one thread");
	c->state = rig;
	c->batch = round_trips;
	c->check = check_cost;
	c->ops = CYCLES;
	c->batches = BATCHES;
	if (forward_rig_open(rig, FORWARD_INPROC, NULL, why, sizeof(why)))
		contender_fail(c, "%s", why);
}

int bench_forward(struct bench *bench)
{
	struct contender rows[NR_ROWS] = {0};
	struct forward_bench forward = {0};
	int ret;

	for (unsigned int i = 0; i < NR_TURNS; i++)
		open_turn(&forward.turns[i], &rows[i], &ways[i]);
	open_cost(&forward.cost, &rows[FORWARD_COST]);
	for (unsigned int i = 1; i < NR_TURNS; i++)
		rows[i].peer = &rows[RESAMPLE_BLOCKED];
	ret = contest_run(bench, rows, NR_ROWS, ROUNDS);
	for (unsigned int i = 0; i < NR_TURNS && !ret; i++)
		count_calls(&rows[i]);
	if (!ret)
		ret = contest_report(bench, rows, NR_ROWS);
	contest_free(rows, NR_ROWS);
	for (unsigned int i = 0; i < NR_TURNS; i++)
		forward_turn_close(&forward.turns[i]);
	forward_rig_close(&forward.cost);
	return ret;
}

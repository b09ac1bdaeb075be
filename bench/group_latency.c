// SPDX-License-Identifier: BSD-3-Clause
/*
 * From a device's raise to the vCPU's ack, by every way there is, and what the
 * raise costs the device.  A vCPU that looks is not in a guest: it polls
 * virq_vcpu_pending(), as between two runs of the guest.
 */
#include "latency.h"
#include "cpus.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROUNDS 60
#define WAKE_EVENTS 100 /* a turn */

enum {
	HOP,
	EVENTFD_BLOCKED,
	EVENTFD_SPINNING,
	POST_INPROC,
	POST_SHM,
	WAKE_EVENTFD,
	WAKE_POST,
	WAKE_SHM,
	KVM_IRQFD_WRITE,
	POST_COST,
	POST_COST_PENDING,
	POST_COST_POLLED,
	POST_COST_SHM,
	NR_ROWS,
};

struct latency {
	struct latency_across across;
	struct latency_eventfd blocked;
	struct latency_eventfd spinning;
	struct latency_cost cost;
	struct wake wake_eventfd;
	struct wake wake_post;
	struct wake wake_shm;
};

static int sample_wake(void *contender, double ns)
{
	return contender_sample(contender, ns);
}

static int take_wake_turn(struct contender *c)
{
	return wake_turn(c->state, WAKE_EVENTS, sample_wake, c);
}

static void open_wake(struct wake *wake, struct contender *c,
		      enum rig_kind kind)
{
	char why[BENCH_TEXT_LEN];

	c->state = wake;
	c->turn = take_wake_turn;
	if (!cpus_two()) {
		contender_fail(c, "needs two CPUs");
		return;
	}
	if (wake_open(wake, kind, why, sizeof(why)))
		contender_fail(c, "%s", why);
}

static void open_all(struct latency *latency, struct contender *rows)
{
	latency_across_open(&latency->across, &rows[HOP], &rows[POST_INPROC],
			    &rows[POST_COST_POLLED], &rows[POST_SHM]);
	latency_eventfd_open(&latency->blocked, &rows[EVENTFD_BLOCKED], false);
	latency_eventfd_open(&latency->spinning, &rows[EVENTFD_SPINNING], true);
	latency_cost_open(&latency->cost, &rows[KVM_IRQFD_WRITE],
			  &rows[POST_COST], &rows[POST_COST_PENDING],
			  &rows[POST_COST_SHM]);
	open_wake(&latency->wake_eventfd, &rows[WAKE_EVENTFD], RIG_EVENTFD);
	open_wake(&latency->wake_post, &rows[WAKE_POST], RIG_POSTED);
	open_wake(&latency->wake_shm, &rows[WAKE_SHM], RIG_SHM);
}

static void close_all(struct latency *latency)
{
	latency_across_close(&latency->across);
	latency_eventfd_close(&latency->blocked);
	latency_eventfd_close(&latency->spinning);
	latency_cost_close(&latency->cost);
	wake_close(&latency->wake_eventfd);
	wake_close(&latency->wake_post);
	wake_close(&latency->wake_shm);
}

/* A row whose raises did not all go by posting has no numbers. */
static void check_posted(struct contender *c, const struct rig *rig)
{
	struct virq_source_info sum;

	if (c->missing[0])
		return;
	rig_count(rig, &sum);
	if (sum.signalled || sum.held)
		contender_fail(c, "not posted: %" PRIu64 " raises of %" PRIu64,
			       sum.signalled + sum.held,
			       sum.signalled + sum.held + sum.posted +
				       sum.coalesced);
}

static void check_rows(const struct latency *latency, struct contender *rows)
{
	const struct {
		unsigned int row;
		const struct rig *rig;
	} posts[] = {
		{POST_INPROC, &latency->across.inproc},
		{POST_COST_POLLED, &latency->across.inproc},
		{POST_SHM, &latency->across.shm},
		{WAKE_POST, &latency->wake_post.rig},
		{WAKE_SHM, &latency->wake_shm.rig},
		{POST_COST, &latency->cost.inproc},
		{POST_COST_PENDING, &latency->cost.inproc},
		{POST_COST_SHM, &latency->cost.shm},
	};

	for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++)
		check_posted(&rows[posts[i].row], posts[i].rig);
}

/* A second ratio, where one is not enough: in the note. */
static void note_ratio(struct contender *c, const struct contender *to)
{
	double ratio = contest_ratio(c, to);
	size_t len = strlen(c->note);

	if (!isnan(ratio))
		snprintf(c->note + len, sizeof(c->note) - len, "%s%.3f of %s",
			 len ? "; " : "", ratio, to->name);
}

static void note_ratios(struct contender *rows)
{
	note_ratio(&rows[EVENTFD_SPINNING], &rows[EVENTFD_BLOCKED]);
	note_ratio(&rows[POST_INPROC], &rows[EVENTFD_BLOCKED]);
	note_ratio(&rows[POST_SHM], &rows[EVENTFD_BLOCKED]);
	for (unsigned int i = POST_COST; i <= POST_COST_SHM; i++)
		note_ratio(&rows[i], &rows[KVM_IRQFD_WRITE]);
}

int bench_latency(struct bench *bench)
{
	struct contender rows[NR_ROWS] = {
		[HOP] = {.name = "hop"},
		[EVENTFD_BLOCKED] = {.name = "eventfd.blocked"},
		[EVENTFD_SPINNING] = {.name = "eventfd.spinning"},
		[POST_INPROC] = {.name = "post.inproc",
				 .aim = {BENCH_AIM_RATIO, 1.5}},
		[POST_SHM] = {.name = "post.shm",
			      .aim = {BENCH_AIM_RATIO, 1.5}},
		[WAKE_EVENTFD] = {.name = "wake.eventfd"},
		[WAKE_POST] = {.name = "wake.post",
			       .aim = {BENCH_AIM_RATIO, 1.0}},
		[WAKE_SHM] = {.name = "wake.shm", .note = "by the doorbell"},
		[KVM_IRQFD_WRITE] = {.name = "kvm.irqfd_write",
				     .note = "the write, which injects"},
		[POST_COST] = {.name = "post.cost", .aim = {BENCH_AIM_NS, 20}},
		[POST_COST_PENDING] = {.name = "post.cost.pending",
				       .note = "coalesced"},
		[POST_COST_POLLED] = {.name = "post.cost.polled",
				      .note = "while the vCPU looks"},
		[POST_COST_SHM] = {.name = "post.cost.shm"},
	};
	struct latency latency = {0};
	int ret;

	for (unsigned int i = HOP + 1; i < NR_ROWS; i++)
		rows[i].peer = &rows[HOP];
	rows[WAKE_POST].peer = &rows[WAKE_EVENTFD];
	rows[WAKE_SHM].peer = &rows[WAKE_EVENTFD];
	open_all(&latency, rows);
	ret = contest_run(bench, rows, NR_ROWS, ROUNDS);
	if (!ret) {
		check_rows(&latency, rows);
		note_ratios(rows);
		ret = contest_report(bench, rows, NR_ROWS);
	}
	contest_free(rows, NR_ROWS);
	close_all(&latency);
	return ret;
}

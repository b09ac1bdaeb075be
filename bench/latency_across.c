// SPDX-License-Identifier: BSD-3-Clause
/* hop, post.inproc and post.shm: one method, three ways over (relay.h). */
#include "latency.h"
#include "cpus.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WARM_UP 50
#define EVENTS 500 /* a turn */

typedef int (*await_fn)(void *arg, uint64_t event, uint64_t *at);

/* A device on a thread of this process. */
struct server {
	struct relay_shared *shared;
	uint64_t first;
	int (*raise)(void *arg, uint64_t event);
	void *arg;
	int ret;
};

static void *serve(void *arg)
{
	struct server *server = arg;

	server->ret = relay_serve(server->shared, server->first,
				  WARM_UP + EVENTS, server->raise, server->arg);
	return NULL;
}

/* @raise_row, if not NULL, gets what the raises cost. */
static int take_events(struct contender *c, struct relay *relay, await_fn await,
		       void *arg, struct contender *raise_row)
{
	int ret = 0;

	for (unsigned int i = 0; i < WARM_UP + EVENTS && !ret; i++) {
		struct relay_times times;

		ret = relay_event(relay, await, arg, &times);
		if (ret || i < WARM_UP)
			continue;
		ret = contender_sample(c, times.acked_ns);
		if (!ret && raise_row)
			ret = contender_sample(raise_row, times.raise_ns);
	}
	return ret;
}

static int thread_turn(struct contender *c, struct relay *relay,
		       struct server *server, await_fn await, void *arg,
		       struct contender *raise_row)
{
	pthread_t thread;
	int ret;

	server->shared = relay->shared;
	server->first = relay->next;
	relay_restart(relay);
	ret = cpus_thread(&thread, serve, server);
	if (ret)
		return ret;
	ret = take_events(c, relay, await, arg, raise_row);
	relay_stop(relay);
	pthread_join(thread, NULL);
	return server->ret && server->ret != -ECANCELED ? server->ret : ret;
}

static int hop_turn(struct contender *c)
{
	struct latency_across *across = c->state;
	struct relay_shared *shared = across->relay.shared;
	struct server server = {.raise = relay_raise_ball, .arg = shared};

	return thread_turn(c, &across->relay, &server, relay_await_ball, shared,
			   NULL);
}

static int await_first(void *arg, uint64_t event, uint64_t *at)
{
	(void)event;
	return rig_await(arg, RIG_VECTOR, at);
}

static int raise_source(void *source, uint64_t event)
{
	(void)event;
	return virq_source_raise(source) == 1 ? 0 : -EPROTO;
}

static int inproc_turn(struct contender *c)
{
	struct latency_across *across = c->state;
	struct server server = {
		.raise = raise_source,
		.arg = across->inproc.sources[0],
	};

	return thread_turn(c, &across->relay, &server, await_first,
			   &across->inproc, across->polled);
}

static int raise_poster(void *arg, uint64_t event)
{
	(void)event;
	return virq_poster_raise(arg, 0) == 1 ? 0 : -EPROTO;
}

/* In the device's process; @arg is in memory that it shares. */
static int remote_serve(void *arg, const struct virq_poster *poster,
			uint64_t first, uint64_t nr)
{
	return relay_serve(arg, first, (unsigned int)nr, raise_poster,
			   (void *)poster);
}

static int shm_turn(struct contender *c)
{
	struct latency_across *across = c->state;
	struct relay *relay = &across->relay;
	int ret, remote_ret;

	relay_restart(relay);
	ret = remote_start(&across->remote, relay->next, WARM_UP + EVENTS);
	if (ret)
		return ret;
	ret = take_events(c, relay, await_first, &across->shm, NULL);
	relay_stop(relay);
	remote_ret = remote_finish(&across->remote);
	return remote_ret && remote_ret != -ECANCELED ? remote_ret : ret;
}

static void open_shm(struct latency_across *across, struct contender *c)
{
	char why[BENCH_TEXT_LEN];
	int ret;

	if (rig_open(&across->shm, RIG_SHM, 1, NULL, why, sizeof(why))) {
		contender_fail(c, "%s", why);
		return;
	}
	ret = remote_open(&across->remote, across->shm.shm, remote_serve,
			  across->relay.shared);
	if (ret)
		contender_fail(c, "no device process: %s", strerror(-ret));
}

void latency_across_open(struct latency_across *across, struct contender *hop,
			 struct contender *inproc, struct contender *polled,
			 struct contender *shm)
{
	struct contender *all[] = {hop, inproc, polled, shm};
	char why[BENCH_TEXT_LEN] = "needs two CPUs";
	int ret = 0;

	*across = (struct latency_across){
		.remote = {.pid = -1, .socket = -1},
		.polled = polled,
	};
	hop->turn = hop_turn;
	inproc->turn = inproc_turn;
	shm->turn = shm_turn;
	if (cpus_two()) {
		ret = relay_open(&across->relay);
		if (!ret)
			ret = relay_measure_skew(&across->relay);
		snprintf(why, sizeof(why), "no relay: %s", strerror(-ret));
	}
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->state = across;
		if (!cpus_two() || ret)
			contender_fail(all[i], "%s", why);
	}
	if (hop->missing[0])
		return;
	snprintf(hop->note, sizeof(hop->note),
		 "one way; the CPUs' clocks are %.1f ns apart, taken off",
		 across->relay.skew_ns);
	open_shm(across, shm);
	if (!rig_open(&across->inproc, RIG_POSTED, 1, NULL, why, sizeof(why)))
		return;
	contender_fail(inproc, "%s", why);
	contender_fail(polled, "%s", why);
}

void latency_across_close(struct latency_across *across)
{
	remote_close(&across->remote);
	rig_close(&across->inproc);
	rig_close(&across->shm);
	relay_close(&across->relay);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * kvm.irqfd_write and post.cost*: what raising costs the device when nobody
 * looks.  A raise that finds its vector pending costs less than one that does
 * not, so a batch raises each of many vectors once, and they are taken away
 * between batches, untimed.  All on one thread: the lines are in its cache.
 */
#include "latency.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCHES 40 /* a turn */

static int raise_sources(void *state, unsigned int ops)
{
	struct latency_cost *cost = state;

	for (unsigned int i = 0; i < ops; i++) {
		if (virq_source_raise(cost->inproc.sources[i]) != 1)
			return -EPROTO;
	}
	return 0;
}

static int raise_pending(void *state, unsigned int ops)
{
	struct latency_cost *cost = state;
	struct virq_source *source = cost->inproc.sources[0];

	for (unsigned int i = 0; i < ops; i++) {
		if (virq_source_raise(source))
			return -EPROTO;
	}
	return 0;
}

static int raise_vectors(void *state, unsigned int ops)
{
	struct latency_cost *cost = state;

	for (unsigned int i = 0; i < ops; i++) {
		if (virq_poster_raise(&cost->poster, i) != 1)
			return -EPROTO;
	}
	return 0;
}

static int write_fds(void *state, unsigned int ops)
{
	struct latency_cost *cost = state;
	const uint64_t one = 1;

	for (unsigned int i = 0; i < ops; i++) {
		if (write(cost->kvm_fds[i], &one, sizeof(one)) != sizeof(one))
			return -errno;
	}
	return 0;
}

static int drain_inproc(void *state)
{
	struct latency_cost *cost = state;

	subject_drain(&cost->inproc.subject);
	return 0;
}

static int make_pending(void *state)
{
	struct latency_cost *cost = state;

	subject_drain(&cost->inproc.subject);
	return virq_source_raise(cost->inproc.sources[0]) == 1 ? 0 : -EPROTO;
}

static int drain_shm(void *state)
{
	struct latency_cost *cost = state;

	subject_drain(&cost->shm.subject);
	return 0;
}

static int clear_kvm(void *state)
{
	struct latency_cost *cost = state;

	return kvm_peer_clear_apic(&cost->kvm);
}

static int bind_kvm_fds(struct latency_cost *cost)
{
	union bench_routes routes = {0};
	int ret;

	bench_routes_add_messages(&routes, RIG_VECTOR, RIG_MAX);
	ret = kvm_peer_set_routes(&cost->kvm, &routes.head);
	for (unsigned int i = 0; i < RIG_MAX && !ret; i++) {
		int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

		if (fd < 0)
			return -errno;
		cost->kvm_fds[cost->nr_kvm_fds++] = fd;
		ret = kvm_peer_irqfd(&cost->kvm, fd, BENCH_MSI_GSI + i, 0);
	}
	return ret;
}

static void open_kvm(struct latency_cost *cost, struct contender *c)
{
	char why[BENCH_TEXT_LEN];
	int ret;

	if (kvm_peer_open(&cost->kvm, why, sizeof(why))) {
		contender_fail(c, "%s", why);
		return;
	}
	ret = bind_kvm_fds(cost);
	if (ret)
		contender_fail(c, "KVM: %s", strerror(-ret));
}

void latency_cost_open(struct latency_cost *cost, struct contender *kvm,
		       struct contender *post, struct contender *pending,
		       struct contender *shm)
{
	struct contender *all[] = {kvm, post, pending, shm};
	char why[BENCH_TEXT_LEN];
	int ret;

	*cost = (struct latency_cost){.kvm = {-1, -1, -1}};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		all[i]->state = cost;
		all[i]->ops = RIG_MAX;
		all[i]->batches = BATCHES;
	}
	kvm->batch = write_fds;
	kvm->settle = clear_kvm;
	post->batch = raise_sources;
	post->settle = drain_inproc;
	pending->batch = raise_pending;
	pending->settle = make_pending;
	shm->batch = raise_vectors;
	shm->settle = drain_shm;
	open_kvm(cost, kvm);
	if (rig_open(&cost->inproc, RIG_POSTED, RIG_MAX, NULL, why,
		     sizeof(why))) {
		contender_fail(post, "%s", why);
		contender_fail(pending, "%s", why);
	}
	if (rig_open(&cost->shm, RIG_SHM, RIG_MAX, NULL, why, sizeof(why))) {
		contender_fail(shm, "%s", why);
		return;
	}
	ret = rig_open_poster(&cost->shm, &cost->poster);
	if (ret)
		contender_fail(shm, "no page: %s", strerror(-ret));
}

void latency_cost_close(struct latency_cost *cost)
{
	if (cost->poster.page)
		virq_poster_close(&cost->poster);
	rig_close(&cost->inproc);
	rig_close(&cost->shm);
	for (unsigned int i = 0; i < cost->nr_kvm_fds; i++)
		close(cost->kvm_fds[i]);
	kvm_peer_close(&cost->kvm);
}

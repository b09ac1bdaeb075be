// SPDX-License-Identifier: BSD-3-Clause
#include "load.h"
#include "cpus.h"
#include "patience.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int await_batch(struct load_shared *shared, uint64_t batch)
{
	struct patience patience = {0};

	atomic_fetch_add(&shared->ready, 1);
	while (atomic_load(&shared->batch) != batch) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
		sched_yield();
	}
	return 0;
}

/* @nr sources in turn, from @first on. */
static void raise_all(struct load_producer *producer,
		      struct virq_source *const *first, unsigned int nr,
		      uint64_t raises)
{
	unsigned int next = 0;
	uint64_t accepted = 0;

	for (uint64_t i = 0; i < raises; i++) {
		accepted += virq_source_raise(first[next]) == 1;
		next = next + 1 < nr ? next + 1 : 0;
	}
	producer->raised = raises;
	producer->accepted = accepted;
}

static void *produce(void *arg)
{
	struct load_producer *producer = arg;
	struct load *load = producer->load;
	const struct load_shape *shape = load->shape;
	unsigned int first = shape->own ? producer->index * shape->vectors : 0;

	producer->ret = await_batch(load->shared, load->batch);
	if (!producer->ret)
		raise_all(producer, &load->rig.sources[first], shape->vectors,
			  producer->raises);
	atomic_fetch_add(&load->shared->done, 1);
	return NULL;
}

/* In the device's process: @batch and how many raises of its one vector. */
static int remote_produce(void *arg, const struct virq_poster *poster,
			  uint64_t batch, uint64_t raises)
{
	struct load_shared *shared = arg;
	uint64_t accepted = 0;
	int ret = await_batch(shared, batch);

	if (!ret) {
		for (uint64_t i = 0; i < raises; i++)
			accepted += virq_poster_raise(poster, 0) == 1;
		shared->raised = raises;
		shared->accepted = accepted;
	}
	atomic_fetch_add(&shared->done, 1);
	return ret;
}

static int refuse(struct load *load, const char *what, int ret)
{
	if (!load->why[0])
		snprintf(load->why, sizeof(load->why), "%s: %s", what,
			 strerror(-ret));
	load_close(load);
	return ret;
}

int load_open(struct load *load, const struct load_shape *shape)
{
	unsigned int nr =
		shape->own ? shape->producers * shape->vectors : shape->vectors;
	void *shared;
	int ret;

	*load = (struct load){
		.shape = shape,
		.remote = {.pid = -1, .socket = -1},
	};
	shared = mmap(NULL, sizeof(*load->shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return refuse(load, "no memory to share", -errno);
	load->shared = shared;
	ret = rig_open(&load->rig, shape->kind, nr, NULL, load->why,
		       sizeof(load->why));
	if (ret)
		return refuse(load, "cannot be made", ret);
	if (shape->kind == RIG_SHM)
		ret = remote_open(&load->remote, load->rig.shm, remote_produce,
				  shared);
	return ret ? refuse(load, "no device process", ret) : 0;
}

/* The producers have ended, or give up soon: a batch that does not come. */
static int join(struct load *load)
{
	int ret = 0;

	for (unsigned int i = 0; i < LOAD_MAX_PRODUCERS; i++) {
		struct load_producer *producer = &load->producers[i];

		if (!producer->started)
			continue;
		pthread_join(producer->thread, NULL);
		producer->started = false;
		load->raised += producer->raised;
		load->accepted += producer->accepted;
		if (!ret)
			ret = producer->ret;
	}
	if (load->remote_works) {
		ret = remote_finish(&load->remote);
		load->raised += load->shared->raised;
		load->accepted += load->shared->accepted;
	}
	load->remote_works = false;
	return ret;
}

void load_close(struct load *load)
{
	if (!load->shape)
		return;
	join(load);
	remote_close(&load->remote);
	rig_close(&load->rig);
	if (load->shared)
		munmap(load->shared, sizeof(*load->shared));
	load->shared = NULL;
}

static int start_producer(struct load *load, unsigned int i, uint64_t raises)
{
	struct load_producer *producer = &load->producers[i];
	int ret;

	*producer = (struct load_producer){
		.load = load,
		.index = i,
		.raises = raises,
	};
	/* The first beside the vCPU's CPU, then one on it, and so on. */
	if (i % 2)
		ret = cpus_thread_on_main(&producer->thread, produce, producer);
	else
		ret = cpus_thread(&producer->thread, produce, producer);
	producer->started = !ret;
	return ret;
}

int load_prepare(struct load *load, uint64_t raises)
{
	unsigned int producers = load->shape->producers;
	struct patience patience = {0};
	int ret = 0;

	load->batch++;
	atomic_store(&load->shared->ready, 0);
	atomic_store(&load->shared->done, 0);
	if (load->shape->kind == RIG_SHM) {
		ret = remote_start(&load->remote, load->batch, raises);
		load->remote_works = !ret;
	} else {
		for (unsigned int i = 0; i < producers && !ret; i++)
			ret = start_producer(load, i, raises / producers);
	}
	while (!ret && atomic_load(&load->shared->ready) != producers) {
		if (patience_ends(&patience))
			ret = -ETIMEDOUT;
		sched_yield();
	}
	return ret;
}

int load_run(struct load *load)
{
	struct virq_vcpu *vcpu = load->rig.subject.vcpu;
	unsigned int producers = load->shape->producers;
	uint64_t deadline = now_ns() + PATIENCE_NS;
	bool done;

	atomic_store(&load->shared->batch, load->batch);
	/*
	 * Between two looks a pause and the clock, as in halt polling: who does
	 * nothing but look keeps the cache line from those who post.
	 */
	do {
		if (now_ns() > deadline)
			return -ETIMEDOUT;
		cpus_relax();
		/* Acquire: after it all that they raised is to be seen. */
		done = atomic_load_explicit(&load->shared->done,
					    memory_order_acquire) == producers;
		while (virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR) {
			if (virq_vcpu_ack(vcpu) < (int)RIG_VECTOR)
				return -EPROTO;
			load->delivered++;
			subject_eoi(&load->rig.subject);
		}
	} while (!done);
	return 0;
}

/*
 * A producer knows which of its raises were new.  In this process its source
 * has counted the same.  Those that a page had still are coalesced there; what
 * was new in a page its source counts when it is taken.
 */
int load_check(struct load *load)
{
	bool page = load->shape->kind == RIG_SHM;
	struct virq_source_info sum;
	int ret = join(load);

	if (ret)
		return ret;
	rig_count(&load->rig, &sum);
	load->coalesced = sum.coalesced;
	if (page)
		load->coalesced += load->raised - load->accepted;
	if (load->raised == load->delivered + load->coalesced &&
	    load->delivered == sum.posted &&
	    (page || load->accepted == sum.posted) && !sum.signalled &&
	    !sum.held)
		return 0;
	snprintf(load->why, sizeof(load->why),
		 "raised %" PRIu64 " (new: %" PRIu64 "), posted %" PRIu64
		 ", coalesced %" PRIu64 ", delivered %" PRIu64,
		 load->raised, load->accepted, sum.posted, load->coalesced,
		 load->delivered);
	return -EPROTO;
}

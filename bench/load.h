/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A load: producers that raise as fast as they can, on both CPUs if there is
 * more than one, and a vCPU, the main thread, that looks and acks.  Every
 * raise is accounted for.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "remote.h"
#include "rig.h"

#include <stdalign.h>
#include <stdatomic.h>

#define LOAD_MAX_PRODUCERS 4u

struct load_shape {
	enum rig_kind kind; /* RIG_POSTED, or RIG_SHM: a device process */
	unsigned int producers;
	unsigned int vectors; /* taken by each in turn */
	bool own; /* each producer has vectors of its own */
};

/* What the producers share with the vCPU. */
struct load_shared {
	alignas(64) _Atomic uint64_t batch; /* that may run */
	alignas(64) _Atomic unsigned int ready;
	_Atomic unsigned int done;
	/* Of a device process, once it is done. */
	uint64_t raised;
	uint64_t accepted;
};

struct load;

struct load_producer {
	struct load *load;
	unsigned int index;
	uint64_t raises; /* to do */
	uint64_t raised;
	uint64_t accepted; /* of these, newly pending */
	int ret;
	pthread_t thread;
	bool started;
};

struct load {
	const struct load_shape *shape;
	struct load_shared *shared;
	struct rig rig;
	struct remote remote;
	bool remote_works;
	struct load_producer producers[LOAD_MAX_PRODUCERS];
	uint64_t batch;
	/* Of all batches. */
	uint64_t raised;
	uint64_t accepted;
	uint64_t delivered;
	uint64_t coalesced;
	/* After -EPROTO: what does not add up. */
	char why[128];
};

/* 0 or a negative errno with the reason in load->why. */
int load_open(struct load *load, const struct load_shape *shape);
/* What is zero, or failed to open, is left alone. */
void load_close(struct load *load);

/*
 * load_prepare - producers for @raises in all, each waiting at the start.
 * load_run - start them; ack until all have been raised and none is pending.
 * load_check - after it: -EPROTO if raised is not delivered + coalesced, by
 *   the counts of producers, vCPU and sources.
 * All: 0 or a negative errno.
 */
int load_prepare(struct load *load, uint64_t raises);
int load_run(struct load *load);
int load_check(struct load *load);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the group "latency".  Each opens its contenders, which say for
 * themselves what is missing, and must be closed after the contest.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include "contest.h"
#include "remote.h"
#include "kvm_peer.h"
#include "relay.h"
#include "rig.h"
#include "wake.h"

/* Raised on one CPU, acked on the other, with nobody between. */
struct latency_across {
	struct relay relay;
	struct rig inproc;
	struct rig shm;
	struct remote remote;
	struct contender *polled; /* fed by the turns of inproc */
};

void latency_across_open(struct latency_across *across, struct contender *hop,
			 struct contender *inproc, struct contender *polled,
			 struct contender *shm);
void latency_across_close(struct latency_across *across);

/* Raised by a write to an eventfd, delivered by the loop on the other CPU. */
struct latency_eventfd {
	struct rig rig;
	uint64_t raised;
};

void latency_eventfd_open(struct latency_eventfd *eventfd,
			  struct contender *contender, bool spinning);
void latency_eventfd_close(struct latency_eventfd *eventfd);

/* What raising costs the device. */
struct latency_cost {
	struct rig inproc;
	struct rig shm;
	struct virq_poster poster;
	struct kvm_peer kvm;
	int kvm_fds[RIG_MAX];
	unsigned int nr_kvm_fds;
};

void latency_cost_open(struct latency_cost *cost, struct contender *kvm,
		       struct contender *post, struct contender *pending,
		       struct contender *shm);
void latency_cost_close(struct latency_cost *cost);

#endif

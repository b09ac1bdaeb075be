/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that make one request again and again beside a case.  Only the
 * case's own thread checks; workers count what they were answered.
 */
#ifndef CONFORM_WORKER_H
#define CONFORM_WORKER_H

#include "env.h"
#include <pthread.h>
#include <stdatomic.h>

/* Rounds of a worker without @stop, unless the time is up before. */
#define WORKER_ROUNDS 200
#define WORKER_TIME_NS UINT64_C(1500000000)
/* What worker_routing() leads where, in turn. */
#define WORKER_GSI 24
#define WORKER_VECTOR 0x61
#define WORKER_OTHER_VECTOR 0x72

struct worker {
	pthread_t thread;
	struct conform *c;
	void (*step)(struct worker *worker);
	atomic_bool *stop; /* NULL: for a number of rounds */
	int vm, fd;
	uint32_t gsi;
	unsigned int nr_steps;
	unsigned int nr_ok, nr_busy, nr_other;
	int other; /* the last answer that was neither 0 nor EBUSY */
};

void worker_start(struct conform *c, struct worker *w);
void worker_join(struct worker *w);
/* All its answers were 0 or EBUSY. */
void worker_check(struct conform *c, const struct worker *w);

/*
 * True for another round of something slow: WORKER_ROUNDS at most, and at most
 * WORKER_TIME_NS since @start_ns.
 */
bool worker_round(unsigned int round, uint64_t start_ns);

/* Steps. */
void worker_signal(struct worker *w); /* add 1 to fd */
void worker_juggle(struct worker *w); /* assign fd to gsi, deassign it */
void worker_routing(struct worker *w); /* WORKER_GSI, by turns */
void worker_line(struct worker *w); /* gsi up and down */
void worker_resample(struct worker *w); /* as juggle, with a resamplefd */
void worker_msi(struct worker *w); /* vector gsi */
void worker_chip(struct worker *w); /* read the IOAPIC's state */

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine for races at sources: targets that count, vCPUs that are no more
 * than a word of vectors, consumers and eventfds, and changes of all of them.
 */
#ifndef SOURCE_MACHINE_H
#define SOURCE_MACHINE_H

#include "race.h"
#include <virq/source.h>

#define NR_SOURCES 4u
#define NR_VCPUS 2u
#define NR_FDS 2u

struct machine;

/* One vector, which is the source's number, of one vCPU. */
struct target {
	struct virq_post base;
	struct machine *m;
	uint32_t vcpu;
	uint32_t vector;
	atomic_bool open; /* it is the source's */
	atomic_ulong fresh;
	atomic_ulong merged;
	unsigned long acks; /* the vCPU's thread */
};

struct sink {
	struct virq_bypass_consumer base;
	struct target *target;
	bool registered;
};

struct device {
	struct virq_source *source;
	struct target targets[NR_VCPUS];
	struct sink sinks[NR_FDS];
	int fds[NR_FDS];
	int current; /* index of its eventfd, or -1 */
	bool masked;
	atomic_bool quiet; /* the mask call has returned */
	unsigned long signals; /* drained from the eventfds */
	atomic_ulong raises;
	atomic_ulong merged; /* with the source's own pending bit */
};

struct machine {
	struct device devices[NR_SOURCES];
	_Alignas(64) atomic_ulong irr[NR_VCPUS];
	atomic_uint raising;
	atomic_bool stop;
	atomic_ulong wrong; /* deliveries by a path that is gone */
	unsigned long stuck; /* pending bits that nobody let out */
	unsigned long share; /* raises, of each raiser */
	atomic_ulong changes;
};

/* Of a long run one can wait for the end: fewer changes to a raise. */
extern unsigned long sparse;
/* Did the raise that this thread is in get to a target? */
extern _Thread_local bool reached;
/* Signals to an eventfd that was let go. */
extern atomic_ulong wrong_fds;

uint32_t draw(uint64_t *seed);
/* An eventfd's counter, drained. */
uint64_t take(int fd);

void device_init(struct machine *m, uint32_t number);
/* Let out what is held back, and count. */
void device_settle(struct machine *m, struct device *device);
void device_fini(struct device *device);

/* The vCPU takes all that is pending. */
void vcpu_take(struct machine *m, uint32_t vcpu);

void toggle_mask(struct machine *m, struct device *device);
/* Of eventfd @i: a consumer that posts to @target comes, or goes. */
void toggle_consumer(struct device *device, uint32_t i, struct target *target);
/* @next: index of the eventfd, or -1. */
void change_eventfd(struct machine *m, struct device *device, int next);
/* Any of these, or a new route. */
void change(struct machine *m, uint64_t *seed);

#endif

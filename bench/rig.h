/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rig: a subject (subject.h) with some interrupts, each a message with a
 * vector of its own, and what raises them: eventfds, sources that post, or a
 * page of shared memory.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "subject.h"

#include <stddef.h>
#include <stdint.h>
#include <virq/poster.h>

#define RIG_VECTOR 0x30u /* of the first interrupt */
#define RIG_MAX 128u

enum rig_kind {
	RIG_EVENTFD,
	RIG_POSTED,
	RIG_SHM,
};

struct rig {
	enum rig_kind kind;
	struct subject subject;
	unsigned int nr;
	int fds[RIG_MAX];
	struct virq_source *sources[RIG_MAX]; /* RIG_POSTED */
	struct virq_shm_source *shm; /* RIG_SHM */
};

/*
 * rig_open - @nr interrupts.  Sources and vectors are posted, or it fails.
 * 0, or a negative errno with the reason in @why.
 */
int rig_open(struct rig *rig, enum rig_kind kind, unsigned int nr,
	     const struct virq_loop_config *loop, char *why, size_t size);
/* Nobody raises any more.  What is zero is left alone. */
void rig_close(struct rig *rig);

/* The device's side of RIG_SHM, in this process.  0 or a negative errno. */
int rig_open_poster(struct rig *rig, struct virq_poster *poster);

/* What became of all raises so far.  Not of RIG_EVENTFD. */
void rig_count(const struct rig *rig, struct virq_source_info *sum);

/*
 * rig_await - on the vCPU's thread: look until the interrupt with @vector is
 * there, ack it, note the time; and, untimed, complete it.
 * 0, -ETIMEDOUT, or -EPROTO (another one came).
 */
int rig_await(struct rig *rig, unsigned int vector, uint64_t *at);

#endif

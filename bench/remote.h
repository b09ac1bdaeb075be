/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device in a process of its own, which has nothing of ours but the page of
 * a shared-memory source.  It sleeps until it is told to begin.
 */
#ifndef BENCH_REMOTE_H
#define BENCH_REMOTE_H

#include <stdint.h>
#include <sys/types.h>
#include <virq/poster.h>

/*
 * What the device does when it is told: @nr times, from event @first on.  0 or
 * a negative errno, which remote_finish() answers.
 */
typedef int (*remote_work)(void *arg, const struct virq_poster *poster,
			   uint64_t first, uint64_t nr);

struct virq_shm_source;

struct remote {
	pid_t pid;
	int socket;
};

/* 0 or a negative errno. */
int remote_open(struct remote *remote, struct virq_shm_source *shm,
		remote_work work, void *arg);
void remote_close(struct remote *remote);

int remote_start(struct remote *remote, uint64_t first, uint64_t nr);
/* Wait until it has done its work: what that answered, or -EPIPE (it died). */
int remote_finish(struct remote *remote);

#endif

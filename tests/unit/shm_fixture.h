/* SPDX-License-Identifier: BSD-3-Clause */
/* A shared-memory source and a device that is served well, for tests. */
#ifndef TEST_SHM_FIXTURE_H
#define TEST_SHM_FIXTURE_H

#include "pc.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <time.h>
#include <virq/poster.h>

#define SHM_GSI 30u
#define SHM_VECTOR 0x51

static inline struct virq_shm_source *shm_new(struct virq_loop *loop,
					      uint32_t nr_vectors)
{
	struct virq_shm_source *shm;

	assert_int_equal(virq_shm_source_create(loop, nr_vectors, &shm), 0);
	return shm;
}

/* What the device gets from it. */
static inline struct virq_poster shm_open_poster(struct virq_shm_source *shm)
{
	struct virq_poster poster;
	int sockets[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(virq_shm_source_send(shm, sockets[0]), 0);
	assert_int_equal(virq_poster_open(&poster, sockets[1]), 0);
	close(sockets[0]);
	close(sockets[1]);
	return poster;
}

static inline struct virq_source_info shm_info(struct virq_shm_source *shm,
					       uint32_t vector)
{
	struct virq_source_info info;

	assert_int_equal(virq_shm_source_query(shm, vector, &info), 0);
	return info;
}

/* How often the loop hears something until it has nothing to do. */
static inline uint64_t shm_rung(struct pc *pc)
{
	struct virq_loop_stats before, after;

	virq_loop_get_stats(pc->loop, &before);
	pc_pump(pc);
	virq_loop_get_stats(pc->loop, &after);
	return after.events - before.events;
}

static inline uint64_t shm_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A vector whose irqfd posts into @cpu. */
static inline int shm_connect(struct pc *pc, struct virq_shm_source *shm,
			      uint32_t vector, unsigned int cpu)
{
	int fd = pc_eventfd();

	pc_route(pc, SHM_GSI, cpu, SHM_VECTOR);
	assert_int_equal(pc_assign(pc, fd, SHM_GSI, 0, 0), 0);
	assert_int_equal(virq_shm_source_set_eventfd(shm, vector, fd, 1, 0), 0);
	assert_int_equal(shm_info(shm, vector).path, VIRQ_SOURCE_POSTED);
	return fd;
}

#endif

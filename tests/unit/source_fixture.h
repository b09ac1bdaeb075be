/* SPDX-License-Identifier: BSD-3-Clause */
/* Targets that count, and a consumer that posts to one, for tests of sources */
#ifndef TEST_SOURCE_FIXTURE_H
#define TEST_SOURCE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/source.h>
#include "core/rcu.h"

struct target {
	struct virq_post base;
	atomic_bool bit; /* pending at the vCPU */
	unsigned int posts;
};

static inline int target_post(const struct virq_post *post)
{
	struct target *target = (struct target *)(uintptr_t)post;

	target->posts++;
	return !atomic_exchange(&target->bit, true);
}

/* vCPUs are only told apart here. */
static char vcpus[2];

static inline struct target new_target(unsigned int vcpu)
{
	return (struct target){.base = {
				       .post = target_post,
				       .vcpu = (struct virq_vcpu *)&vcpus[vcpu],
			       }};
}

/* A consumer that posts to @post as soon as it is connected. */
struct sink {
	struct virq_bypass_consumer base;
	const struct virq_post *post;
	int rc;
};

static inline int sink_add(struct virq_bypass_consumer *consumer,
			   struct virq_bypass_producer *producer)
{
	struct sink *sink = (struct sink *)consumer;

	if (sink->rc)
		return sink->rc;
	return sink->post ? producer->set_post(producer, sink->post) : 0;
}

static inline void sink_del(struct virq_bypass_consumer *consumer,
			    struct virq_bypass_producer *producer)
{
	(void)consumer;
	assert_int_equal(producer->set_post(producer, NULL), 0);
}

static inline struct sink new_sink(const struct target *target)
{
	return (struct sink){
		.base = {.add_producer = sink_add, .del_producer = sink_del},
		.post = target ? &target->base : NULL,
	};
}

static inline int sink_register(struct sink *sink, int fd)
{
	struct virq_eventfd_info info;

	assert_int_equal(virq_eventfd_query(fd, &info), 0);
	return virq_bypass_register_consumer(&sink->base, &info);
}

static inline void sink_unregister(struct sink *sink)
{
	virq_bypass_unregister_consumer(&sink->base);
	rcu_synchronize();
}

static inline int new_fd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

/* Its counter, drained. */
static inline uint64_t take(int fd)
{
	uint64_t value = 0;

	(void)!read(fd, &value, sizeof(value));
	return value;
}

#endif

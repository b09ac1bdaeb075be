/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registries: what brings a bypass producer and a consumer together by their
 * eventfd.  Ours; and, of the same rules, the list that Linux had up to 6.16
 * (every registration looks through all others under one mutex), and two
 * balanced trees under one mutex.
 */
#ifndef BENCH_REGISTRY_H
#define BENCH_REGISTRY_H

#include <urcu/list.h>
#include <virq/bypass.h>

/* Both sides of an eventfd. */
struct pair {
	struct virq_bypass_producer producer;
	struct virq_bypass_consumer consumer;
	struct virq_eventfd_info eventfd;
	/* The list's. */
	struct cds_list_head producer_node;
	struct cds_list_head consumer_node;
};

struct registry {
	/* 0 or a negative errno; the second of a pair connects. */
	int (*add_consumer)(struct pair *pair);
	int (*add_producer)(struct pair *pair);
	void (*del_consumer)(struct pair *pair);
	void (*del_producer)(struct pair *pair);
	/*
	 * Both, of a pair that is known to be new: to have many in place
	 * before the measurement.  NULL: the two above are good enough.
	 */
	void (*place)(struct pair *pair);
};

extern const struct registry registry_virq;
extern const struct registry registry_list;
extern const struct registry registry_tree;

/* For the peers: what the manager does with a pair without other callbacks. */
static inline int pair_connect(struct virq_bypass_producer *producer,
			       struct virq_bypass_consumer *consumer)
{
	int ret = consumer->add_producer(consumer, producer);

	if (ret)
		return ret;
	producer->consumer = consumer;
	consumer->producer = producer;
	return 0;
}

static inline void pair_disconnect(struct virq_bypass_producer *producer,
				   struct virq_bypass_consumer *consumer)
{
	consumer->del_producer(consumer, producer);
	producer->consumer = NULL;
	consumer->producer = NULL;
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* Our own registry. */
#include "registry.h"

static int add_consumer(struct pair *pair)
{
	return virq_bypass_register_consumer(&pair->consumer, &pair->eventfd);
}

static int add_producer(struct pair *pair)
{
	return virq_bypass_register_producer(&pair->producer, &pair->eventfd,
					     0);
}

static void del_consumer(struct pair *pair)
{
	virq_bypass_unregister_consumer(&pair->consumer);
}

static void del_producer(struct pair *pair)
{
	virq_bypass_unregister_producer(&pair->producer);
}

const struct registry registry_virq = {
	.add_consumer = add_consumer,
	.add_producer = add_producer,
	.del_consumer = del_consumer,
	.del_producer = del_producer,
};

// SPDX-License-Identifier: BSD-3-Clause
/* Two lists under one mutex. */
#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static CDS_LIST_HEAD(producers);
static CDS_LIST_HEAD(consumers);

static struct pair *find_producer(const struct pair *pair)
{
	struct pair *other;

	cds_list_for_each_entry(other, &producers, producer_node)
		if (other->eventfd.id == pair->eventfd.id)
			return other;
	return NULL;
}

static struct pair *find_consumer(const struct pair *pair)
{
	struct pair *other;

	cds_list_for_each_entry(other, &consumers, consumer_node)
		if (other->eventfd.id == pair->eventfd.id)
			return other;
	return NULL;
}

static int add_consumer(struct pair *pair)
{
	struct pair *peer;
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (find_consumer(pair)) {
		ret = -EBUSY;
		goto out;
	}
	peer = find_producer(pair);
	if (peer)
		ret = pair_connect(&peer->producer, &pair->consumer);
	if (!ret)
		cds_list_add(&pair->consumer_node, &consumers);
out:
	pthread_mutex_unlock(&lock);
	return ret;
}

static int add_producer(struct pair *pair)
{
	struct pair *peer;
	int ret = 0;

	pthread_mutex_lock(&lock);
	if (find_producer(pair)) {
		ret = -EBUSY;
		goto out;
	}
	peer = find_consumer(pair);
	if (peer)
		ret = pair_connect(&pair->producer, &peer->consumer);
	if (!ret)
		cds_list_add(&pair->producer_node, &producers);
out:
	pthread_mutex_unlock(&lock);
	return ret;
}

/* Not looked for, as nobody times it.  NULL: it is in no list. */
static void del_consumer(struct pair *pair)
{
	pthread_mutex_lock(&lock);
	if (pair->consumer.producer)
		pair_disconnect(pair->consumer.producer, &pair->consumer);
	if (pair->consumer_node.next)
		cds_list_del(&pair->consumer_node);
	pair->consumer_node.next = NULL;
	pthread_mutex_unlock(&lock);
}

static void del_producer(struct pair *pair)
{
	pthread_mutex_lock(&lock);
	if (pair->producer.consumer)
		pair_disconnect(&pair->producer, pair->producer.consumer);
	if (pair->producer_node.next)
		cds_list_del(&pair->producer_node);
	pair->producer_node.next = NULL;
	pthread_mutex_unlock(&lock);
}

static void place(struct pair *pair)
{
	pair_connect(&pair->producer, &pair->consumer);
	cds_list_add(&pair->consumer_node, &consumers);
	cds_list_add(&pair->producer_node, &producers);
}

const struct registry registry_list = {
	.add_consumer = add_consumer,
	.add_producer = add_producer,
	.del_consumer = del_consumer,
	.del_producer = del_producer,
	.place = place,
};

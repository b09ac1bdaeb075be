// SPDX-License-Identifier: BSD-3-Clause
/* Two red-black trees, the C library's tsearch(3), under one mutex. */
#include "registry.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *producers, *consumers;

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct pair *)a)->eventfd.id;
	uint64_t y = ((const struct pair *)b)->eventfd.id;

	return x < y ? -1 : x > y;
}

/* Put @pair into @tree.  0, -EBUSY, -ENOMEM. */
static int insert(void **tree, struct pair *pair)
{
	/* A node begins with its key. */
	struct pair **node = tsearch(pair, tree, compare);

	if (!node)
		return -ENOMEM;
	return *node == pair ? 0 : -EBUSY;
}

static struct pair *find(void **tree, struct pair *pair)
{
	struct pair **node = tfind(pair, tree, compare);

	return node ? *node : NULL;
}

static int add_consumer(struct pair *pair)
{
	struct pair *peer;
	int ret;

	pthread_mutex_lock(&lock);
	ret = insert(&consumers, pair);
	if (ret)
		goto out;
	peer = find(&producers, pair);
	if (peer)
		ret = pair_connect(&peer->producer, &pair->consumer);
	if (ret)
		tdelete(pair, &consumers, compare);
out:
	pthread_mutex_unlock(&lock);
	return ret;
}

static int add_producer(struct pair *pair)
{
	struct pair *peer;
	int ret;

	pthread_mutex_lock(&lock);
	ret = insert(&producers, pair);
	if (ret)
		goto out;
	peer = find(&consumers, pair);
	if (peer)
		ret = pair_connect(&pair->producer, &peer->consumer);
	if (ret)
		tdelete(pair, &producers, compare);
out:
	pthread_mutex_unlock(&lock);
	return ret;
}

static void del_consumer(struct pair *pair)
{
	pthread_mutex_lock(&lock);
	if (pair->consumer.producer)
		pair_disconnect(pair->consumer.producer, &pair->consumer);
	tdelete(pair, &consumers, compare);
	pthread_mutex_unlock(&lock);
}

static void del_producer(struct pair *pair)
{
	pthread_mutex_lock(&lock);
	if (pair->producer.consumer)
		pair_disconnect(&pair->producer, pair->producer.consumer);
	tdelete(pair, &producers, compare);
	pthread_mutex_unlock(&lock);
}

const struct registry registry_tree = {
	.add_consumer = add_consumer,
	.add_producer = add_producer,
	.del_consumer = del_consumer,
	.del_producer = del_producer,
};

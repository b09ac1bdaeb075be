// SPDX-License-Identifier: BSD-3-Clause
/* The table of bound eventfds.  Each shard's lock is a leaf. */
#include "token.h"
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define SHARD_BITS 6
#define NR_SHARDS (1u << SHARD_BITS)
#define MIN_BUCKETS 16u

struct shard {
	pthread_mutex_t lock;
	struct token **buckets;
	size_t nr_buckets; /* a power of two, or 0 */
	size_t count;
} __attribute__((aligned(64)));

static struct shard shards[NR_SHARDS] = {
	[0 ... NR_SHARDS - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER},
};

/* Ids count up, so spread them (Fibonacci hashing). */
static uint64_t hash_id(uint64_t id)
{
	return id * UINT64_C(0x9e3779b97f4a7c15);
}

static struct shard *shard_of(uint64_t hash)
{
	return &shards[hash >> (64 - SHARD_BITS)];
}

static struct token **bucket_of(const struct shard *shard, uint64_t hash)
{
	return &shard->buckets[(hash >> 20) & (shard->nr_buckets - 1)];
}

static int shard_grow(struct shard *shard)
{
	size_t old_nr = shard->nr_buckets;
	size_t nr = old_nr ? old_nr * 2 : MIN_BUCKETS;
	struct token **old = shard->buckets;
	struct token **buckets = calloc(nr, sizeof(struct token *));

	if (!buckets)
		return -ENOMEM;
	shard->buckets = buckets;
	shard->nr_buckets = nr;
	for (size_t i = 0; i < old_nr; i++) {
		struct token *token = old[i], *next;

		for (; token; token = next) {
			struct token **bucket =
				bucket_of(shard, hash_id(token->id));

			next = token->next;
			token->next = *bucket;
			*bucket = token;
		}
	}
	free(old);
	return 0;
}

/* The link that leads to @id's token, or to NULL at the end of its chain. */
static struct token **find_link(struct shard *shard, uint64_t hash, uint64_t id)
{
	struct token **link = bucket_of(shard, hash);

	while (*link && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

int token_claim(struct token *token)
{
	uint64_t hash = hash_id(token->id);
	struct shard *shard = shard_of(hash);
	struct token **link;
	int rc = 0;

	pthread_mutex_lock(&shard->lock);
	/* A table that cannot grow is only slower, but it must exist. */
	if (shard->count >= shard->nr_buckets && shard_grow(shard) &&
	    !shard->nr_buckets) {
		rc = -ENOMEM;
		goto out;
	}
	link = find_link(shard, hash, token->id);
	if (*link) {
		rc = -EBUSY;
		goto out;
	}
	token->next = NULL;
	*link = token;
	shard->count++;
out:
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

void token_release(struct token *token)
{
	uint64_t hash = hash_id(token->id);
	struct shard *shard = shard_of(hash);
	struct token **link;

	pthread_mutex_lock(&shard->lock);
	link = find_link(shard, hash, token->id);
	*link = token->next;
	shard->count--;
	/* An idle process holds no memory. */
	if (!shard->count) {
		free(shard->buckets);
		shard->buckets = NULL;
		shard->nr_buckets = 0;
	}
	pthread_mutex_unlock(&shard->lock);
}

struct token *token_find(uint64_t id, const void *owner)
{
	uint64_t hash = hash_id(id);
	struct shard *shard = shard_of(hash);
	struct token *token = NULL;

	pthread_mutex_lock(&shard->lock);
	if (shard->nr_buckets)
		token = *find_link(shard, hash, id);
	/* Another owner's may be freed as soon as the lock is dropped. */
	if (token && token->owner != owner)
		token = NULL;
	pthread_mutex_unlock(&shard->lock);
	return token;
}

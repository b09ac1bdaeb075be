// SPDX-License-Identifier: BSD-3-Clause
/*
 * Many threads at the bypass manager and its table: registrations of the same
 * few eventfds and of many near ones; leaves that come and go under claims.
 */
#include "race.h"
#include <pthread.h>
#include <stdlib.h>
#include <urcu/compiler.h>
#include <virq/bypass.h>
#include "core/token.h"

#define NR_THREADS 4

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/*
 * What the callbacks of one eventfd do to each other.  Not atomic: the manager
 * lets in one at a time, or ThreadSanitizer tells.
 */
struct event {
	struct virq_eventfd_info info;
	unsigned int inside; /* between stop and start */
	bool half; /* add_consumer was, add_producer was not */
	bool connected;
	unsigned long connects;
	unsigned long disconnects;
	unsigned long bad;
};

struct producer {
	struct virq_bypass_producer base;
	struct event *event;
	bool called; /* may be called back now */
	bool refuses;
};

struct consumer {
	struct virq_bypass_consumer base;
	struct event *event;
	bool called;
	bool refuses;
};

static struct producer *producer_of(struct virq_bypass_producer *base)
{
	return caa_container_of(base, struct producer, base);
}

static struct consumer *consumer_of(struct virq_bypass_consumer *base)
{
	return caa_container_of(base, struct consumer, base);
}

static void producer_stop(struct virq_bypass_producer *base)
{
	struct producer *p = producer_of(base);

	p->event->bad += !p->called || p->event->inside++ != 0;
}

static void consumer_stop(struct virq_bypass_consumer *base)
{
	struct consumer *c = consumer_of(base);

	c->event->bad += !c->called || c->event->inside++ != 1;
}

static void consumer_start(struct virq_bypass_consumer *base)
{
	struct consumer *c = consumer_of(base);

	c->event->bad += !c->called || c->event->inside-- != 2;
}

static void producer_start(struct virq_bypass_producer *base)
{
	struct producer *p = producer_of(base);

	p->event->bad += !p->called || p->event->inside-- != 1;
	p->event->bad += p->event->half;
}

static int add_consumer(struct virq_bypass_producer *base,
			struct virq_bypass_consumer *peer)
{
	struct producer *p = producer_of(base);
	struct event *event = p->event;

	event->bad += !p->called || event->inside != 2 || event->half ||
		      event->connected || consumer_of(peer)->event != event;
	if (p->refuses)
		return -EXDEV;
	event->half = true;
	return 0;
}

static int add_producer(struct virq_bypass_consumer *base,
			struct virq_bypass_producer *peer)
{
	struct consumer *c = consumer_of(base);
	struct event *event = c->event;

	event->bad += !c->called || event->inside != 2 || !event->half ||
		      event->connected || producer_of(peer)->event != event;
	if (c->refuses)
		return -EXDEV;
	event->half = false;
	event->connected = true;
	event->connects++;
	return 0;
}

static void del_producer(struct virq_bypass_consumer *base,
			 struct virq_bypass_producer *peer)
{
	struct consumer *c = consumer_of(base);
	struct event *event = c->event;

	event->bad += !c->called || event->inside != 2 || event->half ||
		      !event->connected || producer_of(peer)->event != event;
	event->half = true;
	event->connected = false;
	event->disconnects++;
}

static void del_consumer(struct virq_bypass_producer *base,
			 struct virq_bypass_consumer *peer)
{
	struct producer *p = producer_of(base);
	struct event *event = p->event;

	event->bad += !p->called || event->inside != 2 || !event->half ||
		      consumer_of(peer)->event != event;
	event->half = false;
}

static const struct virq_bypass_producer producer_callbacks = {
	.add_consumer = add_consumer,
	.del_consumer = del_consumer,
	.stop = producer_stop,
	.start = producer_start,
};

static const struct virq_bypass_consumer consumer_callbacks = {
	.add_producer = add_producer,
	.del_producer = del_producer,
	.stop = consumer_stop,
	.start = consumer_start,
};

static bool is_expected(int rc)
{
	return rc == 0 || rc == -EBUSY || rc == -EXDEV;
}

/* Register and unregister a producer, unless another is in the way. */
static unsigned long a_producer(struct event *event, uint32_t random)
{
	struct producer p = {.base = producer_callbacks, .event = event};
	unsigned long bad = 0;
	int rc;

	p.called = true;
	p.refuses = random % 8 == 0;
	rc = virq_bypass_register_producer(&p.base, &event->info, 1);
	bad += !is_expected(rc);
	if (!rc)
		race_jitter(random, 1);
	virq_bypass_unregister_producer(&p.base);
	/* Whoever calls back now does so into a stack frame that is gone. */
	p.called = false;
	return bad;
}

static unsigned long a_consumer(struct event *event, uint32_t random)
{
	struct consumer c = {.base = consumer_callbacks, .event = event};
	unsigned long bad = 0;
	int rc;

	c.called = true;
	c.refuses = random % 8 == 0;
	rc = virq_bypass_register_consumer(&c.base, &event->info);
	bad += !is_expected(rc);
	if (!rc)
		race_jitter(random, 2);
	virq_bypass_unregister_consumer(&c.base);
	c.called = false;
	return bad;
}

struct worker {
	unsigned int number;
	unsigned long rounds;
	unsigned long bad;
	unsigned long won; /* claims */
};

static void run_workers(void *(*run)(void *), struct worker *workers,
			unsigned long rounds)
{
	pthread_t threads[NR_THREADS];

	for (unsigned int i = 0; i < NR_THREADS; i++) {
		workers[i] = (struct worker){.number = i, .rounds = rounds};
		assert_int_equal(
			pthread_create(&threads[i], NULL, run, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < NR_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_int_equal(workers[i].bad, 0);
}

/* Two in one leaf, one in another, one of the kind that has no kernel id. */
static struct event shared[] = {
	{.info = {.id = 500}},
	{.info = {.id = 501}},
	{.info = {.id = 90000}},
	{.info = {.id = (UINT64_C(1) << 63) + 3}},
};

#define NR_SHARED (sizeof(shared) / sizeof(shared[0]))

static void *both_kinds(void *opaque)
{
	struct worker *w = opaque;
	uint32_t random = w->number;

	for (unsigned long n = 0; n < w->rounds; n++) {
		uint32_t r = next_random(&random);
		struct event *event = &shared[(r >> 4) % NR_SHARED];

		w->bad += r & 8 ? a_producer(event, r >> 6)
				: a_consumer(event, r >> 6);
	}
	return NULL;
}

/*
 * Producers and consumers of the same few eventfds, some of which refuse: pairs
 * connect and disconnect in turn, one callback at a time, and none to what is
 * unregistered.
 */
static void registrations_of_the_same_eventfds(void **state)
{
	struct worker workers[NR_THREADS];
	unsigned long connects = 0;

	(void)state;
	run_workers(both_kinds, workers, race_rounds(60000));
	for (size_t i = 0; i < NR_SHARED; i++) {
		assert_int_equal(shared[i].bad, 0);
		assert_int_equal(shared[i].inside, 0);
		assert_false(shared[i].connected);
		assert_int_equal(shared[i].connects, shared[i].disconnects);
		connects += shared[i].connects;
	}
	assert_true(connects > 0);
}

#define NR_OWN 512

/* Every fourth eventfd is a thread's own, so that all are in each leaf. */
static void *own_ones(void *opaque)
{
	struct worker *w = opaque;
	struct producer *p = calloc(NR_OWN, sizeof(*p));
	struct consumer *c = calloc(NR_OWN, sizeof(*c));
	struct event *events = calloc(NR_OWN, sizeof(*events));

	if (!p || !c || !events) {
		w->bad++;
		goto out;
	}
	for (size_t i = 0; i < NR_OWN; i++) {
		events[i].info.id = 1000 + i * NR_THREADS + w->number;
		p[i] = (struct producer){producer_callbacks, &events[i],
					 .called = true};
		c[i] = (struct consumer){consumer_callbacks, &events[i],
					 .called = true};
	}
	for (unsigned long n = 0; n < w->rounds; n++) {
		for (size_t i = 0; i < NR_OWN; i++)
			w->bad += virq_bypass_register_consumer(
					  &c[i].base, &events[i].info) != 0;
		for (size_t i = 0; i < NR_OWN; i++)
			w->bad += virq_bypass_register_producer(
					  &p[i].base, &events[i].info, 1) != 0;
		for (size_t i = 0; i < NR_OWN; i++)
			w->bad += !events[i].connected;
		for (size_t i = 0; i < NR_OWN; i++) {
			virq_bypass_unregister_producer(&p[i].base);
			virq_bypass_unregister_consumer(&c[i].base);
		}
	}
	for (size_t i = 0; i < NR_OWN; i++)
		w->bad += events[i].bad || events[i].connected ||
			  events[i].connects != w->rounds ||
			  events[i].disconnects != w->rounds;
out:
	free(p);
	free(c);
	free(events);
	return NULL;
}

static void registrations_of_neighbours(void **state)
{
	struct worker workers[NR_THREADS];

	(void)state;
	run_workers(own_ones, workers, race_rounds(500));
}

/* So far apart that each has a leaf, and every few of them a branch. */
#define NR_FAR 256
#define FAR_STEP 4001

static atomic_uint owners[NR_FAR];

static void *claim_far_ones(void *opaque)
{
	struct worker *w = opaque;
	uint32_t random = w->number;

	for (unsigned long n = 0; n < w->rounds; n++) {
		uint32_t i = next_random(&random) % NR_FAR;
		struct token token = {.id = (uint64_t)i * FAR_STEP, .owner = w};
		int rc = token_claim(&token);

		if (rc) {
			w->bad += rc != -EBUSY;
			w->bad += token_find(token.id, w) != NULL;
			continue;
		}
		w->won++;
		w->bad += atomic_exchange(&owners[i], w->number + 1) != 0;
		w->bad += token_find(token.id, w) != &token;
		w->bad += atomic_exchange(&owners[i], 0) != w->number + 1;
		token_release(&token);
	}
	return NULL;
}

/* Leaves die and are born again under the claims: an eventfd has one owner. */
static void claims_while_leaves_come_and_go(void **state)
{
	struct worker workers[NR_THREADS];

	(void)state;
	run_workers(claim_far_ones, workers, race_rounds(100000));
	for (unsigned int i = 0; i < NR_THREADS; i++)
		assert_true(workers[i].won > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registrations_of_the_same_eventfds),
		cmocka_unit_test(registrations_of_neighbours),
		cmocka_unit_test(claims_while_leaves_come_and_go),
	};

	return cmocka_run_group_tests_name("race bypass", tests, NULL, NULL);
}

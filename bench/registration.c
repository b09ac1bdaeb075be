// SPDX-License-Identifier: BSD-3-Clause
#include "registration.h"
#include "cpus.h"
#include "core/clock.h"

#include <errno.h>
#include <stdatomic.h>

#define FIRST_ID 1000
#define BLOCK 32 /* the interrupts of a device */

static int accept_producer(struct virq_bypass_consumer *consumer,
			   struct virq_bypass_producer *producer)
{
	(void)consumer;
	(void)producer;
	return 0;
}

static void drop_producer(struct virq_bypass_consumer *consumer,
			  struct virq_bypass_producer *producer)
{
	(void)consumer;
	(void)producer;
}

void field_init(struct field *field)
{
	for (size_t i = 0; i < field->nr; i++) {
		field->pairs[i].consumer.add_producer = accept_producer;
		field->pairs[i].consumer.del_producer = drop_producer;
	}
}

void field_number(struct field *field, bool random)
{
	uint64_t state = 1;

	for (size_t i = 0; i < field->nr; i++)
		field->pairs[i].eventfd.id = FIRST_ID + i;
	if (!random)
		return;
	/* Fisher and Yates' shuffle. */
	for (size_t i = field->nr - 1; i > 0; i--) {
		uint64_t *a = &field->pairs[i].eventfd.id, *b, id = *a;

		state = state * UINT64_C(6364136223846793005) + 1;
		b = &field->pairs[(state >> 33) % (i + 1)].eventfd.id;
		*a = *b;
		*b = id;
	}
}

/* Take out those from @first to before @end that are registered. */
static void take_out(struct field *field, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		field->registry->del_producer(&field->pairs[i]);
		field->registry->del_consumer(&field->pairs[i]);
	}
}

int field_place(struct field *field)
{
	const struct registry *registry = field->registry;

	for (size_t i = 0; i < field->placed; i++) {
		struct pair *pair = &field->pairs[i];
		int ret;

		if (registry->place) {
			registry->place(pair);
			continue;
		}
		ret = registry->add_consumer(pair);
		if (!ret) {
			ret = registry->add_producer(pair);
			if (ret)
				registry->del_consumer(pair);
		}
		if (ret) {
			field->placed = i;
			return ret;
		}
	}
	return 0;
}

void field_clear(struct field *field)
{
	take_out(field, 0, field->placed);
}

enum signal {
	WAIT,
	GO,
	GIVE_UP,
};

/* One thread's part. */
struct runner {
	struct field *field;
	atomic_int *signal;
	unsigned int number;
	unsigned int nr_threads;
	bool each;
	struct registration result; /* sums */
	size_t nr_consumers;
	size_t nr_producers;
	int ret;
};

static int time_one(struct runner *r, int (*add)(struct pair *pair),
		    struct pair *pair)
{
	uint64_t start = now_ns();
	int ret = add(pair);
	double ns = (double)(now_ns() - start);

	if (ns > r->result.worst_ns)
		r->result.worst_ns = ns;
	return ret;
}

static int run_side(struct runner *r, int (*add)(struct pair *pair),
		    size_t *count)
{
	const struct field *field = r->field;
	size_t share = (field->nr - field->placed) / r->nr_threads;
	size_t block = share < BLOCK ? share : BLOCK;
	size_t first = field->placed + r->number * block;

	for (; first < field->nr; first += block * r->nr_threads) {
		size_t end = first + block;

		for (size_t i = first; i < end && i < field->nr; i++) {
			struct pair *pair = &field->pairs[i];
			int ret = r->each ? time_one(r, add, pair) : add(pair);

			if (ret)
				return ret;
			++*count;
		}
	}
	return 0;
}

static void *run(void *opaque)
{
	struct runner *r = opaque;
	const struct registry *registry = r->field->registry;
	uint64_t start, middle;
	int signal;

	while ((signal = atomic_load(r->signal)) == WAIT)
		cpus_relax();
	if (signal == GIVE_UP)
		return NULL;
	start = now_ns();
	r->ret = run_side(r, registry->add_consumer, &r->nr_consumers);
	middle = now_ns();
	if (!r->ret)
		r->ret = run_side(r, registry->add_producer, &r->nr_producers);
	r->result.consumer_ns = (double)(middle - start);
	r->result.producer_ns = (double)(now_ns() - middle);
	return NULL;
}

/* Every other thread on the main thread's CPU. */
static int start_and_join(struct runner *runners, unsigned int nr)
{
	pthread_t threads[REGISTRATION_THREADS];
	atomic_int signal = WAIT;
	unsigned int started = 1;
	int ret = 0;

	for (unsigned int i = 0; i < nr; i++)
		runners[i].signal = &signal;
	while (started < nr) {
		ret = (started % 2 ? cpus_thread : cpus_thread_on_main)(
			&threads[started], run, &runners[started]);
		if (ret)
			break;
		started++;
	}
	atomic_store(&signal, ret ? GIVE_UP : GO);
	run(&runners[0]);
	while (--started > 0)
		pthread_join(threads[started], NULL);
	return ret;
}

int field_register(struct field *field, unsigned int nr_threads, bool each,
		   struct registration *result)
{
	struct runner runners[REGISTRATION_THREADS];
	int ret;

	for (unsigned int i = 0; i < nr_threads; i++)
		runners[i] = (struct runner){
			.field = field,
			.number = i,
			.nr_threads = nr_threads,
			.each = each,
		};
	ret = start_and_join(runners, nr_threads);
	*result = (struct registration){0};
	for (unsigned int i = 0; i < nr_threads && !ret; i++) {
		const struct runner *r = &runners[i];

		ret = r->ret;
		if (ret)
			break;
		result->consumer_ns += r->result.consumer_ns /
				       (double)r->nr_consumers / nr_threads;
		result->producer_ns += r->result.producer_ns /
				       (double)r->nr_producers / nr_threads;
		if (r->result.worst_ns > result->worst_ns)
			result->worst_ns = r->result.worst_ns;
	}
	take_out(field, field->placed, field->nr);
	return ret;
}

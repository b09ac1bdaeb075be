// SPDX-License-Identifier: BSD-3-Clause
/*
 * The same random calls on our bypass manager and on the kernel's, which
 * module/virq_bypass_oracle.c drives: the traces are compared event by event.
 */
#include "../../unit/kvm_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <virq/bypass.h>
#include "test_bypass.h"

typedef struct virq_bypass_producer bypass_producer;
typedef struct virq_bypass_consumer bypass_consumer;

#include "module/sequence.h"

static struct virq_eventfd_info eventfds[SEQUENCE_TOKENS];

static const struct virq_eventfd_info *token_eventfd(unsigned int token)
{
	return token == SEQUENCE_NO_TOKEN ? NULL : &eventfds[token];
}

/*
 * What the kernel's manager of 6.1 does not have: the objects tell whom they
 * are connected to.  It must be what our callbacks were told.
 */
static void check_bindings(const struct sequence *sequence)
{
	const bypass_consumer *bound[SEQUENCE_PRODUCERS] = {NULL};

	for (unsigned int i = 0; i < SEQUENCE_CONSUMERS; i++) {
		const struct sequence_consumer *consumer =
			&sequence->consumers[i];
		const struct sequence_producer *peer = consumer->peer;

		assert_ptr_equal(consumer->base.producer,
				 peer ? &peer->base : NULL);
		if (peer)
			bound[peer->id] = &consumer->base;
	}
	for (unsigned int i = 0; i < SEQUENCE_PRODUCERS; i++)
		assert_ptr_equal(sequence->producers[i].base.consumer,
				 bound[i]);
}

static int manager_register_producer(struct sequence_producer *producer,
				     unsigned int token)
{
	int rc = virq_bypass_register_producer(&producer->base,
					       token_eventfd(token), 0);

	check_bindings(producer->sequence);
	return rc;
}

static int manager_register_consumer(struct sequence_consumer *consumer,
				     unsigned int token)
{
	int rc = virq_bypass_register_consumer(&consumer->base,
					       token_eventfd(token));

	check_bindings(consumer->sequence);
	return rc;
}

static void manager_unregister_producer(struct sequence_producer *producer)
{
	virq_bypass_unregister_producer(&producer->base);
	check_bindings(producer->sequence);
}

static void manager_unregister_consumer(struct sequence_consumer *consumer)
{
	virq_bypass_unregister_consumer(&consumer->base);
	check_bindings(consumer->sequence);
}

/* @i-th of @nr events, in @line. */
static void describe(const struct event *events, size_t nr, size_t i,
		     char line[64])
{
	static const char *const names[EVENT_TYPES] = {
		[EVENT_REGISTER_PRODUCER] = "register producer",
		[EVENT_REGISTER_CONSUMER] = "register consumer",
		[EVENT_UNREGISTER_PRODUCER] = "unregister producer",
		[EVENT_UNREGISTER_CONSUMER] = "unregister consumer",
		[EVENT_ANSWER] = "=",
		[EVENT_PRODUCER_STOP] = "  producer stop",
		[EVENT_PRODUCER_START] = "  producer start",
		[EVENT_PRODUCER_ADD] = "  producer add_consumer",
		[EVENT_PRODUCER_DEL] = "  producer del_consumer",
		[EVENT_CONSUMER_STOP] = "  consumer stop",
		[EVENT_CONSUMER_START] = "  consumer start",
		[EVENT_CONSUMER_ADD] = "  consumer add_producer",
		[EVENT_CONSUMER_DEL] = "  consumer del_producer",
	};
	const struct event *event = &events[i];

	if (i >= nr)
		snprintf(line, 64, "(end)");
	else if (event->type >= EVENT_TYPES)
		snprintf(line, 64, "(unknown event %u)", event->type);
	else
		snprintf(line, 64, "%s %u, %u: %d", names[event->type],
			 event->object, event->peer, event->rc);
}

static void print_difference(unsigned int number, const struct event *kernels,
			     size_t nr_kernels, const struct event *ours,
			     size_t nr_ours)
{
	bool same = true;

	print_message("# sequence %u: irqbypass.ko | virq\n", number);
	for (size_t i = 0; same && (i < nr_kernels || i < nr_ours); i++) {
		char kernel[64], our[64];

		describe(kernels, nr_kernels, i, kernel);
		describe(ours, nr_ours, i, our);
		same = !strcmp(kernel, our);
		print_message("# %c %-34s | %s\n", same ? ' ' : '!', kernel,
			      our);
	}
}

/* How often each event and each answer came: nothing may be left out. */
struct coverage {
	unsigned int types[EVENT_TYPES];
	unsigned int answered_0;
	unsigned int answered_ebusy;
	unsigned int answered_einval;
	unsigned int producer_refused;
	unsigned int consumer_refused;
};

static void cover(struct coverage *coverage, const struct event *events,
		  size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		const struct event *event = &events[i];

		coverage->types[event->type]++;
		if (event->type == EVENT_ANSWER) {
			coverage->answered_0 += !event->rc;
			coverage->answered_ebusy += event->rc == -EBUSY;
			coverage->answered_einval += event->rc == -EINVAL;
		}
		coverage->producer_refused +=
			event->type == EVENT_PRODUCER_ADD && event->rc;
		coverage->consumer_refused +=
			event->type == EVENT_CONSUMER_ADD && event->rc;
	}
}

static void check_coverage(const struct coverage *coverage)
{
	for (int type = 0; type < EVENT_TYPES; type++)
		assert_true(coverage->types[type] > 0);
	assert_true(coverage->answered_0 > 0);
	assert_true(coverage->answered_ebusy > 0);
	assert_true(coverage->answered_einval > 0);
	assert_true(coverage->producer_refused > 0);
	assert_true(coverage->consumer_refused > 0);
	print_message("# %u calls; connects %u, refused by the producer %u, by "
		      "the consumer %u; disconnects %u; EBUSY %u, EINVAL %u\n",
		      coverage->types[EVENT_ANSWER],
		      coverage->types[EVENT_CONSUMER_ADD] -
			      coverage->consumer_refused,
		      coverage->producer_refused, coverage->consumer_refused,
		      coverage->types[EVENT_CONSUMER_DEL],
		      coverage->answered_ebusy, coverage->answered_einval);
}

void traces_are_irqbypass_kos(void **state)
{
	static struct event kernels[SEQUENCE_EVENTS];
	static struct sequence ours;
	struct coverage coverage = {.types = {0}};
	int oracle = open("/dev/" SEQUENCE_DEVICE, O_RDONLY | O_CLOEXEC);
	int fds[SEQUENCE_TOKENS];

	(void)state;
	assert_true(oracle >= 0);
	for (int i = 0; i < SEQUENCE_TOKENS; i++) {
		fds[i] = fixture_eventfd();
		assert_int_equal(virq_eventfd_query(fds[i], &eventfds[i]), 0);
	}
	for (unsigned int number = 0; number < ORACLE_SEQUENCES; number++) {
		ssize_t size = pread(oracle, kernels, sizeof(kernels), number);
		size_t nr_kernels = (size_t)size / sizeof(kernels[0]);

		assert_true(size > 0);
		memset(&ours, 0, sizeof(ours));
		sequence_run(&ours, number);
		assert_true(ours.nr_events <= SEQUENCE_EVENTS);
		if (nr_kernels != ours.nr_events ||
		    memcmp(kernels, ours.events, (size_t)size) != 0) {
			print_difference(number, kernels, nr_kernels,
					 ours.events, ours.nr_events);
			fail();
		}
		cover(&coverage, kernels, nr_kernels);
	}
	check_coverage(&coverage);
	for (int i = 0; i < SEQUENCE_TOKENS; i++)
		close(fds[i]);
	close(oracle);
}

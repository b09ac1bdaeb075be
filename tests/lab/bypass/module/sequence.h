/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random calls on a bypass manager, and a trace of what came of them.
 *
 * One text for two programs: a kernel module that drives Linux's irqbypass and
 * a test that drives ours.  A sequence is a function of its number and of what
 * the manager answers and calls back; so equal managers give equal traces, and
 * the first difference in behaviour is a difference in the trace.
 *
 * Who includes this has bool, NULL and errno values, has defined the types
 * bypass_producer and bypass_consumer, which have the callbacks as members of
 * the same names, and defines the four manager_*() functions.
 */
#ifndef BYPASS_SEQUENCE_H
#define BYPASS_SEQUENCE_H

#define SEQUENCE_DEVICE "virq-bypass-oracle"

#define SEQUENCE_CALLS 40
#define SEQUENCE_PRODUCERS 4
#define SEQUENCE_CONSUMERS 4
#define SEQUENCE_TOKENS 3 /* fewer than objects: duplicates are common */
#define SEQUENCE_NO_TOKEN SEQUENCE_TOKENS /* register with NULL */

/* A call makes at most a dozen events; more are counted, but not kept. */
#define SEQUENCE_EVENTS 600

enum event_type {
	/* Calls; the answer of each is an event after its callbacks. */
	EVENT_REGISTER_PRODUCER,
	EVENT_REGISTER_CONSUMER,
	EVENT_UNREGISTER_PRODUCER,
	EVENT_UNREGISTER_CONSUMER,
	EVENT_ANSWER,
	/* Callbacks. */
	EVENT_PRODUCER_STOP,
	EVENT_PRODUCER_START,
	EVENT_PRODUCER_ADD,
	EVENT_PRODUCER_DEL,
	EVENT_CONSUMER_STOP,
	EVENT_CONSUMER_START,
	EVENT_CONSUMER_ADD,
	EVENT_CONSUMER_DEL,
	EVENT_TYPES
};

#define EVENT_NOBODY 0xff /* a peer that is none of ours */

struct event {
	unsigned char type; /* enum event_type */
	unsigned char object; /* which producer or consumer */
	unsigned char peer; /* ADD and DEL: the other; REGISTER: the token */
	unsigned char unused;
	int rc; /* ADD: what it answered; ANSWER: what the call did */
};

struct sequence;

struct sequence_producer {
	bypass_producer base;
	struct sequence *sequence;
	unsigned char id;
	bool registered;
};

struct sequence_consumer {
	bypass_consumer base;
	struct sequence *sequence;
	struct sequence_producer *peer; /* by our callbacks: connected to it */
	unsigned char id;
	bool registered;
};

struct sequence {
	unsigned long long random;
	struct sequence_producer producers[SEQUENCE_PRODUCERS];
	struct sequence_consumer consumers[SEQUENCE_CONSUMERS];
	unsigned int nr_events;
	struct event events[SEQUENCE_EVENTS];
};

/* The manager's calls; @token may be SEQUENCE_NO_TOKEN. */
static int manager_register_producer(struct sequence_producer *producer,
				     unsigned int token);
static int manager_register_consumer(struct sequence_consumer *consumer,
				     unsigned int token);
static void manager_unregister_producer(struct sequence_producer *producer);
static void manager_unregister_consumer(struct sequence_consumer *consumer);

/* 0 .. n - 1 (splitmix64). */
static unsigned int sequence_random(struct sequence *sequence, unsigned int n)
{
	unsigned long long x = sequence->random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (unsigned int)(x >> 33) % n;
}

static void sequence_event(struct sequence *sequence, enum event_type type,
			   unsigned char object, unsigned char peer, int rc)
{
	unsigned int nr = sequence->nr_events++;

	if (nr < SEQUENCE_EVENTS)
		sequence->events[nr] = (struct event){
			.type = (unsigned char)type,
			.object = object,
			.peer = peer,
			.rc = rc,
		};
}

/* Compared, not followed: a manager may be wrong about the peer. */
static unsigned char sequence_producer_id(const struct sequence *sequence,
					  const bypass_producer *producer)
{
	unsigned char i;

	for (i = 0; i < SEQUENCE_PRODUCERS; i++)
		if (producer == &sequence->producers[i].base)
			return i;
	return EVENT_NOBODY;
}

static unsigned char sequence_consumer_id(const struct sequence *sequence,
					  const bypass_consumer *consumer)
{
	unsigned char i;

	for (i = 0; i < SEQUENCE_CONSUMERS; i++)
		if (consumer == &sequence->consumers[i].base)
			return i;
	return EVENT_NOBODY;
}

static struct sequence_producer *to_producer(bypass_producer *producer)
{
	return (struct sequence_producer *)producer;
}

static struct sequence_consumer *to_consumer(bypass_consumer *consumer)
{
	return (struct sequence_consumer *)consumer;
}

/* What an add callback answers; whatever is not 0 is a failure to Linux. */
static int sequence_failure(struct sequence *sequence)
{
	static const int failures[] = {-EIO, -ENOMEM, -EBUSY, -EINVAL, 1};
	unsigned int pick = sequence_random(sequence, 15);

	return pick < sizeof(failures) / sizeof(failures[0]) ? failures[pick]
							     : 0;
}

static void producer_stop(bypass_producer *base)
{
	struct sequence_producer *producer = to_producer(base);

	sequence_event(producer->sequence, EVENT_PRODUCER_STOP, producer->id, 0,
		       0);
}

static void producer_start(bypass_producer *base)
{
	struct sequence_producer *producer = to_producer(base);

	sequence_event(producer->sequence, EVENT_PRODUCER_START, producer->id,
		       0, 0);
}

static int producer_add(bypass_producer *base, bypass_consumer *peer)
{
	struct sequence_producer *producer = to_producer(base);
	struct sequence *sequence = producer->sequence;
	int rc = sequence_failure(sequence);

	sequence_event(sequence, EVENT_PRODUCER_ADD, producer->id,
		       sequence_consumer_id(sequence, peer), rc);
	return rc;
}

static void producer_del(bypass_producer *base, bypass_consumer *peer)
{
	struct sequence_producer *producer = to_producer(base);
	struct sequence *sequence = producer->sequence;

	sequence_event(sequence, EVENT_PRODUCER_DEL, producer->id,
		       sequence_consumer_id(sequence, peer), 0);
}

static void consumer_stop(bypass_consumer *base)
{
	struct sequence_consumer *consumer = to_consumer(base);

	sequence_event(consumer->sequence, EVENT_CONSUMER_STOP, consumer->id, 0,
		       0);
}

static void consumer_start(bypass_consumer *base)
{
	struct sequence_consumer *consumer = to_consumer(base);

	sequence_event(consumer->sequence, EVENT_CONSUMER_START, consumer->id,
		       0, 0);
}

static int consumer_add(bypass_consumer *base, bypass_producer *peer)
{
	struct sequence_consumer *consumer = to_consumer(base);
	struct sequence *sequence = consumer->sequence;
	unsigned char id = sequence_producer_id(sequence, peer);
	int rc = sequence_failure(sequence);

	sequence_event(sequence, EVENT_CONSUMER_ADD, consumer->id, id, rc);
	if (!rc && id != EVENT_NOBODY)
		consumer->peer = &sequence->producers[id];
	return rc;
}

static void consumer_del(bypass_consumer *base, bypass_producer *peer)
{
	struct sequence_consumer *consumer = to_consumer(base);
	struct sequence *sequence = consumer->sequence;

	sequence_event(sequence, EVENT_CONSUMER_DEL, consumer->id,
		       sequence_producer_id(sequence, peer), 0);
	consumer->peer = NULL;
}

static void call_register_producer(struct sequence *sequence,
				   struct sequence_producer *producer,
				   unsigned int token)
{
	bypass_producer *base = &producer->base;
	int rc;

	/* All optional.  While it is registered they are the manager's. */
	if (!producer->registered) {
		base->stop =
			sequence_random(sequence, 4) ? producer_stop : NULL;
		base->start =
			sequence_random(sequence, 4) ? producer_start : NULL;
		base->add_consumer =
			sequence_random(sequence, 4) ? producer_add : NULL;
		base->del_consumer =
			sequence_random(sequence, 4) ? producer_del : NULL;
	}
	sequence_event(sequence, EVENT_REGISTER_PRODUCER, producer->id,
		       (unsigned char)token, 0);
	rc = manager_register_producer(producer, token);
	if (!rc)
		producer->registered = true;
	sequence_event(sequence, EVENT_ANSWER, producer->id, 0, rc);
}

static void call_register_consumer(struct sequence *sequence,
				   struct sequence_consumer *consumer,
				   unsigned int token)
{
	bypass_consumer *base = &consumer->base;
	int rc;

	if (!consumer->registered) {
		base->stop =
			sequence_random(sequence, 4) ? consumer_stop : NULL;
		base->start =
			sequence_random(sequence, 4) ? consumer_start : NULL;
		/* Required: without one of them it is refused. */
		base->add_producer =
			sequence_random(sequence, 16) ? consumer_add : NULL;
		base->del_producer =
			sequence_random(sequence, 16) ? consumer_del : NULL;
	}
	sequence_event(sequence, EVENT_REGISTER_CONSUMER, consumer->id,
		       (unsigned char)token, 0);
	rc = manager_register_consumer(consumer, token);
	if (!rc)
		consumer->registered = true;
	sequence_event(sequence, EVENT_ANSWER, consumer->id, 0, rc);
}

static void call_unregister_producer(struct sequence *sequence,
				     struct sequence_producer *producer)
{
	sequence_event(sequence, EVENT_UNREGISTER_PRODUCER, producer->id, 0, 0);
	manager_unregister_producer(producer);
	producer->registered = false;
	sequence_event(sequence, EVENT_ANSWER, producer->id, 0, 0);
}

static void call_unregister_consumer(struct sequence *sequence,
				     struct sequence_consumer *consumer)
{
	sequence_event(sequence, EVENT_UNREGISTER_CONSUMER, consumer->id, 0, 0);
	manager_unregister_consumer(consumer);
	consumer->registered = false;
	sequence_event(sequence, EVENT_ANSWER, consumer->id, 0, 0);
}

/* Any call on any object, whatever it is at. */
static void sequence_call(struct sequence *sequence)
{
	bool is_producer = sequence_random(sequence, 2);
	bool is_register = sequence_random(sequence, 5) < 3;
	unsigned int token =
		sequence_random(sequence, 16)
			? sequence_random(sequence, SEQUENCE_TOKENS)
			: SEQUENCE_NO_TOKEN;
	struct sequence_producer *producer =
		&sequence->producers[sequence_random(sequence,
						     SEQUENCE_PRODUCERS)];
	struct sequence_consumer *consumer =
		&sequence->consumers[sequence_random(sequence,
						     SEQUENCE_CONSUMERS)];

	if (is_producer && is_register)
		call_register_producer(sequence, producer, token);
	else if (is_producer)
		call_unregister_producer(sequence, producer);
	else if (is_register)
		call_register_consumer(sequence, consumer, token);
	else
		call_unregister_consumer(sequence, consumer);
}

/* Run sequence @number.  *@sequence is all zeroes; nothing stays registered. */
static void sequence_run(struct sequence *sequence, unsigned long long number)
{
	unsigned int i;

	sequence->random = number;
	for (i = 0; i < SEQUENCE_PRODUCERS; i++) {
		sequence->producers[i].sequence = sequence;
		sequence->producers[i].id = (unsigned char)i;
	}
	for (i = 0; i < SEQUENCE_CONSUMERS; i++) {
		sequence->consumers[i].sequence = sequence;
		sequence->consumers[i].id = (unsigned char)i;
	}
	for (i = 0; i < SEQUENCE_CALLS; i++)
		sequence_call(sequence);
	/* From the first side in every second sequence, from the other else. */
	if (number % 2)
		for (i = 0; i < SEQUENCE_CONSUMERS; i++)
			call_unregister_consumer(sequence,
						 &sequence->consumers[i]);
	for (i = 0; i < SEQUENCE_PRODUCERS; i++)
		call_unregister_producer(sequence, &sequence->producers[i]);
	for (i = 0; i < SEQUENCE_CONSUMERS; i++)
		call_unregister_consumer(sequence, &sequence->consumers[i]);
}

#endif

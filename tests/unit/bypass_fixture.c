// SPDX-License-Identifier: BSD-3-Clause
#include "bypass_fixture.h"
#include <stdio.h>
#include <string.h>
#include <urcu/compiler.h>

/* What happened, a word each. */
static char trace[256];

static void note(const char *word)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, len ? " %s" : "%s", word);
}

void expect_trace(const char *expected)
{
	assert_string_equal(trace, expected);
	trace[0] = '\0';
}

static int add_consumer(struct virq_bypass_producer *base,
			struct virq_bypass_consumer *peer)
{
	struct producer *p = caa_container_of(base, struct producer, base);

	note("p+");
	p->added = peer;
	return p->add_rc;
}

static void del_consumer(struct virq_bypass_producer *base,
			 struct virq_bypass_consumer *peer)
{
	struct producer *p = caa_container_of(base, struct producer, base);

	note("p-");
	assert_ptr_equal(p->added, peer);
	p->added = NULL;
}

static void producer_stop(struct virq_bypass_producer *base)
{
	(void)base;
	note("pstop");
}

static void producer_start(struct virq_bypass_producer *base)
{
	struct producer *p = caa_container_of(base, struct producer, base);

	note("pstart");
	p->bound_in_start = base->consumer;
}

static int add_producer(struct virq_bypass_consumer *base,
			struct virq_bypass_producer *peer)
{
	struct consumer *c = caa_container_of(base, struct consumer, base);

	note("c+");
	c->added = peer;
	if (c->on_add)
		c->on_add(c);
	return c->add_rc;
}

static void del_producer(struct virq_bypass_consumer *base,
			 struct virq_bypass_producer *peer)
{
	struct consumer *c = caa_container_of(base, struct consumer, base);

	note("c-");
	assert_ptr_equal(c->added, peer);
	c->added = NULL;
}

static void consumer_stop(struct virq_bypass_consumer *base)
{
	(void)base;
	note("cstop");
}

static void consumer_start(struct virq_bypass_consumer *base)
{
	struct consumer *c = caa_container_of(base, struct consumer, base);

	note("cstart");
	c->bound_in_start = base->producer;
}

struct producer new_producer(void)
{
	return (struct producer){
		.base = {.add_consumer = add_consumer,
			 .del_consumer = del_consumer,
			 .stop = producer_stop,
			 .start = producer_start},
	};
}

struct consumer new_consumer(void)
{
	return (struct consumer){
		.base = {.add_producer = add_producer,
			 .del_producer = del_producer,
			 .stop = consumer_stop,
			 .start = consumer_start},
	};
}

const struct virq_eventfd_info event = {.id = 1000};
const struct virq_eventfd_info neighbour = {.id = 1001};

int add_p(struct producer *p)
{
	return virq_bypass_register_producer(&p->base, &event, 7);
}

int add_c(struct consumer *c)
{
	return virq_bypass_register_consumer(&c->base, &event);
}

void del_p(struct producer *p)
{
	virq_bypass_unregister_producer(&p->base);
}

void del_c(struct consumer *c)
{
	virq_bypass_unregister_consumer(&c->base);
}

void expect_bound(const struct producer *p, const struct consumer *c)
{
	assert_ptr_equal(p->base.consumer, &c->base);
	assert_ptr_equal(c->base.producer, &p->base);
}

void expect_unbound(const struct producer *p, const struct consumer *c)
{
	assert_null(p->base.consumer);
	assert_null(c->base.producer);
}

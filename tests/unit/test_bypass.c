// SPDX-License-Identifier: BSD-3-Clause
/*
 * The bypass manager: which callbacks come in which order, what is refused, and
 * what is left after each refusal.  Linked with --wrap=aligned_alloc and
 * --wrap=calloc.
 */
#include "fake_irqchip.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/compiler.h>
#include <virq/bypass.h>
#include "core/eventfd.h"

/* What happened, a word each. */
static char trace[256];

static void note(const char *word)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, len ? " %s" : "%s", word);
}

static void expect_trace(const char *expected)
{
	assert_string_equal(trace, expected);
	trace[0] = '\0';
}

struct producer {
	struct virq_bypass_producer base;
	int add_rc;
	struct virq_bypass_consumer *added;
	struct virq_bypass_consumer *bound_in_start;
};

struct consumer {
	struct virq_bypass_consumer base;
	int add_rc;
	struct virq_bypass_producer *added;
	struct virq_bypass_producer *bound_in_start;
	void (*on_add)(struct consumer *consumer);
	void *opaque;
};

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

#define CONNECT "pstop cstop p+ c+ cstart pstart"
#define DISCONNECT "pstop cstop c- p- cstart pstart"
#define PRODUCER_REFUSES "pstop cstop p+ cstart pstart"
#define CONSUMER_REFUSES "pstop cstop p+ c+ p- cstart pstart"

static struct producer new_producer(void)
{
	return (struct producer){
		.base = {.add_consumer = add_consumer,
			 .del_consumer = del_consumer,
			 .stop = producer_stop,
			 .start = producer_start},
	};
}

static struct consumer new_consumer(void)
{
	return (struct consumer){
		.base = {.add_producer = add_producer,
			 .del_producer = del_producer,
			 .stop = consumer_stop,
			 .start = consumer_start},
	};
}

static const struct virq_eventfd_info event = {.id = 1000};
static const struct virq_eventfd_info neighbour = {.id = 1001};

static int add_p(struct producer *p)
{
	return virq_bypass_register_producer(&p->base, &event, 7);
}

static int add_c(struct consumer *c)
{
	return virq_bypass_register_consumer(&c->base, &event);
}

static void del_p(struct producer *p)
{
	virq_bypass_unregister_producer(&p->base);
}

static void del_c(struct consumer *c)
{
	virq_bypass_unregister_consumer(&c->base);
}

static void expect_bound(const struct producer *p, const struct consumer *c)
{
	assert_ptr_equal(p->base.consumer, &c->base);
	assert_ptr_equal(c->base.producer, &p->base);
}

static void expect_unbound(const struct producer *p, const struct consumer *c)
{
	assert_null(p->base.consumer);
	assert_null(c->base.producer);
}

/* Registered and waiting: a peer connects to it. */
static void expect_producer_waits(struct producer *p)
{
	struct consumer c = new_consumer();

	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	expect_bound(p, &c);
	del_c(&c);
	expect_trace(DISCONNECT);
}

static void expect_consumer_waits(struct consumer *c)
{
	struct producer p = new_producer();

	assert_int_equal(add_p(&p), 0);
	expect_trace(CONNECT);
	expect_bound(&p, c);
	del_p(&p);
	expect_trace(DISCONNECT);
}

/* Nobody is there: two new ones can come, and nothing is called for others. */
static void expect_nobody(void)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	expect_trace("");
	assert_int_equal(add_p(&p), 0);
	expect_trace("");
	del_p(&p);
	expect_trace("");
	assert_int_equal(add_c(&c), 0);
	expect_trace("");
	del_c(&c);
	expect_trace("");
}

static void the_second_to_register_connects(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	for (int consumer_first = 0; consumer_first < 2; consumer_first++) {
		assert_int_equal(consumer_first ? add_c(&c) : add_p(&p), 0);
		expect_trace("");
		expect_unbound(&p, &c);
		assert_int_equal(consumer_first ? add_p(&p) : add_c(&c), 0);
		expect_trace(CONNECT);
		expect_bound(&p, &c);
		assert_int_equal(p.base.irq, 7);
		del_p(&p);
		expect_trace(DISCONNECT);
		expect_unbound(&p, &c);
		del_c(&c);
		expect_nobody();
	}
}

static void either_side_disconnects(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	del_c(&c);
	expect_trace(DISCONNECT);
	expect_unbound(&p, &c);
	expect_producer_waits(&p);
	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	del_p(&p);
	expect_trace(DISCONNECT);
	expect_unbound(&p, &c);
	expect_consumer_waits(&c);
	del_c(&c);
	expect_nobody();
}

/* The pointers are set after the last callback, and cleared after the last. */
static void peers_are_bound_outside_the_callbacks(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(add_c(&c), 0);
	assert_null(p.bound_in_start);
	assert_null(c.bound_in_start);
	expect_trace(CONNECT);
	del_p(&p);
	assert_ptr_equal(p.bound_in_start, &c.base);
	assert_ptr_equal(c.bound_in_start, &p.base);
	expect_trace(DISCONNECT);
	del_c(&c);
}

/* Each side registers second, while @refusing makes one of them refuse. */
static void refused(struct producer *p, struct consumer *c,
		    const char *expected)
{
	assert_int_equal(add_p(p), 0);
	assert_int_equal(add_c(c), -EXDEV);
	expect_trace(expected);
	expect_unbound(p, c);
	assert_null(c->base.entry);
	/* What is not registered is not taken for the one that is. */
	del_c(c);
	expect_trace("");
	if (!p->add_rc)
		expect_producer_waits(p);
	del_p(p);
	expect_nobody();

	assert_int_equal(add_c(c), 0);
	assert_int_equal(add_p(p), -EXDEV);
	expect_trace(expected);
	expect_unbound(p, c);
	assert_null(p->base.entry);
	del_p(p);
	expect_trace("");
	if (!c->add_rc)
		expect_consumer_waits(c);

	/* It stayed; when both agree, a registration connects. */
	p->add_rc = c->add_rc = 0;
	assert_int_equal(add_p(p), 0);
	expect_trace(CONNECT);
	expect_bound(p, c);
	del_p(p);
	expect_trace(DISCONNECT);
	del_c(c);
	expect_nobody();
}

static void a_producer_refuses(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	p.add_rc = -EXDEV;
	refused(&p, &c, PRODUCER_REFUSES);
}

static void a_consumer_refuses(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	c.add_rc = -EXDEV;
	refused(&p, &c, CONSUMER_REFUSES);
}

static void most_callbacks_are_optional(void **state)
{
	struct producer p = {0};
	struct consumer c = {
		.base = {.add_producer = add_producer,
			 .del_producer = del_producer},
	};

	(void)state;
	assert_int_equal(add_p(&p), 0);
	c.add_rc = -EXDEV;
	assert_int_equal(add_c(&c), -EXDEV);
	expect_trace("c+");
	c.add_rc = 0;
	assert_int_equal(add_c(&c), 0);
	expect_trace("c+");
	expect_bound(&p, &c);
	del_p(&p);
	expect_trace("c-");
	del_c(&c);
	expect_nobody();
}

static void a_second_of_a_kind_is_busy(void **state)
{
	struct producer p = new_producer(), p2 = new_producer();
	struct consumer c = new_consumer(), c2 = new_consumer();

	(void)state;
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(add_p(&p2), -EBUSY);
	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	assert_int_equal(add_p(&p2), -EBUSY);
	assert_int_equal(add_c(&c2), -EBUSY);
	/* What was refused is not registered, and takes nobody with it. */
	del_p(&p2);
	del_c(&c2);
	expect_trace("");
	expect_bound(&p, &c);
	del_p(&p);
	expect_trace(DISCONNECT);
	assert_int_equal(add_c(&c2), -EBUSY);
	assert_int_equal(add_p(&p2), 0);
	expect_trace(CONNECT);
	expect_bound(&p2, &c);
	del_c(&c);
	expect_trace(DISCONNECT);
	del_p(&p2);
	expect_nobody();
}

static void what_is_invalid_is_refused(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	assert_int_equal(virq_bypass_register_producer(&p.base, NULL, 1),
			 -EINVAL);
	assert_int_equal(virq_bypass_register_consumer(&c.base, NULL), -EINVAL);
	c.base.add_producer = NULL;
	assert_int_equal(add_c(&c), -EINVAL);
	c = new_consumer();
	c.base.del_producer = NULL;
	assert_int_equal(add_c(&c), -EINVAL);
	c = new_consumer();
	expect_nobody();
}

static void a_registered_object_is_refused(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	assert_int_equal(virq_bypass_register_producer(&p.base, &event, 8),
			 -EINVAL);
	assert_int_equal(virq_bypass_register_producer(&p.base, &neighbour, 8),
			 -EINVAL);
	assert_int_equal(add_c(&c), -EINVAL);
	assert_int_equal(virq_bypass_register_consumer(&c.base, &neighbour),
			 -EINVAL);
	expect_trace("");
	expect_bound(&p, &c);
	assert_int_equal(p.base.irq, 7);
	del_c(&c);
	del_p(&p);
	expect_trace(DISCONNECT);
	expect_nobody();
}

static void unregistering_twice_is_as_once(void **state)
{
	struct producer p = new_producer(), other = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	del_p(&p);
	del_c(&c);
	assert_int_equal(add_p(&p), 0);
	del_p(&p);
	/* The eventfd has another producer now: it stays. */
	assert_int_equal(add_p(&other), 0);
	del_p(&p);
	assert_int_equal(add_c(&c), 0);
	expect_trace(CONNECT);
	expect_bound(&other, &c);
	del_c(&c);
	expect_trace(DISCONNECT);
	del_c(&c);
	expect_trace("");
	del_p(&other);
	expect_nobody();
}

static void an_object_registers_again_elsewhere(void **state)
{
	struct producer p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	assert_int_equal(add_p(&p), 0);
	del_p(&p);
	assert_int_equal(virq_bypass_register_producer(&p.base, &neighbour, 9),
			 0);
	assert_int_equal(p.base.irq, 9);
	assert_int_equal(add_c(&c), 0);
	expect_trace("");
	del_c(&c);
	assert_int_equal(virq_bypass_register_consumer(&c.base, &neighbour), 0);
	expect_trace(CONNECT);
	expect_bound(&p, &c);
	del_p(&p);
	del_c(&c);
	expect_trace(DISCONNECT);
}

/* Match @fd with a copy of it, and not with another eventfd. */
static void match_by(int (*query)(int fd, struct virq_eventfd_info *info))
{
	int fd = new_eventfd(0, 0), copy = dup(fd), other = new_eventfd(0, 0);
	struct virq_eventfd_info by_fd, by_copy, by_other;
	struct producer p = new_producer();
	struct consumer c = new_consumer(), far = new_consumer();

	assert_int_equal(query(fd, &by_fd), 0);
	assert_int_equal(query(copy, &by_copy), 0);
	assert_int_equal(query(other, &by_other), 0);
	assert_int_equal(virq_bypass_register_producer(&p.base, &by_fd, 1), 0);
	assert_int_equal(virq_bypass_register_consumer(&far.base, &by_other),
			 0);
	expect_trace("");
	assert_int_equal(virq_bypass_register_consumer(&c.base, &by_copy), 0);
	expect_trace(CONNECT);
	expect_bound(&p, &c);
	del_p(&p);
	del_c(&c);
	del_c(&far);
	expect_trace(DISCONNECT);
	eventfd_put(by_fd.id);
	eventfd_put(by_copy.id);
	eventfd_put(by_other.id);
	close(fd);
	close(copy);
	close(other);
}

static int query_by_kcmp(int fd, struct virq_eventfd_info *info)
{
	int rc;

	eventfd_no_procfs = true;
	rc = eventfd_get(-1, fd, info);
	eventfd_no_procfs = false;
	assert_true(rc || info->id >> 63);
	return rc;
}

static void copies_of_a_descriptor_match(void **state)
{
	(void)state;
	match_by(virq_eventfd_query);
	match_by(query_by_kcmp);
}

/* The allocation that fails: counts down, 0 is now, negative is never. */
static _Thread_local int fail_after = -1;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_calloc(size_t nr, size_t size);

static bool fails_now(void)
{
	return fail_after >= 0 && !fail_after--;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails_now() ? NULL : __real_calloc(nr, size);
}

/*
 * A place in the table where nobody was: eight branches and a leaf, of which
 * the nth attempt gets n.
 */
static void a_registration_survives_each_failed_allocation(void **state)
{
	struct virq_eventfd_info nowhere = {.id = UINT64_C(1) << 62};
	struct producer p = new_producer();
	struct consumer c = new_consumer();
	int failures = 0;

	(void)state;
	for (;; failures++) {
		int rc;

		fail_after = failures;
		rc = failures % 2
			     ? virq_bypass_register_producer(&p.base, &nowhere,
							     1)
			     : virq_bypass_register_consumer(&c.base, &nowhere);
		if (fail_after >= 0)
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_null(p.base.entry);
		assert_null(c.base.entry);
	}
	fail_after = -1;
	assert_int_equal(failures, 4);
	del_p(&p);
	del_c(&c);
	expect_trace("");
}

static void *connect_a_blocking_one(void *opaque)
{
	return (void *)(intptr_t)add_c(opaque);
}

static pthread_barrier_t in_callback;

static void block(struct consumer *c)
{
	(void)c;
	pthread_barrier_wait(&in_callback);
	pthread_barrier_wait(&in_callback);
}

/* A callback that sleeps keeps nobody waiting but its own eventfd. */
static void another_eventfd_does_not_wait(void **state)
{
	struct producer p = new_producer(), near_p = new_producer();
	struct consumer c = new_consumer(), near_c = new_consumer();
	pthread_t thread;
	void *rc;

	(void)state;
	c.on_add = block;
	pthread_barrier_init(&in_callback, NULL, 2);
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, connect_a_blocking_one, &c), 0);
	pthread_barrier_wait(&in_callback);
	expect_trace("pstop cstop p+ c+");
	assert_int_equal(
		virq_bypass_register_producer(&near_p.base, &neighbour, 1), 0);
	assert_int_equal(
		virq_bypass_register_consumer(&near_c.base, &neighbour), 0);
	expect_trace(CONNECT);
	del_p(&near_p);
	del_c(&near_c);
	expect_trace(DISCONNECT);
	pthread_barrier_wait(&in_callback);
	pthread_join(thread, &rc);
	assert_null(rc);
	expect_trace("cstart pstart");
	del_p(&p);
	del_c(&c);
	expect_trace(DISCONNECT);
	pthread_barrier_destroy(&in_callback);
}

static void register_the_neighbour(struct consumer *c)
{
	struct producer *p = c->opaque;

	assert_int_equal(virq_bypass_register_producer(&p->base, &neighbour, 1),
			 0);
}

static void a_callback_may_register_for_another_eventfd(void **state)
{
	struct producer p = new_producer(), near_p = new_producer();
	struct consumer c = new_consumer();

	(void)state;
	c.on_add = register_the_neighbour;
	c.opaque = &near_p;
	assert_int_equal(add_p(&p), 0);
	assert_int_equal(add_c(&c), 0);
	assert_non_null(near_p.base.entry);
	expect_trace(CONNECT);
	del_p(&near_p);
	del_p(&p);
	del_c(&c);
	expect_trace(DISCONNECT);
}

static void states_and_reasons_have_names(void **state)
{
	(void)state;
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_OFF),
			    "off");
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_WAITING),
			    "waiting");
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_POSTED),
			    "posted");
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_REMAPPED),
			    "remapped");
	for (int a = 0; a <= VIRQ_BYPASS_REASON_RESAMPLE; a++) {
		const char *text =
			virq_bypass_reason_text((enum virq_bypass_reason)a);

		assert_string_not_equal(text, "unknown");
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				text, virq_bypass_reason_text(
					      (enum virq_bypass_reason)b));
	}
	assert_string_equal(virq_bypass_reason_text((enum virq_bypass_reason)(
				    VIRQ_BYPASS_REASON_RESAMPLE + 1)),
			    "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_second_to_register_connects),
		cmocka_unit_test(either_side_disconnects),
		cmocka_unit_test(peers_are_bound_outside_the_callbacks),
		cmocka_unit_test(a_producer_refuses),
		cmocka_unit_test(a_consumer_refuses),
		cmocka_unit_test(most_callbacks_are_optional),
		cmocka_unit_test(a_second_of_a_kind_is_busy),
		cmocka_unit_test(what_is_invalid_is_refused),
		cmocka_unit_test(a_registered_object_is_refused),
		cmocka_unit_test(unregistering_twice_is_as_once),
		cmocka_unit_test(an_object_registers_again_elsewhere),
		cmocka_unit_test(copies_of_a_descriptor_match),
		cmocka_unit_test(
			a_registration_survives_each_failed_allocation),
		cmocka_unit_test(another_eventfd_does_not_wait),
		cmocka_unit_test(a_callback_may_register_for_another_eventfd),
		cmocka_unit_test(states_and_reasons_have_names),
	};

	return cmocka_run_group_tests_name("bypass", tests, NULL, NULL);
}

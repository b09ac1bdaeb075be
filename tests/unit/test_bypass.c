// SPDX-License-Identifier: BSD-3-Clause
/*
 * The bypass manager: which callbacks come in which order, what is refused, and
 * what is left after each refusal.
 */
#include "bypass_fixture.h"

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
	struct consumer c = new_consumer();

	c.base.stop = NULL;
	c.base.start = NULL;
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
	};

	return cmocka_run_group_tests_name("bypass", tests, NULL, NULL);
}

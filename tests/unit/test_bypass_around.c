// SPDX-License-Identifier: BSD-3-Clause
/*
 * The bypass manager and what is around it: eventfds by any descriptor, no
 * memory, callbacks that take their time.  Linked with --wrap=aligned_alloc and
 * --wrap=calloc.
 */
#include "bypass_fixture.h"
#include <stdlib.h>
#include "core/eventfd.h"

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
	assert_string_equal(virq_bypass_state_name(VIRQ_BYPASS_STATE_FORWARDED),
			    "forwarded");
	for (int a = 0; a <= VIRQ_BYPASS_REASON_OWNED; a++) {
		const char *text =
			virq_bypass_reason_text((enum virq_bypass_reason)a);

		assert_string_not_equal(text, "unknown");
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				text, virq_bypass_reason_text(
					      (enum virq_bypass_reason)b));
	}
	assert_string_equal(virq_bypass_reason_text((enum virq_bypass_reason)(
				    VIRQ_BYPASS_REASON_OWNED + 1)),
			    "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_of_a_descriptor_match),
		cmocka_unit_test(
			a_registration_survives_each_failed_allocation),
		cmocka_unit_test(another_eventfd_does_not_wait),
		cmocka_unit_test(a_callback_may_register_for_another_eventfd),
		cmocka_unit_test(states_and_reasons_have_names),
	};

	return cmocka_run_group_tests_name("bypass, around", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Which delivery answers which raise: crafted sequences for each clause of the
 * rule in cli/account.h, and random ones through a model of the real path.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>

#include "account.h"
#include "hist.h"

static int setup(void **state)
{
	*state = account_create();
	return !*state;
}

static int teardown(void **state)
{
	account_destroy(*state);
	return 0;
}

static void raise_at(struct account *account, uint64_t before, uint64_t after)
{
	assert_int_equal(account_raise(account, before, after), 0);
}

/* The device has ended: nothing more will be told. */
static void finish(struct account *account)
{
	account_upto(account, UINT64_MAX);
}

static void expect(struct account *account, uint64_t delivered,
		   uint64_t coalesced, uint64_t lost, uint64_t spurious)
{
	struct account_counts counts;

	account_finish(account);
	account_get(account, &counts);
	assert_int_equal(counts.delivered, delivered);
	assert_int_equal(counts.coalesced, coalesced);
	assert_int_equal(counts.lost, lost);
	assert_int_equal(counts.spurious, spurious);
	assert_int_equal(counts.raised, delivered + coalesced + lost);
	assert_int_equal(hist_count(account_latency(account)), delivered);
}

static uint64_t slowest(const struct account *account)
{
	return hist_max(account_latency(account));
}

static void latency_runs_from_before_the_raise(void **state)
{
	raise_at(*state, 100, 110);
	finish(*state);
	assert_true(account_delivery(*state, 150));
	expect(*state, 1, 0, 0, 0);
	assert_int_equal(slowest(*state), 50);
}

static void guest_may_take_it_before_the_write_returns(void **state)
{
	raise_at(*state, 100, 200);
	finish(*state);
	assert_true(account_delivery(*state, 120));
	expect(*state, 1, 0, 0, 0);
	assert_int_equal(slowest(*state), 20);
}

static void delivery_in_the_nanosecond_of_the_raise_answers_it(void **state)
{
	raise_at(*state, 100, 100);
	finish(*state);
	assert_true(account_delivery(*state, 100));
	expect(*state, 1, 0, 0, 0);
	assert_int_equal(slowest(*state), 0);
}

static void raises_of_one_delivery_coalesce(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 120, 130);
	raise_at(*state, 140, 150);
	finish(*state);
	assert_true(account_delivery(*state, 200));
	expect(*state, 1, 2, 0, 0);
	/* From the earliest raise that it answers. */
	assert_int_equal(slowest(*state), 100);
}

static void simultaneous_raises_coalesce(void **state)
{
	raise_at(*state, 100, 100);
	raise_at(*state, 100, 100);
	finish(*state);
	assert_true(account_delivery(*state, 100));
	expect(*state, 1, 1, 0, 0);
}

static void raise_after_the_last_delivery_is_lost(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 300, 310);
	raise_at(*state, 400, 410);
	finish(*state);
	assert_true(account_delivery(*state, 200));
	expect(*state, 1, 0, 2, 0);
}

static void what_the_device_saw_acknowledged_is_not_lost(void **state)
{
	raise_at(*state, 100, 110);
	finish(*state);
	assert_true(account_delivery(*state, 200));
	raise_at(*state, UINT64_MAX, UINT64_MAX);
	account_served(*state);
	expect(*state, 1, 1, 0, 0);
}

static void every_raise_is_lost_without_a_delivery(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 120, 130);
	finish(*state);
	expect(*state, 0, 0, 2, 0);
}

static void raise_that_vanished_before_a_later_delivery_coalesces(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 200, 210); /* no delivery of its own */
	raise_at(*state, 300, 310);
	finish(*state);
	assert_true(account_delivery(*state, 150));
	assert_true(account_delivery(*state, 350));
	expect(*state, 2, 1, 0, 0);
	assert_int_equal(slowest(*state), 150);
}

static void raise_begun_at_the_last_delivery_is_not_lost(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 140, 160); /* the delivery falls into its write */
	finish(*state);
	assert_true(account_delivery(*state, 150));
	expect(*state, 1, 1, 0, 0);
}

static void delivery_without_a_raise_is_spurious(void **state)
{
	finish(*state);
	assert_true(account_delivery(*state, 100));
	expect(*state, 0, 0, 0, 1);
}

static void delivery_before_its_raise_began_is_spurious(void **state)
{
	raise_at(*state, 200, 210);
	finish(*state);
	assert_true(account_delivery(*state, 199));
	expect(*state, 0, 0, 1, 1);
}

static void second_delivery_of_one_raise_is_spurious(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 300, 310);
	finish(*state);
	assert_true(account_delivery(*state, 150));
	assert_true(account_delivery(*state, 160));
	assert_true(account_delivery(*state, 350));
	expect(*state, 2, 0, 0, 1);
}

/* As many as it told, and only where there is a delivery to explain. */
static void source_that_told_again_explains_a_delivery(void **state)
{
	struct account_counts counts;

	for (unsigned int again = 0; again < 4; again++) {
		struct account *account = account_create();
		unsigned int explained = again < 2 ? again : 2;

		assert_non_null(account);
		raise_at(account, 10, 11);
		finish(account);
		for (uint64_t time = 20; time < 23; time++)
			assert_true(account_delivery(account, time));
		account_again(account, again);
		account_finish(account);
		account_get(account, &counts);
		assert_int_equal(counts.raised, 1 + explained);
		assert_int_equal(counts.delivered, 1 + explained);
		assert_int_equal(counts.spurious, 2 - explained);
		assert_int_equal(counts.coalesced, 0);
		assert_int_equal(counts.lost, 0);
		account_destroy(account);
	}
	(void)state;
}

static void raise_on_its_way_belongs_to_the_next_delivery(void **state)
{
	raise_at(*state, 100, 110);
	raise_at(*state, 145, 149); /* in the eventfd while 150 is taken */
	finish(*state);
	assert_true(account_delivery(*state, 150));
	assert_true(account_delivery(*state, 170));
	expect(*state, 2, 0, 0, 0);
	assert_int_equal(slowest(*state), 50);
}

static void raises_in_each_stage_keep_their_order(void **state)
{
	/* One taken, then one each from the IRR, the loop and the eventfd. */
	for (uint64_t t = 100; t < 140; t += 10)
		raise_at(*state, t, t + 1);
	finish(*state);
	for (uint64_t t = 150; t < 190; t += 10)
		assert_true(account_delivery(*state, t));
	expect(*state, 4, 0, 0, 0);
	/* Each is answered 50 after it began: nobody swapped. */
	assert_int_equal(slowest(*state), 50);
	assert_int_equal(hist_quantile(account_latency(*state), 1, 100), 50);
}

static void no_more_deliveries_follow_than_there_are_stages(void **state)
{
	for (uint64_t t = 100; t < 200; t += 10)
		raise_at(*state, t, t + 1);
	finish(*state);
	for (uint64_t i = 0; i < 1 + ACCOUNT_STAGES + 2; i++)
		assert_true(account_delivery(*state, 1000 + i));
	expect(*state, 1 + ACCOUNT_STAGES, 9 - ACCOUNT_STAGES, 0, 2);
}

static void a_spare_raise_stays_spare_while_the_path_is_full(void **state)
{
	uint64_t t;

	/* Each is taken after the next has been raised, for a long time. */
	raise_at(*state, 0, 0);
	for (t = 10; t < 10000; t += 10)
		raise_at(*state, t, t);
	finish(*state);
	for (uint64_t i = 10; i < 10000; i += 10)
		assert_true(account_delivery(*state, i + 5));
	assert_true(account_delivery(*state, t + 5));
	expect(*state, 1000, 0, 0, 0);
	/* The newest in the window are seen to be one step late. */
	assert_int_equal(hist_quantile(account_latency(*state), 1, 100), 5);
	assert_int_equal(slowest(*state), 15);
}

static void delivery_waits_until_its_raise_can_have_been_told(void **state)
{
	raise_at(*state, 100, 110);
	/* One more may have begun at 150. */
	assert_false(account_delivery(*state, 150));
	assert_false(account_delivery(*state, 110));
	raise_at(*state, 150, 155);
	assert_true(account_delivery(*state, 150));
	expect(*state, 1, 1, 0, 0);
}

static void a_report_without_raises_lets_deliveries_be_judged(void **state)
{
	raise_at(*state, 100, 110);
	account_upto(*state, 150);
	assert_false(account_delivery(*state, 150));
	account_upto(*state, 151);
	assert_true(account_delivery(*state, 150));
	expect(*state, 1, 0, 0, 0);
}

static void time_that_runs_back_is_taken_as_the_last_one(void **state)
{
	raise_at(*state, 100, 101);
	raise_at(*state, 120, 121);
	finish(*state);
	assert_true(account_delivery(*state, 130));
	assert_true(account_delivery(*state, 110));
	expect(*state, 2, 0, 0, 0);
	assert_int_equal(slowest(*state), 30);
}

static void tail_of_a_dead_device_is_unreported_not_spurious(void **state)
{
	struct account_counts counts;

	raise_at(*state, 100, 110);
	account_tail(*state, 150);
	account_tail(*state, 160);
	account_get(*state, &counts);
	assert_int_equal(counts.unreported, 1);
	expect(*state, 1, 0, 0, 0);
}

static void raises_without_end_or_answer_are_bounded(void **state)
{
	for (uint64_t i = 0; i < ACCOUNT_MAX_PENDING; i++)
		raise_at(*state, i, i);
	assert_int_equal(account_raise(*state, UINT32_MAX, UINT32_MAX),
			 -ENOBUFS);
	finish(*state);
	assert_true(account_delivery(*state, ACCOUNT_MAX_PENDING / 2));
	expect(*state, 1, ACCOUNT_MAX_PENDING / 2, ACCOUNT_MAX_PENDING / 2 - 1,
	       0);
}

static void order_survives_growth_of_the_ring(void **state)
{
	uint64_t t = 0;

	/* Keep it wrapped while it doubles. */
	for (int i = 0; i < 700; i++, t += 10) {
		raise_at(*state, t, t);
		account_upto(*state, t + 6);
		assert_true(account_delivery(*state, t + 5));
	}
	for (int i = 0; i < 5000; i++, t += 10)
		raise_at(*state, t, t);
	finish(*state);
	assert_true(account_delivery(*state, t - 10 * 2500));
	expect(*state, 701, 2500, 2499, 0);
	assert_int_equal(slowest(*state), 25000);
}

/*
 * The path as it is: the eventfd's counter, the loop's hand, the IRR, the
 * handler.  It loses nothing, so whatever the timing: no raise may count as
 * lost, and no delivery as spurious.
 */
static void model_of_the_path_never_looks_lossy(void **state)
{
	(void)state;
	for (unsigned int seed = 1; seed <= 200; seed++) {
		struct account *account = account_create();
		bool counter = false, hand = false, irr = false;
		bool taken = false, writing = false, signalled = false;
		uint64_t raised = 0, before = 0;
		uint64_t times[2048];
		unsigned int nr = 0, rng = seed;

		assert_non_null(account);
		for (uint64_t now = 1; nr < 2000; now++) {
			unsigned int step = (unsigned int)rand_r(&rng) % 6;

			if (step == 0 && !writing) {
				writing = true;
				signalled = false;
				before = now;
			} else if (step == 1 && writing && !signalled) {
				signalled = true;
				counter = true;
			} else if (step == 1 && writing) {
				raise_at(account, before, now);
				raised++;
				writing = false;
			} else if (step == 2 && counter && !hand) {
				counter = false;
				hand = true;
			} else if (step == 3 && hand) {
				hand = false;
				irr = true;
			} else if (step == 4 && irr && !taken) {
				irr = false;
				taken = true;
			} else if (step == 5 && taken) {
				taken = false;
				times[nr++] = now;
			}
		}
		/* What is left on the way arrives. */
		if (writing)
			raise_at(account, before, UINT32_MAX);
		raised += writing;
		counter |= writing && !signalled;
		for (int left = counter + hand + irr + taken; left; left--)
			times[nr++] = UINT32_MAX;
		finish(account);
		for (unsigned int i = 0; i < nr; i++)
			assert_true(account_delivery(account, times[i]));
		expect(account, nr, raised - nr, 0, 0);
		account_destroy(account);
	}
}

static void quantiles_are_exact_while_values_are_small(void **state)
{
	struct hist *hist = hist_create();

	(void)state;
	assert_non_null(hist);
	assert_int_equal(hist_quantile(hist, 50, 100), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		hist_add(hist, i);
	assert_int_equal(hist_quantile(hist, 50, 100), 500);
	assert_int_equal(hist_quantile(hist, 99, 100), 990);
	assert_int_equal(hist_quantile(hist, 999, 1000), 999);
	assert_int_equal(hist_quantile(hist, 1, 1), 1000);
	/* 1001 samples: half of them are 501, rounded up. */
	hist_add(hist, 1001);
	assert_int_equal(hist_quantile(hist, 50, 100), 501);
	hist_destroy(hist);
}

static void quantiles_are_within_a_thousandth(void **state)
{
	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		uint64_t value =
			(UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 3;
		struct hist *hist = hist_create();
		uint64_t got;

		assert_non_null(hist);
		hist_add(hist, value);
		hist_add(hist, UINT64_MAX);
		got = hist_quantile(hist, 50, 100);
		assert_true(got >= value && got - value <= value / 1000);
		assert_true(hist_max(hist) == UINT64_MAX);
		assert_true(hist_quantile(hist, 1, 1) == UINT64_MAX);
		hist_destroy(hist);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(latency_runs_from_before_the_raise),
		CASE(guest_may_take_it_before_the_write_returns),
		CASE(delivery_in_the_nanosecond_of_the_raise_answers_it),
		CASE(raises_of_one_delivery_coalesce),
		CASE(simultaneous_raises_coalesce),
		CASE(raise_after_the_last_delivery_is_lost),
		CASE(what_the_device_saw_acknowledged_is_not_lost),
		CASE(every_raise_is_lost_without_a_delivery),
		CASE(raise_that_vanished_before_a_later_delivery_coalesces),
		CASE(raise_begun_at_the_last_delivery_is_not_lost),
		CASE(delivery_without_a_raise_is_spurious),
		CASE(delivery_before_its_raise_began_is_spurious),
		CASE(second_delivery_of_one_raise_is_spurious),
		CASE(source_that_told_again_explains_a_delivery),
		CASE(raise_on_its_way_belongs_to_the_next_delivery),
		CASE(raises_in_each_stage_keep_their_order),
		CASE(no_more_deliveries_follow_than_there_are_stages),
		CASE(a_spare_raise_stays_spare_while_the_path_is_full),
		CASE(delivery_waits_until_its_raise_can_have_been_told),
		CASE(a_report_without_raises_lets_deliveries_be_judged),
		CASE(time_that_runs_back_is_taken_as_the_last_one),
		CASE(tail_of_a_dead_device_is_unreported_not_spurious),
		CASE(raises_without_end_or_answer_are_bounded),
		CASE(order_survives_growth_of_the_ring),
		cmocka_unit_test(model_of_the_path_never_looks_lossy),
		cmocka_unit_test(quantiles_are_exact_while_values_are_small),
		cmocka_unit_test(quantiles_are_within_a_thousandth),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}

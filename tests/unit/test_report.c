// SPDX-License-Identifier: BSD-3-Clause
/* A device process's report pipe is untrusted: what is refused, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"
#include "cli.h"
#include "report.h"

struct fixture {
	int fds[2];
	struct report_reader reader;
	struct account *account;
	const char *why;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || pipe2(f->fds, O_NONBLOCK))
		return -1;
	f->account = account_create();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fds[0]);
	if (f->fds[1] >= 0)
		close(f->fds[1]);
	account_destroy(f->account);
	free(f);
	return 0;
}

static void put(struct fixture *f, const void *data, size_t size)
{
	assert_int_equal(write(f->fds[1], data, size), size);
}

static void put_header(struct fixture *f, uint32_t type, uint32_t count,
		       uint64_t value)
{
	struct report_header header = {type, count, value};

	put(f, &header, sizeof(header));
}

static void put_raise(struct fixture *f, uint64_t before, uint64_t after)
{
	struct report_raise raise = {before, after};

	put(f, &raise, sizeof(raise));
}

static enum report_status get(struct fixture *f)
{
	return report_read(&f->reader, f->fds[0], f->account, &f->why);
}

static uint64_t raised(const struct fixture *f)
{
	struct account_counts counts;

	account_get(f->account, &counts);
	return counts.raised;
}

static void hang_up(struct fixture *f)
{
	close(f->fds[1]);
	f->fds[1] = -1;
}

static void raises_and_an_end_are_taken(void **state)
{
	struct fixture *f = *state;

	put_header(f, REPORT_RAISES, 2, 50);
	put_raise(f, 10, 20);
	put_raise(f, 30, 40);
	put_header(f, REPORT_END, REPORT_END_DONE, 2);
	assert_int_equal(get(f), REPORT_MORE);
	assert_int_equal(raised(f), 2);
	assert_int_equal(account_known(f->account), 50);
	assert_true(f->reader.ended);
	hang_up(f);
	assert_int_equal(get(f), REPORT_EOF);
}

static void a_report_may_arrive_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct report_header header;
		struct report_raise raise;
	} report = {{REPORT_RAISES, 1, 50}, {10, 20}};
	const char *bytes = (const char *)&report;

	for (size_t i = 0; i < sizeof(report); i++) {
		assert_int_equal(raised(f), 0);
		put(f, bytes + i, 1);
		assert_int_equal(get(f), REPORT_MORE);
	}
	assert_int_equal(raised(f), 1);
}

static void a_full_report_of_pipe_buf_is_taken(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(REPORT_MAX_RAISES, 255);
	for (int n = 0; n < 3; n++) {
		put_header(f, REPORT_RAISES, REPORT_MAX_RAISES, 50);
		for (size_t i = 0; i < REPORT_MAX_RAISES; i++)
			put_raise(f, 50, 50);
	}
	assert_int_equal(get(f), REPORT_MORE);
	assert_int_equal(raised(f), 3 * REPORT_MAX_RAISES);
}

static void bad(struct fixture *f, const char *why)
{
	assert_int_equal(get(f), REPORT_BAD);
	assert_string_equal(f->why, why);
}

static void garbage_is_refused(void **state)
{
	struct fixture *f = *state;
	char garbage[1000];

	memset(garbage, 'x', sizeof(garbage));
	put(f, garbage, sizeof(garbage));
	bad(f, "sends something that is no report");
}

static void a_count_beyond_the_report_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, REPORT_MAX_RAISES + 1, 50);
	bad(*state, "sends a report that is too long");
}

static void a_huge_count_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, UINT32_MAX, 50);
	bad(*state, "sends a report that is too long");
}

static void a_raise_before_the_former_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 2, 50);
	put_raise(*state, 10, 20);
	put_raise(*state, 19, 30);
	bad(*state, "reports times that cannot be");
}

static void a_raise_that_ends_before_it_begins_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 1, 50);
	put_raise(*state, 20, 19);
	bad(*state, "reports times that cannot be");
}

static void a_raise_after_its_own_report_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 1, 50);
	put_raise(*state, 20, 51);
	bad(*state, "reports times that cannot be");
	assert_int_equal(raised(*state), 0);
}

static void a_raise_before_what_was_told_complete_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 0, 100);
	put_header(*state, REPORT_RAISES, 1, 200);
	put_raise(*state, 99, 120);
	bad(*state, "reports times that cannot be");
}

static void completeness_in_the_future_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 0, UINT64_MAX);
	bad(*state, "reports times that cannot be");
}

static void completeness_before_what_was_told_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 0, 100);
	put_header(*state, REPORT_RAISES, 0, 99);
	bad(*state, "reports times that cannot be");
}

static void a_sum_that_does_not_add_up_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 1, 50);
	put_raise(*state, 10, 20);
	put_header(*state, REPORT_END, REPORT_END_DONE, 2);
	bad(*state, "reports another number of raises than it told");
}

static void an_unknown_end_is_refused(void **state)
{
	put_header(*state, REPORT_END, REPORT_END_REASONS, 0);
	bad(*state, "reports an end it cannot have");
}

static void reports_after_the_end_are_refused(void **state)
{
	put_header(*state, REPORT_END, REPORT_END_DONE, 0);
	put_header(*state, REPORT_RAISES, 0, 50);
	bad(*state, "reports after its end");
}

static void a_short_report_at_the_end_is_refused(void **state)
{
	put_header(*state, REPORT_RAISES, 2, 50);
	put_raise(*state, 10, 20);
	hang_up(*state);
	bad(*state, "closed its report pipe in the middle of a report");
}

static void raises_nobody_takes_are_refused_in_the_end(void **state)
{
	struct fixture *f = *state;
	uint64_t told = 0;
	enum report_status status = REPORT_MORE;

	while (status == REPORT_MORE && told <= ACCOUNT_MAX_PENDING) {
		put_header(f, REPORT_RAISES, REPORT_MAX_RAISES, 50);
		for (size_t i = 0; i < REPORT_MAX_RAISES; i++)
			put_raise(f, 50, 50);
		told += REPORT_MAX_RAISES;
		status = get(f);
	}
	assert_int_equal(status, REPORT_BAD);
	assert_string_equal(f->why,
			    "raises and raises, but the guest takes none");
	assert_int_equal(raised(f), ACCOUNT_MAX_PENDING);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(raises_and_an_end_are_taken),
		CASE(a_report_may_arrive_byte_by_byte),
		CASE(a_full_report_of_pipe_buf_is_taken),
		CASE(garbage_is_refused),
		CASE(a_count_beyond_the_report_is_refused),
		CASE(a_huge_count_is_refused),
		CASE(a_raise_before_the_former_is_refused),
		CASE(a_raise_that_ends_before_it_begins_is_refused),
		CASE(a_raise_after_its_own_report_is_refused),
		CASE(a_raise_before_what_was_told_complete_is_refused),
		CASE(completeness_in_the_future_is_refused),
		CASE(completeness_before_what_was_told_is_refused),
		CASE(a_sum_that_does_not_add_up_is_refused),
		CASE(an_unknown_end_is_refused),
		CASE(reports_after_the_end_are_refused),
		CASE(a_short_report_at_the_end_is_refused),
		CASE(raises_nobody_takes_are_refused_in_the_end),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The conformance runner over cases of its own: what passes, fails, hangs,
 * crashes, skips or does not apply is told as such, and in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "conform/check.h"

/* Of a case that hangs; what does not may take its time. */
#define HANG_MS 3000
#define LIMIT_MS 60000

static int closed_pipe[2];

static int fake_open(const struct conform_port *port)
{
	(void)port;
	return -ENODEV;
}

static int fake_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	(void)fd;
	(void)request;
	(void)arg;
	return -ENOTTY;
}

static int fake_close(int fd)
{
	/* So that the test can tell who closed. */
	if (write(closed_pipe[1], &fd, sizeof(fd)) != sizeof(fd))
		return -EIO;
	return close(fd) ? -errno : 0;
}

static int fake_dup(int fd, int newfd)
{
	(void)fd;
	(void)newfd;
	return 0;
}

static const struct conform_suite suite;

static const struct conform_port port = {
	.name = "fake",
	.suite = &suite,
	.version = KERNEL_VERSION(6, 12, 0),
	.open = fake_open,
	.ioctl = fake_ioctl,
	.close = fake_close,
	.dup = fake_dup,
};

/* ---- Cases ---- */

static void passes(struct conform *c)
{
	CHECK(c, true);
	CHECK_EQ(c, 7, 7);
	CHECK_RET(c, port_ioctl(c, 0, 0, NULL), -ENOTTY);
}

static void fails(struct conform *c)
{
	CHECK_RET(c, port_ioctl(c, 0, 0, NULL), -EBUSY);
	abort();
}

static void fails_value(struct conform *c)
{
	CHECK_EQ(c, 6, 7);
}

static void fails_condition(struct conform *c)
{
	CHECK(c, c == NULL);
}

static void hangs(struct conform *c)
{
	(void)c;
	for (;;)
		pause();
}

static void crashes(struct conform *c)
{
	(void)c;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void exits(struct conform *c)
{
	(void)c;
	_exit(23);
}

static void skips(struct conform *c)
{
	conform_skip(c, "no %s here", "flux");
}

static void keeps(struct conform *c)
{
	fd_keep(c, dup(0));
	fd_keep(c, dup(0));
}

#define CASE(run_, ...)                                                        \
	{                                                                      \
		.name = "t/" #run_, .rule = "a rule", .run = run_, __VA_ARGS__ \
	}

static const struct conform_case cases[] = {
	CASE(passes),
	CASE(fails),
	CASE(fails_value),
	CASE(fails_condition),
	CASE(hangs),
	CASE(crashes),
	CASE(exits),
	CASE(skips),
	CASE(keeps),
	{.name = "since/older",
	 .rule = "",
	 .since = KERNEL_VERSION(6, 12, 0),
	 .run = passes},
	{.name = "since/newer",
	 .rule = "",
	 .since = KERNEL_VERSION(6, 13, 0),
	 .run = passes},
	{.name = "until/newer",
	 .rule = "",
	 .until = KERNEL_VERSION(6, 13, 0),
	 .run = passes},
	{.name = "until/this",
	 .rule = "",
	 .until = KERNEL_VERSION(6, 12, 0),
	 .run = passes},
	{.name = "fault/known", .rule = "", .run = fails},
	{.name = "fault/not-there", .rule = "", .run = passes},
};

CONFORM_GROUP(test);

static const struct conform_group *const groups[] = {&conform_test};

static bool present(const struct conform_port *of)
{
	return of == &port;
}

static bool absent(const struct conform_port *of)
{
	(void)of;
	return false;
}

static const struct conform_fault faults[] = {
	{"*", "none of this port's", absent},
	{"fault/*", "as it always was", present},
	{NULL, NULL, NULL},
};

static const struct conform_suite suite = {
	.groups = groups,
	.nr_groups = 1,
	.faults = faults,
};

/* ---- Tests ---- */

static struct conform_outcome outcomes[16];
static unsigned int nr_outcomes;

static void report(const struct conform_outcome *outcome, void *opaque)
{
	assert_ptr_equal(opaque, &nr_outcomes);
	assert_int_equal(outcome->number, nr_outcomes + 1);
	outcomes[nr_outcomes++] = *outcome;
}

static struct conform_totals run_within(const char *filter,
					unsigned int limit_ms)
{
	struct conform_config config = {
		.port = &port,
		.filter = filter,
		.limit_ms = limit_ms,
		.report = report,
		.opaque = &nr_outcomes,
	};
	struct conform_totals totals;

	nr_outcomes = 0;
	assert_int_equal(conform_run(&config, &totals), 0);
	return totals;
}

static struct conform_totals run(const char *filter)
{
	return run_within(filter, LIMIT_MS);
}

static void a_passing_case_passes(void **state)
{
	struct conform_totals totals = run("t/passes");

	(void)state;
	assert_int_equal(totals.passed, 1);
	assert_int_equal(totals.failed + totals.skipped + totals.known_faults,
			 0);
	assert_int_equal(outcomes[0].verdict, CONFORM_PASSED);
}

static void a_failed_check_ends_the_case_and_is_told(void **state)
{
	struct conform_totals totals = run("t/fails");
	const struct conform_failure *f = &outcomes[0].failure;

	(void)state;
	assert_int_equal(totals.failed, 1);
	assert_string_equal(f->file, "test_runner.c");
	assert_true(f->line > 0);
	assert_string_equal(f->what, "port_ioctl(c, 0, 0, NULL)");
	assert_string_equal(f->expected, "EBUSY");
	assert_string_equal(f->got, "ENOTTY");
}

static void values_are_shown_in_both_bases(void **state)
{
	(void)state;
	run("t/fails_value");
	assert_string_equal(outcomes[0].failure.expected, "7 (0x7)");
	assert_string_equal(outcomes[0].failure.got, "6 (0x6)");
	run("t/fails_condition");
	assert_string_equal(outcomes[0].failure.what, "c == NULL");
}

static void a_hanging_case_fails_alone(void **state)
{
	struct conform_totals totals = run_within("t/[hp]a*s*", HANG_MS);

	(void)state;
	assert_int_equal(totals.passed, 1);
	assert_int_equal(totals.failed, 1);
	assert_string_equal(outcomes[1].test->name, "t/hangs");
	assert_string_equal(outcomes[1].failure.got, "hangs");
	assert_true(outcomes[1].ns >= HANG_MS * UINT64_C(1000000));
}

static void a_crash_is_a_failure(void **state)
{
	struct conform_totals totals = run("t/crashes");

	(void)state;
	assert_int_equal(totals.failed, 1);
	assert_string_equal(outcomes[0].failure.got, "killed by SIGABRT");
}

static void an_unknown_exit_is_a_failure(void **state)
{
	struct conform_totals totals = run("t/exits");

	(void)state;
	assert_int_equal(totals.failed, 1);
	assert_string_equal(outcomes[0].failure.got, "23");
}

static void a_skip_has_its_reason(void **state)
{
	struct conform_totals totals = run("t/skips");

	(void)state;
	assert_int_equal(totals.skipped, 1);
	assert_string_equal(outcomes[0].failure.what, "no flux here");
}

static void kept_descriptors_are_closed_by_the_port(void **state)
{
	int fds[3];

	(void)state;
	run("t/keeps");
	assert_int_equal(outcomes[0].verdict, CONFORM_PASSED);
	/* The last one first. */
	assert_int_equal(read(closed_pipe[0], fds, sizeof(fds)),
			 2 * sizeof(int));
	assert_true(fds[0] > fds[1]);
}

static void rules_of_other_versions_are_skipped(void **state)
{
	struct conform_totals totals = run("since/*");

	(void)state;
	assert_int_equal(totals.passed, 1);
	assert_int_equal(totals.skipped, 1);
	assert_string_equal(outcomes[1].failure.what,
			    "a rule of Linux since 6.13");
	totals = run("until/*");
	assert_int_equal(totals.passed, 1);
	assert_int_equal(totals.skipped, 1);
	assert_string_equal(outcomes[1].failure.what,
			    "a rule of Linux before 6.12");
}

static void a_known_fault_counts_where_it_shows(void **state)
{
	struct conform_totals totals = run("fault/*");

	(void)state;
	assert_int_equal(totals.known_faults, 1);
	assert_int_equal(totals.passed, 1);
	assert_ptr_equal(outcomes[0].fault, &faults[1]);
	assert_null(outcomes[1].fault);
}

static void all_cases_are_told_in_order(void **state)
{
	const size_t nr = sizeof(cases) / sizeof(cases[0]);

	(void)state;
	run_within(NULL, HANG_MS);
	assert_int_equal(nr_outcomes, nr);
	assert_int_equal(conform_count(&suite, NULL), nr);
	for (size_t i = 0; i < nr; i++)
		assert_ptr_equal(outcomes[i].test, &cases[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_passing_case_passes),
		cmocka_unit_test(a_failed_check_ends_the_case_and_is_told),
		cmocka_unit_test(values_are_shown_in_both_bases),
		cmocka_unit_test(a_hanging_case_fails_alone),
		cmocka_unit_test(a_crash_is_a_failure),
		cmocka_unit_test(an_unknown_exit_is_a_failure),
		cmocka_unit_test(a_skip_has_its_reason),
		cmocka_unit_test(kept_descriptors_are_closed_by_the_port),
		cmocka_unit_test(rules_of_other_versions_are_skipped),
		cmocka_unit_test(a_known_fault_counts_where_it_shows),
		cmocka_unit_test(all_cases_are_told_in_order),
	};

	if (pipe2(closed_pipe, O_CLOEXEC))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

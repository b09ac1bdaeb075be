// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts: a line source and a GICv2 whose guest takes and
 * completes the interrupt at the source.
 */
#include "forward_fixture.h"
#include "no_syscalls.h"

static void connected_line_is_forwarded(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	struct virq_irqfd_info info = board_irqfd(rig.board, rig.fd);

	assert_int_equal(info.bypass, VIRQ_BYPASS_STATE_FORWARDED);
	assert_int_equal(info.reason, VIRQ_BYPASS_REASON_NONE);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	forward_end(&rig);
}

/* With no eventfd and no loop in it. */
static void completion_asks_the_device_for_its_level(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	struct virq_loop_stats before, after;

	virq_loop_get_stats(rig.board->loop, &before);
	forward_set(&rig, true);
	for (uint64_t n = 1; n <= 3; n++) {
		forward_expect_taken(&rig, 0);
		assert_int_equal(forward_query(&rig).forwarded, n);
		board_eoi(rig.board, 0, SPI);
		assert_int_equal(forward_query(&rig).completed, n);
	}
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false); /* the handler */
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).completed, 4);
	assert_int_equal(forward_query(&rig).signalled, 0);
	board_pump(rig.board);
	virq_loop_get_stats(rig.board->loop, &after);
	assert_int_equal(after.events, before.events);
	assert_int_equal(board_drain(rig.fd), 0);
	assert_int_equal(board_drain(rig.resamplefd), 0);
	forward_end(&rig);
}

static void line_that_falls_takes_the_interrupt_back(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	forward_set(&rig, true);
	forward_set(&rig, false);
	forward_expect_nothing(&rig, 0);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	forward_end(&rig);
}

static void never_pending_and_active_together(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	/* Lowered and up again: its next interrupt, after this one. */
	forward_set(&rig, false);
	assert_false(board_bit(rig.board, GICD_ISPENDR, SPI));
	forward_set(&rig, true);
	forward_expect_nothing(&rig, 0);
	/* What a guest reads is the line. */
	assert_true(board_bit(rig.board, GICD_ISPENDR, SPI));
	assert_true(board_bit(rig.board, GICD_ISACTIVER, SPI));
	board_eoi(rig.board, 0, SPI);
	forward_expect_taken(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	forward_end(&rig);
}

static void disabled_one_waits(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	board_set_bit(rig.board, GICD_ICENABLER, SPI);
	forward_set(&rig, true);
	forward_expect_nothing(&rig, 0);
	board_set_bit(rig.board, GICD_ISENABLER, SPI);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	/* Fallen while it was disabled. */
	board_set_bit(rig.board, GICD_ICENABLER, SPI);
	forward_set(&rig, true);
	forward_set(&rig, false);
	board_set_bit(rig.board, GICD_ISENABLER, SPI);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static void pending_one_moves_with_its_target(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	forward_set(&rig, true);
	board_target(rig.board, SPI, 1);
	forward_expect_nothing(&rig, 0);
	forward_expect_taken(&rig, 1);
	/* Taken: it is completed where it is, and comes again there. */
	board_target(rig.board, SPI, 0);
	board_eoi(rig.board, 1, SPI);
	forward_expect_nothing(&rig, 1);
	forward_expect_taken(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(forward_query(&rig).completed, 2);
	forward_end(&rig);
}

static void completion_is_the_deactivation(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	board_split_eoi(rig.board, 0);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(forward_query(&rig).completed, 0);
	forward_expect_nothing(&rig, 0);
	/* By another vCPU than the one that took it. */
	board_split_eoi(rig.board, 1);
	board_dir(rig.board, 1, SPI);
	assert_int_equal(forward_query(&rig).completed, 1);
	forward_expect_taken(&rig, 0);
	/* Once. */
	board_eoi(rig.board, 0, SPI);
	forward_set(&rig, false);
	board_dir(rig.board, 0, SPI);
	board_dir(rig.board, 1, SPI);
	assert_int_equal(forward_query(&rig).completed, 2);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static void round_trip(struct forward_rig *rig)
{
	virq_line_source_set(rig->line, true);
	if (board_ack(rig->board, 0) != SPI)
		no_syscalls_end(3);
	virq_line_source_set(rig->line, false);
	board_eoi(rig->board, 0, SPI);
}

static void round_trip_makes_no_system_call(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	int status;
	pid_t pid;
	bool able;

	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		/* What a thread does the first time it reads under RCU. */
		round_trip(&rig);
		no_syscalls_begin();
		for (int i = 0; i < 1000; i++)
			round_trip(&rig);
		no_syscalls_end(0);
	}
	able = no_syscalls_await(pid, &status);
	forward_end(&rig);
	if (!able) {
		print_message("no seccomp filters here\n");
		skip();
	}
	assert_int_equal(status, 0);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(connected_line_is_forwarded),
		CASE(completion_asks_the_device_for_its_level),
		CASE(line_that_falls_takes_the_interrupt_back),
		CASE(never_pending_and_active_together),
		CASE(disabled_one_waits),
		CASE(pending_one_moves_with_its_target),
		CASE(completion_is_the_deactivation),
		CASE(round_trip_makes_no_system_call),
	};

	return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}

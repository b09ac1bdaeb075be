// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts that begin and cease to be so, in every state: irqfds,
 * routes and sources that come and go.
 */
#include "forward_fixture.h"

/* The way changes while it is pending, both ways. */
static void pending_level_survives_the_change_over(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	forward_set(&rig, true);
	assert_int_equal(board_deassign(rig.board, rig.fd, GSI), 0);
	/* Nobody to hear it: it waits in the eventfd. */
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_EVENTFD);
	assert_int_equal(forward_query(&rig).signalled, 1);
	forward_assign(&rig);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_end(&rig);
}

static void completion_after_the_change_over_is_heard(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	/* From forwarded to the eventfd, in the handler. */
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	board_route(rig.board, GSI + 1, GSI);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_EVENTFD);
	assert_int_equal(board_irqfd(rig.board, rig.fd).reason,
			 VIRQ_BYPASS_REASON_NO_ROUTE);
	board_route(rig.board, GSI, GSI);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	board_eoi(rig.board, 0, SPI);
	forward_expect_taken(&rig, 0);
	/* The irqfd goes, and comes back without a bypass. */
	board_deassign(rig.board, rig.fd, GSI);
	assert_int_equal(board_assign(rig.board, rig.fd, GSI,
				      KVM_IRQFD_FLAG_RESAMPLE |
					      VIRQ_IRQFD_FLAG_NO_BYPASS,
				      rig.resamplefd),
			 0);
	assert_int_equal(forward_query(&rig).completed, 1);
	board_eoi(rig.board, 0, SPI);
	board_pump(rig.board);
	assert_int_equal(forward_query(&rig).completed, 2);
	forward_expect_taken(&rig, 0);
	/* And back to forwarded, in the handler. */
	board_deassign(rig.board, rig.fd, GSI);
	forward_assign(&rig);
	board_eoi(rig.board, 0, SPI);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	board_pump(rig.board);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static void destroyed_source_leaves_the_line_down(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	forward_set(&rig, true);
	virq_line_source_destroy(rig.line);
	board_pump(rig.board);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(board_irqfd(rig.board, rig.fd).bypass,
			 VIRQ_BYPASS_STATE_WAITING);
	/* In the handler: the guest completes it, and nobody minds. */
	forward_create_line(&rig);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	virq_line_source_destroy(rig.line);
	board_eoi(rig.board, 0, SPI);
	board_pump(rig.board);
	forward_expect_nothing(&rig, 0);
	/* Not forwarded any more: a line like any other. */
	forward_create_line(&rig);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	forward_end(&rig);
}

static void route_moves_it_to_another_interrupt(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	const uint32_t there = SPI + 2;

	board_configure(rig.board, there, true);
	board_set_bit(rig.board, GICD_ISENABLER, there);
	forward_set(&rig, true);
	board_route(rig.board, GSI, GSI + 2);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	assert_int_equal(board_ack(rig.board, 0), there);
	assert_int_equal(board_ack(rig.board, 0), BOARD_SPURIOUS);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, there);
	assert_int_equal(forward_query(&rig).completed, 1);
	/* Not by the eventfd as well, which would be heard now. */
	board_pump(rig.board);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).signalled, 0);
	/* No such SPI in this controller. */
	board_route(rig.board, GSI, 900);
	assert_int_equal(board_irqfd(rig.board, rig.fd).reason,
			 VIRQ_BYPASS_REASON_NO_INTERRUPT);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_EVENTFD);
	forward_end(&rig);
}

static void plain_irqfd_is_forwarded_too(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	board_deassign(rig.board, rig.fd, GSI);
	assert_int_equal(board_assign(rig.board, rig.fd, GSI, 0, 0), 0);
	assert_int_equal(board_irqfd(rig.board, rig.fd).bypass,
			 VIRQ_BYPASS_STATE_FORWARDED);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(forward_query(&rig).completed, 1);
	forward_end(&rig);
}

/* The device knows nothing of it. */
static void closed_vm_leaves_a_source_with_its_eventfd(void **state)
{
	struct board board, *own = &board;
	void *own_state = own;
	struct forward_rig rig;

	(void)state;
	board_open(own, NULL, NULL, 0);
	rig = forward_begin(&own_state, true);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	virq_vm_close(board.vm);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_EVENTFD);
	forward_set(&rig, false);
	board_drain(rig.fd);
	forward_set(&rig, true);
	assert_int_equal(board_drain(rig.fd), 1);
	virq_line_source_destroy(rig.line);
	assert_int_equal(virq_loop_destroy(board.loop), 0);
	close(rig.fd);
	close(rig.resamplefd);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(pending_level_survives_the_change_over),
		CASE(completion_after_the_change_over_is_heard),
		CASE(destroyed_source_leaves_the_line_down),
		CASE(route_moves_it_to_another_interrupt),
		CASE(plain_irqfd_is_forwarded_too),
		CASE(closed_vm_leaves_a_source_with_its_eventfd),
	};

	return cmocka_run_group_tests_name("forward change", tests, NULL, NULL);
}

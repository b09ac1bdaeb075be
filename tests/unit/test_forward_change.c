// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts that begin and cease to be so, in every state: irqfds,
 * routes and sources that come and go.
 */
#include "forward_fixture.h"
#include <stdlib.h>

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

/* A second device, on a GSI of its own or on the first's. */
static struct forward_rig second_device(struct forward_rig *first, uint32_t gsi)
{
	struct forward_rig rig = {
		.board = first->board,
		.fd = board_eventfd(),
		.resamplefd = board_eventfd(),
	};

	assert_int_equal(board_assign(rig.board, rig.fd, gsi,
				      KVM_IRQFD_FLAG_RESAMPLE, rig.resamplefd),
			 0);
	forward_create_line(&rig);
	board_pump(rig.board);
	return rig;
}

static void end_second(struct forward_rig *rig, uint32_t gsi)
{
	virq_line_source_destroy(rig->line);
	board_deassign(rig->board, rig->fd, gsi);
	close(rig->fd);
	close(rig->resamplefd);
}

/* The second is up all the time; what it told by its eventfd is not lost. */
static void who_shares_a_line_is_forwarded_when_the_owner_leaves(void **state)
{
	for (int producer_leaves = 0; producer_leaves < 2; producer_leaves++) {
		struct forward_rig rig = forward_begin(state, true);
		struct forward_rig second = second_device(&rig, GSI);

		assert_int_equal(board_irqfd(rig.board, second.fd).reason,
				 VIRQ_BYPASS_REASON_OWNED);
		forward_set(&second, true);
		board_pump(rig.board);
		forward_expect_taken(&rig, 0);
		if (producer_leaves)
			virq_line_source_destroy(rig.line);
		else
			board_deassign(rig.board, rig.fd, GSI);
		assert_int_equal(board_irqfd(rig.board, second.fd).bypass,
				 VIRQ_BYPASS_STATE_FORWARDED);
		assert_int_equal(forward_query(&second).path,
				 VIRQ_SOURCE_FORWARDED);
		for (int i = 0; i < 3; i++) {
			board_eoi(rig.board, 0, SPI);
			board_pump(rig.board);
			forward_expect_taken(&rig, 0);
		}
		forward_set(&second, false);
		board_eoi(rig.board, 0, SPI);
		board_pump(rig.board);
		forward_expect_nothing(&rig, 0);
		/* The first comes back, and waits now. */
		if (producer_leaves)
			forward_create_line(&rig);
		else
			forward_assign(&rig);
		assert_int_equal(board_irqfd(rig.board, rig.fd).reason,
				 VIRQ_BYPASS_REASON_OWNED);
		/* Who waits may go, too. */
		forward_end(&rig);
		end_second(&second, GSI);
	}
}

/* Whatever their order is in which they are told. */
static void two_swap_their_interrupts(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	struct forward_rig second = second_device(&rig, GSI + 1);
	struct kvm_irq_routing *routing =
		calloc(1, sizeof(*routing) + 2 * sizeof(routing->entries[0]));

	assert_non_null(routing);
	board_configure(rig.board, SPI + 1, true);
	board_target(rig.board, SPI + 1, 0);
	board_set_bit(rig.board, GICD_ISENABLER, SPI + 1);
	routing->nr = 2;
	for (uint32_t i = 0; i < 2; i++) {
		routing->entries[i].gsi = GSI + i;
		routing->entries[i].type = KVM_IRQ_ROUTING_IRQCHIP;
		routing->entries[i].u.irqchip.pin = GSI + 1 - i;
	}
	assert_int_equal(virq_vm_set_gsi_routing(rig.board->vm, routing), 0);
	free(routing);
	assert_int_equal(forward_query(&rig).path, VIRQ_SOURCE_FORWARDED);
	assert_int_equal(forward_query(&second).path, VIRQ_SOURCE_FORWARDED);
	forward_set(&rig, true);
	assert_int_equal(board_ack(rig.board, 0), SPI + 1);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI + 1);
	forward_set(&second, true);
	forward_expect_taken(&rig, 0);
	forward_set(&second, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	end_second(&second, GSI + 1);
	forward_end(&rig);
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
		CASE(who_shares_a_line_is_forwarded_when_the_owner_leaves),
		CASE(two_swap_their_interrupts),
	};

	return cmocka_run_group_tests_name("forward change", tests, NULL, NULL);
}

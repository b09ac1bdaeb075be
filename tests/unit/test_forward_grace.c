// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who waits for completions that are on their way: he who lets go of producers,
 * and once for all of them.
 */
#include "forward_owner.h"
#include <urcu/urcu-bp.h>
#include <virq/bypass.h>

#define MANY 64u

static unsigned int grace_periods;

void __real_urcu_bp_synchronize_rcu(void);
void __wrap_urcu_bp_synchronize_rcu(void);

void __wrap_urcu_bp_synchronize_rcu(void)
{
	grace_periods++;
	__real_urcu_bp_synchronize_rcu();
}

struct forwarded {
	struct owner owner;
	int fd;
};

static void connect(struct board *board, struct forwarded *forwarded,
		    uint32_t gsi)
{
	struct virq_eventfd_info info;

	forwarded->owner = new_owner();
	forwarded->fd = board_eventfd();
	assert_int_equal(board_assign(board, forwarded->fd, gsi, 0, 0), 0);
	assert_int_equal(virq_eventfd_query(forwarded->fd, &info), 0);
	assert_int_equal(virq_bypass_register_producer(&forwarded->owner.base,
						       &info, (int)gsi),
			 0);
	assert_non_null(forwarded->owner.forward);
	assert_int_equal(board_irqfd(board, forwarded->fd).bypass,
			 VIRQ_BYPASS_STATE_FORWARDED);
}

static void unregister(struct forwarded *forwarded)
{
	assert_null(forwarded->owner.forward);
	grace_periods = 0;
	virq_bypass_unregister_producer(&forwarded->owner.base);
	/* The VM that it was forwarded to may have its threads still. */
	assert_int_equal(grace_periods, 1);
	close(forwarded->fd);
}

/* Of a VM with @nr forwarded irqfds, that is closed. */
static unsigned int grace_periods_of_close(unsigned int nr)
{
	struct forwarded forwarded[MANY];
	unsigned int taken;
	void *state;

	assert_int_equal(board_setup(&state), 0);
	for (unsigned int i = 0; i < nr; i++)
		connect(state, &forwarded[i], i);
	grace_periods = 0;
	assert_int_equal(board_teardown(&state), 0);
	taken = grace_periods;
	for (unsigned int i = 0; i < nr; i++)
		unregister(&forwarded[i]);
	return taken;
}

static void closing_waits_once_for_all(void **state)
{
	(void)state;
	assert_int_equal(grace_periods_of_close(MANY),
			 grace_periods_of_close(1));
}

static void deassign_waits_once(void **state)
{
	struct board *board = *state;
	struct forwarded forwarded;

	connect(board, &forwarded, 4);
	grace_periods = 0;
	assert_int_equal(board_deassign(board, forwarded.fd, 4), 0);
	assert_int_equal(grace_periods, 1);
	unregister(&forwarded);
}

/* A new table waits for its readers; that does for these as well. */
static void a_new_table_waits_once(void **state)
{
	struct board *board = *state;
	struct forwarded forwarded[MANY];

	for (unsigned int i = 0; i < MANY; i++)
		connect(board, &forwarded[i], i);
	grace_periods = 0;
	board_route(board, 0, UINT32_MAX);
	assert_int_equal(grace_periods, 1);
	for (unsigned int i = 0; i < MANY; i++)
		unregister(&forwarded[i]);
}

/* Still forwarded. */
static void a_producer_that_goes_waits_once(void **state)
{
	struct board *board = *state;
	struct forwarded forwarded;

	connect(board, &forwarded, 4);
	grace_periods = 0;
	virq_bypass_unregister_producer(&forwarded.owner.base);
	assert_int_equal(grace_periods, 1);
	assert_null(forwarded.owner.forward);
	close(forwarded.fd);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(closing_waits_once_for_all),
		CASE(deassign_waits_once),
		CASE(a_new_table_waits_once),
		CASE(a_producer_that_goes_waits_once),
	};

	return cmocka_run_group_tests_name("forward grace", tests, NULL, NULL);
}

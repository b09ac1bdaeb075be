// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts whose line others hold up as well: by KVM_IRQ_LINE, by a
 * second irqfd.
 */
#include "forward_fixture.h"
#include <virq/arm64.h>

static void set_gsi(struct forward_rig *rig, bool level)
{
	struct kvm_irq_level args = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | SPI,
		.level = level,
	};

	assert_true(virq_vm_irq_line(rig->board->vm, &args, NULL) >= 0);
}

/* Somebody who knows nothing of it holds the line up as well. */
static void others_may_hold_the_line_up(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	set_gsi(&rig, true);
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	assert_true(board_bit(rig.board, GICD_ISPENDR, SPI));
	/* A resampler lowers a line, whoever holds it up. */
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).completed, 1);
	/* And tells all: the loop, that of the device's irqfd. */
	board_pump(rig.board);
	assert_int_equal(forward_query(&rig).completed, 2);
	/* Up while it is active: not before it is completed. */
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	set_gsi(&rig, true);
	set_gsi(&rig, false);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	/* A device's fall leaves the others' level, and the reverse. */
	forward_set(&rig, true);
	set_gsi(&rig, true);
	forward_set(&rig, false);
	assert_true(board_bit(rig.board, GICD_ISPENDR, SPI));
	forward_set(&rig, true);
	set_gsi(&rig, false);
	assert_true(board_bit(rig.board, GICD_ISPENDR, SPI));
	forward_set(&rig, false);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

/* Nobody lowers it but who raised it. */
static void others_level_stays_up_without_a_resampler(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	board_deassign(rig.board, rig.fd, GSI);
	/* Before it is forwarded. */
	set_gsi(&rig, true);
	assert_int_equal(board_assign(rig.board, rig.fd, GSI, 0, 0), 0);
	forward_set(&rig, true);
	forward_set(&rig, false);
	for (int i = 0; i < 3; i++) {
		forward_expect_taken(&rig, 0);
		board_eoi(rig.board, 0, SPI);
	}
	assert_int_equal(forward_query(&rig).completed, 3);
	forward_expect_taken(&rig, 0);
	set_gsi(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	/* And after, unmapped in the handler; */
	set_gsi(&rig, true);
	forward_expect_taken(&rig, 0);
	board_deassign(rig.board, rig.fd, GSI);
	board_eoi(rig.board, 0, SPI);
	forward_expect_taken(&rig, 0);
	set_gsi(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	/* or before it. */
	assert_int_equal(board_assign(rig.board, rig.fd, GSI, 0, 0), 0);
	set_gsi(&rig, true);
	board_deassign(rig.board, rig.fd, GSI);
	forward_expect_taken(&rig, 0);
	set_gsi(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static int raise_gsi(struct forward_rig *rig)
{
	return virq_vm_set_irq(rig->board->vm, VIRQ_SOURCE_USERSPACE, GSI, 1,
			       false);
}

/*
 * While the guest handles an interrupt nothing is pending with which a rise
 * could merge: it is not coalesced, and the guest sees it by itself.  Forwarded
 * or not is all the same.
 */
static void a_rise_during_handling_is_not_coalesced(void **state)
{
	for (int forwarded = 0; forwarded < 2; forwarded++) {
		struct forward_rig rig = forward_begin(state, true);

		board_deassign(rig.board, rig.fd, GSI);
		if (forwarded)
			assert_int_equal(
				board_assign(rig.board, rig.fd, GSI, 0, 0), 0);
		assert_int_equal(raise_gsi(&rig), 1);
		assert_int_equal(raise_gsi(&rig), 0);
		forward_expect_taken(&rig, 0);
		/* Up all the time. */
		assert_int_equal(raise_gsi(&rig), 0);
		set_gsi(&rig, false);
		assert_int_equal(raise_gsi(&rig), 1);
		assert_int_equal(raise_gsi(&rig), 0);
		board_eoi(rig.board, 0, SPI);
		forward_expect_taken(&rig, 0);
		set_gsi(&rig, false);
		board_eoi(rig.board, 0, SPI);
		forward_expect_nothing(&rig, 0);
		forward_end(&rig);
	}
}

/* Two devices on one line: the second goes by its eventfd. */
static void shared_line_serves_both(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	struct virq_line_source *other;
	struct virq_irqfd_info info;
	int fd = board_eventfd(), resamplefd = board_eventfd();

	assert_int_equal(board_assign(rig.board, fd, GSI,
				      KVM_IRQFD_FLAG_RESAMPLE, resamplefd),
			 0);
	assert_int_equal(virq_line_source_create(rig.board->loop, fd,
						 resamplefd, 8, &other),
			 0);
	info = board_irqfd(rig.board, fd);
	assert_int_equal(info.bypass, VIRQ_BYPASS_STATE_REMAPPED);
	assert_int_equal(info.reason, VIRQ_BYPASS_REASON_OWNED);

	/* The second rises while the first's is handled, and stays up. */
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	virq_line_source_set(other, true);
	board_pump(rig.board);
	forward_set(&rig, false);
	for (int i = 0; i < 3; i++) {
		board_eoi(rig.board, 0, SPI);
		board_pump(rig.board);
		forward_expect_taken(&rig, 0);
	}
	virq_line_source_set(other, false);
	/* The first one in its stead. */
	forward_set(&rig, true);
	board_eoi(rig.board, 0, SPI);
	board_pump(rig.board);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	board_pump(rig.board);
	forward_expect_nothing(&rig, 0);
	virq_line_source_destroy(other);
	forward_end(&rig);
	close(fd);
	close(resamplefd);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(others_may_hold_the_line_up),
		CASE(others_level_stays_up_without_a_resampler),
		CASE(a_rise_during_handling_is_not_coalesced),
		CASE(shared_line_serves_both),
	};

	return cmocka_run_group_tests_name("forward shared", tests, NULL, NULL);
}

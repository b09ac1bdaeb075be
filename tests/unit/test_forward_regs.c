// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts, and what a guest writes to its distributor or user
 * space to an attribute: the device's line and its active state stay what they
 * are.
 */
#include "forward_fixture.h"
#include "irqchip/vgic/mmio.h"

/* Guests choose after the VMM has connected: all SPIs begin as edges. */
static void configuration_is_looked_at_when_it_matters(void **state)
{
	struct forward_rig rig = forward_begin(state, false);

	assert_int_equal(board_irqfd(rig.board, rig.fd).bypass,
			 VIRQ_BYPASS_STATE_FORWARDED);
	/* To become active is an edge. */
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	forward_expect_nothing(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	/* Pending, and the guest thinks better of it, twice. */
	board_configure(rig.board, SPI, true);
	forward_set(&rig, true);
	board_configure(rig.board, SPI, false);
	forward_expect_taken(&rig, 0);
	board_configure(rig.board, SPI, true);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static void pending_by_software_is_completed_at_the_device(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	board_set_bit(rig.board, GICD_ISPENDR, SPI);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, true);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(forward_query(&rig).completed, 1);
	forward_expect_taken(&rig, 0);
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	/* And taken back. */
	board_set_bit(rig.board, GICD_ISPENDR, SPI);
	board_set_bit(rig.board, GICD_ICPENDR, SPI);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

static void guest_cannot_mask_the_device_by_clearing_pending(void **state)
{
	for (int level = 0; level < 2; level++) {
		struct forward_rig rig = forward_begin(state, level);

		forward_set(&rig, true);
		board_set_bit(rig.board, GICD_ICPENDR, SPI);
		/* Nor can user space. */
		assert_int_equal(board_attr(rig.board,
					    GICD_ICPENDR + SPI / 32 * 4,
					    1u << SPI % 32),
				 0);
		forward_expect_taken(&rig, 0);
		forward_set(&rig, false);
		board_eoi(rig.board, 0, SPI);
		forward_expect_nothing(&rig, 0);
		forward_end(&rig);
	}
}

static void active_state_written_is_the_devices(void **state)
{
	struct forward_rig rig = forward_begin(state, true);

	/* As if the guest handled it. */
	board_set_bit(rig.board, GICD_ISACTIVER, SPI);
	forward_set(&rig, true);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).completed, 0);
	board_set_bit(rig.board, GICD_ICACTIVER, SPI);
	assert_int_equal(forward_query(&rig).completed, 1);
	forward_expect_taken(&rig, 0);
	/* Cleared behind the handler's back: the line is up, it comes again. */
	board_set_bit(rig.board, GICD_ICACTIVER, SPI);
	assert_int_equal(forward_query(&rig).completed, 2);
	assert_true(board_bit(rig.board, GICD_ISPENDR, SPI));
	/* Not active: nothing is completed. */
	board_set_bit(rig.board, GICD_ICACTIVER, SPI);
	assert_int_equal(forward_query(&rig).completed, 2);
	forward_end(&rig);
}

/* As in Linux: who restores a controller does not touch the device. */
static void active_state_restored_is_ignored(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	const uint32_t offset = SPI / 32 * 4, bit = 1u << SPI % 32;

	assert_int_equal(board_attr(rig.board, GICD_ISACTIVER + offset, bit),
			 0);
	assert_false(board_bit(rig.board, GICD_ISACTIVER, SPI));
	forward_set(&rig, true);
	forward_expect_taken(&rig, 0);
	assert_int_equal(board_attr(rig.board, GICD_ICACTIVER + offset, bit),
			 0);
	assert_true(board_bit(rig.board, GICD_ISACTIVER, SPI));
	assert_int_equal(forward_query(&rig).completed, 0);
	/* What was pending at the former controller is taken once. */
	forward_set(&rig, false);
	board_eoi(rig.board, 0, SPI);
	assert_int_equal(board_attr(rig.board, GICD_ISPENDR + offset, bit), 0);
	forward_expect_taken(&rig, 0);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	assert_int_equal(forward_query(&rig).completed, 2);
	forward_end(&rig);
}

/*
 * The device tells its line to the controller that it is connected to next; of
 * what was saved beside nobody would ever lower it there.
 */
static void lines_that_are_saved_are_the_others(void **state)
{
	struct forward_rig rig = forward_begin(state, true);
	struct vgic *vgic = to_vgic(virq_vm_irqchip(rig.board->vm));
	const uint32_t first = SPI & ~31u, bit = 1u << SPI % 32;

	forward_set(&rig, true);
	assert_int_equal(vgic_get_lines(vgic, NULL, first) & bit, 0);
	/* Restored: another's, until that one lowers it. */
	vgic_set_lines(vgic, NULL, first, bit);
	assert_int_equal(vgic_get_lines(vgic, NULL, first) & bit, bit);
	forward_expect_taken(&rig, 0);
	/* Taken, the line is what it was. */
	assert_int_equal(vgic_get_lines(vgic, NULL, first) & bit, bit);
	forward_set(&rig, false);
	vgic_set_lines(vgic, NULL, first, 0);
	assert_int_equal(vgic_get_lines(vgic, NULL, first) & bit, 0);
	board_eoi(rig.board, 0, SPI);
	forward_expect_nothing(&rig, 0);
	forward_end(&rig);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(configuration_is_looked_at_when_it_matters),
		CASE(pending_by_software_is_completed_at_the_device),
		CASE(guest_cannot_mask_the_device_by_clearing_pending),
		CASE(active_state_written_is_the_devices),
		CASE(active_state_restored_is_ignored),
		CASE(lines_that_are_saved_are_the_others),
	};

	return cmocka_run_group_tests_name("forward regs", tests, NULL, NULL);
}

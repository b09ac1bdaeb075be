// SPDX-License-Identifier: BSD-3-Clause
/*
 * Forwarded interrupts in list registers: what the hardware is told, and what
 * the owner is told of what the guest did.
 */
#include "forward_owner.h"
#include <string.h>

#define GSI 4u
#define SPI (32 + GSI)
#define PHYSICAL 77u

/* Of GICH_LR. */
#define LR_PHYSICAL(lr) ((lr) >> 10 & 0x3ff)
#define LR_PENDING (1u << 28)
#define LR_ACTIVE (1u << 29)
#define LR_HW (1u << 31)
#define LR_EOI (1u << 19)

static struct virq_vgic_lrs flush_lrs(struct board *board)
{
	struct virq_vgic_lrs lrs = {.nr = 4};

	assert_int_equal(virq_vgic_lrs_flush(board->vcpu[0], &lrs), 0);
	return lrs;
}

static void sync_lrs(struct board *board, struct virq_vgic_lrs *lrs)
{
	assert_int_equal(virq_vgic_lrs_sync(board->vcpu[0], lrs), 0);
}

/* Its deactivation is hardware's; with no physical one it is a maintenance
 * interrupt. */
static void list_register_has_the_physical_number(void **state)
{
	for (uint32_t hw = 0; hw <= PHYSICAL; hw += PHYSICAL) {
		struct board *board = *state;
		const struct virq_forward *forward;
		struct owner owner = new_owner();
		struct virq_vgic_lrs lrs;

		board_configure(board, SPI, true);
		board_set_bit(board, GICD_ISENABLER, SPI);
		assert_int_equal(vgic_forward_map(vgic_of(board), SPI, hw,
						  &owner.base, &forward),
				 0);
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		assert_int_equal(lrs.lr[0] & 0x3ff, SPI);
		assert_true(lrs.lr[0] & LR_PENDING);
		assert_int_equal(!!(lrs.lr[0] & LR_HW), !!hw);
		if (hw)
			assert_int_equal(LR_PHYSICAL(lrs.lr[0]), PHYSICAL);
		else
			assert_true(lrs.lr[0] & LR_EOI);
		/* Not taken, and the line falls: it is not pending. */
		forward->set_level(forward, false);
		sync_lrs(board, &lrs);
		assert_int_equal(flush_lrs(board).lr[0], 0);
		memset(&lrs.lr, 0, sizeof(lrs.lr));
		sync_lrs(board, &lrs);
		assert_int_equal(owner.completed, 0);
		/* Taken, up again meanwhile: active alone. */
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		lrs.lr[0] = (lrs.lr[0] & ~(uint64_t)LR_PENDING) | LR_ACTIVE;
		sync_lrs(board, &lrs);
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		assert_int_equal(lrs.lr[0] & (LR_PENDING | LR_ACTIVE),
				 LR_ACTIVE);
		forward->set_level(forward, false);
		lrs.lr[0] &= ~(uint64_t)LR_ACTIVE;
		sync_lrs(board, &lrs);
		assert_int_equal(owner.completed, 1);
		vgic_forward_unmap(vgic_of(board), SPI, &owner.base);
	}
}

/* The guest took it from the list register, and has completed it. */
static void complete_in_lrs(struct board *board, struct virq_vgic_lrs *lrs)
{
	lrs->lr[0] &= ~(uint64_t)(LR_PENDING | LR_ACTIVE);
	sync_lrs(board, lrs);
}

static void count(void *opaque)
{
	++*(unsigned int *)opaque;
}

/* Whatever it was when the guest completed it, somebody hears of it. */
static void unmapped_in_a_list_register_is_acked(void **state)
{
	for (uint32_t hw = 0; hw <= PHYSICAL; hw += PHYSICAL) {
		struct board *board = *state;
		struct vgic *vgic = vgic_of(board);
		const struct virq_forward *forward;
		struct owner owner = new_owner();
		struct virq_ack_notifier *notifier;
		struct virq_vgic_lrs lrs;
		unsigned int acks = 0;

		board_configure(board, SPI, true);
		board_set_bit(board, GICD_ISENABLER, SPI);
		assert_int_equal(virq_vm_add_ack_notifier(board->vm, GSI, count,
							  &acks, &notifier),
				 0);
		assert_int_equal(
			vgic_forward_map(vgic, SPI, hw, &owner.base, &forward),
			0);
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		vgic_forward_unmap(vgic, SPI, &owner.base);
		complete_in_lrs(board, &lrs);
		assert_int_equal(acks, 1);
		assert_int_equal(owner.completed, 0);
		assert_int_equal(board_ack(board, 0), BOARD_SPURIOUS);
		virq_vm_remove_ack_notifier(board->vm, notifier);
	}
}

static void mapped_in_a_list_register_is_completed(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	struct vgic_irq *irq = vgic_irq_get(vgic, NULL, SPI);
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_vgic_lrs lrs;

	board_configure(board, SPI, true);
	board_set_bit(board, GICD_ISENABLER, SPI);
	vgic_irq_inject(irq, true);
	lrs = flush_lrs(board);
	assert_int_equal(
		vgic_forward_map(vgic, SPI, PHYSICAL, &owner.base, &forward),
		0);
	/* By nobody but the device, which tells it again when asked. */
	vgic_irq_inject(irq, false);
	forward->set_level(forward, true);
	complete_in_lrs(board, &lrs);
	assert_int_equal(owner.completed, 1);
	assert_int_equal(flush_lrs(board).lr[0], 0);
	memset(&lrs.lr, 0, sizeof(lrs.lr));
	sync_lrs(board, &lrs);
	vgic_forward_unmap(vgic, SPI, &owner.base);
}

/* A number that somebody gave his device is none of the host's interrupts. */
static void only_a_physical_interrupt_gets_the_hw_bit(void **state)
{
	for (uint32_t hw = 0; hw <= PHYSICAL; hw += PHYSICAL) {
		struct board *board = *state;
		struct owner owner = new_owner();
		struct virq_eventfd_info info;
		struct virq_vgic_lrs lrs;
		int fd = board_eventfd();

		board_configure(board, SPI, true);
		board_set_bit(board, GICD_ISENABLER, SPI);
		owner.base.hwirq = hw;
		assert_int_equal(board_assign(board, fd, GSI, 0, 0), 0);
		assert_int_equal(virq_eventfd_query(fd, &info), 0);
		assert_int_equal(
			virq_bypass_register_producer(&owner.base, &info, 50),
			0);
		owner.forward->set_level(owner.forward, true);
		lrs = flush_lrs(board);
		assert_true(lrs.lr[0] & LR_PENDING);
		assert_int_equal(!!(lrs.lr[0] & LR_HW), !!hw);
		if (hw)
			assert_int_equal(LR_PHYSICAL(lrs.lr[0]), PHYSICAL);
		complete_in_lrs(board, &lrs);
		assert_int_equal(owner.completed, 1);
		virq_bypass_unregister_producer(&owner.base);
		assert_int_equal(board_deassign(board, fd, GSI), 0);
		close(fd);
	}
}

/* Another vCPU writes the active bit of what is in a list register. */
static void active_bit_cleared_meanwhile_completes_it_once(void **state)
{
	/* Active at flush; or the guest took it after that. */
	for (int taken_before = 0; taken_before < 2; taken_before++) {
		struct board *board = *state;
		struct vgic *vgic = vgic_of(board);
		const struct virq_forward *forward;
		struct owner owner = new_owner();
		struct virq_vgic_lrs lrs;

		board_configure(board, SPI, true);
		board_set_bit(board, GICD_ISENABLER, SPI);
		assert_int_equal(
			vgic_forward_map(vgic, SPI, 0, &owner.base, &forward),
			0);
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		lrs.lr[0] = (lrs.lr[0] & ~(uint64_t)LR_PENDING) | LR_ACTIVE;
		if (taken_before) {
			sync_lrs(board, &lrs);
			lrs = flush_lrs(board);
		}
		board_set_bit(board, GICD_ICACTIVER, SPI);
		/* What an owner whose line is up does. */
		if (owner.completed)
			forward->set_level(forward, true);
		sync_lrs(board, &lrs);
		assert_int_equal(owner.completed, 1);
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		assert_int_equal(lrs.lr[0] & 0x3ff, SPI);
		assert_int_equal(lrs.lr[0] & (LR_PENDING | LR_ACTIVE),
				 LR_PENDING);
		/* Of one that it has not taken nothing is completed. */
		board_set_bit(board, GICD_ICACTIVER, SPI);
		sync_lrs(board, &lrs);
		assert_int_equal(owner.completed, 1);
		lrs = flush_lrs(board);
		assert_true(lrs.lr[0] & LR_PENDING);
		forward->set_level(forward, false);
		complete_in_lrs(board, &lrs);
		assert_int_equal(owner.completed, 2);
		vgic_forward_unmap(vgic, SPI, &owner.base);
	}
}

static void active_bit_set_meanwhile_hides_the_line(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_vgic_lrs lrs;

	board_configure(board, SPI, true);
	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(vgic_forward_map(vgic, SPI, 0, &owner.base, &forward),
			 0);
	forward->set_level(forward, true);
	lrs = flush_lrs(board);
	board_set_bit(board, GICD_ISACTIVER, SPI);
	sync_lrs(board, &lrs);
	lrs = flush_lrs(board);
	assert_int_equal(lrs.lr[0] & (LR_PENDING | LR_ACTIVE), LR_ACTIVE);
	sync_lrs(board, &lrs);
	/* Completed; and the device, asked, does not say that it is up. */
	board_set_bit(board, GICD_ICACTIVER, SPI);
	assert_int_equal(owner.completed, 1);
	lrs = flush_lrs(board);
	assert_int_equal(lrs.lr[0], 0);
	sync_lrs(board, &lrs);
	vgic_forward_unmap(vgic, SPI, &owner.base);
}

/* Edge-triggered: what rose once comes once, whatever is written meanwhile. */
static void an_edge_in_a_list_register_is_not_doubled(void **state)
{
	struct board *board = *state;
	struct vgic *vgic = vgic_of(board);
	const struct virq_forward *forward;
	struct owner owner = new_owner();
	struct virq_vgic_lrs lrs;

	board_configure(board, SPI, false);
	board_set_bit(board, GICD_ISENABLER, SPI);
	assert_int_equal(vgic_forward_map(vgic, SPI, 0, &owner.base, &forward),
			 0);
	for (int again = 0; again < 2; again++) {
		forward->set_level(forward, true);
		lrs = flush_lrs(board);
		assert_true(lrs.lr[0] & LR_PENDING);
		if (again)
			assert_int_equal(forward->set_level(forward, true), 0);
		else
			board_set_bit(board, GICD_ISENABLER, SPI);
		complete_in_lrs(board, &lrs);
		assert_int_equal(owner.completed, again + 1);
		lrs = flush_lrs(board);
		assert_int_equal(lrs.lr[0], 0);
		sync_lrs(board, &lrs);
	}
	vgic_forward_unmap(vgic, SPI, &owner.base);
}

#define CASE(test)                                                             \
	cmocka_unit_test_setup_teardown(test, board_setup, board_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(list_register_has_the_physical_number),
		CASE(unmapped_in_a_list_register_is_acked),
		CASE(mapped_in_a_list_register_is_completed),
		CASE(only_a_physical_interrupt_gets_the_hw_bit),
		CASE(active_bit_cleared_meanwhile_completes_it_once),
		CASE(active_bit_set_meanwhile_hides_the_line),
		CASE(an_edge_in_a_list_register_is_not_doubled),
	};

	return cmocka_run_group_tests_name("forward lrs", tests, NULL, NULL);
}

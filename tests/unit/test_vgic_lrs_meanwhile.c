// SPDX-License-Identifier: BSD-3-Clause
/* List registers: what devices and other vCPUs do between flush and sync. */
#include "vgic_lrs_fixture.h"

static void what_comes_meanwhile_kicks(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		irq_setup(&m, 0, SPI + 1, 0x80, 0);
		edge(&m, SPI);
		lrs = lrs_flush(&m, 4);
		enter_guest(&m, 0);
		edge(&m, SPI + 1);
		assert_int_equal(m.kicks[0], 1);
		virq_vcpu_exit(m.vcpu[0]);
		enter_guest(&m, 0);
		/* One more of the same; its home it does not change. */
		edge(&m, SPI);
		irq_send(&m, SPI, 1);
		assert_int_equal(m.kicks[0], 1);
		assert_false(pending_events(&m, 1));
		guest_takes(&m, &lrs);
		lrs_sync(&m, &lrs);
		assert_true(state_has(&m, 0, SPI, IRQ_ACTIVE | IRQ_LATCH));
		lrs = lrs_flush(&m, 4);
		assert_true(lrs.lr[1] & lr_active(&m));
		/* The next one is another CPU's. */
		assert_true(lrs.lr[1] & lr_eoi(&m));
		assert_false(lrs.lr[1] & lr_pending(&m));
		lrs.lr[1] &= ~lr_active(&m);
		lrs_sync(&m, &lrs);
		assert_true(pending_events(&m, 1));
		assert_int_equal(iar(&m, 1), SPI);
	}
}

/* Another vCPU's ICACTIVER is there before the guest, which counts all the
 * same. */
static void one_that_was_left_is_completed_once(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		for (uint32_t i = 0; i < 4; i++)
			irq_setup(&m, 0, 40 + i, (uint8_t)(0x40 + 0x10 * i),
				  IRQ_ACTIVE);
		lrs = lrs_flush(&m, 2);
		dist_write(&m, 1, 0x384, 1u << (42 - 32));
		lrs.hcr += 1u << 27;
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, 42, IRQ_ACTIVE));
		assert_true(state_has(&m, 0, 43, IRQ_ACTIVE));
		/* More than were left complete nothing. */
		lrs = lrs_flush(&m, 2);
		lrs.hcr += 31u << 27;
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, 43, IRQ_ACTIVE));
		assert_true(state_has(&m, 0, 41, IRQ_ACTIVE));
		state_check(&m);
	}
}

static void nobody_completes_what_is_in_a_register(void **state)
{
	struct virq_ack_notifier *notifier;
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		unsigned int acks = 0;

		virq_vm_add_ack_notifier(m.vm, SPI - 32, count_ack, &acks,
					 &notifier);
		vgic_cpu_if_lock(m.cpu[1])->eoi_mode = true;
		vgic_cpu_if_unlock(m.cpu[1]);
		irq_setup(&m, 0, SPI, 0x80, IRQ_LEVEL | IRQ_ACTIVE);
		lrs = lrs_flush(&m, 4);
		virq_vgic_dir(m.vcpu[1], SPI);
		assert_true(state_has(&m, 0, SPI, IRQ_ACTIVE));
		assert_int_equal(acks, 0);
		lrs_sync(&m, &lrs);
		virq_vgic_dir(m.vcpu[1], SPI);
		assert_false(state_has(&m, 0, SPI, IRQ_ACTIVE));
		assert_int_equal(acks, 1);
		virq_vm_remove_ack_notifier(m.vm, notifier);
	}
}

/*
 * Another vCPU's ISACTIVER and ICACTIVER, whatever the guest has made of it in
 * the register by then.
 */
static void a_written_active_bit_wins_over_the_register(void **state)
{
	static const struct {
		bool taken, set; /* by the guest; or cleared */
		unsigned int after; /* of ACTIVE and LATCH */
	} rows[] = {
		{false, true, IRQ_ACTIVE | IRQ_LATCH},
		{false, false, IRQ_LATCH},
		{true, true, IRQ_ACTIVE},
		{true, false, 0},
	};
	const uint32_t bank = SPI / 8 & ~3u, bit = 1u << SPI % 32;
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FOR_EACH_MODEL(m, 2)
		{
			irq_setup(&m, 0, SPI, 0x80, 0);
			edge(&m, SPI);
			lrs = lrs_flush(&m, 4);
			enter_guest(&m, 0);
			if (rows[i].taken)
				guest_takes(&m, &lrs);
			dist_write(&m, 1, (rows[i].set ? 0x300 : 0x380) + bank,
				   bit);
			assert_int_equal(m.kicks[0], 1);
			lrs_sync(&m, &lrs);
			assert_int_equal(state_of(&m, 0, SPI) &
						 (IRQ_ACTIVE | IRQ_LATCH),
					 rows[i].after);
			state_check(&m);
			/* Only what was written meanwhile. */
			lrs = lrs_flush(&m, 4);
			guest_completes(&m, &lrs);
			lrs_sync(&m, &lrs);
			assert_false(state_has(&m, 0, SPI, IRQ_ACTIVE));
		}
	}
}

/* Another vCPU's ICPENDR of what the guest has not taken. */
static void a_cleared_edge_does_not_come_back(void **state)
{
	const uint32_t bank = SPI / 8 & ~3u, bit = 1u << SPI % 32;
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		edge(&m, SPI);
		lrs = lrs_flush(&m, 4);
		enter_guest(&m, 0);
		dist_write(&m, 1, 0x280 + bank, bit);
		assert_int_equal(m.kicks[0], 1);
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, SPI, IRQ_LATCH));
		state_check(&m);
		/* What comes after it does, once. */
		edge(&m, SPI);
		lrs = lrs_flush(&m, 4);
		dist_write(&m, 1, 0x280 + bank, bit);
		edge(&m, SPI);
		lrs_sync(&m, &lrs);
		assert_true(state_has(&m, 0, SPI, IRQ_LATCH));
		lrs = lrs_flush(&m, 4);
		assert_true(lrs.lr[0] & lr_pending(&m));
		guest_completes(&m, &lrs);
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, SPI, IRQ_LATCH));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_meanwhile_kicks),
		cmocka_unit_test(one_that_was_left_is_completed_once),
		cmocka_unit_test(nobody_completes_what_is_in_a_register),
		cmocka_unit_test(a_written_active_bit_wins_over_the_register),
		cmocka_unit_test(a_cleared_edge_does_not_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

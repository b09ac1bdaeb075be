// SPDX-License-Identifier: BSD-3-Clause
/* List registers: what goes in, what does not fit, and what comes out. */
#include "vgic_lrs_fixture.h"
#include <errno.h>

static void completions_are_told_at_sync(void **state)
{
	struct virq_ack_notifier *notifier;
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		unsigned int acks = 0;

		virq_vm_add_ack_notifier(m.vm, SPI - 32, count_ack, &acks,
					 &notifier);
		irq_setup(&m, 0, SPI, 0x80, IRQ_LEVEL);
		inject(&m, 0, SPI, true);
		lrs = lrs_flush(&m, 4);
		guest_takes(&m, &lrs);
		lrs_sync(&m, &lrs);
		assert_int_equal(acks, 0);
		lrs = lrs_flush(&m, 4);
		inject(&m, 0, SPI, false);
		guest_completes(&m, &lrs);
		lrs_sync(&m, &lrs);
		assert_int_equal(acks, 1);
		assert_int_equal(lrs_flush(&m, 4).lr[0], 0);
		lrs_sync(&m, &lrs);
		assert_int_equal(acks, 1);
		/* An edge is not told. */
		irq_setup(&m, 0, SPI, 0x80, 0);
		edge(&m, SPI);
		lrs = lrs_flush(&m, 4);
		guest_completes(&m, &lrs);
		lrs_sync(&m, &lrs);
		assert_int_equal(acks, 1);
		virq_vm_remove_ack_notifier(m.vm, notifier);
	}
}

static void its_turn_is_watched(void **state)
{
	struct virq_vgic_lrs lrs = {.nr = 0};
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		lrs.nr = 0;
		assert_int_equal(virq_vgic_lrs_flush(m.vcpu[0], &lrs), -EINVAL);
		lrs.nr = 17;
		assert_int_equal(virq_vgic_lrs_flush(m.vcpu[0], &lrs), -EINVAL);
		lrs.nr = 16;
		assert_int_equal(virq_vgic_lrs_sync(m.vcpu[0], &lrs), -EBUSY);
		assert_int_equal(virq_vgic_lrs_flush(m.vcpu[0], &lrs), 0);
		assert_int_equal(virq_vgic_lrs_flush(m.vcpu[0], &lrs), -EBUSY);
		assert_int_equal(virq_vgic_lrs_sync(m.vcpu[0], &lrs), 0);
	}
	machine_make(&m, 3, 1, 0);
	assert_int_equal(virq_vgic_lrs_flush(m.vcpu[0], &lrs), -EBUSY);
	machine_destroy(&m);
}

static void too_many_ask_for_maintenance(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		uint32_t groups = HCR_EN;

		/* Those left are of group 1. */
		if (m.model == 3)
			groups |= HCR_VGRP0DIE;
		for (uint32_t i = 32; i < 37; i++) {
			irq_setup(&m, 0, i, (uint8_t)(0xf0 - 8 * (i - 32)), 0);
			edge(&m, i);
		}
		lrs = lrs_flush(&m, 5);
		assert_int_equal(lrs.hcr, HCR_EN);
		lrs_sync(&m, &lrs);
		lrs = lrs_flush(&m, 4);
		assert_int_equal(lrs.hcr, groups | HCR_UIE | HCR_NPIE);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(lrs.lr[i] & 0x3ff, 36 - i);
		lrs_sync(&m, &lrs);
		/* A single register is always nearly empty. */
		lrs = lrs_flush(&m, 1);
		assert_int_equal(lrs.hcr, groups | HCR_NPIE);
		guest_takes(&m, &lrs);
		lrs.ap0r = 0x100000;
		lrs_sync(&m, &lrs);
		lrs = lrs_flush(&m, 1);
		assert_true(lrs.lr[0] & lr_pending(&m));
		assert_int_equal(lrs.hcr, groups | HCR_NPIE | HCR_LRENPIE);
		/* It completes what is in none. */
		lrs.hcr += 1u << 27;
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, 36, IRQ_ACTIVE));
	}
}

static void equals_keep_their_order(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		for (uint32_t i = 32; i < 37; i++) {
			irq_setup(&m, 0, i, 0x80, 0);
			edge(&m, i);
		}
		for (unsigned int i = 0; i < 3; i++) {
			lrs = lrs_flush(&m, 2);
			assert_int_equal(lrs.lr[0] & 0x3ff, 32);
			assert_int_equal(lrs.lr[1] & 0x3ff, 33);
			lrs_sync(&m, &lrs);
		}
	}
}

static void active_ones_of_high_priority_go_first(void **state)
{
	static const uint8_t priorities[] = {0x80, 0x40, 0x90, 0x60};
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		for (uint32_t i = 0; i < 4; i++)
			irq_setup(&m, 0, 32 + i, priorities[i], IRQ_ACTIVE);
		lrs = lrs_flush(&m, 2);
		assert_int_equal(lrs.lr[0] & 0x3ff, 33);
		assert_int_equal(lrs.lr[1] & 0x3ff, 35);
		/* Completed without a register: the first of the others. */
		lrs.hcr += 1u << 27;
		lrs_sync(&m, &lrs);
		assert_false(state_has(&m, 0, 32, IRQ_ACTIVE));
		assert_true(state_has(&m, 0, 34, IRQ_ACTIVE));
	}
}

/* It would be pending when it is completed, before those that are left. */
static void one_active_and_pending_waits_for_those_left(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, 32, 0xa0, IRQ_ACTIVE);
		irq_setup(&m, 0, 33, 0x40, 0);
		edge(&m, 32);
		edge(&m, 33);
		lrs = lrs_flush(&m, 2);
		assert_true(lrs.lr[1] & lr_pending(&m));
		lrs_sync(&m, &lrs);
		irq_setup(&m, 0, 34, 0x80, 0);
		edge(&m, 34);
		lrs = lrs_flush(&m, 2);
		assert_int_equal(lrs.lr[1] & 0x3ff, 32);
		assert_false(lrs.lr[1] & lr_pending(&m));
		assert_true(lrs.lr[1] & lr_eoi(&m));
		lrs_sync(&m, &lrs);
		assert_true(state_has(&m, 0, 32, IRQ_ACTIVE | IRQ_LATCH));
	}
}

static void gicv3_traps_dir_where_it_could_be_any(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		vgic_cpu_if_lock(m.cpu[0])->eoi_mode = true;
		vgic_cpu_if_unlock(m.cpu[0]);
		for (uint32_t i = 32; i < 35; i++)
			irq_setup(&m, 0, i, 0x80, IRQ_ACTIVE);
		lrs = lrs_flush(&m, 2);
		assert_int_equal(lrs.hcr,
				 HCR_EN | HCR_LRENPIE |
					 (m.model == 3 ? HCR_TDIR : 0));
		lrs_sync(&m, &lrs);
		lrs = lrs_flush(&m, 3);
		assert_int_equal(lrs.hcr, HCR_EN);
		lrs_sync(&m, &lrs);
	}
}

static void a_disabled_group_takes_no_room_in_gicv3(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	vgic_cpu_if_lock(m.cpu[0])->group_enabled[0] = false;
	vgic_cpu_if_unlock(m.cpu[0]);
	for (uint32_t i = 32; i < 36; i++) {
		irq_setup(&m, 0, i, 0x10, 0);
		vgic_irq_change(irq_of(&m, 0, i), 0, IRQ_GROUP1);
		edge(&m, i);
	}
	irq_setup(&m, 0, SPI, 0x80, IRQ_GROUP1);
	edge(&m, SPI);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[0] & 0x3ff, SPI);
	assert_int_equal(lrs.hcr, HCR_EN | HCR_VGRP0EIE);
	lrs_sync(&m, &lrs);
	machine_destroy(&m);
}

static void the_distributor_holds_pending_ones_back(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, IRQ_ACTIVE);
		irq_setup(&m, 0, SPI + 1, 0x40, 0);
		edge(&m, SPI + 1);
		vgic_set_enabled(m.vgic, false);
		lrs = lrs_flush(&m, 4);
		assert_int_equal(lrs.lr[0] & 0x3ff, SPI);
		assert_int_equal(lrs.lr[1], 0);
		lrs_sync(&m, &lrs);
		vgic_set_enabled(m.vgic, true);
		lrs = lrs_flush(&m, 4);
		assert_int_equal(lrs.lr[0] & 0x3ff, SPI + 1);
		lrs_sync(&m, &lrs);
	}
}

static void an_sgi_of_many_sources_holds_the_lower_back(void **state)
{
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	state_open(&m, 2, 4, 64);
	irq_set_priority(&m, 0, 5, 0x80);
	irq_setup(&m, 0, SPI, 0x88, 0);
	irq_setup(&m, 0, SPI + 1, 0x78, 0);
	edge(&m, SPI);
	edge(&m, SPI + 1);
	vgic_sgi_raise(m.cpu[0], 5, 3);
	vgic_sgi_raise(m.cpu[0], 5, 1);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[0] & 0x3ff, SPI + 1);
	assert_int_equal(lrs.lr[1] & 0x1fff, 5 | 1u << 10);
	assert_true(lrs.lr[1] & LR2_EOI);
	assert_int_equal(lrs.lr[2], 0);
	assert_int_equal(lrs.hcr, HCR_EN);
	lrs.lr[1] = (lrs.lr[1] & ~LR2_PENDING) | LR2_ACTIVE;
	lrs_sync(&m, &lrs);
	/* While the first is active the second is in no register. */
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[1] & 0x1fff, 5 | 1u << 10);
	assert_true(lrs.lr[1] & LR2_EOI);
	assert_false(lrs.lr[1] & LR2_PENDING);
	assert_int_equal(lrs.lr[2], 0);
	lrs.lr[1] &= ~LR2_ACTIVE;
	lrs_sync(&m, &lrs);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[1] & 0x1fff, 5 | 3u << 10);
	assert_false(lrs.lr[1] & LR2_EOI);
	assert_int_equal(lrs.lr[2] & 0x3ff, SPI);
	lrs_sync(&m, &lrs);
	/* With EOImode 1 the lower may come before the first is deactivated. */
	vgic_cpu_if_lock(m.cpu[0])->eoi_mode = true;
	vgic_cpu_if_unlock(m.cpu[0]);
	vgic_sgi_raise(m.cpu[0], 5, 2);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.hcr, HCR_EN | HCR_NPIE);
	assert_int_equal(lrs.lr[2], 0);
	lrs.lr[1] = (lrs.lr[1] & ~LR2_PENDING) | LR2_ACTIVE;
	lrs_sync(&m, &lrs);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[2] & 0x3ff, SPI);
	lrs_sync(&m, &lrs);
	machine_destroy(&m);
}

static void an_lpi_s_active_bit_is_dropped(void **state)
{
	struct virq_vgic_lrs lrs;
	struct vgic_irq lpi;
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	vgic_irq_init(&lpi, m.vgic, 8200, m.cpu[0]);
	vgic_irq_change(&lpi, IRQ_ENABLED, 0);
	vgic_irq_inject(&lpi, true);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[0] & UINT32_MAX, 8200);
	guest_takes(&m, &lrs);
	lrs_sync(&m, &lrs);
	assert_int_equal(vgic_irq_state(&lpi), IRQ_ENABLED | IRQ_GROUP1);
	assert_int_equal(lrs_flush(&m, 4).lr[0], 0);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completions_are_told_at_sync),
		cmocka_unit_test(its_turn_is_watched),
		cmocka_unit_test(too_many_ask_for_maintenance),
		cmocka_unit_test(equals_keep_their_order),
		cmocka_unit_test(active_ones_of_high_priority_go_first),
		cmocka_unit_test(one_active_and_pending_waits_for_those_left),
		cmocka_unit_test(gicv3_traps_dir_where_it_could_be_any),
		cmocka_unit_test(a_disabled_group_takes_no_room_in_gicv3),
		cmocka_unit_test(the_distributor_holds_pending_ones_back),
		cmocka_unit_test(an_sgi_of_many_sources_holds_the_lower_back),
		cmocka_unit_test(an_lpi_s_active_bit_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

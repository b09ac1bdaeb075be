// SPDX-License-Identifier: BSD-3-Clause
/* One list register: its format, and what becomes of a state in it. */
#include "vgic_lrs_fixture.h"

static void the_formats_are_the_architecture_s(void **state)
{
	struct virq_vgic_lrs lrs;
	struct vgic_cpu_if *cif;
	struct machine m;

	(void)state;
	state_open(&m, 2, 1, 64);
	irq_setup(&m, 0, SPI, 0x98, IRQ_GROUP1);
	edge(&m, SPI);
	cif = vgic_cpu_if_lock(m.cpu[0]);
	*cif = (struct vgic_cpu_if){
		.pmr = 0xa8,
		.bpr = {5, 6},
		.group_enabled = {false, true},
		.ack_ctl = true,
		.cbpr = true,
		.eoi_mode = true,
		.apr = {1u << 7, 0},
	};
	vgic_cpu_if_unlock(m.cpu[0]);
	lrs = lrs_flush(&m, 4);
	assert_int_equal(lrs.lr[0], 40 | 0x13u << 23 | 1u << 28 | 1u << 30);
	assert_int_equal(lrs.lr[1], 0);
	assert_int_equal(lrs.hcr, 1);
	assert_int_equal(lrs.vmcr, 0x15u << 27 | 5u << 21 | 6u << 18 | 1u << 9 |
					   1u << 4 | 1u << 2 | 2);
	assert_int_equal(lrs.ap0r, 1u << 7);
	lrs.vmcr = 0x1fu << 27 | 3u << 21 | 4u << 18 | 1u << 3 | 1;
	lrs.ap0r = 1u << 9;
	lrs_sync(&m, &lrs);
	cif = &m.cpu[0]->cif;
	assert_int_equal(cif->pmr, 0xf8);
	assert_int_equal(cif->bpr[0], 3);
	assert_int_equal(cif->bpr[1], 4);
	assert_true(cif->group_enabled[0] && !cif->group_enabled[1]);
	assert_true(!cif->ack_ctl && cif->fiq_en && !cif->cbpr &&
		    !cif->eoi_mode);
	assert_int_equal(vgic_cpu_rpr(m.cpu[0]), 9 * 8);
	machine_destroy(&m);

	state_open(&m, 3, 1, 64);
	irq_setup(&m, 0, SPI, 0x98, IRQ_GROUP1);
	edge(&m, SPI);
	cif = vgic_cpu_if_lock(m.cpu[0]);
	cif->bpr[0] = 2;
	cif->bpr[1] = 3;
	vgic_cpu_if_unlock(m.cpu[0]);
	lrs = lrs_flush(&m, 4);
	assert_true(lrs.lr[0] == (40 | UINT64_C(0x98) << 48 |
				  UINT64_C(1) << 60 | UINT64_C(1) << 62));
	assert_int_equal(lrs.vmcr,
			 0xf8u << 24 | 2u << 21 | 3u << 18 | 1u << 3 | 3);
	lrs.vmcr = 0x80u << 24 | 7u << 21 | 5u << 18 | 1u << 9 | 2;
	lrs.ap1r = 1u << 31;
	lrs_sync(&m, &lrs);
	cif = &m.cpu[0]->cif;
	assert_int_equal(cif->pmr, 0x80);
	assert_int_equal(cif->bpr[0], 7);
	assert_int_equal(cif->bpr[1], 5);
	assert_true(!cif->group_enabled[0] && cif->group_enabled[1] &&
		    cif->eoi_mode && !cif->fiq_en);
	assert_int_equal(cif->apr[1], 1u << 31);
	machine_destroy(&m);
}

/* What a state becomes in a list register, and what that leaves. */
static void packing_follows_linux(void **state)
{
	static const struct {
		unsigned int state; /* and enabled */
		bool pending, active, eoi, hw;
		unsigned int left; /* of IRQ_LATCH and IRQ_LINE */
		bool no_id; /* no physical one */
	} rows[] = {
		{IRQ_LATCH, true, false, false, false, 0},
		{IRQ_ACTIVE, false, true, false, false, 0},
		{IRQ_LATCH | IRQ_ACTIVE, true, true, false, false, 0},
		{IRQ_LEVEL | IRQ_LINE, true, false, true, false, IRQ_LINE},
		{IRQ_LEVEL | IRQ_LATCH, true, false, true, false, IRQ_LATCH},
		{IRQ_LEVEL | IRQ_LINE | IRQ_ACTIVE, false, true, true, false,
		 IRQ_LINE},
		{IRQ_LEVEL | IRQ_LATCH | IRQ_ACTIVE, false, true, true, false,
		 IRQ_LATCH},
		{IRQ_HW | IRQ_LATCH, true, false, false, true, 0},
		{IRQ_HW | IRQ_LATCH | IRQ_ACTIVE, false, true, false, true,
		 IRQ_LATCH},
		{IRQ_HW | IRQ_LEVEL | IRQ_HW_LINE | IRQ_LINE, true, false,
		 false, true, 0},
		{IRQ_HW | IRQ_LEVEL | IRQ_HW_LINE | IRQ_ACTIVE, false, true,
		 false, true, 0},
		{IRQ_HW | IRQ_LATCH, true, false, true, false, 0, true},
		{IRQ_HW | IRQ_LATCH | IRQ_ACTIVE, false, true, true, false,
		 IRQ_LATCH, true},
		{IRQ_HW | IRQ_LEVEL | IRQ_HW_LINE | IRQ_LINE, true, false, true,
		 false, 0, true},
	};
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FOR_EACH_MODEL(m, 1)
		{
			bool v3 = m.model == 3;

			irq_of(&m, 0, SPI)->hwintid = rows[i].no_id ? 0 : 77;
			irq_setup(&m, 0, SPI, 0x80, rows[i].state);
			lrs = lrs_flush(&m, 4);
			assert_int_equal(!!(lrs.lr[0] & lr_pending(&m)),
					 rows[i].pending);
			assert_int_equal(!!(lrs.lr[0] & lr_active(&m)),
					 rows[i].active);
			assert_int_equal(!!(lrs.lr[0] & (v3 ? LR3_HW : LR2_HW)),
					 rows[i].hw);
			if (rows[i].hw)
				assert_int_equal(lrs.lr[0] >> (v3 ? 32 : 10) &
							 0x3ff,
						 77);
			else
				assert_int_equal(!!(lrs.lr[0] & lr_eoi(&m)),
						 rows[i].eoi);
			assert_int_equal(state_of(&m, 0, SPI) &
						 (IRQ_LATCH | IRQ_LINE),
					 rows[i].left);
			/* And back as it was. */
			lrs_sync(&m, &lrs);
			assert_int_equal(state_of(&m, 0, SPI) & ~IRQ_GROUP1,
					 rows[i].state | IRQ_ENABLED);
			vgic_irq_change(irq_of(&m, 0, SPI), 0, IRQ_HW);
		}
	}
}

/* What the guest has made of it in the register. */
static void folding_follows_linux(void **state)
{
	static const struct {
		unsigned int before, after;
		bool pending, active; /* in the register, then */
	} rows[] = {
		{IRQ_LATCH, 0, false, false},
		{IRQ_LATCH, IRQ_ACTIVE, false, true},
		{IRQ_LATCH | IRQ_ACTIVE, IRQ_LATCH, true, false},
		{IRQ_LEVEL | IRQ_LATCH, IRQ_LEVEL | IRQ_LATCH | IRQ_ACTIVE,
		 false, true},
		{IRQ_LEVEL | IRQ_LATCH | IRQ_ACTIVE, IRQ_LEVEL, false, false},
		{IRQ_LEVEL | IRQ_LINE, IRQ_LEVEL | IRQ_LINE, false, false},
	};
	struct virq_vgic_lrs lrs;
	struct machine m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FOR_EACH_MODEL(m, 1)
		{
			irq_setup(&m, 0, SPI, 0x80, rows[i].before);
			lrs = lrs_flush(&m, 4);
			lrs.lr[0] &= ~(lr_pending(&m) | lr_active(&m));
			if (rows[i].pending)
				lrs.lr[0] |= lr_pending(&m);
			if (rows[i].active)
				lrs.lr[0] |= lr_active(&m);
			lrs_sync(&m, &lrs);
			assert_int_equal(state_of(&m, 0, SPI) & ~IRQ_GROUP1,
					 rows[i].after | IRQ_ENABLED);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_formats_are_the_architecture_s),
		cmocka_unit_test(packing_follows_linux),
		cmocka_unit_test(folding_follows_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

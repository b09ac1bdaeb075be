// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the registers of the vGIC's distributor and redistributors hold and
 * configure, for a guest and for user space; test_vgic_dist_state has pending
 * and active.
 */
#include "vgic_regs_fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define SPI REGS_SPI
#define SPI_BIT REGS_SPI_BIT
#define SGI_BASE 0x10000
#define DIST KVM_DEV_ARM_VGIC_GRP_DIST_REGS

/* Can vCPU @c take something now? */
static bool pending(struct machine *m, unsigned int c)
{
	return virq_vcpu_pending(m->vcpu[c]);
}

/* ---- GICD_CTLR ---- */

static void switching_the_distributor_on_delivers(void **state)
{
	(void)state;
	for (unsigned int model = 2; model <= 3; model++) {
		struct machine m;
		unsigned int kicks;

		regs_begin(&m, model, 2);
		dist_write(&m, 0, 0, 0);
		set_line(&m, 0, SPI, true);
		assert_false(pending(&m, 0));
		assert_true(virq_vcpu_enter(m.vcpu[0]));
		kicks = m.kicks[0];
		dist_write(&m, 1, 0, model == 2 ? 1 : 2);
		assert_true(m.kicks[0] > kicks);
		virq_vcpu_exit(m.vcpu[0]);
		assert_true(pending(&m, 0));
		dist_write(&m, 0, 0, 0);
		assert_false(pending(&m, 0));
		machine_destroy(&m);
	}
}

static void ctlr_holds_the_one_enable_only(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 1, 0);
	dist_write(&m, 0, 0, ~0u);
	assert_int_equal(dist_read(&m, 0, 0), 1);
	dist_write(&m, 0, 0, 2);
	assert_int_equal(dist_read(&m, 0, 0), 0);
	machine_destroy(&m);
	machine_create(&m, 3, 1, 0);
	dist_write(&m, 0, 0, 3);
	assert_int_equal(dist_read(&m, 0, 0), 0x52);
	dist_write(&m, 0, 0, 1);
	assert_int_equal(dist_read(&m, 0, 0), 0x50);
	assert_int_equal(user_set(&m, DIST, 0, 3), 0);
	assert_int_equal(regs_user(&m, DIST, 0), 0x52);
	machine_destroy(&m);
}

static void iidr_takes_revisions_2_and_3(void **state)
{
	(void)state;
	for (unsigned int model = 2; model <= 3; model++) {
		struct machine m;

		machine_create(&m, model, 1, 0);
		dist_write(&m, 0, 8, 0x4b00243b);
		assert_int_equal(dist_read(&m, 0, 8), 0x4b00343b);
		assert_int_equal(user_set(&m, DIST, 8, 0x4b00243b), 0);
		assert_int_equal(regs_user(&m, DIST, 8), 0x4b00243b);
		if (model == 3)
			assert_int_equal(cpu_read(&m, 0, 0), 0);
		assert_int_equal(user_set(&m, DIST, 8, 0x4b00143b), -EINVAL);
		assert_int_equal(user_set(&m, DIST, 8, 0x4b00443b), -EINVAL);
		assert_int_equal(user_set(&m, DIST, 8, 0x4c00343b), -EINVAL);
		assert_int_equal(regs_user(&m, DIST, 8), 0x4b00243b);
		assert_int_equal(user_set(&m, DIST, 8, 0x4b00343b), 0);
		if (model == 3)
			assert_int_equal(cpu_read(&m, 0, 0), 6);
		machine_destroy(&m);
	}
}

static void typer2_must_be_what_it_is(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	assert_int_equal(user_set(&m, DIST, 0xc, 1), -EINVAL);
	assert_int_equal(user_set(&m, DIST, 0xc, 0), 0);
	machine_destroy(&m);
}

/* ---- Groups ---- */

static void v2_groups_are_user_spaces_after_iidr(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 1, 0);
	assert_int_equal(user_set(&m, DIST, 0x84, ~0u), 0);
	assert_int_equal(regs_user(&m, DIST, 0x84), 0);
	dist_write(&m, 0, 0x84, 0xff00ff00); /* a guest's at any time */
	assert_int_equal(regs_user(&m, DIST, 0x84), 0xff00ff00);
	assert_int_equal(user_set(&m, DIST, 8, 0x4b00343b), 0);
	assert_int_equal(user_set(&m, DIST, 0x84, 0x0f0f), 0);
	assert_int_equal(dist_read(&m, 0, 0x84), 0x0f0f);
	machine_destroy(&m);
}

static void a_group_write_moves_a_pending_interrupt(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 2, 1);
	set_line(&m, 0, SPI, true);
	assert_true(pending(&m, 0));
	dist_write(&m, 0, 0x84, ~0u); /* group 1 is disabled at the interface */
	assert_false(pending(&m, 0));
	cpu_write(&m, 0, 0, 3);
	assert_true(pending(&m, 0));
	machine_destroy(&m);
}

/* ---- Enable ---- */

static void sgis_can_be_disabled(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 1, 0);
	dist_write(&m, 0, 0x180, 0xf0ff);
	assert_int_equal(dist_read(&m, 0, 0x100), 0x0f00);
	machine_destroy(&m);
}

/* ---- Priority, configuration ---- */

static void priorities_have_five_bits(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 3, 2);
	dist_write(&m, 0, 0x400 + SPI, ~0u);
	assert_int_equal(dist_read(&m, 0, 0x400 + SPI), 0xf8f8f8f8);
	guest_write(&m, 0, DIST_BASE + 0x400 + SPI + 1, 1, 0x17);
	assert_int_equal(dist_read(&m, 0, 0x400 + SPI), 0xf8f810f8);
	guest_write(&m, 0, m.cpu[1]->redist_base + SGI_BASE + 0x403, 1, 0x9f);
	assert_int_equal(cpu_read(&m, 1, SGI_BASE + 0x400), 0x98000000);
	assert_int_equal(cpu_read(&m, 0, SGI_BASE + 0x400), 0);
	machine_destroy(&m);
}

static void a_priority_write_changes_who_is_next(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 3, 1);
	dist_write(&m, 0, 0x104, ~0u);
	dist_write(&m, 0, 0x400 + SPI, 0x40404040);
	set_line(&m, 0, SPI, true);
	set_line(&m, 0, SPI + 1, true);
	set_line(&m, 0, SPI + 2, true);
	guest_write(&m, 0, DIST_BASE + 0x400 + SPI + 2, 1, 0x20);
	guest_write(&m, 0, DIST_BASE + 0x400 + SPI, 1, 0x60);
	assert_int_equal(virq_vgic_iar(m.vcpu[0], 1), SPI + 2);
	virq_vgic_eoir(m.vcpu[0], 1, SPI + 2);
	assert_int_equal(virq_vgic_iar(m.vcpu[0], 1), SPI + 1);
	virq_vgic_eoir(m.vcpu[0], 1, SPI + 1);
	/* And behind the mask, for the vCPU that must not take it. */
	guest_write(&m, 0, DIST_BASE + 0x400 + SPI, 1, 0xf8);
	assert_false(pending(&m, 0));
	machine_destroy(&m);
}

static void sgis_and_ppis_keep_their_configuration(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 1, 0);
	dist_write(&m, 0, 0xc00, 0);
	dist_write(&m, 0, 0xc04, ~0u);
	dist_write(&m, 0, 0xc08, 0x5555aaff);
	assert_int_equal(dist_read(&m, 0, 0xc00), 0xaaaaaaaa);
	assert_int_equal(dist_read(&m, 0, 0xc04), 0);
	assert_int_equal(dist_read(&m, 0, 0xc08), 0x0000aaaa);
	machine_destroy(&m);
}

/* ---- Targets ---- */

static void v2_targets_are_masked_and_the_lowest_is_interrupted(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 2, 3);
	set_line(&m, 0, SPI, true);
	dist_write(&m, 0, 0x800 + SPI, 0x000403fe);
	assert_int_equal(dist_read(&m, 0, 0x800 + SPI), 0x00040306);
	assert_true(pending(&m, 1));
	assert_false(pending(&m, 0) || pending(&m, 2));
	guest_write(&m, 0, DIST_BASE + 0x800 + SPI, 1, 0xf8); /* none */
	assert_int_equal(dist_read(&m, 0, 0x800 + SPI) & 0xff, 0);
	assert_true(pending(&m, 0));
	dist_write(&m, 2, 0x800, 0);
	assert_int_equal(dist_read(&m, 2, 0x800), 0x04040404);
	machine_destroy(&m);
}

static void v3_routes_by_affinity_or_to_nobody(void **state)
{
	uint64_t router = DIST_BASE + 0x6000 + 8 * SPI;
	struct machine m;

	(void)state;
	regs_begin(&m, 3, 18);
	set_line(&m, 0, SPI, true);
	assert_true(pending(&m, 0));
	guest_write(&m, 0, router, 8, 0x100); /* Aff1.Aff0 = 1.0 */
	assert_true(pending(&m, 16));
	assert_false(pending(&m, 0));
	guest_write(&m, 0, router, 4, 0x200); /* is nobody */
	assert_false(pending(&m, 16));
	assert_int_equal(dist_read(&m, 0, 0x204), SPI_BIT);
	/* Aff3 and IRM are not there. */
	guest_write(&m, 0, router + 4, 4, ~0u);
	assert_int_equal(guest_read(&m, 0, router, 8), 0x200);
	guest_write(&m, 0, router, 8, 0xff00000080000101);
	assert_int_equal(guest_read(&m, 0, router, 8), 0x101);
	assert_true(pending(&m, 17));
	machine_destroy(&m);
}

/* ---- Redistributors ---- */

static void a_ppi_is_reached_by_its_redistributor(void **state)
{
	struct machine m;
	uint64_t frame;

	(void)state;
	regs_begin(&m, 3, 2);
	frame = m.cpu[1]->redist_base + SGI_BASE;
	guest_write(&m, 0, frame + 0x100, 4, 1 << 27);
	set_line(&m, 1, 27, true);
	assert_true(pending(&m, 1));
	assert_false(pending(&m, 0));
	assert_int_equal(guest_read(&m, 0, frame + 0x200, 4), 1 << 27);
	assert_int_equal(cpu_read(&m, 0, SGI_BASE + 0x200), 0);
	guest_write(&m, 0, frame + 0x200, 4, 1 << 3); /* an SGI, too */
	assert_true(regs_irq(&m, 1, 3)->queue);
	machine_destroy(&m);
}

static void tables_of_lpis_are_what_linux_supports(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 2, 0);
	guest_write(&m, 0, m.cpu[0]->redist_base + 0x70, 8, ~0ull);
	assert_int_equal(guest_read(&m, 0, m.cpu[0]->redist_base + 0x70, 8),
			 0x000fffffffffff9full);
	/* Outer shareable, not cacheable. */
	cpu_write(&m, 0, 0x70, 0x12345880);
	assert_int_equal(cpu_read(&m, 0, 0x70), 0x12345580);
	assert_int_equal(cpu_read(&m, 0, 0x74), 0x000fffff); /* as it was */
	cpu_write(&m, 0, 0x74, 0x01000001);
	assert_int_equal(cpu_read(&m, 0, 0x70), 0x12345580);
	assert_int_equal(cpu_read(&m, 1, 0x74), 0x01000001); /* one for all */
	guest_write(&m, 0, m.cpu[0]->redist_base + 0x78, 8, ~0ull);
	assert_int_equal(guest_read(&m, 0, m.cpu[0]->redist_base + 0x78, 8),
			 0x000fffffffff0f80ull);
	assert_int_equal(cpu_read(&m, 1, 0x78), 0x580);
	cpu_write(&m, 0, 0x00, 1); /* without an ITS there are no LPIs */
	assert_int_equal(cpu_read(&m, 0, 0x00), 6);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switching_the_distributor_on_delivers),
		cmocka_unit_test(ctlr_holds_the_one_enable_only),
		cmocka_unit_test(iidr_takes_revisions_2_and_3),
		cmocka_unit_test(typer2_must_be_what_it_is),
		cmocka_unit_test(v2_groups_are_user_spaces_after_iidr),
		cmocka_unit_test(a_group_write_moves_a_pending_interrupt),
		cmocka_unit_test(sgis_can_be_disabled),
		cmocka_unit_test(priorities_have_five_bits),
		cmocka_unit_test(a_priority_write_changes_who_is_next),
		cmocka_unit_test(sgis_and_ppis_keep_their_configuration),
		cmocka_unit_test(
			v2_targets_are_masked_and_the_lowest_is_interrupted),
		cmocka_unit_test(v3_routes_by_affinity_or_to_nobody),
		cmocka_unit_test(a_ppi_is_reached_by_its_redistributor),
		cmocka_unit_test(tables_of_lpis_are_what_linux_supports),
	};

	return cmocka_run_group_tests_name("vgic-dist", tests, NULL, NULL);
}

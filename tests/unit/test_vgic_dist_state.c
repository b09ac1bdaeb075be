// SPDX-License-Identifier: BSD-3-Clause
/*
 * The registers of pending, active and lines in the vGIC's distributor and
 * redistributors, for a guest and for user space, also of interrupts that are
 * forwarded.
 */
#include "vgic_regs_fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "irqchip/vgic/forward.h"

#define SPI REGS_SPI
#define SPI_BIT REGS_SPI_BIT
#define SGI_BASE 0x10000
#define DIST KVM_DEV_ARM_VGIC_GRP_DIST_REGS
#define REDIST KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
#define CPU1 (UINT64_C(1) << 32)

/* Can vCPU @c take something now? */
static bool pending(struct machine *m, unsigned int c)
{
	return virq_vcpu_pending(m->vcpu[c]);
}

/* ---- Pending ---- */

static void pending_shows_latch_and_line(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 2, 1);
	dist_write(&m, 0, 0xc08, 0); /* level */
	set_line(&m, 0, SPI, true);
	assert_int_equal(dist_read(&m, 0, 0x204), SPI_BIT);
	dist_write(&m, 0, 0x284, SPI_BIT); /* the line is up nevertheless */
	assert_int_equal(dist_read(&m, 0, 0x284), SPI_BIT);
	dist_write(&m, 0, 0x204, SPI_BIT);
	set_line(&m, 0, SPI, false);
	assert_int_equal(dist_read(&m, 0, 0x204), SPI_BIT);
	dist_write(&m, 0, 0x284, SPI_BIT);
	assert_int_equal(dist_read(&m, 0, 0x204), 0);
	assert_int_equal(regs_user(&m, DIST, 0x204), 0);
	machine_destroy(&m);
}

static void v2_sgis_are_not_in_spendr(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 2, 2);
	dist_write(&m, 1, 0x200, ~0u);
	assert_int_equal(dist_read(&m, 1, 0x200), ~0xffffu);
	dist_write(&m, 1, 0xf20, 0x05);
	dist_write(&m, 1, 0x280, ~0u);
	assert_int_equal(dist_read(&m, 1, 0x200), 1);
	/* User space's are: itself stands in as the source. */
	assert_int_equal(user_set(&m, DIST, CPU1 | 0x200, 0x6), 0);
	assert_int_equal(dist_read(&m, 1, 0xf20), 0x020205);
	assert_int_equal(dist_read(&m, 0, 0xf20), 0);
	assert_int_equal(user_set(&m, DIST, CPU1 | 0x280, 0x3), 0);
	assert_int_equal(dist_read(&m, 1, 0xf20), 0x020000);
	assert_int_equal(dist_read(&m, 1, 0x200), 4);
	machine_destroy(&m);
}

static void v3_user_space_has_the_latch_alone(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 3, 1);
	dist_write(&m, 0, 0xc08, 0);
	set_line(&m, 0, SPI, true);
	assert_int_equal(dist_read(&m, 0, 0x204), SPI_BIT);
	assert_int_equal(regs_user(&m, DIST, 0x204), 0);
	assert_int_equal(user_set(&m, DIST, 0x204, 0x00f0), 0);
	assert_int_equal(regs_user(&m, DIST, 0x204), 0x00f0);
	assert_int_equal(user_set(&m, DIST, 0x204, 0x0f00), 0);
	assert_int_equal(regs_user(&m, DIST, 0x204), 0x0f00);
	assert_int_equal(user_set(&m, DIST, 0x284, ~0u), 0);
	assert_int_equal(regs_user(&m, DIST, 0x284), 0);
	assert_int_equal(regs_user(&m, DIST, 0x204), 0x0f00);
	assert_int_equal(user_set(&m, REDIST, SGI_BASE + 0x200, 0x30003), 0);
	assert_int_equal(regs_user(&m, REDIST, SGI_BASE + 0x200), 0x30003);
	machine_destroy(&m);
}

static void level_info_is_the_line(void **state)
{
	struct machine m;
	uint64_t value;

	(void)state;
	regs_begin(&m, 3, 2);
	/* Set whatever the configuration, shown if it is level. */
	assert_int_equal(user_set(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32, 0xf),
			 0);
	assert_int_equal(regs_user(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32), 0);
	dist_write(&m, 0, 0xc08, 0);
	assert_int_equal(regs_user(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32),
			 0xf);
	assert_int_equal(dist_read(&m, 0, 0x204), 0xf);
	/* SGIs have none, PPIs are each vCPU's own. */
	assert_int_equal(
		user_set(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, CPU1, ~0u), 0);
	assert_int_equal(regs_user(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, CPU1),
			 0xffff0000);
	assert_int_equal(regs_user(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 0), 0);
	for (unsigned int sgi = 0; sgi < 16; sgi++)
		assert_false(vgic_irq_state(regs_irq(&m, 1, sgi)) & IRQ_LINE);
	assert_int_equal(
		user_get(&m, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 33, &value),
		-EINVAL);
	machine_destroy(&m);
}

/* ---- Active ---- */

static void an_active_interrupt_is_not_taken_again(void **state)
{
	(void)state;
	for (unsigned int model = 2; model <= 3; model++) {
		struct machine m;

		regs_begin(&m, model, 2);
		set_line(&m, 0, SPI, true);
		assert_true(pending(&m, 0));
		/* Set and cleared by the other vCPU. */
		dist_write(&m, 1, 0x304, SPI_BIT);
		assert_false(pending(&m, 0));
		assert_int_equal(dist_read(&m, 0, 0x384), SPI_BIT);
		dist_write(&m, 1, 0x384, SPI_BIT);
		assert_true(pending(&m, 0));
		machine_destroy(&m);
	}
}

static void an_active_interrupt_stays_where_it_is(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 3, 2);
	set_line(&m, 0, SPI, true);
	assert_int_equal(virq_vgic_iar(m.vcpu[0], 1), SPI);
	set_line(&m, 0, SPI, true); /* pending again */
	dist_write(&m, 0, 0x6000 + 8 * SPI, 1);
	assert_false(pending(&m, 1));
	dist_write(&m, 1, 0x384, SPI_BIT); /* not by its EOI */
	assert_true(pending(&m, 1));
	assert_false(pending(&m, 0));
	machine_destroy(&m);
}

static void v2_active_sgi_by_register_is_the_writers(void **state)
{
	struct machine m;

	(void)state;
	regs_begin(&m, 2, 2);
	dist_write(&m, 1, 0x300, 1 << 3);
	assert_int_equal(regs_irq(&m, 1, 3)->active_source, 1);
	assert_int_equal(user_set(&m, DIST, CPU1 | 0x300, 1 << 3), 0);
	assert_int_equal(regs_irq(&m, 1, 3)->active_source, 0);
	machine_destroy(&m);
}

/* ---- Forwarded interrupts ---- */

static unsigned int completions;

static void on_deactivated(struct virq_bypass_producer *producer)
{
	(void)producer;
	completions++;
}

static struct virq_bypass_producer owner = {.deactivated = on_deactivated};

static const struct virq_forward *forwarded(struct machine *m)
{
	const struct virq_forward *forward;

	regs_begin(m, 3, 1);
	dist_write(m, 0, 0xc08, 0);
	completions = 0;
	assert_int_equal(vgic_forward_map(m->vgic, SPI, 0, &owner, &forward),
			 0);
	return forward;
}

static void a_forwarded_line_is_what_ispendr_shows(void **state)
{
	struct machine m;
	const struct virq_forward *forward = forwarded(&m);

	(void)state;
	forward->set_level(forward, true);
	assert_true(pending(&m, 0));
	assert_int_equal(virq_vgic_iar(m.vcpu[0], 1), SPI);
	assert_int_equal(dist_read(&m, 0, 0x204), SPI_BIT);
	forward->set_level(forward, false);
	assert_int_equal(dist_read(&m, 0, 0x204), 0);
	vgic_forward_unmap(m.vgic, SPI, &owner);
	machine_destroy(&m);
}

static void clearing_active_completes_at_the_device(void **state)
{
	struct machine m;
	const struct virq_forward *forward = forwarded(&m);

	(void)state;
	forward->set_level(forward, true);
	dist_write(&m, 0, 0x384, SPI_BIT); /* not active: nothing to end */
	assert_int_equal(completions, 0);
	assert_int_equal(virq_vgic_iar(m.vcpu[0], 1), SPI);
	/* User space's is not the device's. */
	assert_int_equal(user_set(&m, DIST, 0x384, SPI_BIT), 0);
	assert_int_equal(completions, 0);
	assert_int_equal(dist_read(&m, 0, 0x304), SPI_BIT);
	dist_write(&m, 0, 0x384, SPI_BIT);
	assert_int_equal(completions, 1);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	vgic_forward_unmap(m.vgic, SPI, &owner);
	machine_destroy(&m);
}

static void setting_active_takes_it_from_the_device(void **state)
{
	struct machine m;
	const struct virq_forward *forward = forwarded(&m);

	(void)state;
	forward->set_level(forward, true);
	assert_int_equal(user_set(&m, DIST, 0x304, SPI_BIT), 0);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	dist_write(&m, 0, 0x304, SPI_BIT);
	assert_false(pending(&m, 0)); /* never pending and active */
	assert_false(vgic_irq_state(regs_irq(&m, 0, SPI)) & IRQ_LINE);
	dist_write(&m, 0, 0x384, SPI_BIT);
	assert_int_equal(completions, 1);
	vgic_forward_unmap(m.vgic, SPI, &owner);
	machine_destroy(&m);
}

static void clearing_pending_leaves_a_device_that_asserts(void **state)
{
	struct machine m;
	const struct virq_forward *forward = forwarded(&m);

	(void)state;
	forward->set_level(forward, true);
	dist_write(&m, 0, 0x204, SPI_BIT);
	dist_write(&m, 0, 0x284, SPI_BIT);
	assert_true(pending(&m, 0));
	forward->set_level(forward, false);
	assert_false(pending(&m, 0));
	vgic_forward_unmap(m.vgic, SPI, &owner);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pending_shows_latch_and_line),
		cmocka_unit_test(v2_sgis_are_not_in_spendr),
		cmocka_unit_test(v3_user_space_has_the_latch_alone),
		cmocka_unit_test(level_info_is_the_line),
		cmocka_unit_test(an_active_interrupt_is_not_taken_again),
		cmocka_unit_test(an_active_interrupt_stays_where_it_is),
		cmocka_unit_test(v2_active_sgi_by_register_is_the_writers),
		cmocka_unit_test(a_forwarded_line_is_what_ispendr_shows),
		cmocka_unit_test(clearing_active_completes_at_the_device),
		cmocka_unit_test(setting_active_takes_it_from_the_device),
		cmocka_unit_test(clearing_pending_leaves_a_device_that_asserts),
	};

	return cmocka_run_group_tests_name("vgic-dist-state", tests, NULL,
					   NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/* The state model of an interrupt, taken by registers. */
#include "vgic_state_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define SPI 40u
#define OTHER 41u

static void an_edge_comes_once(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		assert_int_equal(inject(&m, 0, SPI, true), 1);
		assert_int_equal(inject(&m, 0, SPI, false), -1);
		assert_int_equal(inject(&m, 0, SPI, true), 0);
		assert_true(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPI);
		assert_false(state_has(&m, 0, SPI, IRQ_LATCH));
		assert_true(state_has(&m, 0, SPI, IRQ_ACTIVE));
		assert_false(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPURIOUS);
		eoir(&m, 0, SPI);
		assert_false(state_has(&m, 0, SPI, IRQ_ACTIVE));
		assert_int_equal(iar(&m, 0), SPURIOUS);
	}
}

static void edges_while_active_are_one_more(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		edge(&m, SPI);
		iar(&m, 0);
		assert_int_equal(inject(&m, 0, SPI, true), 1);
		assert_int_equal(inject(&m, 0, SPI, true), 0);
		assert_true(state_has(&m, 0, SPI, IRQ_LATCH | IRQ_ACTIVE));
		assert_int_equal(iar(&m, 0), SPURIOUS);
		eoir(&m, 0, SPI);
		assert_true(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPI);
		eoir(&m, 0, SPI);
		assert_int_equal(iar(&m, 0), SPURIOUS);
	}
}

static void a_level_comes_as_long_as_it_is_up(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, IRQ_LEVEL);
		assert_int_equal(inject(&m, 0, SPI, true), 1);
		assert_int_equal(inject(&m, 0, SPI, true), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(iar(&m, 0), SPI);
			assert_false(pending_events(&m, 0));
			eoir(&m, 0, SPI);
			assert_true(pending_events(&m, 0));
		}
		assert_int_equal(iar(&m, 0), SPI);
		assert_int_equal(inject(&m, 0, SPI, false), 0);
		eoir(&m, 0, SPI);
		assert_false(pending_events(&m, 0));
		/* One that falls before it is taken has not been. */
		inject(&m, 0, SPI, true);
		inject(&m, 0, SPI, false);
		assert_false(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPURIOUS);
	}
}

static void a_latch_on_a_level_lasts_until_deactivation(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, IRQ_LEVEL);
		vgic_irq_change(irq_of(&m, 0, SPI), IRQ_LATCH, 0);
		assert_int_equal(inject(&m, 0, SPI, true), 0);
		inject(&m, 0, SPI, false);
		assert_int_equal(iar(&m, 0), SPI);
		/* As Linux shows it in ISPENDR of one that is active. */
		assert_true(state_has(&m, 0, SPI, IRQ_LATCH | IRQ_ACTIVE));
		eoir(&m, 0, SPI);
		assert_false(state_has(&m, 0, SPI, IRQ_LATCH));
		assert_int_equal(iar(&m, 0), SPURIOUS);
	}
}

static void a_line_is_not_an_edge(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, IRQ_LEVEL);
		inject(&m, 0, SPI, true);
		vgic_irq_change(irq_of(&m, 0, SPI), 0, IRQ_LEVEL);
		/* An edge that nobody has seen. */
		assert_false(pending_events(&m, 0));
		vgic_irq_change(irq_of(&m, 0, SPI), IRQ_LEVEL, 0);
		assert_true(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPI);
		eoir(&m, 0, SPI);
	}
}

static void a_disabled_one_waits(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		enter_guest(&m, 0);
		edge(&m, SPI);
		assert_int_equal(m.kicks[0], 0);
		assert_false(pending_events(&m, 0));
		vgic_irq_change(irq_of(&m, 0, SPI), IRQ_ENABLED, 0);
		assert_int_equal(m.kicks[0], 1);
		assert_true(pending_events(&m, 0));
		vgic_irq_change(irq_of(&m, 0, SPI), 0, IRQ_ENABLED);
		assert_false(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPURIOUS);
		assert_true(state_has(&m, 0, SPI, IRQ_LATCH));
	}
}

static void the_distributor_holds_all_back(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		irq_setup(&m, 1, 3, 0x80, 0);
		vgic_set_enabled(m.vgic, false);
		enter_guest(&m, 0);
		enter_guest(&m, 1);
		edge(&m, SPI);
		vgic_sgi_raise(m.cpu[1], 3, 0);
		for (unsigned int c = 0; c < 2; c++) {
			assert_int_equal(m.kicks[c], 0);
			assert_false(pending_events(&m, c));
			assert_int_equal(iar(&m, c), SPURIOUS);
			assert_int_equal(vgic_cpu_hppir(m.cpu[c], m.model == 3),
					 SPURIOUS);
		}
		vgic_set_enabled(m.vgic, true);
		assert_int_equal(m.kicks[0], 1);
		assert_int_equal(m.kicks[1], 1);
		assert_int_equal(iar(&m, 0), SPI);
		assert_int_equal(iar(&m, 1), 3);
	}
}

static void a_pending_one_moves_with_its_target(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		edge(&m, SPI);
		assert_true(pending_events(&m, 0));
		enter_guest(&m, 1);
		irq_send(&m, SPI, 1);
		assert_false(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPURIOUS);
		assert_int_equal(m.kicks[1], 1);
		assert_int_equal(iar(&m, 1), SPI);
		eoir(&m, 1, SPI);
	}
}

static void an_active_one_moves_when_it_is_done(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		edge(&m, SPI);
		iar(&m, 0);
		irq_send(&m, SPI, 1);
		edge(&m, SPI);
		assert_false(pending_events(&m, 1));
		assert_int_equal(iar(&m, 1), SPURIOUS);
		/* Nobody else completes it. */
		eoir(&m, 1, SPI);
		assert_true(state_has(&m, 0, SPI, IRQ_ACTIVE));
		enter_guest(&m, 1);
		eoir(&m, 0, SPI);
		assert_false(pending_events(&m, 0));
		assert_int_equal(m.kicks[1], 1);
		assert_int_equal(iar(&m, 1), SPI);
		eoir(&m, 1, SPI);
		assert_int_equal(iar(&m, 0), SPURIOUS);
		assert_int_equal(iar(&m, 1), SPURIOUS);
	}
}

static void what_hid_behind_a_moved_one_comes(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(m.cpu[0]);

		cif->group_enabled[0] = false;
		vgic_cpu_if_unlock(m.cpu[0]);
		irq_setup(&m, 0, SPI, 0x40, 0);
		irq_setup(&m, 0, OTHER, 0x80, IRQ_GROUP1);
		vgic_irq_change(irq_of(&m, 0, SPI), 0, IRQ_GROUP1);
		edge(&m, SPI);
		edge(&m, OTHER);
		/* GICv2: the first is of a group that is off, so none comes. */
		assert_int_equal(!!pending_events(&m, 0), m.model == 3);
		enter_guest(&m, 0);
		irq_send(&m, SPI, 1);
		assert_true(pending_events(&m, 0));
		assert_int_equal(m.kicks[0], m.model == 2);
	}
}

static void one_without_a_target_waits(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		irq_send(&m, SPI, -1);
		assert_int_equal(inject(&m, 0, SPI, true), 1);
		assert_int_equal(inject(&m, 0, SPI, true), 0);
		assert_false(pending_events(&m, 0));
		assert_ptr_equal(irq_home(irq_of(&m, 0, SPI)), m.vgic->nowhere);
		irq_send(&m, SPI, 1);
		assert_int_equal(iar(&m, 1), SPI);
		irq_send(&m, SPI, -1);
		edge(&m, SPI);
		eoir(&m, 1, SPI);
		assert_false(pending_events(&m, 1));
		assert_true(state_has(&m, 0, SPI, IRQ_LATCH));
	}
}

static void priority_orders_what_is_pending(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		for (uint32_t i = 0; i < 31; i++) {
			irq_setup(&m, 0, 32 + i, (uint8_t)(0xf0 - 8 * i), 0);
			edge(&m, 32 + i);
		}
		/* The last becomes the first. */
		irq_set_priority(&m, 0, 32, 0);
		irq_set_priority(&m, 0, 62, 0xf0);
		assert_int_equal(iar(&m, 0), 32);
		eoir(&m, 0, 32);
		for (uint32_t i = 29; i > 0; i--) {
			assert_int_equal(iar(&m, 0), 32 + i);
			eoir(&m, 0, 32 + i);
		}
		assert_int_equal(iar(&m, 0), 62);
	}
}

static void equals_come_in_order_of_arrival(void **state)
{
	static const uint32_t order[] = {45, 33, 60, 32, 44};
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		for (unsigned int i = 0; i < 5; i++)
			irq_setup(&m, 0, order[i], 0x80, 0);
		for (unsigned int i = 0; i < 5; i++)
			edge(&m, order[i]);
		for (unsigned int i = 0; i < 5; i++) {
			assert_int_equal(iar(&m, 0), order[i]);
			eoir(&m, 0, order[i]);
		}
	}
}

static void a_pending_one_changes_its_group(void **state)
{
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	irq_setup(&m, 0, SPI, 0x80, IRQ_GROUP1);
	edge(&m, SPI);
	assert_int_equal(pending_events(&m, 0), VIRQ_EVENT_INTR);
	vgic_irq_change(irq_of(&m, 0, SPI), 0, IRQ_GROUP1);
	assert_int_equal(pending_events(&m, 0), VIRQ_EVENT_FIQ);
	assert_int_equal(vgic_cpu_iar(m.cpu[0], 1), SPURIOUS);
	assert_int_equal(vgic_cpu_iar(m.cpu[0], 0), SPI);
	machine_destroy(&m);
}

static void a_kick_is_for_news_only(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		irq_setup(&m, 0, SPI, 0x80, 0);
		irq_setup(&m, 0, OTHER, 0x40, 0);
		enter_guest(&m, 0);
		edge(&m, SPI);
		assert_int_equal(m.kicks[0], 1);
		virq_vcpu_exit(m.vcpu[0]);
		enter_guest(&m, 0);
		/* It knows that there is something. */
		edge(&m, SPI);
		edge(&m, OTHER);
		assert_int_equal(m.kicks[0], 0);
		assert_int_equal(iar(&m, 0), OTHER);
		assert_int_equal(iar(&m, 0), SPURIOUS);
		/* Its own thread looks by itself. */
		eoir(&m, 0, OTHER);
		assert_int_equal(m.kicks[0], 0);
		assert_true(pending_events(&m, 0));
	}
}

static void private_ones_are_per_cpu(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 3)
	{
		for (unsigned int c = 0; c < 3; c++)
			irq_setup(&m, c, 27, 0x80, IRQ_LEVEL);
		inject(&m, 1, 27, true);
		assert_false(pending_events(&m, 0));
		assert_false(pending_events(&m, 2));
		assert_int_equal(iar(&m, 1), 27);
		eoir(&m, 0, 27);
		assert_true(state_has(&m, 1, 27, IRQ_ACTIVE));
		inject(&m, 1, 27, false);
		eoir(&m, 1, 27);
		assert_false(state_has(&m, 1, 27, IRQ_ACTIVE));
		assert_null(vgic_irq_get(m.vgic, NULL, 27));
	}
}

static void what_does_not_exist_is_null(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		assert_non_null(irq_of(&m, 0, 63));
		assert_null(irq_of(&m, 0, 64));
		assert_null(irq_of(&m, 0, 1019));
		assert_null(irq_of(&m, 0, 1020));
		assert_null(irq_of(&m, 0, 1023));
		assert_null(irq_of(&m, 0, 8192));
		assert_null(irq_of(&m, 0, UINT32_MAX));
	}
	machine_make(&m, 3, 1, 0);
	assert_null(irq_of(&m, 0, 0));
	assert_null(irq_of(&m, 0, 32));
	machine_destroy(&m);
}

static void initial_states_are_those_of_linux(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		unsigned int group = m.model == 3 ? IRQ_GROUP1 : 0;

		assert_int_equal(state_of(&m, 1, 0), group | IRQ_ENABLED);
		assert_int_equal(state_of(&m, 1, 15), group | IRQ_ENABLED);
		assert_int_equal(state_of(&m, 1, 16), group | IRQ_LEVEL);
		assert_int_equal(state_of(&m, 1, 31), group | IRQ_LEVEL);
		assert_int_equal(state_of(&m, 1, 32), group);
		assert_int_equal(irq_of(&m, 1, 32)->targets, 0);
		assert_int_equal(irq_of(&m, 1, 5)->targets, 2);
		assert_ptr_equal(irq_of(&m, 1, 32)->target, m.cpu[0]);
	}
}

/* Anywhere from the first to the last of them. */
static void all_512_cpus_get_theirs(void **state)
{
	static struct machine m;

	(void)state;
	state_open(&m, 3, 512, 992);
	for (uint32_t i = 32; i < 544; i++) {
		irq_setup(&m, 0, i, 0x80, 0);
		irq_send(&m, i, (int)(543 - i));
		edge(&m, i);
	}
	for (unsigned int c = 0; c < 512; c++) {
		vgic_sgi_raise(m.cpu[c], 7, 0);
		/* SGIs have priority 0 at reset. */
		assert_int_equal(iar(&m, c), 7);
		assert_int_equal(iar(&m, c), SPURIOUS);
		eoir(&m, c, 7);
		assert_int_equal(iar(&m, c), 543 - c);
		eoir(&m, c, 543 - c);
		assert_int_equal(iar(&m, c), SPURIOUS);
		assert_false(pending_events(&m, c));
	}
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edge_comes_once),
		cmocka_unit_test(edges_while_active_are_one_more),
		cmocka_unit_test(a_level_comes_as_long_as_it_is_up),
		cmocka_unit_test(a_latch_on_a_level_lasts_until_deactivation),
		cmocka_unit_test(a_line_is_not_an_edge),
		cmocka_unit_test(a_disabled_one_waits),
		cmocka_unit_test(the_distributor_holds_all_back),
		cmocka_unit_test(a_pending_one_moves_with_its_target),
		cmocka_unit_test(an_active_one_moves_when_it_is_done),
		cmocka_unit_test(what_hid_behind_a_moved_one_comes),
		cmocka_unit_test(one_without_a_target_waits),
		cmocka_unit_test(priority_orders_what_is_pending),
		cmocka_unit_test(equals_come_in_order_of_arrival),
		cmocka_unit_test(a_pending_one_changes_its_group),
		cmocka_unit_test(a_kick_is_for_news_only),
		cmocka_unit_test(private_ones_are_per_cpu),
		cmocka_unit_test(what_does_not_exist_is_null),
		cmocka_unit_test(initial_states_are_those_of_linux),
		cmocka_unit_test(all_512_cpus_get_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

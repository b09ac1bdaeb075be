// SPDX-License-Identifier: BSD-3-Clause
/*
 * The CPU interface by its registers: who may interrupt whom, what ends what.
 * IHI 0048B 3.3 and 4.4, IHI 0069 4.8.
 */
#include "vgic_state_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define LOW 40u
#define HIGH 41u

static void set_bpr(struct machine *m, uint8_t bpr0, uint8_t bpr1, bool cbpr)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(m->cpu[0]);

	cif->bpr[0] = bpr0;
	cif->bpr[1] = bpr1;
	cif->cbpr = cbpr;
	vgic_cpu_if_unlock(m->cpu[0]);
}

static void set_pmr(struct machine *m, uint8_t pmr)
{
	vgic_cpu_if_lock(m->cpu[0])->pmr = pmr;
	vgic_cpu_if_unlock(m->cpu[0]);
}

static void set_eoi_mode(struct machine *m, unsigned int c, bool on)
{
	vgic_cpu_if_lock(m->cpu[c])->eoi_mode = on;
	vgic_cpu_if_unlock(m->cpu[c]);
}

static uint8_t rpr(struct machine *m)
{
	return vgic_cpu_rpr(m->cpu[0]);
}

static uint32_t hppir(struct machine *m, unsigned int group)
{
	return vgic_cpu_hppir(m->cpu[0], group);
}

/*
 * One runs and another comes: does it interrupt?  By the bits of the priority
 * above the binary point, of group 1 the one below.
 */
static void the_binary_point_decides_about_preemption(void **state)
{
	static const struct {
		uint8_t bpr0, bpr1;
		bool cbpr;
		unsigned int group; /* of both */
		uint8_t running, coming;
		uint8_t rpr; /* of the first */
		bool preempts;
	} rows[] = {
		{2, 3, false, 0, 0x88, 0x80, 0x88, true},
		{2, 3, false, 0, 0x80, 0x80, 0x80, false},
		{2, 3, false, 0, 0x80, 0x88, 0x80, false},
		{3, 3, false, 0, 0x88, 0x80, 0x80, false},
		{3, 3, false, 0, 0x90, 0x88, 0x90, true},
		{4, 3, false, 0, 0x98, 0x80, 0x80, false},
		{5, 3, false, 0, 0xb8, 0x80, 0x80, false},
		{5, 3, false, 0, 0xc0, 0xb8, 0xc0, true},
		{6, 3, false, 0, 0xf0, 0x80, 0x80, false},
		{6, 3, false, 0, 0xf0, 0x78, 0x80, true},
		{7, 3, false, 0, 0xf0, 0x00, 0x00, false},
		{7, 3, false, 1, 0x88, 0x80, 0x88, true},
		{2, 4, false, 1, 0x88, 0x80, 0x80, false},
		{2, 4, false, 1, 0x90, 0x88, 0x90, true},
		{2, 7, false, 1, 0xf0, 0x80, 0x80, false},
		{2, 7, false, 1, 0xf0, 0x78, 0x80, true},
		{2, 7, true, 1, 0x88, 0x80, 0x88, true},
		{4, 3, true, 1, 0x98, 0x80, 0x80, false},
		{7, 3, true, 1, 0xf0, 0x00, 0x00, false},
	};
	struct machine m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FOR_EACH_MODEL(m, 1)
		{
			set_bpr(&m, rows[i].bpr0, rows[i].bpr1, rows[i].cbpr);
			vgic_cpu_if_lock(m.cpu[0])->ack_ctl = m.model == 2;
			vgic_cpu_if_unlock(m.cpu[0]);
			raise_spi(&m, LOW, rows[i].group, rows[i].running);
			assert_int_equal(vgic_cpu_iar(m.cpu[0], rows[i].group),
					 LOW);
			assert_int_equal(rpr(&m), rows[i].rpr);
			raise_spi(&m, HIGH, rows[i].group, rows[i].coming);
			assert_int_equal(!!pending_events(&m, 0),
					 rows[i].preempts);
			assert_int_equal(vgic_cpu_iar(m.cpu[0], rows[i].group),
					 rows[i].preempts ? HIGH : SPURIOUS);
			assert_int_equal(hppir(&m, rows[i].group),
					 rows[i].preempts ? SPURIOUS : HIGH);
		}
	}
}

static void only_above_the_mask(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		unsigned int group = m.model == 3;

		raise_spi(&m, LOW, group, 0x80);
		set_pmr(&m, 0x80);
		assert_false(pending_events(&m, 0));
		assert_int_equal(iar(&m, 0), SPURIOUS);
		/* It is there all the same. */
		assert_int_equal(hppir(&m, group), LOW);
		enter_guest(&m, 0);
		set_pmr(&m, 0x88);
		assert_int_equal(m.kicks[0], 1);
		assert_int_equal(iar(&m, 0), LOW);
		set_pmr(&m, 0);
		raise_spi(&m, HIGH, group, 0);
		assert_int_equal(iar(&m, 0), SPURIOUS);
		/* The low three bits are not there. */
		eoir(&m, 0, LOW);
		set_pmr(&m, 0xff);
		irq_set_priority(&m, 0, HIGH, 0xf8);
		assert_int_equal(iar(&m, 0), SPURIOUS);
		irq_set_priority(&m, 0, HIGH, 0xf0);
		assert_int_equal(iar(&m, 0), HIGH);
	}
}

static void nested_ones_end_in_turn(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		unsigned int group = m.model == 3;

		assert_int_equal(rpr(&m), 0xff);
		for (uint32_t i = 0; i < 32; i++) {
			raise_spi(&m, 32 + i, group, (uint8_t)(0xf0 - 8 * i));
			assert_int_equal(iar(&m, 0),
					 i == 31 ? SPURIOUS : 32 + i);
			if (i < 31)
				assert_int_equal(rpr(&m), 0xf0 - 8 * i);
		}
		for (uint32_t i = 31; i--;) {
			eoir(&m, 0, 32 + i);
			assert_false(state_has(&m, 0, 32 + i, IRQ_ACTIVE));
			assert_int_equal(rpr(&m),
					 i ? 0xf0 - 8 * (i - 1) : 0xff);
		}
	}
}

static void eoi_mode_1_splits_completion(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		unsigned int group = m.model == 3;

		set_eoi_mode(&m, 0, true);
		set_eoi_mode(&m, 1, true);
		raise_spi(&m, LOW, group, 0x80);
		assert_int_equal(iar(&m, 0), LOW);
		eoir(&m, 0, LOW);
		assert_int_equal(rpr(&m), 0xff);
		assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
		/* Another of its priority may come, the same may not. */
		edge(&m, LOW);
		assert_false(pending_events(&m, 0));
		raise_spi(&m, HIGH, group, 0x80);
		assert_int_equal(iar(&m, 0), HIGH);
		eoir(&m, 0, HIGH);
		virq_vgic_dir(m.vcpu[0], LOW);
		assert_false(state_has(&m, 0, LOW, IRQ_ACTIVE));
		assert_true(state_has(&m, 0, HIGH, IRQ_ACTIVE));
		assert_int_equal(iar(&m, 0), LOW);
		eoir(&m, 0, LOW);
		/* Whichever CPU. */
		virq_vgic_dir(m.vcpu[1], HIGH);
		assert_false(state_has(&m, 0, HIGH, IRQ_ACTIVE));
		/* Without EOImode, DIR is nothing. */
		set_eoi_mode(&m, 0, false);
		virq_vgic_dir(m.vcpu[0], LOW);
		assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
	}
}

static void another_cpus_dir_makes_it_come_again_there(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		set_eoi_mode(&m, 0, true);
		set_eoi_mode(&m, 1, true);
		raise_spi(&m, LOW, m.model == 3, 0x80);
		iar(&m, 0);
		edge(&m, LOW);
		eoir(&m, 0, LOW);
		enter_guest(&m, 0);
		virq_vgic_dir(m.vcpu[1], LOW);
		assert_int_equal(m.kicks[0], 1);
		assert_int_equal(iar(&m, 0), LOW);
	}
}

static void gicv3_ends_what_runs_and_no_other(void **state)
{
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	raise_spi(&m, LOW, 1, 0x80);
	iar(&m, 0);
	raise_spi(&m, HIGH, 1, 0x40);
	iar(&m, 0);
	/* The priority drops, but LOW does not run at it. */
	eoir(&m, 0, LOW);
	assert_int_equal(rpr(&m), 0x80);
	assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
	assert_true(state_has(&m, 0, HIGH, IRQ_ACTIVE));
	/* The other group's register. */
	virq_vgic_eoir(m.vcpu[0], 0, LOW);
	assert_int_equal(rpr(&m), 0xff);
	assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
	/* Nothing runs. */
	eoir(&m, 0, LOW);
	assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
	machine_destroy(&m);
}

static void special_numbers_end_nothing(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		raise_spi(&m, LOW, m.model == 3, 0x80);
		iar(&m, 0);
		for (uint32_t intid = 1020; intid < 1024; intid++)
			eoir(&m, 0, intid);
		assert_int_equal(rpr(&m), 0x80);
		/* One that does not exist ends the priority alone. */
		eoir(&m, 0, 1000);
		assert_int_equal(rpr(&m), 0xff);
		assert_true(state_has(&m, 0, LOW, IRQ_ACTIVE));
	}
}

static void sgis_come_source_by_source(void **state)
{
	struct machine m;

	(void)state;
	state_open(&m, 2, 4, 64);
	vgic_sgi_raise(m.cpu[1], 5, 3);
	vgic_sgi_raise(m.cpu[1], 5, 3);
	vgic_sgi_raise(m.cpu[1], 5, 0);
	assert_int_equal(vgic_cpu_hppir(m.cpu[1], 0), 5);
	assert_int_equal(iar(&m, 1), 5);
	/* While one is active the next one waits. */
	assert_true(state_has(&m, 1, 5, IRQ_ACTIVE | IRQ_LATCH));
	assert_int_equal(iar(&m, 1), SPURIOUS);
	eoir(&m, 1, 5);
	assert_int_equal(vgic_cpu_hppir(m.cpu[1], 0), 5 | 3u << 10);
	assert_int_equal(iar(&m, 1), 5 | 3u << 10);
	assert_false(state_has(&m, 1, 5, IRQ_LATCH));
	eoir(&m, 1, 5 | 3u << 10);
	assert_int_equal(iar(&m, 1), SPURIOUS);
	assert_int_equal(iar(&m, 0), SPURIOUS);
	machine_destroy(&m);
}

static void lpis_are_never_active(void **state)
{
	struct vgic_irq lpi;
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	vgic_irq_init(&lpi, m.vgic, 8192, m.cpu[0]);
	lpi.priority = 0x80;
	vgic_irq_change(&lpi, IRQ_ENABLED, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vgic_irq_inject(&lpi, true), 1);
		assert_int_equal(iar(&m, 0), 8192);
		assert_int_equal(vgic_irq_state(&lpi) & IRQ_ACTIVE, 0);
		assert_int_equal(rpr(&m), 0x80);
		/* Pending at once, but its own priority holds it back. */
		assert_int_equal(vgic_irq_inject(&lpi, true), 1);
		assert_int_equal(iar(&m, 0), SPURIOUS);
		set_eoi_mode(&m, 0, i);
		eoir(&m, 0, 8192);
		assert_int_equal(rpr(&m), 0xff);
		assert_int_equal(iar(&m, 0), 8192);
		eoir(&m, 0, 8192);
	}
	machine_destroy(&m);
}

/* ---- Acks ---- */

struct told {
	struct machine *m;
	uint32_t intid;
	unsigned int count;
	bool lower; /* as a resampler does */
	bool active; /* at the last one */
};

static void on_ack(void *opaque)
{
	struct told *told = opaque;

	told->count++;
	told->active = state_has(told->m, 0, told->intid, IRQ_ACTIVE);
	if (told->lower)
		inject(told->m, 0, told->intid, false);
}

static void completions_are_told(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 2)
	{
		struct told told = {.m = &m, .intid = LOW, .lower = true};
		struct virq_ack_notifier *notifier;

		assert_int_equal(virq_vm_add_ack_notifier(m.vm, LOW - 32,
							  on_ack, &told,
							  &notifier),
				 0);
		irq_setup(&m, 0, LOW, 0x80, IRQ_LEVEL);
		inject(&m, 0, LOW, true);
		iar(&m, 0);
		assert_int_equal(told.count, 0);
		eoir(&m, 0, LOW);
		assert_int_equal(told.count, 1);
		/* Before the state changes; and it did not come again. */
		assert_true(told.active);
		assert_int_equal(iar(&m, 0), SPURIOUS);

		/* With EOImode 1 at the deactivation. */
		set_eoi_mode(&m, 0, true);
		set_eoi_mode(&m, 1, true);
		inject(&m, 0, LOW, true);
		iar(&m, 0);
		eoir(&m, 0, LOW);
		assert_int_equal(told.count, 1);
		virq_vgic_dir(m.vcpu[1], LOW);
		assert_int_equal(told.count, 2);
		assert_true(told.active);
		virq_vgic_dir(m.vcpu[1], LOW);
		assert_int_equal(told.count, 2);
		set_eoi_mode(&m, 0, false);

		/* Of an edge nobody wants to know. */
		irq_setup(&m, 0, LOW, 0x80, 0);
		edge(&m, LOW);
		iar(&m, 0);
		eoir(&m, 0, LOW);
		/* Nor of what is not active, or elsewhere. */
		irq_setup(&m, 0, LOW, 0x80, IRQ_LEVEL);
		eoir(&m, 0, LOW);
		inject(&m, 0, LOW, true);
		iar(&m, 0);
		eoir(&m, 1, LOW);
		assert_int_equal(told.count, 2);
		eoir(&m, 0, LOW);
		assert_int_equal(told.count, 3);
		virq_vm_remove_ack_notifier(m.vm, notifier);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_binary_point_decides_about_preemption),
		cmocka_unit_test(only_above_the_mask),
		cmocka_unit_test(nested_ones_end_in_turn),
		cmocka_unit_test(eoi_mode_1_splits_completion),
		cmocka_unit_test(another_cpus_dir_makes_it_come_again_there),
		cmocka_unit_test(gicv3_ends_what_runs_and_no_other),
		cmocka_unit_test(special_numbers_end_nothing),
		cmocka_unit_test(sgis_come_source_by_source),
		cmocka_unit_test(lpis_are_never_active),
		cmocka_unit_test(completions_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

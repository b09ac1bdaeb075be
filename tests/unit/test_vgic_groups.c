// SPDX-License-Identifier: BSD-3-Clause
/*
 * Two groups at one CPU interface: whose register gives out what, and as which
 * exception it comes.  IHI 0048B 3.9 and 4.4, IHI 0069 4.6.
 */
#include "vgic_state_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define LOW 40u
#define HIGH 41u
#define NONSECURE 1022u /* there is one, of the other group */

static uint32_t hppir(struct machine *m, unsigned int group)
{
	return vgic_cpu_hppir(m->cpu[0], group);
}

static void gicv2_reads_the_other_group_as_1022(void **state)
{
	struct machine m;
	struct vgic_cpu *cpu;

	(void)state;
	state_open(&m, 2, 1, 64);
	cpu = m.cpu[0];
	raise_spi(&m, LOW, 1, 0x80);
	assert_int_equal(vgic_cpu_iar(cpu, 0), NONSECURE);
	assert_int_equal(hppir(&m, 0), NONSECURE);
	assert_int_equal(hppir(&m, 1), LOW);
	raise_spi(&m, HIGH, 0, 0x40);
	assert_int_equal(vgic_cpu_iar(cpu, 1), SPURIOUS);
	assert_int_equal(hppir(&m, 1), SPURIOUS);
	assert_int_equal(vgic_cpu_iar(cpu, 0), HIGH);
	/* LOW does not come before HIGH is done: not even 1022. */
	assert_int_equal(vgic_cpu_iar(cpu, 0), SPURIOUS);
	vgic_cpu_eoir(cpu, 0, HIGH);
	vgic_cpu_if_lock(cpu)->ack_ctl = true;
	vgic_cpu_if_unlock(cpu);
	assert_int_equal(hppir(&m, 0), LOW);
	assert_int_equal(vgic_cpu_iar(cpu, 0), LOW);
	vgic_cpu_eoir(cpu, 1, LOW);
	assert_false(state_has(&m, 0, LOW, IRQ_ACTIVE));
	/* AEOIR is not for group 0. */
	edge(&m, HIGH);
	assert_int_equal(vgic_cpu_iar(cpu, 0), HIGH);
	vgic_cpu_eoir(cpu, 1, HIGH);
	assert_true(state_has(&m, 0, HIGH, IRQ_ACTIVE));
	machine_destroy(&m);
}

static void gicv3_reads_the_other_group_as_spurious(void **state)
{
	struct machine m;

	(void)state;
	state_open(&m, 3, 1, 64);
	raise_spi(&m, LOW, 1, 0x80);
	assert_int_equal(vgic_cpu_iar(m.cpu[0], 0), SPURIOUS);
	assert_int_equal(hppir(&m, 0), SPURIOUS);
	raise_spi(&m, HIGH, 0, 0x40);
	assert_int_equal(vgic_cpu_iar(m.cpu[0], 1), SPURIOUS);
	assert_int_equal(hppir(&m, 0), HIGH);
	assert_int_equal(vgic_cpu_iar(m.cpu[0], 0), HIGH);
	machine_destroy(&m);
}

static void groups_come_as_irq_and_fiq(void **state)
{
	static const struct {
		unsigned int model;
		bool fiq_en;
		unsigned int group, event;
	} rows[] = {
		{2, false, 0, VIRQ_EVENT_INTR}, {2, true, 0, VIRQ_EVENT_FIQ},
		{2, false, 1, VIRQ_EVENT_INTR}, {2, true, 1, VIRQ_EVENT_INTR},
		{3, false, 0, VIRQ_EVENT_FIQ},	{3, false, 1, VIRQ_EVENT_INTR},
	};
	struct machine m;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		state_open(&m, rows[i].model, 1, 64);
		vgic_cpu_if_lock(m.cpu[0])->fiq_en = rows[i].fiq_en;
		vgic_cpu_if_unlock(m.cpu[0]);
		raise_spi(&m, LOW, rows[i].group, 0x80);
		assert_int_equal(pending_events(&m, 0), rows[i].event);
		/* Of two only the first comes. */
		raise_spi(&m, HIGH, !rows[i].group, 0xc0);
		assert_int_equal(pending_events(&m, 0), rows[i].event);
		machine_destroy(&m);
	}
}

static void of_equals_group_0_comes_first(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		raise_spi(&m, LOW, 1, 0x80);
		raise_spi(&m, HIGH, 0, 0x80);
		assert_int_equal(vgic_cpu_iar(m.cpu[0], 0), HIGH);
	}
	/* And where both run, restored so, group 1 is taken to be the last. */
	state_open(&m, 3, 1, 64);
	vgic_cpu_if_lock(m.cpu[0])->apr[0] = 1u << 4;
	m.cpu[0]->cif.apr[1] = 1u << 4;
	vgic_cpu_if_unlock(m.cpu[0]);
	eoir(&m, 0, LOW);
	assert_int_equal(m.cpu[0]->cif.apr[0], 1u << 4);
	assert_int_equal(m.cpu[0]->cif.apr[1], 0);
	machine_destroy(&m);
}

static void a_disabled_group_hides_others_in_gicv2_alone(void **state)
{
	struct machine m;

	(void)state;
	FOR_EACH_MODEL(m, 1)
	{
		vgic_cpu_if_lock(m.cpu[0])->group_enabled[0] = false;
		vgic_cpu_if_unlock(m.cpu[0]);
		raise_spi(&m, LOW, 1, 0x80);
		assert_int_equal(hppir(&m, 1), LOW);
		raise_spi(&m, HIGH, 0, 0x40);
		assert_int_equal(vgic_cpu_iar(m.cpu[0], 0), SPURIOUS);
		assert_int_equal(vgic_cpu_iar(m.cpu[0], 1),
				 m.model == 3 ? LOW : SPURIOUS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gicv2_reads_the_other_group_as_1022),
		cmocka_unit_test(gicv3_reads_the_other_group_as_spurious),
		cmocka_unit_test(groups_come_as_irq_and_fiq),
		cmocka_unit_test(of_equals_group_0_comes_first),
		cmocka_unit_test(a_disabled_group_hides_others_in_gicv2_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

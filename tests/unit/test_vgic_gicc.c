// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv2: the CPU interface's registers and software-generated interrupts, by a
 * guest's accesses and by user space's (what Linux 6.1 answers to the same).
 */
#include "vgic_regs_fixture.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define SPI REGS_SPI
#define GICC KVM_DEV_ARM_VGIC_GRP_CPU_REGS
#define CPU1 (UINT64_C(1) << 32)

enum {
	CTLR = 0x00,
	PMR = 0x04,
	BPR = 0x08,
	IAR = 0x0c,
	EOIR = 0x10,
	RPR = 0x14,
	HPPIR = 0x18,
	ABPR = 0x1c,
	AIAR = 0x20,
	AEOIR = 0x24,
	AHPPIR = 0x28,
	APR = 0xd0,
	IIDR = 0xfc,
	DIR = 0x1000,
	SGIR = 0xf00,
	SPENDSGIR = 0xf20,
};

static void begin(struct machine *m, unsigned int nr_cpus)
{
	machine_create(m, 2, nr_cpus, 0);
	dist_write(m, 0, 0x000, 1);
	dist_write(m, 0, 0x104, ~0u);
	for (unsigned int c = 0; c < nr_cpus; c++) {
		cpu_write(m, c, CTLR, 1);
		cpu_write(m, c, PMR, 0xff);
	}
}

static uint64_t user(struct machine *m, uint64_t attr)
{
	uint64_t value;

	assert_int_equal(user_get(m, GICC, attr, &value), 0);
	return value;
}

static void an_interrupt_is_taken_and_completed(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x400 + SPI, 0x50);
	assert_int_equal(cpu_read(&m, 0, IAR), 1023);
	assert_int_equal(cpu_read(&m, 0, RPR), 0xff);
	set_line(&m, 0, SPI, true);
	assert_int_equal(cpu_read(&m, 0, HPPIR), SPI);
	assert_int_equal(cpu_read(&m, 0, IAR), SPI);
	assert_int_equal(cpu_read(&m, 0, RPR), 0x50);
	assert_int_equal(cpu_read(&m, 0, APR), 1u << (0x50 >> 3));
	assert_int_equal(cpu_read(&m, 0, IAR), 1023);
	assert_int_equal(dist_read(&m, 0, 0x304), 1u << (SPI % 32));
	cpu_write(&m, 0, EOIR, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	assert_int_equal(cpu_read(&m, 0, APR), 0);
	machine_destroy(&m);
}

static void with_eoimode_dir_deactivates(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	cpu_write(&m, 0, CTLR, 0x201);
	set_line(&m, 0, SPI, true);
	assert_int_equal(cpu_read(&m, 0, IAR), SPI);
	cpu_write(&m, 0, EOIR, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 1u << (SPI % 32));
	assert_int_equal(cpu_read(&m, 0, RPR), 0xff);
	cpu_write(&m, 0, DIR, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	machine_destroy(&m);
}

static void group_1_is_the_aliased_registers(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x84, ~0u);
	cpu_write(&m, 0, CTLR, 3);
	set_line(&m, 0, SPI, true);
	assert_int_equal(cpu_read(&m, 0, IAR), 1022);
	assert_int_equal(cpu_read(&m, 0, HPPIR), 1022);
	assert_int_equal(cpu_read(&m, 0, AHPPIR), SPI);
	assert_int_equal(cpu_read(&m, 0, AIAR), SPI);
	cpu_write(&m, 0, AEOIR, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	set_line(&m, 0, SPI, true);
	cpu_write(&m, 0, CTLR, 7); /* AckCtl */
	assert_int_equal(cpu_read(&m, 0, IAR), SPI);
	cpu_write(&m, 0, EOIR, SPI);
	machine_destroy(&m);
}

static void reads_of_what_is_written_only_are_zero(void **state)
{
	static const uint32_t offsets[] = {EOIR, AEOIR, DIR};
	struct machine m;

	(void)state;
	begin(&m, 1);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(cpu_read(&m, 0, offsets[i]), 0);
	cpu_write(&m, 0, IIDR, ~0u);
	assert_int_equal(cpu_read(&m, 0, IIDR), 0x04b2043b);
	machine_destroy(&m);
}

static void each_vcpu_has_its_own_interface(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 2);
	cpu_write(&m, 0, PMR, 0x87);
	assert_int_equal(cpu_read(&m, 0, PMR), 0x80);
	assert_int_equal(cpu_read(&m, 1, PMR), 0xf8);
	cpu_write(&m, 0, CTLR, ~0u);
	assert_int_equal(cpu_read(&m, 0, CTLR), 0x21f);
	assert_int_equal(cpu_read(&m, 1, CTLR), 1);
	machine_destroy(&m);
}

/* Five bits of priority: a guest sees the least points that they allow. */
static void binary_points_have_a_least_value(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	assert_int_equal(cpu_read(&m, 0, BPR), 2);
	assert_int_equal(cpu_read(&m, 0, ABPR), 3);
	cpu_write(&m, 0, BPR, 0xfd);
	cpu_write(&m, 0, ABPR, 1);
	assert_int_equal(cpu_read(&m, 0, BPR), 5);
	assert_int_equal(cpu_read(&m, 0, ABPR), 3);
	machine_destroy(&m);
}

static void lowering_the_mask_lets_an_interrupt_through(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x400 + SPI, 0x80);
	cpu_write(&m, 0, PMR, 0x80);
	set_line(&m, 0, SPI, true);
	assert_int_equal(cpu_read(&m, 0, IAR), 1023);
	assert_int_equal(cpu_read(&m, 0, HPPIR), SPI); /* whatever the mask */
	assert_false(virq_vcpu_pending(m.vcpu[0]));
	cpu_write(&m, 0, PMR, 0x88);
	assert_int_equal(virq_vcpu_pending(m.vcpu[0]), VIRQ_EVENT_INTR);
	cpu_write(&m, 0, CTLR, 0);
	assert_false(virq_vcpu_pending(m.vcpu[0]));
	cpu_write(&m, 0, CTLR, 9); /* FIQEn */
	assert_int_equal(virq_vcpu_pending(m.vcpu[0]), VIRQ_EVENT_FIQ);
	machine_destroy(&m);
}

/* ---- User space ---- */

static void user_space_sees_the_virtual_control_register(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 2, 0);
	assert_int_equal(user_set(&m, GICC, CTLR, ~0u), 0);
	assert_int_equal(user(&m, CTLR), 0x21f);
	assert_int_equal(user_set(&m, GICC, PMR, 0xff), 0);
	assert_int_equal(user(&m, PMR), 0x1f);
	assert_int_equal(cpu_read(&m, 0, PMR), 0xf8);
	assert_int_equal(user_set(&m, GICC, BPR, 0xf9), 0);
	assert_int_equal(user(&m, BPR), 1);
	assert_int_equal(user_set(&m, GICC, ABPR, 0), 0);
	assert_int_equal(user(&m, ABPR), 0);
	assert_int_equal(user_set(&m, GICC, APR, ~0u), 0);
	assert_int_equal(user(&m, APR), ~0u);
	assert_int_equal(user_set(&m, GICC, APR + 4, ~0u), 0);
	assert_int_equal(user(&m, APR + 4), 0);
	assert_int_equal(user(&m, IIDR), 0x04b2043b);
	assert_int_equal(user(&m, CPU1 | CTLR), 0);
	assert_int_equal(user_set(&m, GICC, CPU1 | PMR, 5), 0);
	assert_int_equal(cpu_read(&m, 1, PMR), 0x28);
	machine_destroy(&m);
}

static void user_space_does_not_acknowledge(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	set_line(&m, 0, SPI, true);
	assert_int_equal(user(&m, IAR), 0);
	assert_int_equal(user_set(&m, GICC, EOIR, SPI), 0);
	assert_int_equal(user_set(&m, GICC, DIR, SPI), 0);
	assert_int_equal(cpu_read(&m, 0, IAR), SPI);
	machine_destroy(&m);
}

/* ---- SGIs ---- */

static uint32_t sources(struct machine *m, unsigned int c, unsigned int sgi)
{
	return (uint32_t)guest_read(m, c, DIST_BASE + SPENDSGIR + sgi, 1);
}

static void sgir_goes_to_whom_its_filter_says(void **state)
{
	static const struct {
		uint32_t value;
		uint32_t expect; /* a bit a vCPU */
	} cases[] = {
		{0x00050003, 5},
		{0x00ff0003, 7},
		{0x00f80003, 0},
		{0x01ff0003, 5},
		{0x02050003, 2},
		{0x03070003, 0},
		{0x00058003, 5 /* NSATT */},
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct machine m;

		begin(&m, 3);
		dist_write(&m, 1, SGIR, cases[i].value);
		for (unsigned int c = 0; c < 3; c++)
			assert_int_equal(sources(&m, c, 3),
					 cases[i].expect >> c & 1 ? 1 << 1 : 0);
		assert_int_equal(dist_read(&m, 1, SGIR), 0);
		machine_destroy(&m);
	}
}

static void each_source_is_an_interrupt_of_its_own(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 3);
	dist_write(&m, 2, SGIR, 0x00010007);
	dist_write(&m, 1, SGIR, 0x00010007);
	assert_int_equal(sources(&m, 0, 7), 6);
	assert_int_equal(cpu_read(&m, 0, IAR), 1 << 10 | 7);
	assert_int_equal(sources(&m, 0, 7), 4);
	assert_int_equal(dist_read(&m, 0, 0x200), 1 << 7);
	cpu_write(&m, 0, EOIR, 1 << 10 | 7);
	assert_int_equal(cpu_read(&m, 0, IAR), 2 << 10 | 7);
	cpu_write(&m, 0, EOIR, 2 << 10 | 7);
	assert_int_equal(cpu_read(&m, 0, IAR), 1023);
	machine_destroy(&m);
}

static void an_sgi_is_pending_until_its_last_source_is_cleared(void **state)
{
	uint64_t cpend = DIST_BASE + 0xf10;
	struct machine m;

	(void)state;
	begin(&m, 2);
	dist_write(&m, 0, SPENDSGIR + 4, 0x00810003);
	assert_int_equal(dist_read(&m, 0, 0x200), 0x50);
	guest_write(&m, 0, cpend + 6, 1, 0x80);
	guest_write(&m, 0, cpend + 4, 1, 0x01);
	assert_int_equal(dist_read(&m, 0, 0x0f10 + 4), 0x00010002);
	assert_int_equal(dist_read(&m, 0, 0x200), 0x50);
	guest_write(&m, 0, cpend + 6, 1, 0xff);
	assert_int_equal(dist_read(&m, 0, 0x200), 0x10);
	guest_write(&m, 0, cpend + 4, 4, 0x02);
	assert_int_equal(dist_read(&m, 0, 0x200), 0);
	assert_false(virq_vcpu_pending(m.vcpu[0]));
	guest_write(&m, 0, DIST_BASE + SPENDSGIR + 4, 1, 0);
	assert_int_equal(dist_read(&m, 0, 0x200), 0);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_interrupt_is_taken_and_completed),
		cmocka_unit_test(with_eoimode_dir_deactivates),
		cmocka_unit_test(group_1_is_the_aliased_registers),
		cmocka_unit_test(reads_of_what_is_written_only_are_zero),
		cmocka_unit_test(each_vcpu_has_its_own_interface),
		cmocka_unit_test(binary_points_have_a_least_value),
		cmocka_unit_test(lowering_the_mask_lets_an_interrupt_through),
		cmocka_unit_test(user_space_sees_the_virtual_control_register),
		cmocka_unit_test(user_space_does_not_acknowledge),
		cmocka_unit_test(sgir_goes_to_whom_its_filter_says),
		cmocka_unit_test(each_source_is_an_interrupt_of_its_own),
		cmocka_unit_test(
			an_sgi_is_pending_until_its_last_source_is_cleared),
	};

	return cmocka_run_group_tests_name("vgic-gicc", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3: the CPU interface's system registers by their encodings, by a guest's
 * accesses (IHI 0069 chapter 12.2) and by attributes (what Linux 6.1 and 6.12
 * answer to the same), and the SGIs that they generate.
 */
#include "vgic_regs_fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define SPI REGS_SPI
#define SYSREGS KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS
#define SGI_BASE 0x10000

#define IAR0 ICC(8, 0)
#define EOIR0 ICC(8, 1)
#define HPPIR0 ICC(8, 2)
#define BPR0 ICC(8, 3)
#define AP0R0 ICC(8, 4)
#define AP0R1 ICC(8, 5)
#define AP1R0 ICC(9, 0)
#define DIR ICC(11, 1)
#define RPR ICC(11, 3)
#define SGI1R ICC(11, 5)
#define ASGI1R ICC(11, 6)
#define SGI0R ICC(11, 7)
#define IAR1 ICC(12, 0)
#define EOIR1 ICC(12, 1)
#define HPPIR1 ICC(12, 2)
#define BPR1 ICC(12, 3)
#define CTLR ICC(12, 4)
#define SRE ICC(12, 5)
#define IGRPEN0 ICC(12, 6)
#define IGRPEN1 ICC(12, 7)

static void begin(struct machine *m, unsigned int nr_cpus)
{
	machine_create(m, 3, nr_cpus, 0);
	dist_write(m, 0, 0x000, 2);
	dist_write(m, 0, 0x104, ~0u);
	for (unsigned int c = 0; c < nr_cpus; c++) {
		assert_int_equal(icc_write(m, c, ICC_PMR, 0xf0), 0);
		assert_int_equal(icc_write(m, c, IGRPEN0, 1), 0);
		assert_int_equal(icc_write(m, c, IGRPEN1, 1), 0);
	}
}

static uint64_t reg(struct machine *m, unsigned int c, uint32_t encoding)
{
	uint64_t value;

	assert_int_equal(icc_read(m, c, encoding, &value), 0);
	return value;
}

static void write_reg(struct machine *m, unsigned int c, uint32_t encoding,
		      uint64_t value)
{
	assert_int_equal(icc_write(m, c, encoding, value), 0);
}

static uint64_t user(struct machine *m, uint32_t encoding)
{
	uint64_t value;

	assert_int_equal(user_get(m, SYSREGS, encoding, &value), 0);
	return value;
}

static const uint32_t readable[] = {
	ICC_PMR, IAR0,	 HPPIR0, BPR0, AP0R0, AP1R0,   RPR,
	IAR1,	 HPPIR1, BPR1,	 CTLR, SRE,   IGRPEN0, IGRPEN1,
};
static const uint32_t writable[] = {
	ICC_PMR, EOIR0, BPR0, AP0R0, AP1R0, DIR,     SGI1R,   ASGI1R,
	SGI0R,	 EOIR1, BPR1, CTLR,  SRE,   IGRPEN0, IGRPEN1,
};
/* Of state; and there, but without the bits that would need them. */
static const uint32_t attributes[] = {
	ICC_PMR, BPR0, AP0R0, AP1R0, BPR1, CTLR, SRE, IGRPEN0, IGRPEN1,
};
static const uint32_t absent[] = {
	AP0R1, ICC(8, 6), ICC(8, 7), ICC(9, 1), ICC(9, 2), ICC(9, 3),
};

static bool is_in(const uint32_t *set, size_t bytes, uint32_t encoding)
{
	for (size_t i = 0; i < bytes / sizeof(*set); i++)
		if (set[i] == encoding)
			return true;
	return false;
}

#define IS_IN(set, encoding) is_in(set, sizeof(set), encoding)

static void a_guest_reaches_the_registers_of_the_architecture(void **state)
{
	struct machine m;
	uint64_t value;

	(void)state;
	machine_create(&m, 3, 1, 0);
	for (uint32_t encoding = 0; encoding < 0x10000; encoding++) {
		bool r = IS_IN(readable, encoding),
		     w = IS_IN(writable, encoding);
		bool known = r || w || IS_IN(absent, encoding);

		assert_int_equal(icc_read(&m, 0, encoding, &value),
				 r	 ? 0
				 : known ? -EPERM
					 : -ENODEV);
		assert_int_equal(icc_write(&m, 0, encoding, 0),
				 w	 ? 0
				 : known ? -EPERM
					 : -ENODEV);
	}
	machine_destroy(&m);
}

static void attributes_reach_those_that_hold_state(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	for (uint32_t encoding = 0; encoding < 0x10000; encoding++) {
		bool is_state = IS_IN(attributes, encoding);
		bool known = is_state || IS_IN(absent, encoding);
		int expect = is_state ? 0 : known ? -EINVAL : -ENOENT;
		uint64_t value;

		assert_int_equal(user_has(&m, SYSREGS, encoding),
				 known ? 0 : -ENXIO);
		assert_int_equal(user_get(&m, SYSREGS, encoding, &value),
				 expect);
		assert_int_equal(user_set(&m, SYSREGS, encoding, value),
				 expect);
	}
	machine_destroy(&m);
}

static void v2_has_no_system_registers(void **state)
{
	struct machine m;
	uint64_t value;

	(void)state;
	machine_create(&m, 2, 1, 0);
	assert_int_equal(icc_read(&m, 0, ICC_PMR, &value), -ENODEV);
	assert_int_equal(icc_write(&m, 0, SGI1R, 1), -ENODEV);
	machine_destroy(&m);
}

static void an_interrupt_is_taken_and_completed(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x400 + SPI, 0x50);
	assert_int_equal(reg(&m, 0, IAR1), 1023);
	assert_int_equal(reg(&m, 0, RPR), 0xff);
	set_line(&m, 0, SPI, true);
	assert_int_equal(virq_vcpu_pending(m.vcpu[0]), VIRQ_EVENT_INTR);
	assert_int_equal(reg(&m, 0, HPPIR1), SPI);
	assert_int_equal(reg(&m, 0, IAR0), 1023);
	assert_int_equal(reg(&m, 0, IAR1), SPI);
	assert_int_equal(reg(&m, 0, RPR), 0x50);
	assert_int_equal(reg(&m, 0, AP1R0), 1u << (0x50 >> 3));
	write_reg(&m, 0, EOIR1, SPI);
	assert_int_equal(reg(&m, 0, AP1R0), 0);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	machine_destroy(&m);
}

static void group_0_has_its_own_registers(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x84, 0);
	set_line(&m, 0, SPI, true);
	assert_int_equal(virq_vcpu_pending(m.vcpu[0]), VIRQ_EVENT_FIQ);
	assert_int_equal(reg(&m, 0, IAR1), 1023);
	assert_int_equal(reg(&m, 0, HPPIR0), SPI);
	assert_int_equal(reg(&m, 0, IAR0), SPI);
	assert_int_equal(reg(&m, 0, AP0R0), 1);
	write_reg(&m, 0, CTLR, 2); /* EOImode */
	write_reg(&m, 0, EOIR0, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 1u << (SPI % 32));
	write_reg(&m, 0, DIR, SPI);
	assert_int_equal(dist_read(&m, 0, 0x304), 0);
	machine_destroy(&m);
}

static void priorities_and_points_have_hardwares_limits(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	write_reg(&m, 0, ICC_PMR, 0x1ff);
	assert_int_equal(reg(&m, 0, ICC_PMR), 0xf8);
	write_reg(&m, 0, BPR0, 0);
	write_reg(&m, 0, BPR1, 0);
	assert_int_equal(reg(&m, 0, BPR0), 2);
	assert_int_equal(reg(&m, 0, BPR1), 3);
	write_reg(&m, 0, BPR0, 0xfd);
	assert_int_equal(reg(&m, 0, BPR0), 5);
	/* Common: group 1 has group 0's, one higher. */
	write_reg(&m, 0, CTLR, 1);
	write_reg(&m, 0, BPR1, 4);
	assert_int_equal(reg(&m, 0, BPR1), 6);
	write_reg(&m, 0, BPR0, 7);
	assert_int_equal(reg(&m, 0, BPR1), 7);
	write_reg(&m, 0, CTLR, 0);
	assert_int_equal(reg(&m, 0, BPR1), 3);
	machine_destroy(&m);
}

static void control_registers_tell_what_there_is(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	write_reg(&m, 0, CTLR, ~UINT64_C(0));
	assert_int_equal(reg(&m, 0, CTLR), 0x8c03);
	write_reg(&m, 0, SRE, 0);
	assert_int_equal(reg(&m, 0, SRE), 7);
	write_reg(&m, 0, IGRPEN0, 2);
	assert_int_equal(reg(&m, 0, IGRPEN0), 0);
	write_reg(&m, 0, IGRPEN1, 3);
	assert_int_equal(reg(&m, 0, IGRPEN1), 1);
	machine_destroy(&m);
}

/* ---- Attributes ---- */

static void attributes_keep_what_is_written(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	assert_int_equal(user(&m, BPR0), 0);
	assert_int_equal(user_set(&m, SYSREGS, ICC_PMR, 0x1ff), 0);
	assert_int_equal(user(&m, ICC_PMR), 0xff);
	assert_int_equal(user_set(&m, SYSREGS, BPR0, 0xf9), 0);
	assert_int_equal(user(&m, BPR0), 1);
	assert_int_equal(user_set(&m, SYSREGS, BPR1, 5), 0);
	assert_int_equal(user_set(&m, SYSREGS, CTLR, 0x8c03), 0);
	assert_int_equal(user(&m, BPR1), 2);
	assert_int_equal(user_set(&m, SYSREGS, BPR1, 7), 0);
	assert_int_equal(user(&m, BPR1), 2);
	assert_int_equal(user_set(&m, SYSREGS, CTLR, 0x8c02), 0);
	assert_int_equal(user(&m, BPR1), 5);
	assert_int_equal(user_set(&m, SYSREGS, IGRPEN0, 3), 0);
	assert_int_equal(user(&m, IGRPEN0), 1);
	assert_int_equal(user_set(&m, SYSREGS, AP0R0, 0x1ffffffff), 0);
	assert_int_equal(user(&m, AP0R0), 0xffffffff);
	assert_int_equal(user_set(&m, SYSREGS, SRE, 6), -EINVAL);
	assert_int_equal(user_set(&m, SYSREGS, SRE, 1), 0);
	assert_int_equal(user(&m, SRE), 7);
	machine_destroy(&m);
}

/* A priority that only the bits below the fifth would let pass. */
static void a_mask_by_attribute_has_five_bits_as_well(void **state)
{
	struct machine m;

	(void)state;
	begin(&m, 1);
	dist_write(&m, 0, 0x400 + SPI, 0xf8);
	set_line(&m, 0, SPI, true);
	assert_int_equal(user_set(&m, SYSREGS, ICC_PMR, 0xff), 0);
	assert_false(virq_vcpu_pending(m.vcpu[0]));
	assert_int_equal(reg(&m, 0, ICC_PMR), 0xf8);
	machine_destroy(&m);
}

static void a_machine_with_fewer_bits_can_be_restored(void **state)
{
	static const struct {
		uint64_t value;
		int ret;
		uint64_t expect;
	} steps[] = {
		{0xcc00, -EINVAL, 0x8c00}, /* SEIS */
		{0x0c00, -EINVAL, 0x8c00}, /* no A3V */
		{0x8d00, -EINVAL, 0x8c00}, /* 6 bits of priority */
		{0x9400, -EINVAL, 0x8c00}, /* 32 bits of ids */
		{0x8bff, 0, 0x8b03},	   {0x8200, 0, 0x8200},
		{0x8c00, -EINVAL, 0x8200}, /* and there is no way back */
		{0xc100, -EINVAL, 0x8100}, /* refused, but for its bits */
	};
	struct machine m;

	(void)state;
	machine_create(&m, 3, 1, 0);
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_int_equal(user_set(&m, SYSREGS, CTLR, steps[i].value),
				 steps[i].ret);
		assert_int_equal(user(&m, CTLR), steps[i].expect);
	}
	machine_destroy(&m);
}

/* ---- SGIs ---- */

static void clear_sgis(struct machine *m)
{
	for (unsigned int c = 0; c < m->nr_cpus; c++)
		cpu_write(m, c, SGI_BASE + 0x280, 0xffff);
}

/* At which vCPUs is the SGI pending? */
static uint32_t raised(struct machine *m, unsigned int sgi)
{
	uint32_t cpus = 0;

	for (unsigned int c = 0; c < m->nr_cpus; c++)
		cpus |= (cpu_read(m, c, SGI_BASE + 0x200) >> sgi & 1) << c;
	return cpus;
}

static void an_sgi_goes_to_the_affinities_it_lists(void **state)
{
	static const struct {
		uint64_t value;
		uint32_t expect;
	} cases[] = {
		{0x05000005, 0x00005}, /* vCPUs are 0.0.0 to 0.0.15 and 0.1.x */
		{0x0500ffff, 0x0ffff},
		{0x0501ffff, 0xf0000}, /* Aff1 */
		{0x05020001, 0},
		{0x0000000105000001, 0}, /* Aff2 */
		{0x0001000005000001, 0}, /* Aff3 */
		{0x0000f00005000001, 1}, /* RS is not there */
		{0x0000010005000000, 0xffffb}, /* IRM: all but itself */
		{0x0001010105ff0000, 0xffffb},
	};
	struct machine m;

	(void)state;
	begin(&m, 20);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_reg(&m, 2, SGI1R, cases[i].value);
		assert_int_equal(raised(&m, 5), cases[i].expect);
		clear_sgis(&m);
	}
	machine_destroy(&m);
}

static void sgi0r_and_asgi1r_raise_group_0_alone(void **state)
{
	static const struct {
		uint32_t encoding, group1, expect;
	} cases[] = {
		{SGI1R, 1, 1}, {SGI1R, 0, 1},  {SGI0R, 1, 0},
		{SGI0R, 0, 1}, {ASGI1R, 1, 0}, {ASGI1R, 0, 1},
	};
	struct machine m;

	(void)state;
	begin(&m, 2);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cpu_write(&m, 0, SGI_BASE + 0x80, cases[i].group1 << 9);
		write_reg(&m, 1, cases[i].encoding, 0x09000001);
		assert_int_equal(raised(&m, 9), cases[i].expect);
		clear_sgis(&m);
	}
	machine_destroy(&m);
}

/* As many as there can be: affinities 0.0.0 to 0.31.15. */
static void sgis_reach_512_vcpus(void **state)
{
	static struct machine m;

	(void)state;
	machine_create(&m, 3, 512, 0);
	for (unsigned int c = 0; c < 512; c++)
		assert_int_equal(
			guest_read(&m, 0, m.cpu[c]->redist_base + 8, 8),
			(c / 16 * 256ull + c % 16) << 32 | c << 8 |
				(c == 511 ? 0x10 : 0));
	write_reg(&m, 3, SGI1R, 0x051f8000); /* 0.31.15 */
	for (unsigned int c = 0; c < 512; c++)
		assert_int_equal(cpu_read(&m, c, SGI_BASE + 0x200),
				 c == 511 ? 1 << 5 : 0);
	write_reg(&m, 300, SGI1R, 0x0000010006000000); /* IRM */
	for (unsigned int c = 0; c < 512; c++)
		assert_int_equal(cpu_read(&m, c, SGI_BASE + 0x200) & 1 << 6,
				 c == 300 ? 0 : 1 << 6);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_guest_reaches_the_registers_of_the_architecture),
		cmocka_unit_test(attributes_reach_those_that_hold_state),
		cmocka_unit_test(v2_has_no_system_registers),
		cmocka_unit_test(an_interrupt_is_taken_and_completed),
		cmocka_unit_test(group_0_has_its_own_registers),
		cmocka_unit_test(priorities_and_points_have_hardwares_limits),
		cmocka_unit_test(control_registers_tell_what_there_is),
		cmocka_unit_test(attributes_keep_what_is_written),
		cmocka_unit_test(a_mask_by_attribute_has_five_bits_as_well),
		cmocka_unit_test(a_machine_with_fewer_bits_can_be_restored),
		cmocka_unit_test(an_sgi_goes_to_the_affinities_it_lists),
		cmocka_unit_test(sgi0r_and_asgi1r_raise_group_0_alone),
		cmocka_unit_test(sgis_reach_512_vcpus),
	};

	return cmocka_run_group_tests_name("vgic-icc", tests, NULL, NULL);
}

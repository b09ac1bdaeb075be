// SPDX-License-Identifier: BSD-3-Clause
/* Which of the vGIC's register frames an address is in, and whose it is. */
#include "vgic_regs_fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static int touch(struct machine *m, uint64_t addr)
{
	struct virq_access access = {.addr = addr, .len = 4};

	return virq_vcpu_mmio(m->vcpu[0], &access);
}

static void frames_end_where_they_end(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 2, 0);
	assert_int_equal(touch(&m, DIST_BASE - 4), -ENODEV);
	assert_int_equal(touch(&m, DIST_BASE), 0);
	assert_int_equal(touch(&m, DIST_BASE + 0xffc), 0);
	assert_int_equal(touch(&m, DIST_BASE + 0x1000), -ENODEV);
	assert_int_equal(touch(&m, GICC_BASE + 0x1ffc), 0);
	assert_int_equal(touch(&m, GICC_BASE + 0x2000), -ENODEV);
	machine_destroy(&m);
	machine_create(&m, 3, 3, 0);
	assert_int_equal(touch(&m, DIST_BASE + 0xfffc), 0);
	assert_int_equal(touch(&m, DIST_BASE + 0x10000), -ENODEV);
	assert_int_equal(touch(&m, REDIST_BASE - 4), -ENODEV);
	assert_int_equal(touch(&m, REDIST_BASE + 3 * 0x20000 - 4), 0);
	assert_int_equal(touch(&m, REDIST_BASE + 3 * 0x20000), -ENODEV);
	machine_destroy(&m);
}

static void before_the_first_run_there_are_no_frames(void **state)
{
	struct machine m;
	uint64_t value;

	(void)state;
	machine_make(&m, 3, 1, 0);
	user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
		 DIST_BASE);
	user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST,
		 REDIST_BASE);
	assert_int_equal(touch(&m, DIST_BASE), -ENODEV);
	assert_int_equal(icc_read(&m, 0, ICC_PMR, &value), -ENODEV);
	machine_map(&m);
	assert_int_equal(touch(&m, DIST_BASE), 0);
	assert_int_equal(icc_read(&m, 0, ICC_PMR, &value), 0);
	machine_destroy(&m);
}

/* Regions are filled in turn; the order of their addresses is another. */
static void each_redistributor_is_its_vcpus(void **state)
{
	static const struct {
		uint64_t base, count;
	} regions[] = {{0x9000000, 3}, {0x8100000, 1}, {0xa000000, 20}};
	struct machine m;

	(void)state;
	machine_make(&m, 3, 20, 0);
	user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST,
		 DIST_BASE);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(
			user_set(&m, KVM_DEV_ARM_VGIC_GRP_ADDR,
				 KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
				 regions[i].count << 52 | regions[i].base | i),
			0);
	machine_map(&m);
	for (uint32_t c = 0; c < 20; c++) {
		uint64_t base = c < 3	 ? 0x9000000 + c * 0x20000
				: c == 3 ? 0x8100000
					 : 0xa000000 + (c - 4) * 0x20000;
		uint64_t affinity = (c & 15) | (c >> 4) << 8;
		bool last = c == 2 || c == 3 || c == 19;

		/* By whichever vCPU. */
		for (uint32_t by = 0; by < 20; by += 7)
			assert_int_equal(guest_read(&m, by, base + 8, 8),
					 affinity << 32 | c << 8 |
						 (last ? 0x10 : 0));
	}
	assert_int_equal(touch(&m, 0x8120000), -ENODEV);
	assert_int_equal(touch(&m, 0xa000000 + 16 * 0x20000), -ENODEV);
	machine_destroy(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_end_where_they_end),
		cmocka_unit_test(before_the_first_run_there_are_no_frames),
		cmocka_unit_test(each_redistributor_is_its_vcpus),
	};

	return cmocka_run_group_tests_name("vgic-frames", tests, NULL, NULL);
}

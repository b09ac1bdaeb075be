// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the vGIC's redistributors and distributor have for LPIs, once there is
 * an ITS, by a guest's accesses.  The values are those that Linux 6.1 and 6.12
 * show.
 */
#include "its_fixture.h"
#include "irqchip/vgic/mmio.h"

#define GICD_TYPER 0x04
#define GICR_CTLR 0x00
#define GICR_TYPER 0x08
#define GICR_WAKER 0x14
#define GICR_PROPBASER 0x70
#define GICR_PENDBASER 0x78
#define GICR_INVLPIR 0xa0
#define GICR_INVALLR 0xb0
#define GICR_SYNCR 0xc0
#define D 1 /* a device */

static struct vgic_reg_access access_of(struct its_fixture *f, unsigned int cpu,
					uint32_t offset, uint8_t len)
{
	return (struct vgic_reg_access){.vgic = f->vgic,
					.cpu = f->cpus[cpu],
					.offset = offset,
					.len = len};
}

static uint64_t get(struct its_fixture *f, unsigned int cpu, uint32_t offset,
		    uint8_t len)
{
	struct vgic_reg_access at = access_of(f, cpu, offset, len);

	return vgic_frame_read(&vgic_redist_v3, &at);
}

static void put(struct its_fixture *f, unsigned int cpu, uint32_t offset,
		uint8_t len, uint64_t value)
{
	struct vgic_reg_access at = access_of(f, cpu, offset, len);

	vgic_frame_write(&vgic_redist_v3, &at, value);
}

static uint8_t priority(struct its_fixture *f, uint32_t lpi)
{
	return vgic_lpi_find(f->vgic, lpi)->priority;
}

static void typers_tell_of_lpis(void **state)
{
	struct its_fixture *f = *state;
	struct vgic_reg_access at = access_of(f, 0, GICD_TYPER, 4);

	assert_int_equal(vgic_frame_read(&vgic_dist_v3, &at), 0x7a0007);
	assert_int_equal(get(f, 0, GICR_PROPBASER, 8), 0x580);
	assert_int_equal(get(f, 0, GICR_CTLR, 4), 6);
	assert_int_equal(get(f, 0, GICR_WAKER, 4), 0);
	put(f, 0, GICR_WAKER, 4, ~0u);
	assert_int_equal(get(f, 0, GICR_WAKER, 4), 0);
	assert_int_equal(get(f, 0, GICR_SYNCR, 4), 0);
}

/* Not its place in the order of creation. */
static void the_processor_number_is_the_vcpus_id(void **state)
{
	struct its_fixture *f = *state;

	for (uint64_t id = 0; id < NR_CPUS; id++) {
		assert_int_equal(get(f, (unsigned int)id, GICR_TYPER, 8),
				 id << 32 | id << 8 | 1);
		assert_int_equal(get(f, (unsigned int)id, GICR_TYPER, 4),
				 id << 8 | 1);
		assert_int_equal(get(f, (unsigned int)id, GICR_TYPER + 4, 4),
				 id);
	}
}

static void the_tables_stay_while_lpis_are_enabled(void **state)
{
	struct its_fixture *f = *state;
	uint64_t propbaser = get(f, 1, GICR_PROPBASER, 8);
	uint64_t pendbaser = get(f, 1, GICR_PENDBASER, 8);

	assert_int_equal(get(f, 1, GICR_CTLR, 4), 7);
	put(f, 1, GICR_PROPBASER, 8, 0x50000000);
	put(f, 1, GICR_PENDBASER + 4, 4, 5);
	assert_int_equal(get(f, 1, GICR_PROPBASER, 8), propbaser);
	assert_int_equal(get(f, 1, GICR_PENDBASER, 8), pendbaser);
	put(f, 1, GICR_CTLR, 4, 0);
	assert_int_equal(get(f, 1, GICR_CTLR, 4), 6);
	put(f, 1, GICR_PENDBASER + 4, 4, 5);
	assert_int_equal(get(f, 1, GICR_PENDBASER + 4, 4), 5);
	/* Whatever another's does, though it is one for all. */
	put(f, 1, GICR_PROPBASER, 8, 0x5000058f);
	assert_int_equal(get(f, 0, GICR_PROPBASER, 8), 0x5000058f);
	put(f, 1, GICR_CTLR, 4, ~0u);
	assert_int_equal(get(f, 1, GICR_CTLR, 4), 7);
}

/* PTZ is written only. */
static void a_pending_table_of_zeroes_reads_as_any(void **state)
{
	struct its_fixture *f = *state;

	put(f, 0, GICR_CTLR, 4, 0);
	put(f, 0, GICR_PENDBASER, 8, UINT64_C(1) << 62 | 0x40010580);
	assert_int_equal(get(f, 0, GICR_PENDBASER, 8), 0x40010580);
}

static void invlpir_reads_the_property_again(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	property_set(f, LPI, 0x31);
	property_set(f, LPI + 1, 0x31);
	put(f, 0, GICR_INVLPIR + 4, 4, LPI); /* of virtual processors */
	assert_int_equal(priority(f, LPI), 0xa0);
	put(f, 0, GICR_INVLPIR, 8, UINT64_C(7) << 32 | LPI);
	assert_int_equal(priority(f, LPI), 0x30);
	assert_int_equal(priority(f, LPI + 1), 0xa0);
	put(f, 1, GICR_INVLPIR, 4, LPI + 1); /* anybody's */
	assert_int_equal(priority(f, LPI + 1), 0x30);
	assert_int_equal(get(f, 0, GICR_INVLPIR, 8), 0);
	/* Without LPIs enabled nothing happens. */
	put(f, 0, GICR_CTLR, 4, 0);
	property_set(f, LPI, 0x51);
	put(f, 0, GICR_INVLPIR, 4, LPI);
	assert_int_equal(priority(f, LPI), 0x30);
}

static void invallr_reads_all_of_the_redistributor(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_movi(D, 1, 1));
	property_set(f, LPI, 0x31);
	property_set(f, LPI + 1, 0x31);
	put(f, 0, GICR_INVALLR + 4, 4, 0);
	assert_int_equal(priority(f, LPI), 0xa0);
	put(f, 0, GICR_INVALLR, 4, 0);
	assert_int_equal(priority(f, LPI), 0x30);
	assert_int_equal(priority(f, LPI + 1), 0xa0);
	put(f, 1, GICR_CTLR, 4, 0);
	put(f, 1, GICR_INVALLR, 8, 0);
	assert_int_equal(priority(f, LPI + 1), 0xa0);
}

#define TEST(name, setup)                                                      \
	cmocka_unit_test_setup_teardown(name, setup, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(typers_tell_of_lpis, its_setup_bare),
		TEST(the_processor_number_is_the_vcpus_id, its_setup_bare),
		TEST(the_tables_stay_while_lpis_are_enabled, its_setup),
		TEST(a_pending_table_of_zeroes_reads_as_any, its_setup),
		TEST(invlpir_reads_the_property_again, its_setup),
		TEST(invallr_reads_all_of_the_redistributor, its_setup),
	};

	return cmocka_run_group_tests_name("vgic-redist", tests, NULL, NULL);
}

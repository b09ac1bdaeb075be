// SPDX-License-Identifier: BSD-3-Clause
/*
 * The tables of the ITS in guest memory: their format, their shapes, and what
 * a restore does with those that it cannot have saved.
 */
#include "its_fixture.h"
#include <string.h>

#define D 3u
#define ITT_OF(device) (ITT + (device)*UINT64_C(0x10000))
#define DTE(next, itt, bits)                                                   \
	(VALID | (uint64_t)(next) << 49 | (itt) >> 8 << 5 | ((bits)-1u))
#define ITE(next, lpi, icid)                                                   \
	((uint64_t)(next) << 48 | (uint64_t)(lpi) << 16 | (icid))
#define CTE(target, icid) (VALID | (uint64_t)(target) << 16 | (icid))
#define UNMAPPED 0xffffffffu

static void use_level2(struct its_fixture *f)
{
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	vgic_its_write(f->its, GITS_BASER0, 8, VALID | INDIRECT | DEVICES);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
}

static int restore(struct its_fixture *f)
{
	vgic_its_reset(f->its);
	vgic_its_write(f->its, GITS_BASER0, 8, VALID | DEVICES);
	vgic_its_write(f->its, GITS_BASER1, 8, VALID | COLLECTIONS);
	vgic_its_write(f->its, GITS_CBASER, 8, VALID | QUEUE | 15);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	return vgic_its_restore_tables(f->its);
}

static void assert_no_collections(struct its_fixture *f)
{
	for (uint32_t i = 0; i < ITS_NR_COLLECTIONS; i++)
		assert_int_equal(atomic_load(&f->its->targets[i]),
				 COLLECTION_NONE);
}

/* Nothing is mapped, and so nothing can be pending. */
static void assert_empty(struct its_fixture *f)
{
	assert_int_equal(f->its->nr_entries, 0);
	assert_int_equal(vgic_lpis_mapped(f->vgic), 0);
	assert_true(cds_list_empty(&f->its->entries));
	for (uint32_t i = 0; i < ITS_NR_DEVICES; i++)
		assert_null(its_device_find(f->its, i));
	assert_no_collections(f);
}

static void the_format_is_linuxs(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(7, 2, true));
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_mapd(D, ITT_OF(1), 5, true));
	its_do(f, cmd_mapti(D, 9, LPI + 5, 7));
	its_do(f, cmd_mapti(D, 2, 65535, 1));
	its_do(f, cmd_mapti(D, 3, LPI, 2));
	its_do(f, cmd_mapd(8191, ITT_OF(2), 16, true));
	its_do(f, cmd_mapd(5, ITT_OF(3), 1, true));
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(ram_get(f, DEVICES + 8 * D), DTE(2, ITT_OF(1), 5));
	assert_int_equal(ram_get(f, DEVICES + 8 * 5), DTE(8186, ITT_OF(3), 1));
	assert_int_equal(ram_get(f, DEVICES + 8 * 8191), DTE(0, ITT_OF(2), 16));
	assert_int_equal(ram_get(f, ITT_OF(1) + 8 * 2), ITE(1, 65535, 1));
	assert_int_equal(ram_get(f, ITT_OF(1) + 8 * 3), ITE(6, LPI, 2));
	assert_int_equal(ram_get(f, ITT_OF(1) + 8 * 9), ITE(0, LPI + 5, 7));
	assert_int_equal(ram_get(f, COLLECTIONS), CTE(1, 1));
	assert_int_equal(ram_get(f, COLLECTIONS + 8), CTE(UNMAPPED, 2));
	assert_int_equal(ram_get(f, COLLECTIONS + 16), CTE(2, 7));
	assert_int_equal(ram_get(f, COLLECTIONS + 24), 0);
}

static void what_was_saved_is_restored(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 4, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_mapd(5000, ITT, 16, true));
	its_do(f, cmd_mapti(5000, 65535, LPI + 9, 1));
	its_do(f, cmd_mapti(5000, 0, LPI + 8, 2));
	assert_int_equal(its_send(f, D, 2), 1);
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(vgic_lpis_save_pending(f->vgic), 0);
	assert_int_equal(restore(f), 0);
	assert_int_equal(its_take(f, 0), LPI + 2);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(its_send(f, D, i), 1);
		assert_int_equal(its_take(f, 0), LPI + i);
	}
	assert_int_equal(its_send(f, D, 4), 0);
	assert_int_equal(its_send(f, 5000, 65535), 1);
	assert_int_equal(its_take(f, 1), LPI + 9);
	assert_int_equal(its_send(f, 5000, 0), 0);
	its_do(f, cmd_mapc(2, 2, true));
	assert_int_equal(its_send(f, 5000, 0), 1);
	assert_int_equal(its_take(f, 2), LPI + 8);
	/* Not twice: of what there was events stay, without collections. */
	assert_int_equal(vgic_its_restore_tables(f->its), -EEXIST);
	assert_no_collections(f);
	assert_int_equal(f->its->nr_entries, 6);
	assert_int_equal(its_send(f, 5000, 0), 0);
	assert_int_equal(its_send_fast(f, 5000, 0), -EWOULDBLOCK);
}

static void a_distance_too_long_for_its_field_is_cut(void **state)
{
	struct its_fixture *f = *state;

	use_level2(f);
	ram_set(f, DEVICES, VALID | LEVEL2);
	ram_set(f, DEVICES + 8 * 3, VALID | ITT);
	its_do(f, cmd_mapd(1, ITT_OF(2), 5, true));
	its_do(f, cmd_mapd(3 * 8192 + 1, ITT_OF(3), 5, true));
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(ram_get(f, LEVEL2 + 8), DTE(0x3fff, ITT_OF(2), 5));
	assert_int_equal(ram_get(f, ITT + 8), DTE(0, ITT_OF(3), 5));
}

static void a_table_of_two_levels(void **state)
{
	struct its_fixture *f = *state;

	use_level2(f);
	assert_int_equal(its_try(f, cmd_mapd(1, ITT, 5, true)),
			 ITS_MAPD_DEVICE_OOR);
	ram_set(f, DEVICES + 8 * 7, VALID | LEVEL2);
	its_do(f, cmd_mapc(0, 0, true));
	assert_int_equal(its_try(f, cmd_mapd(65535, ITT_OF(1), 5, true)), 0);
	assert_int_equal(its_try(f, cmd_mapd(57344, ITT_OF(2), 5, true)), 0);
	assert_int_equal(its_try(f, cmd_mapd(57343, ITT_OF(2), 5, true)),
			 ITS_MAPD_DEVICE_OOR);
	assert_int_equal(its_try(f, cmd_mapd(65536, ITT_OF(2), 5, true)),
			 ITS_MAPD_DEVICE_OOR);
	its_do(f, cmd_mapti(65535, 31, LPI, 0));
	its_do(f, cmd_mapti(57344, 0, LPI + 1, 0));
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(ram_get(f, LEVEL2), DTE(8191, ITT_OF(2), 5));
	vgic_its_reset(f->its);
	its_fixture_enable(f);
	use_level2(f);
	assert_int_equal(vgic_its_restore_tables(f->its), 0);
	assert_int_equal(its_send(f, 65535, 31), 1);
	assert_int_equal(its_take(f, 0), LPI);
	assert_int_equal(its_send(f, 57344, 0), 1);
	/* A second level that has gone. */
	ram_set(f, DEVICES + 8 * 7, 0);
	assert_int_equal(vgic_its_save_tables(f->its), -EINVAL);
	ram_set(f, DEVICES + 8 * 7, VALID | (RAM + RAM_SIZE));
	assert_int_equal(vgic_its_save_tables(f->its), -EINVAL);
	vgic_its_reset(f->its);
	its_fixture_enable(f);
	use_level2(f);
	assert_int_equal(vgic_its_restore_tables(f->its), -EFAULT);
	assert_empty(f);
}

static void events_without_a_collection_are_not_saved(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	its_do(f, cmd_mapti(D, 1, LPI + 1, 1));
	its_do(f, cmd_mapti(D, 2, LPI + 2, 0));
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	its_do(f, cmd_mapc(1, 0, false));
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(ram_get(f, ITT_OF(D)), ITE(1, LPI, 0));
	assert_int_equal(ram_get(f, ITT_OF(D) + 8), 0);
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->its->nr_entries, 2);
	/* Not memory any more. */
	its_do(f, cmd_mapti(D, 1, LPI + 1, 1));
	its_do(f, cmd_mapc(1, 0, false));
	f->bad = ITT_OF(D) + 8;
	f->bad_size = 8;
	assert_int_equal(vgic_its_save_tables(f->its), -EFAULT);
}

/* With pages of 64 KiB they are in bits 15:12. */
static void a_table_has_52_bits_of_address(void **state)
{
	struct its_fixture *f = *state;

	for (unsigned int bit = 48; bit < 52; bit++) {
		vgic_its_write(f->its, GITS_CTLR, 4, 0);
		vgic_its_write(f->its, GITS_BASER0, 8,
			       VALID | DEVICES | 1u << (bit - 36));
		vgic_its_write(f->its, GITS_CTLR, 4, 1);
		assert_int_equal(its_try(f, cmd_mapd(D, ITT, 5, true)),
				 ITS_MAPD_DEVICE_OOR);
	}
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	vgic_its_write(f->its, GITS_BASER0, 8, VALID | DEVICES);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	assert_int_equal(its_try(f, cmd_mapd(D, ITT, 5, true)), 0);
}

static void without_tables_nothing_is_saved_or_restored(void **state)
{
	struct its_fixture *f = *state;

	vgic_its_reset(f->its);
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(ram_get(f, COLLECTIONS), 0);
	ram_set(f, COLLECTIONS, CTE(0, 0));
	ram_set(f, DEVICES, DTE(0, ITT, 5));
	assert_int_equal(vgic_its_restore_tables(f->its), 0);
	assert_empty(f);
}

static void save_errors(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	f->bad_size = 8;
	f->bad = DEVICES + 8 * D;
	assert_int_equal(vgic_its_save_tables(f->its), -EINVAL);
	f->bad = ITT_OF(D) + 8;
	assert_int_equal(vgic_its_save_tables(f->its), -EFAULT);
	f->bad = COLLECTIONS;
	assert_int_equal(vgic_its_save_tables(f->its), -EFAULT);
	f->bad = COLLECTIONS + 8;
	assert_int_equal(vgic_its_save_tables(f->its), -EFAULT);
	f->bad = COLLECTIONS + 16;
	assert_int_equal(vgic_its_save_tables(f->its), 0);
}

/* Good tables: device D with three events, collections 0 and 1. */
static void write_good(struct its_fixture *f)
{
	memset(f->ram + (DEVICES - RAM), 0, 0x20000);
	memset(f->ram + (ITT - RAM), 0, RAM_SIZE - (ITT - RAM));
	ram_set(f, COLLECTIONS, CTE(0, 0));
	ram_set(f, COLLECTIONS + 8, CTE(1, 1));
	ram_set(f, DEVICES + 8 * D, DTE(2, ITT_OF(D), 5));
	ram_set(f, DEVICES + 8 * (D + 2), DTE(0, ITT_OF(D + 2), 5));
	ram_set(f, ITT_OF(D), ITE(1, LPI, 0));
	ram_set(f, ITT_OF(D) + 8, ITE(30, LPI + 1, 1));
	ram_set(f, ITT_OF(D) + 8 * 31, ITE(0, LPI + 2, 0));
}

static void what_cannot_have_been_saved_is_refused(void **state)
{
	static const struct {
		uint64_t gpa, value;
		int answer;
	} bad[] = {
		{COLLECTIONS, CTE(NR_CPUS, 0), -EINVAL},
		{COLLECTIONS, CTE(UNMAPPED - 1, 0), -EINVAL},
		{COLLECTIONS, CTE(0, 8192), -EINVAL},
		{COLLECTIONS + 8, CTE(0, 0), -EEXIST},
		/* The event's collection is not in the table. */
		{COLLECTIONS + 8, 0, -EINVAL},
		{DEVICES + 8 * D, DTE(0, ITT_OF(D), 17), -EINVAL},
		{DEVICES + 8 * D, DTE(0, ITT_OF(D), 32), -EINVAL},
		{DEVICES + 8 * D, DTE(0, RAM + RAM_SIZE, 5), -EFAULT},
		{DEVICES + 8 * D, DTE(0, UINT64_C(0xfffffffffff00), 5),
		 -EFAULT},
		/* Eight pages of entries and the end of memory. */
		{DEVICES + 8 * D, DTE(0, RAM + RAM_SIZE - 4096, 10), -EFAULT},
		{ITT_OF(D), ITE(1, LPI - 1, 0), -EINVAL},
		{ITT_OF(D), ITE(1, 1, 0), -EINVAL},
		{ITT_OF(D), ITE(1, 65536, 0), -EINVAL},
		{ITT_OF(D), ITE(1, UNMAPPED, 0), -EINVAL},
		{ITT_OF(D), ITE(32, LPI, 0), -EINVAL},
		{ITT_OF(D) + 8, ITE(31, LPI, 0), -EINVAL},
		{ITT_OF(D) + 8, ITE(0xffff, LPI, 0), -EINVAL},
		{ITT_OF(D) + 8 * 31, ITE(1, LPI, 0), -EINVAL},
		{ITT_OF(D) + 8 * 31, ITE(0, LPI, 2), -EINVAL},
	};
	struct its_fixture *f = *state;

	write_good(f);
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->its->nr_entries, 3);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_good(f);
		ram_set(f, bad[i].gpa, bad[i].value);
		if (restore(f) != bad[i].answer)
			fail_msg("row %u", i);
		assert_empty(f);
	}
	/* An LPI without properties. */
	write_good(f);
	f->bad = PROPERTIES + 2;
	f->bad_size = 1;
	assert_int_equal(restore(f), -EFAULT);
	assert_empty(f);
	f->bad = COLLECTIONS;
	assert_int_equal(restore(f), -EFAULT);
	f->bad = DEVICES;
	assert_int_equal(restore(f), -EFAULT);
	assert_empty(f);
	f->bad_size = 0;
	assert_int_equal(restore(f), 0);
	assert_int_equal(its_send(f, D, 31), 1);
	assert_int_equal(its_take(f, 0), LPI + 2);
}

/* Collections must be new (-EEXIST); devices are replaced. */
static void devices_are_restored_over_what_is_there(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	its_do(f, cmd_mapc(0, 0, false));
	its_do(f, cmd_mapti(D, 2, LPI + 2, 1));
	its_do(f, cmd_mapc(1, 0, false));
	assert_int_equal(vgic_its_restore_tables(f->its), 0);
	assert_int_equal(f->its->nr_devices, 1);
	assert_int_equal(f->its->nr_entries, 2);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_send(f, D, 2), 0);
	assert_int_equal(vgic_its_restore_tables(f->its), -EEXIST);
	assert_int_equal(its_send(f, D, 1), 0);
}

static void entries_without_a_successor_end_the_table(void **state)
{
	struct its_fixture *f = *state;

	write_good(f);
	ram_set(f, ITT_OF(D), ITE(0, LPI, 0));
	assert_int_equal(restore(f), 0);
	assert_int_equal(f->its->nr_entries, 1);
	write_good(f);
	ram_set(f, DEVICES + 8 * D, DTE(0, ITT_OF(D), 5));
	assert_int_equal(restore(f), 0);
	assert_null(its_device_find(f->its, D + 2));
	/* And one too far is no device. */
	write_good(f);
	ram_set(f, DEVICES + 8 * D, DTE(0x3fff, ITT_OF(D), 5));
	assert_int_equal(restore(f), 0);
	assert_null(its_device_find(f->its, D + 2));
}

/* All devices there can be, each with as many events, in the same memory. */
static void a_restore_has_an_end(void **state)
{
	struct its_fixture *f = *state;

	for (uint32_t i = 0; i < 8192; i++) {
		ram_set(f, DEVICES + 8 * i, DTE(1, ITT, 16));
	}
	ram_set(f, COLLECTIONS, 0);
	assert_int_equal(restore(f), -EINVAL);
	assert_empty(f);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_format_is_linuxs),
		TEST(what_was_saved_is_restored),
		TEST(a_distance_too_long_for_its_field_is_cut),
		TEST(a_table_of_two_levels),
		TEST(events_without_a_collection_are_not_saved),
		TEST(a_table_has_52_bits_of_address),
		TEST(without_tables_nothing_is_saved_or_restored),
		TEST(save_errors),
		TEST(what_cannot_have_been_saved_is_refused),
		TEST(devices_are_restored_over_what_is_there),
		TEST(entries_without_a_successor_end_the_table),
		TEST(a_restore_has_an_end),
	};

	return cmocka_run_group_tests_name("vgic-its-tables", tests, NULL,
					   NULL);
}

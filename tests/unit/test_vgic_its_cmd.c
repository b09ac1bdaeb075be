// SPDX-License-Identifier: BSD-3-Clause
/*
 * The commands of the ITS: what each does to messages, and what is wrong with
 * those that do nothing.
 */
#include "its_fixture.h"
#include <string.h>

#define D 3u /* a device */

static void a_mapped_event_is_an_lpi(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_send(f, D, 0), 0);
	its_map_events(f, D, 2, LPI + 5);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 0), LPI + 6);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 2), 0);
	assert_int_equal(its_send(f, D + 1, 0), 0);
}

static void mapi_takes_the_event_for_the_lpi(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(0, 1, true));
	its_do(f, cmd_mapd(D, ITT, 14, true));
	its_do(f, cmd_mapi(D, LPI + 7, 0));
	assert_int_equal(its_send(f, D, LPI + 7), 1);
	assert_int_equal(its_take(f, 1), LPI + 7);
	assert_int_equal(its_try(f, cmd_mapi(D, 7, 0)),
			 ITS_MAPTI_PHYSICALID_OOR);
}

static void messages_coalesce_until_taken(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

static void mapti_leaves_a_mapped_event_as_it_is(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI + 1, 0)), 0);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
}

static void mapti_without_its_collection_waits_for_mapc(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapd(D, ITT, 5, true));
	its_do(f, cmd_mapti(D, 0, LPI, 4));
	assert_int_equal(its_send(f, D, 0), 0);
	its_do(f, cmd_mapc(4, 2, true));
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 2), LPI);
}

static void mapti_errors(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI, 0)),
			 ITS_MAPTI_UNMAPPED_DEVICE);
	its_map_events(f, D, 0, LPI);
	assert_int_equal(its_try(f, cmd_mapti(D, 32, LPI, 0)),
			 ITS_MAPTI_ID_OOR);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI - 1, 0)),
			 ITS_MAPTI_PHYSICALID_OOR);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, 65536, 0)),
			 ITS_MAPTI_PHYSICALID_OOR);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, 65535, 0)), 0);
	/* A flat table of 64 KiB has 8192 entries. */
	assert_int_equal(its_try(f, cmd_mapti(D, 1, LPI, 8192)),
			 ITS_MAPC_COLLECTION_OOR);
	/* A table that ends where memory does. */
	its_do(f, cmd_mapd(D + 1, RAM + RAM_SIZE - 256, 6, true));
	assert_int_equal(its_try(f, cmd_mapti(D + 1, 31, LPI, 0)), 0);
	assert_int_equal(its_try(f, cmd_mapti(D + 1, 32, LPI + 1, 0)),
			 ITS_MAPTI_ID_OOR);
}

static void lpis_end_where_propbaser_says(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 0, 0);
	atomic_store(&f->vgic->propbaser, PROPERTIES | 13);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, 16384, 0)),
			 ITS_MAPTI_PHYSICALID_OOR);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, 16383, 0)), 0);
	/* And with more bits than there are, at 16 of them. */
	atomic_store(&f->vgic->propbaser, PROPERTIES | 31);
	assert_int_equal(its_try(f, cmd_mapti(D, 1, 65536, 0)),
			 ITS_MAPTI_PHYSICALID_OOR);
	assert_int_equal(its_try(f, cmd_mapti(D, 1, 65535, 0)), 0);
}

static void mapti_fails_where_the_lpi_has_no_properties(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 0, 0);
	f->bad = PROPERTIES;
	f->bad_size = 1;
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI, 0)), -EFAULT);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI + 1, 0)), 0);
	f->bad = PENDING + LPI / 8;
	assert_int_equal(its_try(f, cmd_mapti(D, 1, LPI, 0)), -EFAULT);
	f->bad_size = 0;
	assert_int_equal(its_try(f, cmd_mapti(D, 1, LPI, 0)), 0);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 0), LPI);
}

static void mapd_again_forgets_the_events(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	its_do(f, cmd_mapd(D, ITT, 5, true));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), 0);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	its_do(f, cmd_mapti(D, 0, LPI + 9, 0));
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI + 9);
}

static void mapd_invalid_unmaps_and_clears_the_saved_entry(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_not_equal(ram_get(f, DEVICES + 8 * D), 0);
	its_do(f, cmd_mapd(D, 0, 1, false));
	assert_int_equal(ram_get(f, DEVICES + 8 * D), 0);
	assert_int_equal(its_send(f, D, 0), 0);
	/* Nothing to unmap is no error. */
	assert_int_equal(its_try(f, cmd_mapd(D, 0, 1, false)), 0);
}

static void mapd_errors(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_try(f, cmd_mapd(8192, ITT, 5, true)),
			 ITS_MAPD_DEVICE_OOR);
	assert_int_equal(its_try(f, cmd_mapd(8192, ITT, 5, false)),
			 ITS_MAPD_DEVICE_OOR);
	assert_int_equal(its_try(f, cmd_mapd(8191, ITT, 17, true)),
			 ITS_MAPD_ITTSIZE_OOR);
	assert_int_equal(its_try(f, cmd_mapd(8191, ITT, 17, false)), 0);
	assert_int_equal(its_try(f, cmd_mapd(8191, ITT, 16, true)), 0);
	f->bad = DEVICES;
	f->bad_size = 4096;
	assert_int_equal(its_try(f, cmd_mapd(511, ITT, 5, true)),
			 ITS_MAPD_DEVICE_OOR);
	assert_int_equal(its_try(f, cmd_mapd(512, ITT, 5, true)), 0);
}

static void mapc_again_takes_what_is_pending_along(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	its_do(f, cmd_mapc(0, 2, true));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_take(f, 2), LPI);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 2), LPI + 1);
}

static void mapc_invalid_orphans_its_events(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
	assert_int_equal(its_send_fast(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), LPI);
	its_do(f, cmd_mapc(0, 0, false));
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(its_send(f, D, 0), 0);
	/* As in Linux, for good: until the device goes. */
	its_do(f, cmd_mapc(0, 0, true));
	assert_int_equal(its_send(f, D, 0), 0);
	assert_int_equal(its_try(f, cmd_movi(D, 0, 0)),
			 ITS_MOVI_UNMAPPED_COLLECTION);
	assert_int_equal(its_try(f, cmd_event(CMD_DISCARD, D, 0)),
			 ITS_DISCARD_UNMAPPED_INTERRUPT);
	assert_int_equal(its_try(f, cmd_mapti(D, 0, LPI, 0)), 0);
	assert_int_equal(its_send(f, D, 0), 0);
	its_do(f, cmd_mapd(D, ITT, 5, true));
	its_do(f, cmd_mapti(D, 0, LPI, 0));
	assert_int_equal(its_send(f, D, 0), 1);
}

static void mapc_errors(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_try(f, cmd_mapc(0, NR_CPUS, true)),
			 ITS_MAPC_PROCNUM_OOR);
	assert_int_equal(its_try(f, cmd_mapc(0, UINT32_MAX, true)),
			 ITS_MAPC_PROCNUM_OOR);
	assert_int_equal(its_try(f, cmd_mapc(8192, 0, true)),
			 ITS_MAPC_COLLECTION_OOR);
	assert_int_equal(its_try(f, cmd_mapc(8192, 0, false)), 0);
	assert_int_equal(its_try(f, cmd_mapc(8191, 0, true)), 0);
}

static void movi_moves_what_is_pending(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	its_do(f, cmd_mapc(1, 1, true));
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_send(f, D, 1), 1);
	its_do(f, cmd_movi(D, 0, 1));
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_take(f, 1), LPI);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 1), LPI);
	assert_int_equal(its_send_fast(f, D, 0), 1);
}

static void movi_errors(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_try(f, cmd_movi(D, 0, 0)),
			 ITS_MOVI_UNMAPPED_INTERRUPT);
	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_try(f, cmd_movi(D, 1, 0)),
			 ITS_MOVI_UNMAPPED_INTERRUPT);
	assert_int_equal(its_try(f, cmd_movi(D, 0, 1)),
			 ITS_MOVI_UNMAPPED_COLLECTION);
	/* Known, by an event, but not mapped. */
	its_do(f, cmd_mapti(D, 1, LPI + 1, 1));
	assert_int_equal(its_try(f, cmd_movi(D, 0, 1)),
			 ITS_MOVI_UNMAPPED_COLLECTION);
	assert_int_equal(its_try(f, cmd_movi(D, 1, 0)),
			 ITS_MOVI_UNMAPPED_COLLECTION);
}

static void movall_moves_lpis_and_not_collections(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 2, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	its_do(f, cmd_movall(0, 2));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_take(f, 2), LPI);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 2), LPI + 1);
	/* What is mapped from now on goes where the collection is. */
	its_do(f, cmd_mapti(D, 2, LPI + 2, 0));
	assert_int_equal(its_send(f, D, 2), 1);
	assert_int_equal(its_take(f, 0), LPI + 2);
	assert_int_equal(its_try(f, cmd_movall(0, 0)), 0);
	assert_int_equal(its_try(f, cmd_movall(NR_CPUS, 0)),
			 ITS_MOVALL_PROCNUM_OOR);
	assert_int_equal(its_try(f, cmd_movall(0, NR_CPUS)),
			 ITS_MOVALL_PROCNUM_OOR);
}

static void int_raises_and_clear_lowers(void **state)
{
	struct its_fixture *f = *state;

	assert_int_equal(its_try(f, cmd_event(CMD_INT, D, 0)),
			 ITS_INT_UNMAPPED_INTERRUPT);
	assert_int_equal(its_try(f, cmd_event(CMD_CLEAR, D, 0)),
			 ITS_CLEAR_UNMAPPED_INTERRUPT);
	its_map_events(f, D, 2, LPI);
	its_do(f, cmd_event(CMD_INT, D, 0));
	its_do(f, cmd_event(CMD_INT, D, 1));
	its_do(f, cmd_event(CMD_CLEAR, D, 0));
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	/* Translated, and so remembered. */
	assert_int_equal(its_send_fast(f, D, 0), 1);
	vgic_lpis_set_enabled(f->cpus[0], false);
	assert_int_equal(its_try(f, cmd_event(CMD_INT, D, 0)), -EBUSY);
}

static void properties_are_read_at_map_and_by_inv(void **state)
{
	struct its_fixture *f = *state;

	property_set(f, LPI, 0xa0);
	property_set(f, LPI + 1, 0x43);
	its_map_events(f, D, 2, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	property_set(f, LPI, 0xa1);
	property_set(f, LPI + 1, 0);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI + 1)->priority, 0x40);
	its_do(f, cmd_event(CMD_INV, D, 0));
	assert_int_equal(its_take(f, 0), LPI);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_take(f, 0), LPI + 1);
	assert_int_equal(its_try(f, cmd_event(CMD_INV, D, 2)),
			 ITS_INV_UNMAPPED_INTERRUPT);
}

static void invall_reads_those_of_the_collections_cpu(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 3, LPI + 63);
	its_do(f, cmd_mapc(1, 1, true));
	its_do(f, cmd_movi(D, 1, 1));
	for (uint32_t i = 0; i < 3; i++)
		property_set(f, LPI + 63 + i, 0x80);
	its_do(f, cmd_invall(0));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(its_send(f, D, i), 1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_take(f, 1), LPI + 64);
	assert_int_equal(vgic_lpi_find(f->vgic, LPI + 65)->priority, 0x80);
	assert_int_equal(its_try(f, cmd_invall(2)),
			 ITS_INVALL_UNMAPPED_COLLECTION);
}

static void discard_is_the_end_of_an_event(void **state)
{
	struct its_fixture *f = *state;
	struct vgic_irq *irq;

	its_map_events(f, D, 2, LPI);
	irq = vgic_lpi_find(f->vgic, LPI);
	assert_int_equal(vgic_its_save_tables(f->its), 0);
	assert_int_equal(its_send(f, D, 0), 1);
	its_do(f, cmd_event(CMD_DISCARD, D, 0));
	assert_int_equal(vgic_irq_state(irq), IRQ_GROUP1);
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
	assert_int_equal(its_send(f, D, 0), 0);
	assert_int_equal(its_send_fast(f, D, 0), -EWOULDBLOCK);
	assert_int_equal(ram_get(f, ITT + D * 0x10000), 0);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_try(f, cmd_event(CMD_DISCARD, D, 0)),
			 ITS_DISCARD_UNMAPPED_INTERRUPT);
	/* Nothing of it comes back with a new mapping. */
	assert_int_equal(its_take(f, 0), LPI + 1);
	its_do(f, cmd_mapti(D, 0, LPI, 0));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

static void two_events_may_share_an_lpi(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	its_do(f, cmd_mapti(D, 1, LPI, 0));
	assert_int_equal(its_send(f, D, 1), 1);
	its_do(f, cmd_event(CMD_DISCARD, D, 0));
	assert_int_equal(its_take(f, 0), LPI);
	assert_int_equal(its_send(f, D, 1), 1);
	assert_int_equal(its_send(f, D, 0), 0);
	its_do(f, cmd_event(CMD_DISCARD, D, 1));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mapped_event_is_an_lpi),
		TEST(mapi_takes_the_event_for_the_lpi),
		TEST(messages_coalesce_until_taken),
		TEST(mapti_leaves_a_mapped_event_as_it_is),
		TEST(mapti_without_its_collection_waits_for_mapc),
		TEST(mapti_errors),
		TEST(lpis_end_where_propbaser_says),
		TEST(mapti_fails_where_the_lpi_has_no_properties),
		TEST(mapd_again_forgets_the_events),
		TEST(mapd_invalid_unmaps_and_clears_the_saved_entry),
		TEST(mapd_errors),
		TEST(mapc_again_takes_what_is_pending_along),
		TEST(mapc_invalid_orphans_its_events),
		TEST(mapc_errors),
		TEST(movi_moves_what_is_pending),
		TEST(movi_errors),
		TEST(movall_moves_lpis_and_not_collections),
		TEST(int_raises_and_clear_lowers),
		TEST(properties_are_read_at_map_and_by_inv),
		TEST(invall_reads_those_of_the_collections_cpu),
		TEST(discard_is_the_end_of_an_event),
		TEST(two_events_may_share_an_lpi),
	};

	return cmocka_run_group_tests_name("vgic-its-cmd", tests, NULL, NULL);
}

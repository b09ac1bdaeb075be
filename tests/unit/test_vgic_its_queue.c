// SPDX-License-Identifier: BSD-3-Clause
/*
 * The command queue of the ITS, and how much of it a guest can ask for.
 */
#include "its_fixture.h"
#include <string.h>

#define D 3u

static void wrong_commands_are_passed_over(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, (struct its_words){{0}});
	its_do(f, (struct its_words){{0xff, 1, 2, 3}});
	its_do(f, (struct its_words){{0x05}});
	its_do(f, cmd_mapti(D, 0, LPI, 0));
	assert_int_equal(its_try(f, (struct its_words){{0x02}}), -EINVAL);
	assert_int_equal(its_try(f, (struct its_words){{0x10}}), -EINVAL);
	assert_int_equal(its_try(f, (struct its_words){{0x05}}), 0);
	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
}

static void what_is_not_memory_is_no_command(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(0, 0, true));
	f->bad = QUEUE + 32;
	f->bad_size = 32;
	its_do(f, cmd_mapd(D, ITT, 5, true));
	f->bad_size = 0;
	its_do(f, cmd_mapti(D, 0, LPI, 0));
	assert_int_equal(its_send(f, D, 0), 0);
	its_map_events(f, D, 1, LPI);
	assert_int_equal(its_send(f, D, 0), 1);
}

static void the_queue_wraps(void **state)
{
	struct its_fixture *f = *state;

	its_map_events(f, D, 1, LPI);
	for (unsigned int i = 0; i < 2 * 2048; i++)
		its_do(f, cmd_event(CMD_INT, D, 0));
	assert_int_equal(its_take(f, 0), LPI);
	/* All of it at once, but for one: full. */
	for (unsigned int i = 0; i < 2048; i++)
		memcpy(f->ram + 32 * i, cmd_event(CMD_CLEAR, D, 0).word, 32);
	its_do(f, cmd_event(CMD_INT, D, 0));
	vgic_its_write(f->its, GITS_CWRITER, 8,
		       (vgic_its_read(f->its, GITS_CREADR, 8) + 0xffe0) &
			       0xffff);
	assert_int_equal(vgic_its_read(f->its, GITS_CREADR, 8),
			 vgic_its_read(f->its, GITS_CWRITER, 8));
	assert_int_equal(its_take(f, 0), VGIC_SPURIOUS);
}

/* Kinds of commands that look at all events. */
static struct its_words long_command(unsigned int kind, unsigned int i)
{
	switch (kind) {
	case 0: return cmd_mapc(1, i % 2, true);
	case 1: return cmd_invall(0);
	case 2: return cmd_movall(i % 2, !(i % 2));
	default: return cmd_mapc(2, 0, i % 2);
	}
}

/* More than is done in one access. */
static void a_long_queue_is_done_in_pieces(void **state)
{
	static const unsigned int counts[] = {600, 600, 600, 1200};
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(0, 0, true));
	its_do(f, cmd_mapc(1, 0, true));
	its_do(f, cmd_mapd(D, ITT, 16, true));
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(its_try(f, cmd_mapti(D, i, LPI + i, 0)), 0);
	its_do(f, cmd_mapc(2, 0, true));
	for (unsigned int kind = 0; kind < 4; kind++) {
		const uint64_t end = counts[kind] * 32;
		unsigned int reads = 0;
		uint64_t creadr = 0;

		vgic_its_write(f->its, GITS_CTLR, 4, 0);
		vgic_its_write(f->its, GITS_CBASER, 8, VALID | QUEUE | 15);
		vgic_its_write(f->its, GITS_CTLR, 4, 1);
		for (unsigned int i = 0; i < counts[kind]; i++)
			memcpy(f->ram + 32 * i, long_command(kind, i).word, 32);
		vgic_its_write(f->its, GITS_CWRITER, 8, end);
		assert_in_range(f->its->creadr, 1, end - 1);
		/* Who waits for it looks. */
		while (creadr != end) {
			uint64_t now = vgic_its_read(f->its, GITS_CREADR, 8);

			assert_true(now > creadr);
			creadr = now;
			reads++;
		}
		assert_in_range(reads, 1, 8);
	}
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000001);
	assert_int_equal(its_send(f, D, 0), 1);
}

/* A guest that switches its ITS off waits for GITS_CTLR.Quiescent. */
static void off_amid_a_long_queue_is_quiescent(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(0, 0, true));
	its_do(f, cmd_mapd(D, ITT, 16, true));
	for (uint32_t i = 0; i < 8192; i++)
		assert_int_equal(its_try(f, cmd_mapti(D, i, LPI + i, 0)), 0);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	vgic_its_write(f->its, GITS_CBASER, 8, VALID | QUEUE | 15);
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	for (unsigned int i = 0; i < 600; i++)
		memcpy(f->ram + 32 * i, long_command(1, i).word, 32);
	vgic_its_write(f->its, GITS_CWRITER, 8, 600 * 32);
	assert_int_not_equal(f->its->creadr, 600 * 32);
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000000);
	assert_int_not_equal(vgic_its_read(f->its, GITS_CREADR, 8), 600 * 32);
	/* On again it goes on. */
	vgic_its_write(f->its, GITS_CTLR, 4, 1);
	while (vgic_its_read(f->its, GITS_CREADR, 8) != 600 * 32)
		;
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0x80000001);
	/* As in Linux it is not with commands of which it has seen none. */
	vgic_its_write(f->its, GITS_CTLR, 4, 0);
	vgic_its_write(f->its, GITS_CWRITER, 8, 0);
	assert_int_equal(vgic_its_read(f->its, GITS_CTLR, 4), 0);
}

static void entries_are_bounded(void **state)
{
	struct its_fixture *f = *state;

	its_do(f, cmd_mapc(0, 0, true));
	for (uint32_t d = 0; d < 2; d++)
		its_do(f, cmd_mapd(d, ITT, 16, true));
	for (uint32_t i = 0; i < ITS_MAX_ENTRIES; i++)
		assert_int_equal(its_try(f, cmd_mapti(0, i, LPI, 0)), 0);
	assert_int_equal(its_try(f, cmd_mapti(1, 0, LPI, 0)), -ENOMEM);
	its_do(f, cmd_event(CMD_DISCARD, 0, 0));
	assert_int_equal(its_try(f, cmd_mapti(1, 0, LPI, 0)), 0);
	assert_int_equal(its_send(f, 1, 0), 1);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, its_setup, its_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(wrong_commands_are_passed_over),
		TEST(what_is_not_memory_is_no_command),
		TEST(the_queue_wraps),
		TEST(a_long_queue_is_done_in_pieces),
		TEST(off_amid_a_long_queue_is_quiescent),
		TEST(entries_are_bounded),
	};

	return cmocka_run_group_tests_name("vgic-its-queue", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest's ITS goes from KVM to us and back: by registers, and by tables in
 * guest memory that one has saved and the other restores.  The guest takes its
 * interrupts on both.
 */
#include "its_pair.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void movi(struct its_side *s, uint32_t devid, uint32_t event,
		 uint32_t icid)
{
	side_words(s, 0x01 | (uint64_t)devid << 32, event, icid, 0);
}

static void discard(struct its_side *s, uint32_t devid, uint32_t event)
{
	side_words(s, 0x0f | (uint64_t)devid << 32, event, 0, 0);
}

/* Save @from and restore it in @to, in the order of KVM's documentation. */
static void migrate(struct its_side *from, struct its_side *to)
{
	static const uint32_t order[] = {GITS_CBASER, GITS_CREADR, GITS_CWRITER,
					 GITS_BASER0, GITS_BASER1};
	uint64_t its[5], propbaser[NR_CPUS], pendbaser[NR_CPUS];
	uint64_t redist_ctlr[NR_CPUS], ctlr;

	assert_int_equal(side_ctrl(from, KVM_DEV_ARM_ITS_SAVE_TABLES), 0);
	assert_int_equal(side_save_pending(from), 0);
	for (unsigned int i = 0; i < 5; i++)
		its[i] = side_get_its(from, order[i]);
	ctlr = side_get_its(from, GITS_CTLR);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		propbaser[i] = side_get_redist(from, i, GICR_PROPBASER, 8);
		pendbaser[i] = side_get_redist(from, i, GICR_PENDBASER, 8);
		redist_ctlr[i] = side_get_redist(from, i, GICR_CTLR, 4);
	}
	if (from->ram != to->ram)
		memcpy(to->ram, from->ram, RAM_SIZE);
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		side_set_redist(to, i, GICR_PROPBASER, propbaser[i], 8);
		side_set_redist(to, i, GICR_PENDBASER, pendbaser[i], 8);
		side_set_redist(to, i, GICR_CTLR, redist_ctlr[i], 4);
	}
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(side_set_its(to, order[i], its[i]), 0);
	assert_int_equal(side_ctrl(to, KVM_DEV_ARM_ITS_RESTORE_TABLES), 0);
	assert_int_equal(side_set_its(to, GITS_CTLR, ctlr), 0);
	for (unsigned int i = 0; i < NR_SIDE_REGS; i++)
		assert_int_equal(side_get_its(to, side_regs[i]),
				 side_get_its(from, side_regs[i]));
	for (unsigned int i = 0; i < NR_CPUS; i++) {
		assert_int_equal(side_get_redist(to, i, GICR_PROPBASER, 8),
				 propbaser[i]);
		assert_int_equal(side_get_redist(to, i, GICR_PENDBASER, 8),
				 pendbaser[i]);
		assert_int_equal(side_get_redist(to, i, GICR_CTLR, 4),
				 redist_ctlr[i]);
	}
}

/*
 * A message for @devid's @event makes @lpi pending at @cpu, and no other; the
 * guest takes it there.
 */
static void reaches(struct its_side *s, uint32_t devid, uint32_t event,
		    uint32_t lpi, unsigned int cpu)
{
	const size_t size = NR_CPUS * 0x10000;
	uint8_t *pending = s->ram + (PENDING_GPA - RAM_GPA);
	uint8_t *before = malloc(size);

	assert_non_null(before);
	assert_int_equal(side_save_pending(s), 0);
	assert_false(pending_bit(s->ram, cpu, lpi));
	memcpy(before, pending, size);
	assert_int_equal(side_signal(s, DOORBELL_GPA, FLAGS, devid, event), 1);
	assert_int_equal(side_save_pending(s), 0);
	assert_true(pending_bit(s->ram, cpu, lpi));
	pending[cpu * 0x10000 + lpi / 8] &= (uint8_t) ~(1u << lpi % 8);
	assert_memory_equal(before, pending, size);
	free(before);
	assert_int_equal(side_take(s, !cpu), SPURIOUS);
	assert_int_equal(side_take(s, cpu), lpi);
	assert_int_equal(side_take(s, cpu), SPURIOUS);
}

struct mapping {
	uint32_t devid, event, lpi, icid;
};

static const struct mapping mappings[] = {
	{0, 3, LPI + 40, 0},	{7, 0, LPI, 0},	     {7, 1, LPI + 1, 1},
	{7, 31, LPI + 63, 1},	{250, 16, 65535, 0}, {8000, 5, LPI + 64, 1},
	{8000, 6, LPI + 65, 0},
};
#define NR_MAPPINGS (sizeof(mappings) / sizeof(mappings[0]))

/* Collections 0 and 1 on the CPUs; 2, of which one only knows. */
static void map_all(struct its_side *s)
{
	for (unsigned int i = 0; i < NR_CPUS; i++)
		side_mapc(s, i, i);
	for (unsigned int i = 0; i < NR_MAPPINGS; i++) {
		if (!i || mappings[i].devid != mappings[i - 1].devid)
			side_mapd(s, mappings[i].devid, 5);
		side_mapti(s, mappings[i].devid, mappings[i].event,
			   mappings[i].lpi, mappings[i].icid);
	}
	side_mapti(s, 8000, 30, LPI + 100, 2);
}

static void there_and_back(bool kvm_first, uint64_t baser0)
{
	uint8_t *ram = ram_create(), *saved = malloc(RAM_SIZE);
	struct its_side *from, *to, *back;

	assert_non_null(saved);
	memset(ram + (PROPERTIES_GPA - RAM_GPA), 0xa1, 0x10000);
	if (baser0 & INDIRECT)
		((uint64_t *)(void *)(ram + (DEVICES_GPA - RAM_GPA)))[0] =
			VALID | LEVEL2_GPA;
	from = side_create(kvm_first, ram);
	side_enable(from, baser0);
	map_all(from);
	assert_int_equal(side_signal(from, DOORBELL_GPA, FLAGS, 7, 31), 1);
	assert_int_equal(side_signal(from, DOORBELL_GPA, FLAGS, 8000, 30), 0);

	to = side_create(!kvm_first, ram);
	side_unmask(to);
	migrate(from, to);
	/* What was pending is pending here, and taken from the table. */
	assert_false(pending_bit(ram, 1, LPI + 63));
	assert_int_equal(side_save_pending(to), 0);
	assert_true(pending_bit(ram, 1, LPI + 63));
	assert_int_equal(side_take(to, 1), LPI + 63);
	assert_int_equal(side_take(to, 1), SPURIOUS);
	side_destroy(from);
	for (unsigned int i = 0; i < NR_MAPPINGS; i++)
		reaches(to, mappings[i].devid, mappings[i].event,
			mappings[i].lpi, mappings[i].icid);
	assert_int_equal(side_signal(to, DOORBELL_GPA, FLAGS, 7, 2), 0);
	assert_int_equal(side_signal(to, DOORBELL_GPA, FLAGS, 8000, 30), 0);
	side_mapc(to, 2, 0);
	reaches(to, 8000, 30, LPI + 100, 0);

	/* The same state makes the same tables. */
	assert_int_equal(side_ctrl(to, KVM_DEV_ARM_ITS_SAVE_TABLES), 0);
	memcpy(saved, ram, RAM_SIZE);
	movi(to, 7, 0, 1);
	discard(to, 7, 1);
	side_words(to, 0x08 | 250ull << 32, 0, 0, 0); /* MAPD, not valid */
	back = side_create(kvm_first, ram);
	side_unmask(back);
	migrate(to, back);
	side_destroy(to);
	reaches(back, 7, 0, LPI, 1);
	assert_int_equal(side_signal(back, DOORBELL_GPA, FLAGS, 7, 1), 0);
	assert_int_equal(side_signal(back, DOORBELL_GPA, FLAGS, 250, 16), 0);
	reaches(back, 8000, 5, LPI + 64, 1);
	/* Undone, it is the state from before. */
	movi(back, 7, 0, 0);
	side_mapti(back, 7, 1, LPI + 1, 1);
	side_mapd(back, 250, 5);
	side_mapti(back, 250, 16, 65535, 0);
	assert_int_equal(side_ctrl(back, KVM_DEV_ARM_ITS_SAVE_TABLES), 0);
	assert_memory_equal(saved + 0x10000, ram + 0x10000, 0x20000);
	assert_memory_equal(saved + 0x80000, ram + 0x80000, RAM_SIZE - 0x80000);
	side_destroy(back);
	free(saved);
	ram_destroy(ram);
}

static void from_kvm_and_back(void **state)
{
	(void)state;
	there_and_back(true, 0);
}

static void to_kvm_and_back(void **state)
{
	(void)state;
	there_and_back(false, 0);
}

static void from_kvm_and_back_with_two_levels(void **state)
{
	(void)state;
	there_and_back(true, INDIRECT);
}

static void to_kvm_and_back_with_two_levels(void **state)
{
	(void)state;
	there_and_back(false, INDIRECT);
}

static void registers_begin_alike(void **state)
{
	uint8_t *ram = ram_create();
	struct its_side *kvm = side_create(true, ram);
	struct its_side *ours = side_create(false, ram);

	(void)state;
	for (unsigned int i = 0; i < NR_SIDE_REGS; i++)
		assert_int_equal(side_get_its(kvm, side_regs[i]),
				 side_get_its(ours, side_regs[i]));
	for (uint32_t i = 0; i < NR_CPUS; i++) {
		assert_int_equal(side_get_redist(kvm, i, GICR_PROPBASER, 8),
				 side_get_redist(ours, i, GICR_PROPBASER, 8));
		assert_int_equal(side_get_redist(kvm, i, GICR_PENDBASER, 8),
				 side_get_redist(ours, i, GICR_PENDBASER, 8));
	}
	side_destroy(kvm);
	side_destroy(ours);
	ram_destroy(ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registers_begin_alike),
		cmocka_unit_test(from_kvm_and_back),
		cmocka_unit_test(to_kvm_and_back),
		cmocka_unit_test(from_kvm_and_back_with_two_levels),
		cmocka_unit_test(to_kvm_and_back_with_two_levels),
		cmocka_unit_test(bad_requests_have_the_same_answers),
		cmocka_unit_test(random_commands_have_the_same_effect),
	};

	return cmocka_run_group_tests_name("its-migrate", tests, NULL, NULL);
}

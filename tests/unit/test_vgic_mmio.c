// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC's register frames as tables: what holds for every row, whatever the
 * register does.
 *
 * Which offsets exist, and what they read at reset, is what Linux 6.1 and 6.12
 * answer for two vCPUs and 256 interrupts.
 */
#include "vgic_regs_fixture.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define NR_IRQS 256
#define SGI_BASE 0x10000

/* A frame, where a guest finds it and by which group user space does. */
static const struct place {
	unsigned int model;
	const struct vgic_frame *frame;
	uint64_t base;
	uint32_t group;
} places[] = {
	{2, &vgic_dist_v2, DIST_BASE, KVM_DEV_ARM_VGIC_GRP_DIST_REGS},
	{2, &vgic_gicc_v2, GICC_BASE, KVM_DEV_ARM_VGIC_GRP_CPU_REGS},
	{3, &vgic_dist_v3, DIST_BASE, KVM_DEV_ARM_VGIC_GRP_DIST_REGS},
	{3, &vgic_redist_v3, REDIST_BASE, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS},
};

#define FOR_EACH_PLACE(p)                                                      \
	for (const struct place *p = places;                                   \
	     p < places + sizeof(places) / sizeof(places[0]); p++)

static void rows_are_in_order_and_apart(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		uint32_t end = 0;

		for (size_t i = 0; i < p->frame->nr_rows; i++) {
			const struct vgic_row *row = &p->frame->rows[i];

			assert_true(row->offset >= end);
			assert_true(row->size > 0 && row->widths);
			assert_non_null(row->name);
			end = row->offset + row->size;
		}
		assert_true(end <= p->frame->size);
	}
}

/* The row by looking at all of them. */
static const struct vgic_row *expect_row(const struct vgic_frame *frame,
					 uint32_t offset, unsigned int len)
{
	for (size_t i = 0; i < frame->nr_rows; i++) {
		const struct vgic_row *row = &frame->rows[i];
		uint32_t in = offset - row->offset;

		if (offset < row->offset || in >= row->size)
			continue;
		if (!(row->widths & len) || offset % len)
			return NULL;
		/* A bank's private part may be a row of its own. */
		if (row->bits) {
			uint32_t bank = 1024u * row->bits / 8;
			uint32_t intid = offset % bank * 8 / row->bits;

			return intid < NR_IRQS ? row : NULL;
		}
		return row;
	}
	return NULL;
}

static void only_allowed_widths_and_alignments_meet_a_row(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		struct machine m;

		machine_create(&m, p->model, 2, NR_IRQS);
		for (uint32_t offset = 0; offset < p->frame->size; offset++)
			for (unsigned int len = 1; len <= 8; len *= 2) {
				struct vgic_reg_access at = {
					.vgic = m.vgic,
					.cpu = m.cpu[0],
					.offset = offset,
					.len = (uint8_t)len,
				};

				assert_ptr_equal(
					vgic_row_find(p->frame, &at),
					expect_row(p->frame, offset, len));
			}
		machine_destroy(&m);
	}
}

/* All that user space can see of one frame. */
static uint64_t digest(struct machine *m)
{
	uint64_t sum = 0;

	FOR_EACH_PLACE(p)
	{
		for (uint32_t offset = 0;
		     p->model == m->model && offset < p->frame->size;
		     offset += 4) {
			uint64_t value = 0;

			if (!user_has(m, p->group, offset))
				assert_int_equal(
					user_get(m, p->group, offset, &value),
					0);
			sum = sum * 0x100000001b3ull + value + 1;
		}
	}
	return sum;
}

/*
 * Ones, at every width, wherever no row takes them.  GICC_IAR has an effect
 * when it is read, so reads count as well.
 */
static void elsewhere_reads_zero_and_ignores_writes(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		struct machine m;
		uint64_t before;

		machine_create(&m, p->model, 2, NR_IRQS);
		before = digest(&m);
		for (uint32_t offset = 0; offset < p->frame->size; offset++)
			for (unsigned int len = 1; len <= 8; len *= 2) {
				uint64_t addr = p->base + offset;

				if (expect_row(p->frame, offset, len))
					continue;
				guest_write(&m, 0, addr, len, ~UINT64_C(0));
				assert_int_equal(guest_read(&m, 0, addr, len),
						 0);
			}
		assert_int_equal(digest(&m), before);
		machine_destroy(&m);
	}
}

/* A byte of a register that takes bytes is that byte of its word. */
static void bytes_and_halves_are_parts_of_the_register(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		struct machine m;

		machine_create(&m, p->model, 2, NR_IRQS);
		for (size_t i = 0; i < p->frame->nr_rows; i++) {
			const struct vgic_row *row = &p->frame->rows[i];
			unsigned int len = row->widths & 1 ? 1 : 4;
			unsigned int whole = row->widths & 8 ? 8 : 4;

			if (len == whole)
				continue;
			for (uint32_t in = 0; in < whole; in += len) {
				uint64_t addr = p->base + row->offset;
				uint64_t word = guest_read(&m, 0, addr, whole);
				uint64_t part =
					guest_read(&m, 0, addr + in, len);
				uint64_t mask = (UINT64_C(1) << 8 * len) - 1;

				assert_int_equal(word >> (8 * in) & mask, part);
			}
		}
		machine_destroy(&m);
	}
}

struct reset {
	uint32_t offset, value;
};

static const struct reset dist_v2[] = {
	{0x000, 0},	     {0x004, 0x27},	  {0x008, 0x4b00343b},
	{0x080, 0},	     {0x100, 0xffff},	  {0x104, 0},
	{0x180, 0xffff},     {0x200, 0},	  {0x300, 0},
	{0x400, 0},	     {0x420, 0},	  {0x800, 0x01010101},
	{0x820, 0},	     {0xc00, 0xaaaaaaaa}, {0xc04, 0},
	{0xc08, 0xaaaaaaaa}, {0xf00, 0},	  {0xf10, 0},
};
static const struct reset gicc_v2[] = {
	{0x00, 0}, {0x04, 0}, {0x08, 0},
	{0x1c, 0}, {0xd0, 0}, {0xfc, 0x4b2043b},
};
static const struct reset dist_v3[] = {
	{0x000, 0x50},
	{0x004, 0x480007},
	{0x008, 0x4b00343b},
	{0x00c, 0},
	{0x010, 0xffffffff},
	{0x080, 0},
	{0x084, ~0u},
	{0x100, 0},
	{0x104, 0},
	{0x800, 0},
	{0x820, 0},
	{0xc00, 0},
	{0xc08, ~0x55555555u},
	{0x6100, 0},
	{0xffe8, 0x3b},
};
static const struct reset redist_v3[] = {
	{0x00, 6},
	{0x04, 0x4b00043b},
	{0x08, 0},
	{0x0c, 0},
	{0x14, 0},
	{0x70, 0},
	{0x78, 0x580},
	{0x7c, 0},
	{0xffe8, 0x3b},
	{SGI_BASE + 0x080, ~0u},
	{SGI_BASE + 0x100, 0xffff},
	{SGI_BASE + 0x200, 0},
	{SGI_BASE + 0xc00, 0xaaaaaaaa},
	{SGI_BASE + 0xc04, 0},
};

static void check_reset(struct machine *m, const struct place *p,
			const struct reset *resets, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		uint64_t value;

		assert_int_equal(
			user_get(m, p->group, resets[i].offset, &value), 0);
		if (value != resets[i].value)
			fail_msg("%s of v%u, %#x: %#llx", p->frame->name,
				 p->model, resets[i].offset,
				 (unsigned long long)value);
	}
}

#define CHECK_RESET(m, p, resets)                                              \
	check_reset(m, p, resets, sizeof(resets) / sizeof(resets[0]))

static void reset_values_are_those_of_linux(void **state)
{
	struct machine m;

	(void)state;
	machine_create(&m, 2, 2, 0);
	CHECK_RESET(&m, &places[0], dist_v2);
	CHECK_RESET(&m, &places[1], gicc_v2);
	machine_destroy(&m);
	machine_create(&m, 3, 2, 0);
	CHECK_RESET(&m, &places[2], dist_v3);
	CHECK_RESET(&m, &places[3], redist_v3);
	machine_destroy(&m);
}

/* First and last of each run of offsets that KVM_HAS_DEVICE_ATTR knows. */
static const struct run {
	unsigned int model;
	uint32_t group, first, last;
} known[] = {
	{2, 1, 0x000, 0x008},	  {2, 1, 0x080, 0x09c},
	{2, 1, 0x100, 0x11c},	  {2, 1, 0x180, 0x19c},
	{2, 1, 0x200, 0x21c},	  {2, 1, 0x280, 0x29c},
	{2, 1, 0x300, 0x31c},	  {2, 1, 0x380, 0x39c},
	{2, 1, 0x400, 0x4fc},	  {2, 1, 0x800, 0x8fc},
	{2, 1, 0xc00, 0xc3c},	  {2, 1, 0xf00, 0xf00},
	{2, 1, 0xf10, 0xf2c},	  {2, 2, 0x00, 0x08},
	{2, 2, 0x1c, 0x1c},	  {2, 2, 0xd0, 0xdc},
	{2, 2, 0xfc, 0xfc},	  {3, 1, 0x000, 0x010},
	{3, 1, 0x080, 0x09c},	  {3, 1, 0x100, 0x11c},
	{3, 1, 0x180, 0x19c},	  {3, 1, 0x200, 0x21c},
	{3, 1, 0x280, 0x29c},	  {3, 1, 0x300, 0x31c},
	{3, 1, 0x380, 0x39c},	  {3, 1, 0x400, 0x4fc},
	{3, 1, 0x800, 0x8fc},	  {3, 1, 0xc00, 0xc3c},
	{3, 1, 0xd00, 0xd1c},	  {3, 1, 0x6000, 0x67fc},
	{3, 1, 0xffd0, 0xfffc},	  {3, 5, 0x00, 0x0c},
	{3, 5, 0x14, 0x14},	  {3, 5, 0x70, 0x7c},
	{3, 5, 0xa0, 0xa4},	  {3, 5, 0xb0, 0xb4},
	{3, 5, 0xc0, 0xc0},	  {3, 5, 0xffd0, 0xfffc},
	{3, 5, 0x10080, 0x10080}, {3, 5, 0x10100, 0x10100},
	{3, 5, 0x10180, 0x10180}, {3, 5, 0x10200, 0x10200},
	{3, 5, 0x10280, 0x10280}, {3, 5, 0x10300, 0x10300},
	{3, 5, 0x10380, 0x10380}, {3, 5, 0x10400, 0x1041c},
	{3, 5, 0x10c00, 0x10c04}, {3, 5, 0x10d00, 0x10d00},
	{3, 5, 0x10e00, 0x10e00},
};

static bool is_known(const struct place *p, uint32_t offset)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].model == p->model && known[i].group == p->group &&
		    offset >= known[i].first && offset <= known[i].last)
			return true;
	return false;
}

static void attributes_know_the_offsets_that_linux_knows(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		struct machine m;

		machine_create(&m, p->model, 2, 0);
		for (uint32_t offset = 0; offset < p->frame->size + 16;
		     offset += 4) {
			int has = user_has(&m, p->group, offset);

			if (has != (is_known(p, offset) ? 0 : -ENXIO))
				fail_msg("%s of v%u, %#x: %d", p->frame->name,
					 p->model, offset, has);
		}
		machine_destroy(&m);
	}
}

/* And whatever is not there, or askew, reads as zero with success. */
static void attributes_reach_everywhere(void **state)
{
	(void)state;
	FOR_EACH_PLACE(p)
	{
		struct machine m;
		uint64_t value, before;

		machine_create(&m, p->model, 2, 0);
		before = digest(&m);
		for (uint32_t offset = 0; offset < p->frame->size;
		     offset += 2) {
			if (!(offset & 3) && is_known(p, offset))
				continue;
			assert_int_equal(user_set(&m, p->group, offset, ~0ull),
					 0);
			assert_int_equal(user_get(&m, p->group, offset, &value),
					 0);
			assert_int_equal(value, 0);
		}
		assert_int_equal(digest(&m), before);
		assert_int_equal(user_has(&m, p->group, 2), -ENXIO);
		machine_destroy(&m);
	}
}

/* Registers that set, and clear, the bits that are written as ones. */
static const struct pair {
	unsigned int model;
	uint32_t set, clear;
	uint32_t bits;
} pairs[] = {
	{2, 0x100, 0x180, ~0u},	     {2, 0x104, 0x184, ~0u},
	{2, 0x200, 0x280, ~0xffffu}, {2, 0x21c, 0x29c, ~0u},
	{2, 0x300, 0x380, ~0u},	     {2, 0x304, 0x384, ~0u},
	{3, 0x104, 0x184, ~0u},	     {3, 0x11c, 0x19c, ~0u},
	{3, 0x204, 0x284, ~0u},	     {3, 0x304, 0x384, ~0u},
};
static const struct pair redist_pairs[] = {
	{3, SGI_BASE + 0x100, SGI_BASE + 0x180, ~0u},
	{3, SGI_BASE + 0x200, SGI_BASE + 0x280, ~0u},
	{3, SGI_BASE + 0x300, SGI_BASE + 0x380, ~0u},
};

typedef uint32_t (*read_fn)(struct machine *m, unsigned int c, uint32_t offset);
typedef void (*write_fn)(struct machine *m, unsigned int c, uint32_t offset,
			 uint32_t value);

static void check_pair(const struct pair *pair, read_fn read, write_fn write)
{
	struct machine m;
	uint32_t expect = 0;

	machine_create(&m, pair->model, 2, NR_IRQS);
	write(&m, 0, pair->clear, ~0u);
	for (uint32_t i = 0, seed = 1; i < 200; i++) {
		uint32_t value = seed & (i & 1 ? ~0u : seed >> 16);
		bool set = seed >> 8 & 1;

		seed = seed * 1664525 + 1013904223;
		write(&m, 0, set ? pair->set : pair->clear, value);
		value &= pair->bits;
		expect = set ? expect | value : expect & ~value;
		assert_int_equal(read(&m, 0, pair->set), expect);
		assert_int_equal(read(&m, 0, pair->clear), expect);
	}
	machine_destroy(&m);
}

static void set_and_clear_registers_take_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		check_pair(&pairs[i], dist_read, dist_write);
	for (size_t i = 0; i < sizeof(redist_pairs) / sizeof(redist_pairs[0]);
	     i++)
		check_pair(&redist_pairs[i], cpu_read, cpu_write);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_in_order_and_apart),
		cmocka_unit_test(only_allowed_widths_and_alignments_meet_a_row),
		cmocka_unit_test(elsewhere_reads_zero_and_ignores_writes),
		cmocka_unit_test(bytes_and_halves_are_parts_of_the_register),
		cmocka_unit_test(reset_values_are_those_of_linux),
		cmocka_unit_test(attributes_know_the_offsets_that_linux_knows),
		cmocka_unit_test(attributes_reach_everywhere),
		cmocka_unit_test(set_and_clear_registers_take_ones),
	};

	return cmocka_run_group_tests_name("vgic-mmio", tests, NULL, NULL);
}

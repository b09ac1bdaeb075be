// SPDX-License-Identifier: BSD-3-Clause
/* The PIT over a clock that the test moves: ports, counting, ticks, state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <virq/routing.h>
#include "fake_core.h"
#include "irqchip/table.h"
#include "irqchip/x86/lapic.h"
#include "irqchip/x86/pit.h"

#define HZ 1193182u
#define SEC UINT64_C(1000000000)

struct virq_ack_notifier {
	uint32_t gsi;
	void (*fn)(void *opaque);
	void *opaque;
};

/* What the PIT did to its VM. */
static struct {
	unsigned int ticks;
	int level;
	bool wrong; /* not a pulse of the timer's source on GSI 0 */
	struct virq_ack_notifier *ack, *unmask;
	unsigned int adds_left; /* notifiers that can be had */
} seen;

int virq_vm_set_irq(struct virq_vm *vm, unsigned int source_id, uint32_t gsi,
		    int level, bool line_status)
{
	(void)vm;
	seen.wrong |= source_id != VIRQ_SOURCE_TIMER || gsi || line_status ||
		      level == seen.level;
	seen.level = level;
	seen.ticks += level;
	return 1;
}

static int add(struct virq_ack_notifier **slot, uint32_t gsi,
	       void (*fn)(void *opaque), void *opaque,
	       struct virq_ack_notifier **out)
{
	assert_null(*slot);
	if (!seen.adds_left)
		return -ENOMEM;
	seen.adds_left--;
	*slot = calloc(1, sizeof(**slot));
	**slot = (struct virq_ack_notifier){gsi, fn, opaque};
	*out = *slot;
	return 0;
}

int virq_vm_add_ack_notifier(struct virq_vm *vm, uint32_t gsi,
			     void (*acked)(void *opaque), void *opaque,
			     struct virq_ack_notifier **out)
{
	(void)vm;
	return add(&seen.ack, gsi, acked, opaque, out);
}

int virq_vm_add_unmask_notifier(struct virq_vm *vm, uint32_t gsi,
				void (*unmasked)(void *opaque), void *opaque,
				struct virq_ack_notifier **out)
{
	(void)vm;
	return add(&seen.unmask, gsi, unmasked, opaque, out);
}

void virq_vm_remove_ack_notifier(struct virq_vm *vm,
				 struct virq_ack_notifier *notifier)
{
	(void)vm;
	if (notifier == seen.ack)
		seen.ack = NULL;
	else
		seen.unmask = NULL;
	free(notifier);
}

struct board {
	struct virq_vm vm;
	struct virq_irqchip chip;
	struct pit *pit;
};

static const struct virq_irqchip_ops pins = {.nr_pins = 24};

static int create(struct board *b, uint32_t flags)
{
	struct kvm_pit_config config = {.flags = flags};

	memset(&seen, 0, sizeof(seen));
	seen.adds_left = 100;
	b->chip.ops = &pins;
	b->vm.chip = &b->chip;
	return pit_create(&b->vm, &config, &b->pit);
}

static int setup(void **state)
{
	struct board *b = calloc(1, sizeof(*b));

	assert_int_equal(create(b, KVM_PIT_SPEAKER_DUMMY), 0);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct board *b = *state;

	pit_destroy(b->pit);
	assert_null(seen.ack);
	assert_null(seen.unmask);
	assert_null(b->vm.timers[0]);
	assert_false(seen.wrong);
	assert_int_equal(seen.level, 0);
	free(b);
	return 0;
}

static void out(struct board *b, uint16_t port, uint8_t val)
{
	struct virq_access access = {
		.addr = port, .len = 1, .write = true, .data = val};

	assert_int_equal(pit_pio(b->pit, &access), 0);
}

static uint8_t in(struct board *b, uint16_t port)
{
	struct virq_access access = {.addr = port, .len = 1, .data = 0xdead};

	assert_int_equal(pit_pio(b->pit, &access), 0);
	assert_true(access.data <= 0xff);
	return (uint8_t)access.data;
}

static uint16_t in16(struct board *b, uint16_t port)
{
	uint8_t low = in(b, port);

	return (uint16_t)(low | in(b, port) << 8);
}

/* Control word for counter @n, both bytes of its count. */
static void program(struct board *b, unsigned int n, unsigned int mode,
		    uint16_t count)
{
	out(b, 0x43, (uint8_t)(n << 6 | 3 << 4 | mode << 1));
	out(b, (uint16_t)(0x40 + n), (uint8_t)count);
	out(b, (uint16_t)(0x40 + n), (uint8_t)(count >> 8));
}

static uint16_t latched(struct board *b, unsigned int n)
{
	out(b, 0x43, (uint8_t)(n << 6));
	return in16(b, (uint16_t)(0x40 + n));
}

static uint8_t status(struct board *b, unsigned int n)
{
	out(b, 0x43, (uint8_t)(0xe0 | 2 << n));
	return in(b, (uint16_t)(0x40 + n));
}

/* Move on by @clocks of the PIT from its last start. */
static void clocks(struct board *b, uint64_t n)
{
	/* Rounded up: the last clock is complete. */
	fake_advance(&b->vm, (n * SEC + HZ - 1) / HZ);
}

static struct kvm_pit_state2 get(struct board *b)
{
	struct kvm_pit_state2 state;

	memset(&state, 0xff, sizeof(state));
	pit_get_state(b->pit, &state);
	return state;
}

static void acked(void)
{
	seen.ack->fn(seen.ack->opaque);
}

/* KVM_CREATE_PIT2 is -ENOENT without an in-kernel 8259. */
static void needs_an_8259(void **state)
{
	static const struct virq_irqchip_ops no_pins;
	struct kvm_pit_config config = {0};
	struct board b = {0};

	(void)state;
	assert_int_equal(pit_create(&b.vm, &config, &b.pit), -ENOENT);
	b.chip.ops = &no_pins;
	b.vm.chip = &b.chip;
	assert_int_equal(pit_create(&b.vm, &config, &b.pit), -ENOENT);
}

static void create_leaves_nothing_behind_when_it_fails(void **state)
{
	struct board b = {0};
	struct kvm_pit_config config = {0};

	(void)state;
	b.chip.ops = &pins;
	b.vm.chip = &b.chip;
	b.vm.timer_fails = true;
	assert_int_equal(pit_create(&b.vm, &config, &b.pit), -ENOMEM);
	b.vm.timer_fails = false;
	memset(&seen, 0, sizeof(seen));
	for (unsigned int adds = 0; adds < 2; adds++) {
		seen.adds_left = adds;
		assert_int_equal(pit_create(&b.vm, &config, &b.pit), -ENOMEM);
		assert_null(seen.ack);
		assert_null(b.vm.timers[0]);
	}
}

static void starts_idle(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s = get(b);

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(s.channels[i].mode, 0xff);
		assert_int_equal(s.channels[i].count, 0x10000);
		assert_int_equal(s.channels[i].gate, i != 2);
	}
	assert_int_equal(s.channels[0].count_load_time, 0);
	assert_int_equal(s.channels[1].count_load_time, fake_now());
	assert_int_equal(s.flags, 0);
	for (unsigned int i = 0; i < 9; i++)
		assert_int_equal(s.reserved[i], 0);
	fake_advance(&b->vm, 10ull * SEC);
	assert_int_equal(seen.ticks, 0);
	assert_int_equal(fake_armed(&b->vm), 0);
}

static void claims_its_ports_only(void **state)
{
	static const struct {
		uint16_t port;
		uint8_t len;
		bool with, without; /* the speaker */
	} rows[] = {
		{0x3f, 1, false, false}, {0x3f, 2, false, false},
		{0x40, 1, true, true},	 {0x40, 4, true, true},
		{0x43, 1, true, true},	 {0x43, 2, false, false},
		{0x44, 1, false, false}, {0x41, 4, false, false},
		{0x60, 1, false, false}, {0x60, 2, false, false},
		{0x61, 1, true, false},	 {0x61, 4, true, false},
		{0x61, 8, false, false}, {0x62, 1, false, false},
	};
	struct board *b = *state;

	for (unsigned int speaker = 2; speaker-- > 0;) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			struct virq_access access = {.addr = rows[i].port,
						     .len = rows[i].len};
			bool ours = speaker ? rows[i].with : rows[i].without;

			assert_int_equal(pit_pio(b->pit, &access),
					 ours ? 0 : -ENODEV);
		}
		if (!speaker)
			break;
		pit_destroy(b->pit);
		assert_int_equal(create(b, 0), 0);
	}
}

static void the_control_port_reads_zero(void **state)
{
	assert_int_equal(in(*state, 0x43), 0);
}

/* Only the byte at the first port counts; a read has zeros above it. */
static void a_long_access_is_one_byte(void **state)
{
	struct board *b = *state;
	struct virq_access access = {
		.addr = 0x41, .len = 2, .write = true, .data = 0x1234};

	out(b, 0x43, 1 << 6 | 1 << 4 | 2 << 1);
	assert_int_equal(pit_pio(b->pit, &access), 0);
	assert_int_equal(get(b).channels[1].count, 0x34);
	access = (struct virq_access){.addr = 0x41, .len = 2, .data = ~0ull};
	assert_int_equal(pit_pio(b->pit, &access), 0);
	assert_int_equal(access.data, 0x34);
}

static void a_count_is_written_by_byte_or_word(void **state)
{
	struct board *b = *state;

	out(b, 0x43, 2 << 6 | 1 << 4);
	out(b, 0x42, 0x12);
	assert_int_equal(get(b).channels[2].count, 0x12);
	out(b, 0x43, 2 << 6 | 2 << 4);
	out(b, 0x42, 0x12);
	assert_int_equal(get(b).channels[2].count, 0x1200);
	out(b, 0x43, 2 << 6 | 3 << 4);
	out(b, 0x42, 0x34);
	assert_int_equal(get(b).channels[2].count, 0x1200);
	out(b, 0x42, 0x56);
	assert_int_equal(get(b).channels[2].count, 0x5634);
	/* And again, without a control word. */
	out(b, 0x42, 0);
	out(b, 0x42, 0);
	assert_int_equal(get(b).channels[2].count, 0x10000);
}

static void control_word_sets_mode_and_access(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s;

	for (unsigned int mode = 0; mode < 8; mode++) {
		out(b, 0x43, (uint8_t)(1 << 6 | 3 << 4 | mode << 1 | 1));
		s = get(b);
		assert_int_equal(s.channels[1].mode,
				 mode > 5 ? mode - 4 : mode);
		assert_int_equal(s.channels[1].bcd, 1);
		assert_int_equal(s.channels[1].rw_mode, 3);
		assert_int_equal(s.channels[1].read_state, 3);
		assert_int_equal(s.channels[1].write_state, 3);
	}
}

static void a_counter_is_read_by_byte_or_word(void **state)
{
	struct board *b = *state;

	program(b, 1, 2, 0x1234);
	assert_int_equal(in16(b, 0x41), 0x1234);
	assert_int_equal(in16(b, 0x41), 0x1234);
	out(b, 0x43, 1 << 6 | 1 << 4 | 2 << 1);
	assert_int_equal(in(b, 0x41), 0x34);
	assert_int_equal(in(b, 0x41), 0x34);
	out(b, 0x43, 1 << 6 | 2 << 4 | 2 << 1);
	assert_int_equal(in(b, 0x41), 0x12);
	assert_int_equal(in(b, 0x41), 0x12);
}

static void modes_count_as_they_should(void **state)
{
	static const struct {
		unsigned int mode;
		uint32_t clocks;
		uint16_t value;
		bool out;
	} rows[] = {
		{0, 0, 1000, 0},     {0, 999, 1, 0},	  {0, 1000, 0, 1},
		{0, 1001, 65535, 1}, {1, 0, 1000, 1},	  {1, 999, 1, 1},
		{1, 1000, 0, 0},     {1, 1002, 65534, 0}, {2, 0, 1000, 0},
		{2, 999, 1, 0},	     {2, 1000, 1000, 1},  {2, 1001, 999, 0},
		{3, 0, 1000, 1},     {3, 100, 800, 1},	  {3, 499, 2, 1},
		{3, 500, 1000, 0},   {3, 999, 2, 0},	  {3, 1000, 1000, 1},
		{4, 999, 1, 0},	     {4, 1000, 0, 1},	  {4, 1001, 65535, 0},
		{5, 999, 1, 0},	     {5, 1000, 0, 1},	  {5, 1001, 65535, 0},
	};
	struct board *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/*
		 * Counter 0 has no timer in mode 5, and in mode 2 starts over
		 * with each tick: its output pulse is never seen.
		 */
		bool not_0 =
			rows[i].mode == 5 || (rows[i].mode == 2 && rows[i].out);

		for (unsigned int n = not_0; n < 3; n++) {
			program(b, n, rows[i].mode, 1000);
			clocks(b, rows[i].clocks);
			assert_int_equal(latched(b, n), rows[i].value);
			assert_int_equal(status(b, n),
					 rows[i].out << 7 | 3 << 4 |
						 rows[i].mode << 1);
		}
	}
}

static void a_latch_holds_until_it_is_read(void **state)
{
	struct board *b = *state;

	program(b, 1, 2, 1000);
	clocks(b, 10);
	out(b, 0x43, 1 << 6);
	clocks(b, 10);
	/* The second is ignored. */
	out(b, 0x43, 1 << 6);
	assert_int_equal(in16(b, 0x41), 990);
	assert_int_equal(in16(b, 0x41), 980);
	/* By byte. */
	out(b, 0x43, 1 << 6 | 2 << 4 | 2 << 1);
	out(b, 0x43, 1 << 6);
	clocks(b, 500);
	assert_int_equal(in(b, 0x41), 980 >> 8);
	assert_int_equal(in(b, 0x41), (980 - 500) >> 8);
}

/* Status comes out first, and each counter has its own latches. */
static void read_back_latches_count_and_status(void **state)
{
	struct board *b = *state;

	program(b, 1, 2, 1000);
	program(b, 2, 3, 0x2000);
	out(b, 0x43, 0xc0 | 2 << 1 | 2 << 2);
	clocks(b, 100);
	assert_int_equal(in(b, 0x42), 1 << 7 | 3 << 4 | 3 << 1);
	assert_int_equal(in16(b, 0x42), 0x2000);
	assert_int_equal(in(b, 0x41), 3 << 4 | 2 << 1);
	assert_int_equal(in16(b, 0x41), 1000);
	/* Neither was asked of counter 0. */
	assert_int_equal(get(b).channels[0].status_latched, 0);
	assert_int_equal(get(b).channels[0].count_latched, 0);
	/* Count only. */
	out(b, 0x43, 0xd0 | 2 << 1);
	assert_int_equal(get(b).channels[1].status_latched, 0);
	assert_int_equal(get(b).channels[1].count_latched, 3);
	/* A second status does not replace the first. */
	out(b, 0x43, 0xe0 | 2 << 1);
	out(b, 0x43, 1 << 6 | 1 << 4);
	out(b, 0x43, 0xe0 | 2 << 1);
	assert_int_equal(in(b, 0x41), 3 << 4 | 2 << 1);
}

static void speaker_port_gates_counter_2(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s;
	uint8_t val;

	program(b, 2, 3, 1000);
	clocks(b, 600);
	/* A rising gate starts a square wave over. */
	out(b, 0x61, 3);
	assert_int_equal(latched(b, 2), 1000);
	assert_int_equal(in(b, 0x61) & 0x2f, 0x23);
	s = get(b);
	assert_int_equal(s.channels[2].gate, 1);
	assert_int_equal(s.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	clocks(b, 600);
	assert_int_equal(in(b, 0x61) & 0x2f, 0x03);
	/* Neither a gate that is up already does, nor one that falls. */
	out(b, 0x61, 1);
	assert_int_equal(in(b, 0x61) & 0x2f, 0x01);
	out(b, 0x61, 0);
	assert_int_equal(in(b, 0x61) & 0x2f, 0x00);
	assert_int_equal(get(b).flags, 0);
	/* Nor a rising one in mode 0. */
	program(b, 2, 0, 1000);
	clocks(b, 600);
	out(b, 0x61, 1);
	assert_int_equal(latched(b, 2), 400);
	/* The refresh bit toggles each 16,384 ns. */
	val = in(b, 0x61) & 0x10;
	fake_advance(&b->vm, 1 << 14);
	assert_int_equal(in(b, 0x61) & 0x10, val ^ 0x10);
	fake_advance(&b->vm, 1 << 14);
	assert_int_equal(in(b, 0x61) & 0x10, val);
}

static void periodic_modes_tick_on(void **state)
{
	struct board *b = *state;

	for (unsigned int mode = 2; mode <= 3; mode++) {
		seen.ticks = 0;
		program(b, 0, mode, 11932); /* 10 ms */
		clocks(b, 11931);
		assert_int_equal(seen.ticks, 0);
		clocks(b, 1);
		assert_int_equal(seen.ticks, 1);
		for (unsigned int i = 2; i <= 100; i++) {
			acked();
			fake_advance(&b->vm, 11932ull * SEC / HZ);
			assert_int_equal(seen.ticks, i);
		}
		acked();
	}
}

static void one_shot_modes_tick_once(void **state)
{
	static const unsigned int modes[] = {0, 1, 4};
	struct board *b = *state;

	for (unsigned int i = 0; i < 3; i++) {
		seen.ticks = 0;
		program(b, 0, modes[i], 1000);
		clocks(b, 999);
		assert_int_equal(seen.ticks, 0);
		clocks(b, 1);
		assert_int_equal(seen.ticks, 1);
		acked();
		fake_advance(&b->vm, SEC);
		assert_int_equal(seen.ticks, 1);
		assert_int_equal(fake_armed(&b->vm), 0);
	}
	/* Mode 5 waits for a gate that never rises. */
	program(b, 0, 2, 1000);
	program(b, 0, 5, 1000);
	assert_int_equal(fake_armed(&b->vm), 0);
}

/* A control word stops nothing; the new count does. */
static void the_count_starts_the_mode(void **state)
{
	struct board *b = *state;

	program(b, 0, 2, 11932);
	out(b, 0x43, 3 << 4 | 0 << 1);
	fake_advance(&b->vm, 11 * SEC / 1000);
	assert_int_equal(seen.ticks, 1);
	out(b, 0x40, 0);
	assert_int_equal(fake_armed(&b->vm), 1);
	out(b, 0x40, 1);
	acked();
	fake_advance(&b->vm, SEC);
	assert_int_equal(seen.ticks, 2);
}

/* min_timer_period_us: 200; the first comes when it was asked for. */
static void the_period_is_limited(void **state)
{
	struct board *b = *state;

	pit_set_reinject(b->pit, false);
	program(b, 0, 2, 12); /* 10 us */
	fake_advance(&b->vm, 11000);
	assert_int_equal(seen.ticks, 1);
	fake_advance(&b->vm, 198000);
	assert_int_equal(seen.ticks, 1);
	fake_advance(&b->vm, 2000);
	assert_int_equal(seen.ticks, 2);
	fake_advance(&b->vm, 200000 * 10);
	assert_int_equal(seen.ticks, 12);
	/* One that is not periodic may be short. */
	program(b, 0, 0, 12);
	assert_int_equal(latched(b, 0), 12);
	fake_advance(&b->vm, 11000);
	assert_int_equal(seen.ticks, 13);
}

static void ticks_wait_for_the_ack(void **state)
{
	struct board *b = *state;

	program(b, 0, 2, 1193); /* 1 ms */
	fake_advance(&b->vm, 5 * SEC / 1000);
	assert_int_equal(seen.ticks, 1);
	/* Of five, four are left: one an ack. */
	for (unsigned int i = 2; i <= 5; i++) {
		acked();
		assert_int_equal(seen.ticks, i);
	}
	acked();
	assert_int_equal(seen.ticks, 5);
	/* Somebody else's ack. */
	acked();
	assert_int_equal(seen.ticks, 5);
	fake_advance(&b->vm, SEC / 1000);
	assert_int_equal(seen.ticks, 6);
}

static void ticks_that_the_loop_was_late_for_are_counted(void **state)
{
	struct board *b = *state;
	struct virq_timer *timer = b->vm.timers[0];

	program(b, 0, 2, 1193);
	/* The loop sleeps for five periods. */
	timer->armed = false;
	fake_advance(&b->vm, 5 * SEC / 1000);
	timer->fn(timer->opaque);
	assert_int_equal(seen.ticks, 1);
	assert_true(timer->armed);
	assert_true(timer->deadline > fake_now());
	for (unsigned int i = 2; i <= 5; i++) {
		acked();
		assert_int_equal(seen.ticks, i);
	}
	acked();
	assert_int_equal(seen.ticks, 5);
}

/* Linux's mask notifier: what came while it was masked is no debt. */
static void an_unmask_forgives_what_was_missed(void **state)
{
	struct board *b = *state;

	program(b, 0, 2, 1193);
	fake_advance(&b->vm, 5 * SEC / 1000);
	assert_int_equal(seen.ticks, 1);
	seen.unmask->fn(seen.unmask->opaque);
	assert_int_equal(seen.ticks, 1);
	fake_advance(&b->vm, SEC / 1000);
	assert_int_equal(seen.ticks, 2);
	acked();
	assert_int_equal(seen.ticks, 2);
}

static void a_new_count_forgets_what_was_missed(void **state)
{
	struct board *b = *state;

	program(b, 0, 2, 1193);
	fake_advance(&b->vm, 5 * SEC / 1000);
	program(b, 0, 0, 1193);
	acked();
	assert_int_equal(seen.ticks, 1);
	fake_advance(&b->vm, 2 * SEC / 1000);
	assert_int_equal(seen.ticks, 2);
}

static void without_reinjection_each_tick_goes_at_once(void **state)
{
	struct board *b = *state;

	assert_int_equal(pit_set_reinject(b->pit, false), 0);
	assert_null(seen.ack);
	assert_null(seen.unmask);
	assert_int_equal(pit_set_reinject(b->pit, false), 0);
	program(b, 0, 2, 1193);
	fake_advance(&b->vm, 5 * SEC / 1000);
	assert_int_equal(seen.ticks, 5);
	/* Back: from now on they are counted again. */
	assert_int_equal(pit_set_reinject(b->pit, true), 0);
	assert_int_equal(pit_set_reinject(b->pit, true), 0);
	fake_advance(&b->vm, 5 * SEC / 1000);
	assert_int_equal(seen.ticks, 6);
	acked();
	assert_int_equal(seen.ticks, 7);
}

static void reinjection_that_fails_changes_nothing(void **state)
{
	struct board *b = *state;

	assert_int_equal(pit_set_reinject(b->pit, false), 0);
	for (unsigned int adds = 0; adds < 2; adds++) {
		seen.adds_left = adds;
		assert_int_equal(pit_set_reinject(b->pit, true), -ENOMEM);
		assert_null(seen.ack);
	}
	program(b, 0, 2, 1193);
	fake_advance(&b->vm, 5 * SEC / 1000);
	assert_int_equal(seen.ticks, 5);
}

/* A timer that was decided to fire finds itself stopped, or started anew. */
static void a_late_expiry_is_void(void **state)
{
	struct board *b = *state;
	struct virq_timer *timer = b->vm.timers[0];

	program(b, 0, 2, 1193);
	timer->fn(timer->opaque);
	assert_int_equal(seen.ticks, 0);
	program(b, 0, 5, 1193);
	fake_advance(&b->vm, SEC);
	timer->fn(timer->opaque);
	assert_int_equal(seen.ticks, 0);
}

static void restored_state_starts_over(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s, t;

	program(b, 0, 2, 1193);
	program(b, 1, 3, 1000);
	out(b, 0x43, 1 << 6);
	out(b, 0x61, 3);
	s = get(b);
	s.channels[0].count_load_time = 42;
	fake_advance(&b->vm, 12345678);
	seen.ticks = 0;
	assert_int_equal(pit_set_state(b->pit, &s), 0);
	t = get(b);
	/* Counter 0's load time is not used, and given back. */
	s.channels[1].count_load_time = (int64_t)fake_now();
	s.channels[2].count_load_time = (int64_t)fake_now();
	assert_memory_equal(&s, &t, sizeof(s));
	assert_int_equal(in16(b, 0x41), 1000);
	fake_advance(&b->vm, SEC / 1000);
	assert_int_equal(seen.ticks, 1);
}

static void hpet_legacy_mode_silences_counter_0(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s;

	program(b, 0, 2, 1193);
	s = get(b);
	s.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	assert_int_equal(pit_set_state(b->pit, &s), 0);
	assert_int_equal(fake_armed(&b->vm), 0);
	program(b, 0, 2, 1193);
	assert_int_equal(fake_armed(&b->vm), 0);
	assert_int_equal(pit_set_state(b->pit, &s), 0);
	fake_advance(&b->vm, SEC);
	assert_int_equal(seen.ticks, 0);
	assert_int_equal(get(b).channels[0].count, 1193);
	/* KVM_SET_PIT knows of no flags and leaves them. */
	assert_int_equal(
		pit_set_channels(b->pit, (const struct kvm_pit_state *)&s), 0);
	assert_int_equal(get(b).flags, KVM_PIT_FLAGS_HPET_LEGACY);
	assert_int_equal(fake_armed(&b->vm), 0);
	/* And out of it. */
	s.flags = 0;
	assert_int_equal(pit_set_state(b->pit, &s), 0);
	fake_advance(&b->vm, SEC / 1000);
	assert_int_equal(seen.ticks, 1);
}

/* Any bit pattern may be restored; none may hurt. */
static void wild_state_is_harmless(void **state)
{
	struct board *b = *state;
	struct kvm_pit_state2 s;
	uint64_t seed = 0x9e3779b97f4a7c15;

	for (unsigned int round = 0; round < 20000; round++) {
		uint8_t *bytes = (uint8_t *)&s;

		for (size_t i = 0; i < sizeof(s); i++) {
			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			bytes[i] = (uint8_t)(seed >> 32);
			if (seed >> 62 == 0)
				bytes[i] &= 7;
		}
		pit_set_state(b->pit, &s);
		for (uint16_t port = 0x40; port <= 0x43; port++) {
			out(b, port, (uint8_t)(seed >> (port & 31)));
			in(b, port);
			in(b, port);
		}
		in(b, 0x61);
		fake_advance(&b->vm, 100000);
		assert_true(get(b).channels[0].count > 0);
	}
}

/* Linux: the NMI watchdog of old, by LVT LINT0 of every APIC. */
static void lint0_in_nmi_mode_is_the_watchdog(void **state)
{
	struct board b = {0};
	struct virq_vcpu vcpu[2] = {{.vm = &b.vm}, {.vm = &b.vm, .id = 1}};
	struct kvm_pit_config config = {0};
	struct virq_irqchip *chip;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.adds_left = 2;
	assert_int_equal(irqchip_x86.create(&b.vm, NULL, &chip), 0);
	b.vm.chip = chip;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(
			irqchip_x86.vcpu_create(chip, &vcpu[i], &vcpu[i].priv),
			0);
	assert_int_equal(pit_create(&b.vm, &config, &b.pit), 0);
	program(&b, 0, 2, 1193);
	/* ExtINT here, masked there. */
	fake_advance(&b.vm, SEC / 1000);
	assert_int_equal(seen.ticks, 1);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(lapic_pending(vcpu[i].priv), 0);
	lapic_set_reg(vcpu[1].priv, APIC_LVT_LINT0, X86_DM_NMI << 8);
	acked();
	fake_advance(&b.vm, SEC / 1000);
	assert_int_equal(lapic_pending(vcpu[0].priv), 0);
	assert_int_equal(lapic_pending(vcpu[1].priv), VIRQ_EVENT_NMI);
	/* The others' LINT0 sees the wire then, too. */
	lapic_set_reg(vcpu[0].priv, APIC_SVR, APIC_SVR_ENABLE | 0xff);
	lapic_update_flags(vcpu[0].priv);
	lapic_set_reg(vcpu[0].priv, APIC_LVT_LINT0, X86_DM_FIXED << 8 | 0x71);
	acked();
	fake_advance(&b.vm, SEC / 1000);
	assert_int_equal(lapic_ack(vcpu[0].priv), 0x71);
	pit_destroy(b.pit);
	for (unsigned int i = 0; i < 2; i++)
		irqchip_x86.vcpu_destroy(chip, &vcpu[i], vcpu[i].priv);
	irqchip_x86.destroy(chip);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_an_8259),
		cmocka_unit_test(create_leaves_nothing_behind_when_it_fails),
		CASE(starts_idle),
		CASE(claims_its_ports_only),
		CASE(the_control_port_reads_zero),
		CASE(a_long_access_is_one_byte),
		CASE(a_count_is_written_by_byte_or_word),
		CASE(control_word_sets_mode_and_access),
		CASE(a_counter_is_read_by_byte_or_word),
		CASE(modes_count_as_they_should),
		CASE(a_latch_holds_until_it_is_read),
		CASE(read_back_latches_count_and_status),
		CASE(speaker_port_gates_counter_2),
		CASE(periodic_modes_tick_on),
		CASE(one_shot_modes_tick_once),
		CASE(the_count_starts_the_mode),
		CASE(the_period_is_limited),
		CASE(ticks_wait_for_the_ack),
		CASE(ticks_that_the_loop_was_late_for_are_counted),
		CASE(an_unmask_forgives_what_was_missed),
		CASE(a_new_count_forgets_what_was_missed),
		CASE(without_reinjection_each_tick_goes_at_once),
		CASE(reinjection_that_fails_changes_nothing),
		CASE(a_late_expiry_is_void),
		CASE(restored_state_starts_over),
		CASE(hpet_legacy_mode_silences_counter_0),
		CASE(wild_state_is_harmless),
		cmocka_unit_test(lint0_in_nmi_mode_is_the_watchdog),
	};

	return cmocka_run_group_tests_name("pit", tests, NULL, NULL);
}

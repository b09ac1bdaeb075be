// SPDX-License-Identifier: BSD-3-Clause
/*
 * The same random commands and messages for KVM's ITS and for ours leave the
 * same answers and the same memory.
 */
#include "its_pair.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct pair {
	struct its_side *kvm, *ours;
	uint32_t random;
};

static uint32_t below(struct pair *p, uint32_t n)
{
	p->random = p->random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(p->random ^ p->random >> 15) % n);
}

static void both(struct pair *p, uint64_t w0, uint64_t w1, uint64_t w2,
		 uint64_t w3)
{
	side_words(p->kvm, w0, w1, w2, w3);
	side_words(p->ours, w0, w1, w2, w3);
}

/*
 * Devices 0..3 stay mapped.  Those from 4 on come and go, and their LPIs are
 * never enabled: KVM keeps one that it has queued, with all that it was, until
 * its vCPU runs, even if nothing maps it any more.
 */
static uint32_t random_device(struct pair *p)
{
	static const uint32_t odd[] = {8191, 8192, 65535, 65536};

	return below(p, 16) ? below(p, 8) : odd[below(p, 4)];
}

static uint32_t random_icid(struct pair *p)
{
	static const uint32_t odd[] = {8191, 8192, 65535};

	return below(p, 16) ? below(p, 3) : odd[below(p, 3)];
}

static void random_command(struct pair *p)
{
	static const uint8_t codes[] = {0x01, 0x03, 0x04, 0x05, 0x08, 0x09,
					0x0a, 0x0a, 0x0a, 0x0c, 0x0d, 0x0e,
					0x0f, 0x0b, 0x02, 0x13};
	uint8_t code = codes[below(p, sizeof(codes))];
	uint32_t devid = random_device(p), event = below(p, 34);
	uint32_t icid = random_icid(p), cpu = below(p, NR_CPUS + 1);
	uint64_t w0 = code | (uint64_t)devid << 32;
	uint32_t lpi = LPI + devid % 8 * 32 + event % 24;

	switch (code) {
	case 0x08:
		if (devid >= 4)
			both(p, w0, below(p, 18),
			     (ITT_GPA + devid % 256 * 0x1000) |
				     (below(p, 3) ? VALID : 0),
			     0);
		break;
	case 0x09: both(p, w0, 0, VALID | (uint64_t)cpu << 16 | icid, 0); break;
	case 0x0f:
		if (devid >= 4)
			both(p, w0, event, 0, 0);
		break;
	case 0x0e:
		both(p, w0, 0, (uint64_t)cpu << 16,
		     (uint64_t)below(p, NR_CPUS + 1) << 16);
		break;
	default:
		if (!below(p, 16))
			lpi = below(p, 2) ? LPI - 1 : 65536;
		both(p, w0, event | (uint64_t)lpi << 32, icid, 0);
	}
}

static void random_message(struct pair *p)
{
	static const uint64_t doorbells[] = {DOORBELL_GPA, DOORBELL_GPA + 4,
					     ITS_GPA + 0x80, ITS_GPA - 4,
					     ITS_GPA + 0x20000};
	uint64_t doorbell = doorbells[below(p, 8) ? 0 : below(p, 5)];
	uint32_t devid = random_device(p), event = below(p, 34);
	uint32_t flags = below(p, 32) ? FLAGS : below(p, 2) * 2;
	int a, b;

	a = side_signal(p->kvm, doorbell, flags, devid, event);
	b = side_signal(p->ours, doorbell, flags, devid, event);
	if (a != b)
		printf("# message %#llx flags %u device %u event %u: %d, %d\n",
		       (unsigned long long)doorbell, flags, devid, event, a, b);
	/* Without a device's id Linux sends what it has translated lately. */
	if (flags == FLAGS)
		assert_int_equal(a, b);
}

static void set_both(struct pair *p, uint32_t offset, uint64_t value)
{
	int a = side_set_its(p->kvm, offset, value);
	int b = side_set_its(p->ours, offset, value);

	if (a != b)
		printf("# GITS %#x := %#llx: %d, %d\n", offset,
		       (unsigned long long)value, a, b);
	assert_int_equal(a, b);
}

static void compare_registers(struct pair *p)
{
	for (unsigned int i = 0; i < NR_SIDE_REGS; i++)
		assert_int_equal(side_get_its(p->kvm, side_regs[i]),
				 side_get_its(p->ours, side_regs[i]));
}

static uint64_t random64(struct pair *p)
{
	uint64_t high = below(p, UINT32_MAX);

	return high << 32 | below(p, UINT32_MAX);
}

/* Nothing that would take away what is mapped. */
static void random_register(struct pair *p)
{
	static const uint32_t offsets[] = {
		0x0004, 0x0008, 0x0080, 0x0090, 0x0100, 0x0108, 0x0110,
		0xffd0, 0x0010, 0x0084, 0x0002, 0xffcc, 0x10000};

	set_both(p, offsets[below(p, sizeof(offsets) / 4)], random64(p));
	set_both(p, GITS_CTLR, 0);
	random_message(p);
	compare_registers(p);
	set_both(p, GITS_CBASER, random64(p));
	compare_registers(p);
	set_both(p, GITS_CREADR, random64(p) & 0xfffe0);
	set_both(p, GITS_CWRITER, random64(p) & 0xfffe0);
	compare_registers(p);
	set_both(p, GITS_CBASER, VALID | QUEUE_GPA | 15);
	set_both(p, GITS_CTLR, 1);
}

/*
 * Other tables.  Linux 6.1 keeps what is mapped, 6.12 does not: this is how a
 * run ends.
 */
static void random_tables(struct pair *p)
{
	for (unsigned int i = 0; i < 8; i++) {
		set_both(p, GITS_BASER0 + 8 * below(p, 8), random64(p));
		compare_registers(p);
		set_both(p, GITS_CTLR, below(p, 2));
		compare_registers(p);
		set_both(p, GITS_CTLR, 0);
	}
}

static void random_property(struct pair *p)
{
	uint32_t lpi = below(p, 8 * 32);
	uint8_t value = (uint8_t)below(p, 256);

	if (lpi >= 4 * 32)
		value &= 0xfe;
	p->kvm->ram[PROPERTIES_GPA - RAM_GPA + lpi] = value;
	p->ours->ram[PROPERTIES_GPA - RAM_GPA + lpi] = value;
}

static void compare(struct pair *p)
{
	int a = side_ctrl(p->kvm, KVM_DEV_ARM_ITS_SAVE_TABLES);
	int b = side_ctrl(p->ours, KVM_DEV_ARM_ITS_SAVE_TABLES);

	assert_int_equal(a, b);
	assert_int_equal(side_save_pending(p->kvm), 0);
	assert_int_equal(side_save_pending(p->ours), 0);
	for (size_t i = 0; i < RAM_SIZE; i += 8) {
		unsigned long long words[2];

		memcpy(&words[0], p->kvm->ram + i, 8);
		memcpy(&words[1], p->ours->ram + i, 8);
		if (words[0] != words[1])
			printf("# at %#zx: %#llx, %#llx\n", i, words[0],
			       words[1]);
	}
	assert_memory_equal(p->kvm->ram, p->ours->ram, RAM_SIZE);
}

/*
 * LPIs off and on: what is pending is what the table says then.  Meanwhile KVM
 * still has pending, for a save, what it had not queued for the vCPU: nobody
 * saves here.
 */
static void random_switch(struct pair *p)
{
	unsigned int cpu = below(p, NR_CPUS);

	for (uint32_t on = 0; on < 2; on++) {
		side_set_redist(p->kvm, cpu, GICR_CTLR, on, 4);
		side_set_redist(p->ours, cpu, GICR_CTLR, on, 4);
		assert_int_equal(side_get_redist(p->kvm, cpu, GICR_CTLR, 4),
				 side_get_redist(p->ours, cpu, GICR_CTLR, 4));
		for (unsigned int i = 0; i < 8; i++)
			random_message(p);
	}
}

static void reset(struct pair *p)
{
	assert_int_equal(side_ctrl(p->kvm, KVM_DEV_ARM_ITS_CTRL_RESET), 0);
	assert_int_equal(side_ctrl(p->ours, KVM_DEV_ARM_ITS_CTRL_RESET), 0);
	compare_registers(p);
}

/* Device 1 with two events, collections 0 and 1; then @value at @gpa. */
static void write_tables(uint8_t *ram, uint64_t gpa, uint64_t value)
{
	const struct {
		uint64_t gpa, value;
	} words[] = {
		{COLLECTIONS_GPA, VALID},
		{COLLECTIONS_GPA + 8, VALID | 1 << 16 | 1},
		{DEVICES_GPA + 8,
		 VALID | UINT64_C(2) << 49 | ITT_GPA >> 8 << 5 | 4},
		{DEVICES_GPA + 24, VALID | (ITT_GPA + 0x1000) >> 8 << 5 | 4},
		{ITT_GPA, UINT64_C(1) << 48 | LPI << 16},
		{ITT_GPA + 8, UINT64_C(30) << 48 | (LPI + 1) << 16 | 1},
		{ITT_GPA + 8 * 31, (LPI + 2) << 16},
		{gpa, value},
	};

	memset(ram + (DEVICES_GPA - RAM_GPA), 0, 0x20000);
	memset(ram + (ITT_GPA - RAM_GPA), 0, 0x2000);
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		memcpy(ram + (words[i].gpa - RAM_GPA), &words[i].value, 8);
}

static void compare_messages(struct pair *p)
{
	for (uint32_t event = 0; event < 32; event++) {
		int a = side_signal(p->kvm, DOORBELL_GPA, FLAGS, 1, event);
		int b = side_signal(p->ours, DOORBELL_GPA, FLAGS, 1, event);

		if (a != b)
			printf("# event %u: %d, %d\n", event, a, b);
		assert_int_equal(a, b);
	}
}

static void restore_both(struct pair *p, uint64_t gpa, uint64_t value)
{
	int a, b;

	reset(p);
	write_tables(p->kvm->ram, gpa, value);
	write_tables(p->ours->ram, gpa, value);
	side_set_tables(p->kvm, 0);
	side_set_tables(p->ours, 0);
	a = side_ctrl(p->kvm, KVM_DEV_ARM_ITS_RESTORE_TABLES);
	b = side_ctrl(p->ours, KVM_DEV_ARM_ITS_RESTORE_TABLES);
	if (a != b)
		printf("# %#llx at %#llx: %d, %d\n", (unsigned long long)value,
		       (unsigned long long)gpa, a, b);
	assert_int_equal(a, b);
	set_both(p, GITS_CTLR, 1);
	compare_messages(p);
	/* What of the collections is there. */
	for (uint32_t icid = 0; icid < 2; icid++) {
		side_mapd(p->kvm, 1, 5);
		side_mapd(p->ours, 1, 5);
		side_mapti(p->kvm, 1, 0, LPI, icid);
		side_mapti(p->ours, 1, 0, LPI, icid);
		compare_messages(p);
	}
}

void bad_requests_have_the_same_answers(void **state)
{
	static const struct {
		uint64_t gpa, value;
	} bad[] = {
		{QUEUE_GPA, 0}, /* good */
		{COLLECTIONS_GPA + 8, VALID | NR_CPUS << 16 | 1},
		{COLLECTIONS_GPA + 8, VALID | UINT64_C(0xfffffffe) << 16 | 1},
		{COLLECTIONS_GPA + 8, VALID | UINT64_C(0xffffffff) << 16 | 1},
		{COLLECTIONS_GPA + 8, VALID | 1 << 16 | 8192},
		{COLLECTIONS_GPA + 8, VALID | 1 << 16},
		{COLLECTIONS_GPA + 8, 0},
		{DEVICES_GPA + 8, VALID | RAM_GPA >> 4 << 5 | 4},
		{DEVICES_GPA + 8, VALID | UINT64_C(0xfffffffff) << 13 | 4},
		{DEVICES_GPA + 8, VALID | ITT_GPA >> 8 << 5 | 2},
		{DEVICES_GPA + 8,
		 VALID | UINT64_C(0x3fff) << 49 | ITT_GPA >> 8 << 5 | 4},
		{ITT_GPA, UINT64_C(1) << 48 | (LPI - 1) << 16},
		{ITT_GPA, UINT64_C(32) << 48 | LPI << 16},
		{ITT_GPA, LPI << 16},
		{ITT_GPA + 8, UINT64_C(0xffff) << 48 | (LPI + 1) << 16},
		{ITT_GPA + 8, UINT64_C(31) << 48 | (LPI + 1) << 16},
		{ITT_GPA + 8, UINT64_C(30) << 48 | (LPI + 1) << 16 | 2},
		{ITT_GPA + 8 * 31, UINT64_C(1) << 48 | (LPI + 2) << 16},
	};
	uint8_t *rams[2] = {ram_create(), ram_create()};
	struct pair p = {.random = 1};

	(void)state;
	p.kvm = side_create(true, rams[0]);
	p.ours = side_create(false, rams[1]);
	side_enable(p.kvm, 0);
	side_enable(p.ours, 0);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		restore_both(&p, bad[i].gpa, bad[i].value);
	/* Twice: events stay, without collections. */
	restore_both(&p, QUEUE_GPA, 0);
	assert_int_equal(side_ctrl(p.kvm, KVM_DEV_ARM_ITS_RESTORE_TABLES),
			 -EEXIST);
	assert_int_equal(side_ctrl(p.ours, KVM_DEV_ARM_ITS_RESTORE_TABLES),
			 -EEXIST);
	/* KVM's translations of before are forgotten by a MAPC. */
	both(&p, 0x09, 0, 5, 0);
	compare_messages(&p);
	/* What KVM does not know it does not refuse. */
	for (uint64_t attr = 3; attr < 16; attr++)
		assert_int_equal(side_ctrl(p.kvm, attr),
				 side_ctrl(p.ours, attr));
	compare_registers(&p);
	side_destroy(p.kvm);
	side_destroy(p.ours);
	ram_destroy(rams[0]);
	ram_destroy(rams[1]);
}

static void run_pair(uint32_t seed, unsigned int ops)
{
	struct pair p = {.random = seed};
	uint8_t *rams[2] = {ram_create(), ram_create()};

	p.kvm = side_create(true, rams[0]);
	p.ours = side_create(false, rams[1]);
	for (unsigned int i = 0; i < 2; i++)
		memset(rams[i] + (PROPERTIES_GPA - RAM_GPA), 0xa1, 4 * 32);
	side_enable(p.kvm, 0);
	side_enable(p.ours, 0);
	for (uint32_t i = 0; i < 8; i++)
		both(&p, 0x08 | (uint64_t)i << 32, 4,
		     VALID | (ITT_GPA + i * 0x1000), 0);
	/* The order in which KVM has collections is theirs in the table. */
	for (uint32_t i = 0; i < 3; i++)
		both(&p, 0x09, 0, VALID | (uint64_t)(i % 2) << 16 | i, 0);
	both(&p, 0x09, 0, VALID | 8191, 0);
	for (unsigned int i = 0; i < ops; i++) {
		switch (below(&p, 64)) {
		case 0: compare(&p); break;
		case 1: random_register(&p); break;
		case 2: random_switch(&p); break;
		case 3:
		case 4:
		case 5: random_property(&p); break;
		default:
			if (below(&p, 2))
				random_command(&p);
			else
				random_message(&p);
		}
	}
	compare(&p);
	/*
	 * Events without a collection: neither can write them down, and one
	 * leaves in memory what was there.
	 */
	for (uint32_t icid = 1; icid < 4; icid++) {
		both(&p, 0x09, 0, icid, 0);
		for (unsigned int i = 0; i < 50; i++)
			if (i % 2)
				random_command(&p);
			else
				random_message(&p);
	}
	set_both(&p, GITS_CTLR, 0);
	random_tables(&p);
	reset(&p);
	side_destroy(p.kvm);
	side_destroy(p.ours);
	ram_destroy(rams[0]);
	ram_destroy(rams[1]);
}

void random_commands_have_the_same_effect(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 8; seed++)
		run_pair(seed, 1000);
}

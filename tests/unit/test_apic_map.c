// SPDX-License-Identifier: BSD-3-Clause
/* Who a message is for: the destination table and the walk behind it. */
#include "irqchip/x86/msi.h"
#include "lapic_fixture.h"

#define NR 4

static struct plane *plane(struct apic_bus_config config, unsigned int nr)
{
	struct plane *p = plane_create(config, nr);

	for (unsigned int i = 0; i < nr; i++)
		wr(p->apic[i], APIC_SVR, SW_ENABLE);
	return p;
}

static int setup(void **state)
{
	*state = plane(plane_config(), NR);
	return 0;
}

static int teardown(void **state)
{
	plane_destroy(*state);
	return 0;
}

static void set_logical(struct plane *p, uint32_t dfr, const uint8_t *ids)
{
	for (unsigned int i = 0; i < NR; i++) {
		wr(p->apic[i], APIC_DFR, dfr);
		wr(p->apic[i], APIC_LDR, (uint32_t)ids[i] << 24);
	}
}

static void to_x2apic(struct lapic *apic)
{
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, X2APIC_ON), 0);
}

/* Send by @msg; the APICs that took the vector, as bits, and clean up. */
static uint32_t hits(struct plane *p, struct x86_msg msg, int *result)
{
	uint32_t bits = 0;

	*result = deliver(p, msg);
	for (unsigned int i = 0; i < 32; i++)
		if (p->apic[i] && irr(p->apic[i], msg.vector)) {
			bits |= 1u << i;
			p->apic[i]->irr[msg.vector / 64] = 0;
		}
	return bits;
}

#define assert_hits(p, result, bits, ...)                                      \
	do {                                                                   \
		int got;                                                       \
		assert_int_equal(hits(p, (struct x86_msg){__VA_ARGS__}, &got), \
				 bits);                                        \
		assert_int_equal(got, result);                                 \
	} while (0)

static bool fast(struct plane *p, struct x86_msg msg)
{
	int result;
	bool ret;

	rcu_lock();
	ret = apic_bus_deliver_fast(&p->bus, NULL, &msg, &result);
	rcu_unlock();
	return ret;
}

/* Physical: the one APIC; an id that nobody has gives 0. */
static void physical(void **state)
{
	struct plane *p = *state;

	assert_hits(p, 1, 4, .dest = 2, .vector = 0x40);
	assert_hits(p, 0, 0, .dest = 9, .vector = 0x40);
	assert_hits(p, 0, 0, .dest = 0x12345, .vector = 0x40);
	assert_true(fast(p, (struct x86_msg){.dest = 9}));
}

/* Physical follows the id register. */
static void physical_after_id_change(void **state)
{
	struct plane *p = *state;

	wr(p->apic[2], APIC_ID, 0x77u << 24);
	assert_hits(p, 1, 4, .dest = 0x77, .vector = 0x40);
	assert_hits(p, 0, 0, .dest = 2, .vector = 0x40);
}

/* Two APICs with one id: both take it, by the walk. */
static void physical_shared_id(void **state)
{
	struct plane *p = *state;

	wr(p->apic[2], APIC_ID, 1u << 24);
	assert_false(fast(p, (struct x86_msg){.dest = 1, .vector = 0x40}));
	assert_hits(p, 2, 6, .dest = 1, .vector = 0x40);
	/* The walk says -1 where nobody matches. */
	assert_hits(p, -1, 0, .dest = 2, .vector = 0x40);
	wr(p->apic[2], APIC_ID, 2u << 24);
	assert_true(fast(p, (struct x86_msg){.dest = 9}));
}

/* 0xff is everybody; the walk counts those who took it. */
static void physical_broadcast(void **state)
{
	struct plane *p = *state;

	assert_false(fast(p, (struct x86_msg){.dest = 0xff, .vector = 0x40}));
	assert_hits(p, 4, 15, .dest = 0xff, .vector = 0x40);
	wr(p->apic[1], APIC_SVR, 0xff);
	assert_hits(p, 3, 13, .dest = 0xff, .vector = 0x40);
	wrmsr(p->apic[2], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	assert_hits(p, 2, 9, .dest = 0xff, .vector = 0x40);
}

/* Lowest priority to everybody by physical id is Fixed to everybody. */
static void physical_broadcast_lowest(void **state)
{
	struct plane *p = *state;

	assert_hits(p, 4, 15, .dest = 0xff, .vector = 0x40,
		    .mode = X86_DM_LOWEST);
}

/* Lowest priority to one physical id is that one. */
static void physical_lowest(void **state)
{
	struct plane *p = *state;

	assert_hits(p, 1, 4, .dest = 2, .vector = 0x40, .mode = X86_DM_LOWEST);
	assert_int_equal(p->apic[2]->arb_prio, 1);
}

/* Flat: a bit each; a message may name several. */
static void logical_flat(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 2, 4, 0x80};

	set_logical(p, APIC_DFR_FLAT, ids);
	assert_hits(p, 2, 9, .dest = 0x81, .vector = 0x40, .logical = true);
	assert_hits(p, 0, 0, .dest = 0x10, .vector = 0x40, .logical = true);
	assert_hits(p, 0, 0, .dest = 0, .vector = 0x40, .logical = true);
	assert_true(fast(p, (struct x86_msg){.dest = 2, .logical = true}));
	/* 0xff is broadcast in logical mode as well. */
	assert_hits(p, 4, 15, .dest = 0xff, .vector = 0x40, .logical = true);
}

/* Two bits in one LDR, or one bit in two: by the walk, and all take it. */
static void logical_flat_shared(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 3, 4, 4};

	set_logical(p, APIC_DFR_FLAT, ids);
	assert_false(fast(p, (struct x86_msg){.dest = 1, .logical = true}));
	assert_hits(p, 2, 3, .dest = 1, .vector = 0x40, .logical = true);
	assert_hits(p, 2, 12, .dest = 4, .vector = 0x40, .logical = true);
	assert_hits(p, -1, 0, .dest = 8, .vector = 0x40, .logical = true);
}

/* Cluster: high nibble the cluster, low nibble one bit each. */
static void logical_cluster(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {0x11, 0x12, 0x21, 0x28};

	set_logical(p, APIC_DFR_CLUSTER, ids);
	assert_hits(p, 2, 3, .dest = 0x1f, .vector = 0x40, .logical = true);
	assert_hits(p, 1, 8, .dest = 0x28, .vector = 0x40, .logical = true);
	assert_hits(p, 0, 0, .dest = 0x31, .vector = 0x40, .logical = true);
	assert_true(fast(p, (struct x86_msg){.dest = 0x11, .logical = true}));
}

/* Other models answer to nothing logical. */
static void logical_unknown_model(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;

	wr(p->apic[1], APIC_LDR, 0x01000000);
	wr(p->apic[2], APIC_LDR, 0x02000000);
	lapic_get_state(p->apic[1], &saved);
	saved.regs[APIC_DFR + 3] = 0x55;
	lapic_set_state(p->apic[1], &saved);
	assert_hits(p, -1, 0, .dest = 1, .vector = 0x40, .logical = true);
	assert_hits(p, 1, 4, .dest = 2, .vector = 0x40, .logical = true);
}

/* Flat and cluster in one VM: the walk asks each by its own model. */
static void logical_mixed_models(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LDR, 0x12000000);
	wr(p->apic[1], APIC_DFR, APIC_DFR_CLUSTER);
	wr(p->apic[1], APIC_LDR, 0x12000000);
	assert_false(fast(p, (struct x86_msg){.dest = 2, .logical = true}));
	assert_hits(p, 1, 1, .dest = 2, .vector = 0x40, .logical = true);
	assert_hits(p, 2, 3, .dest = 0x12, .vector = 0x40, .logical = true);
	/* Another cluster for one, any bit in common for the other. */
	assert_hits(p, 1, 1, .dest = 0x32, .vector = 0x40, .logical = true);
}

/* With no logical id anywhere the answer is 0. */
static void logical_none(void **state)
{
	struct plane *p = *state;

	assert_hits(p, 0, 0, .dest = 1, .vector = 0x40, .logical = true);
}

/* A disabled APIC is not in the logical table. */
static void logical_disabled(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 2, 4, 8};

	set_logical(p, APIC_DFR_FLAT, ids);
	wr(p->apic[1], APIC_SVR, 0xff);
	assert_hits(p, 1, 1, .dest = 3, .vector = 0x40, .logical = true);
	wr(p->apic[1], APIC_SVR, SW_ENABLE);
	assert_hits(p, 2, 3, .dest = 3, .vector = 0x40, .logical = true);
}

/* Vector hashing: number (vector modulo bits named). */
static void lowest_by_hash(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 2, 4, 8};

	set_logical(p, APIC_DFR_FLAT, ids);
	for (unsigned int vector = 0x40; vector < 0x50; vector++) {
		assert_hits(p, 1, 1u << vector % 4, .dest = 15,
			    .vector = (uint8_t)vector, .mode = X86_DM_LOWEST,
			    .logical = true);
		assert_hits(p, 1, vector % 2 ? 8 : 2, .dest = 10,
			    .vector = (uint8_t)vector, .redirect_hint = true,
			    .logical = true);
	}
}

/* The hash counts bits of the message: one that nobody owns loses it. */
static void lowest_by_hash_empty_slot(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 2, 4, 8};

	set_logical(p, APIC_DFR_FLAT, ids);
	assert_hits(p, 0, 0, .dest = 0x11, .vector = 0x41,
		    .mode = X86_DM_LOWEST, .logical = true);
	assert_hits(p, 1, 1, .dest = 0x11, .vector = 0x42,
		    .mode = X86_DM_LOWEST, .logical = true);
}

/* The walk hashes over the enabled APICs that match. */
static void lowest_by_hash_in_walk(void **state)
{
	struct plane *p = *state;
	static const uint8_t ids[] = {1, 1, 1, 1};

	set_logical(p, APIC_DFR_FLAT, ids);
	wr(p->apic[1], APIC_SVR, 0xff);
	assert_hits(p, 1, 8, .dest = 1, .vector = 0x44, .mode = X86_DM_LOWEST,
		    .logical = true);
	assert_hits(p, -1, 0, .dest = 2, .vector = 0x44, .mode = X86_DM_LOWEST,
		    .logical = true);
}

/* Without hashing the one that has taken the fewest gets it: in turn. */
static void lowest_by_arbitration(void **state)
{
	static const uint8_t ids[] = {1, 2, 4, 8};
	struct apic_bus_config config = plane_config();
	struct plane *p;

	config.vector_hashing = false;
	p = plane(config, NR);
	*state = p;
	set_logical(p, APIC_DFR_FLAT, ids);
	for (unsigned int i = 0; i < 8; i++)
		assert_hits(p, 1, 1u << i % 4, .dest = 0x1f, .vector = 0x40,
			    .mode = X86_DM_LOWEST, .logical = true);
	/* By the walk as well. */
	wr(p->apic[3], APIC_LDR, 0x04000000);
	assert_hits(p, 1, 4, .dest = 4, .vector = 0x40, .mode = X86_DM_LOWEST,
		    .logical = true);
	assert_hits(p, 1, 8, .dest = 4, .vector = 0x40, .mode = X86_DM_LOWEST,
		    .logical = true);
}

/* x2APIC: ids of 32 bits, clusters of 16. */
static void x2apic_destinations(void **state)
{
	struct plane *p = plane(plane_config(), 18);

	*state = p;
	for (unsigned int i = 0; i < 18; i++)
		to_x2apic(p->apic[i]);
	assert_hits(p, 1, 1u << 17, .dest = 17, .vector = 0x40);
	assert_hits(p, 2, 1u << 16 | 1u << 17, .dest = 1u << 16 | 3,
		    .vector = 0x40, .logical = true);
	assert_hits(p, 16, 0xffff, .dest = 0xffff, .vector = 0x40,
		    .logical = true);
	assert_hits(p, 0, 0, .dest = 7u << 16 | 1, .vector = 0x40,
		    .logical = true);
	assert_hits(p, 0, 0, .dest = 0x7fff0001, .vector = 0x40,
		    .logical = true);
}

/* The last cluster is as long as there are ids: the hash does not go beyond. */
static void x2apic_short_last_cluster(void **state)
{
	struct plane *p = plane(plane_config(), 1);

	*state = p;
	plane_add(p, 0x122);
	to_x2apic(p->apic[0]);
	to_x2apic(p->apic[0x122]);
	wrmsr(p->apic[0x122], X2(APIC_SVR), SW_ENABLE);
	assert_int_equal(
		deliver(p, (struct x86_msg){.dest = 0x12u << 16 | 0xfffc,
					    .vector = 0x41,
					    .mode = X86_DM_LOWEST,
					    .logical = true}),
		1);
	assert_true(irr(p->apic[0x122], 0x41));
}

/* The largest number of vCPUs, the last one reached by its id. */
static void x2apic_last_vcpu(void **state)
{
	struct plane *p = *state;

	plane_add(p, VIRQ_MAX_VCPUS - 1);
	to_x2apic(p->apic[VIRQ_MAX_VCPUS - 1]);
	wrmsr(p->apic[VIRQ_MAX_VCPUS - 1], X2(APIC_SVR), SW_ENABLE);
	assert_int_equal(fixed(p, VIRQ_MAX_VCPUS - 1, 0x40), 1);
	assert_int_equal(fixed(p, VIRQ_MAX_VCPUS, 0x40), 0);
	assert_int_equal(
		deliver(p, (struct x86_msg){.dest = 0x3fu << 16 | 0xffff,
					    .vector = 0x41,
					    .logical = true}),
		1);
	assert_int_equal(
		deliver(p, (struct x86_msg){.dest = 0x40u << 16 | 0xffff,
					    .vector = 0x41,
					    .logical = true}),
		0);
}

/* xAPIC and x2APIC logical ids together: by the walk. */
static void logical_xapic_and_x2apic(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_LDR, 0x01000000);
	to_x2apic(p->apic[1]);
	assert_false(fast(p, (struct x86_msg){.dest = 1, .logical = true}));
	assert_hits(p, 1, 1, .dest = 1, .vector = 0x40, .logical = true);
	assert_hits(p, 1, 2, .dest = 2, .vector = 0x40, .logical = true);
}

/* The quirk: 0xff in a message is everybody, x2APICs included. */
static void broadcast_quirk(void **state)
{
	struct plane *p = *state;

	to_x2apic(p->apic[1]);
	assert_hits(p, 4, 15, .dest = 0xff, .vector = 0x40);
	assert_hits(p, 0, 0, .dest = 0xffffffff, .vector = 0x40);
}

/* Without it, to an x2APIC 0xff is an id, and 32 ones everybody. */
static void broadcast_without_quirk(void **state)
{
	struct apic_bus_config config = plane_config();
	struct plane *p;

	config.broadcast_quirk = false;
	p = plane(config, NR);
	*state = p;
	to_x2apic(p->apic[1]);
	/* A logical id in the other format: not all is x2APIC. */
	wr(p->apic[0], APIC_LDR, 0x01000000);
	assert_hits(p, 3, 13, .dest = 0xff, .vector = 0x40);
	assert_hits(p, 1, 2, .dest = 0xffffffff, .vector = 0x40);
	for (unsigned int i = 0; i < NR; i++)
		if (i != 1)
			to_x2apic(p->apic[i]);
	/* All x2APIC: the table answers that there is no vCPU 255. */
	assert_hits(p, 0, 0, .dest = 0xff, .vector = 0x40);
	assert_hits(p, 4, 15, .dest = 0xffffffff, .vector = 0x40);
}

/* An id beyond 8 bits in xAPIC mode: by its number, with 32-bit ids. */
static void plugged_in_vcpu(void **state)
{
	struct apic_bus_config config = plane_config();
	struct plane *p;

	config.ids32 = true;
	p = plane(config, 2);
	*state = p;
	plane_add(p, 0x101);
	/* It shows id 1 in xAPIC mode, which is vCPU 1's. */
	assert_int_equal(rd(p->apic[0x101], APIC_ID), 1u << 24);
	wr(p->apic[0x101], APIC_SVR, SW_ENABLE);
	assert_int_equal(fixed(p, 0x101, 0x40), 1);
	assert_true(irr(p->apic[0x101], 0x40));
	assert_int_equal(fixed(p, 1, 0x41), 1);
	assert_true(irr(p->apic[1], 0x41));
	assert_false(irr(p->apic[0x101], 0x41));
}

/* No APIC at all: nobody. */
static void empty_bus(void **state)
{
	struct plane *p = plane(plane_config(), 0);

	*state = p;
	assert_int_equal(fixed(p, 0, 0x40), NO_TARGET);
	assert_int_equal(fixed(p, 0xff, 0x40), NO_TARGET);
}

/* MSI: destination 19:12, logical bit 2, hint bit 3; vector, mode, trigger. */
static void msi_fields(void **state)
{
	struct x86_msg msg;

	(void)state;
	assert_int_equal(
		msi_decode(0xfeeab00c, 0xdeadbeef, 0xc1a5, false, &msg), 0);
	assert_int_equal(msg.dest, 0xab);
	assert_int_equal(msg.vector, 0xa5);
	assert_int_equal(msg.mode, X86_DM_LOWEST);
	assert_true(msg.logical && msg.redirect_hint && msg.level_triggered);
	assert_true(msg.assert_level);
	/* The level bit does not count: a message always asserts. */
	msi_decode(0xfee00000, 0, 0x8030, false, &msg);
	assert_true(msg.level_triggered && msg.assert_level);
	assert_false(msg.logical || msg.redirect_hint);
}

/* With 32-bit ids bits 31:8 are in the high address; its low byte is 0. */
static void msi_ids32(void **state)
{
	struct x86_msg msg;

	(void)state;
	assert_int_equal(msi_decode(0xfeeab000, 0x00123400, 0x30, true, &msg),
			 0);
	assert_int_equal(msg.dest, 0x001234ab);
	for (unsigned int bit = 0; bit < 8; bit++)
		assert_int_equal(
			msi_decode(0xfeeab000, 1u << bit, 0x30, true, &msg),
			-EINVAL);
}

/* A register written with the value it has costs no new table. */
static void no_op_changes_keep_the_table(void **state)
{
	struct plane *p = *state;
	struct apic_map *map = p->bus.map;

	wr(p->apic[0], APIC_ID, rd(p->apic[0], APIC_ID));
	wr(p->apic[0], APIC_SVR, SW_ENABLE);
	wr(p->apic[0], APIC_TPR, 0x40);
	/* The model of one without a logical id changes no table either. */
	wr(p->apic[0], APIC_DFR, APIC_DFR_CLUSTER);
	assert_ptr_equal(p->bus.map, map);
	wr(p->apic[0], APIC_LDR, 0x01000000);
	assert_ptr_not_equal(p->bus.map, map);
}

struct flipper {
	struct plane *p;
	atomic_bool stop;
	atomic_uint flips;
};

static void *flip_logical_ids(void *opaque)
{
	struct flipper *f = opaque;
	struct lapic *apic = f->p->apic[1];

	while (!atomic_load(&f->stop)) {
		uint32_t n = atomic_fetch_add(&f->flips, 1);

		/* In and out of a shared id: table and walk by turns. */
		wr(apic, APIC_LDR, n % 2 << 24);
		wr(apic, APIC_ID, (n % 4 ? 1u : 3u) << 24);
	}
	return NULL;
}

/*
 * While one APIC's registers change all the time, messages to another reach
 * it, each of them: a lookup sees the table before or after, never between.
 */
static void deliveries_survive_rebuilds(void **state)
{
	struct plane *p = *state;
	struct flipper f = {.p = p};
	pthread_t thread;

	wr(p->apic[2], APIC_LDR, 0x80000000);
	assert_int_equal(pthread_create(&thread, NULL, flip_logical_ids, &f),
			 0);
	do {
		assert_hits(p, 1, 4, .dest = 2, .vector = 0x40);
		assert_hits(p, 1, 4, .dest = 0x80, .vector = 0x41,
			    .logical = true);
	} while (atomic_load(&f.flips) < 2000);
	atomic_store(&f.stop, true);
	pthread_join(thread, NULL);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
/* Makes a plane of its own. */
#define OWN_CASE(fn) cmocka_unit_test_teardown(fn, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(physical),
		CASE(physical_after_id_change),
		CASE(physical_shared_id),
		CASE(physical_broadcast),
		CASE(physical_broadcast_lowest),
		CASE(physical_lowest),
		CASE(logical_flat),
		CASE(logical_flat_shared),
		CASE(logical_cluster),
		CASE(logical_unknown_model),
		CASE(logical_mixed_models),
		CASE(logical_none),
		CASE(logical_disabled),
		CASE(lowest_by_hash),
		CASE(lowest_by_hash_empty_slot),
		CASE(lowest_by_hash_in_walk),
		OWN_CASE(lowest_by_arbitration),
		OWN_CASE(x2apic_destinations),
		OWN_CASE(x2apic_short_last_cluster),
		CASE(x2apic_last_vcpu),
		CASE(logical_xapic_and_x2apic),
		CASE(broadcast_quirk),
		OWN_CASE(broadcast_without_quirk),
		OWN_CASE(plugged_in_vcpu),
		OWN_CASE(empty_bus),
		cmocka_unit_test(msi_fields),
		cmocka_unit_test(msi_ids32),
		CASE(no_op_changes_keep_the_table),
		CASE(deliveries_survive_rebuilds),
	};

	return cmocka_run_group_tests_name("apic map", tests, NULL, NULL);
}

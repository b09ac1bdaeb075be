// SPDX-License-Identifier: BSD-3-Clause
/*
 * Raises against everything that changes where they go: mask, route, consumer
 * and eventfd.  The targets are the test's own and count what comes in, so the
 * sum comes out exactly, for each source:
 *
 *   raises == posts + eventfd counts + merged with the source's pending bit
 *
 * where a raise that was held back is one post or one count when it is let
 * out.  More is a duplicate, less is a loss.  A target that is not the source's
 * any more, a masked source and an eventfd that was taken away get nothing.
 *
 * VIRQ_RACE_RAISES in the environment sets the number of raises.
 */
#include "source_machine.h"
#include <sched.h>
#include <stdlib.h>

#define NR_RAISERS 3u
#define RAISES 300000ul
/* How many raises there are, at each raiser, to one change. */
#define PACE 50ul
#define LONG 1000000ul

static unsigned long nr_raises(void)
{
	const char *text = getenv("VIRQ_RACE_RAISES");

	return text ? strtoul(text, NULL, 10) : race_rounds(RAISES);
}

struct vcpu {
	struct machine *m;
	uint32_t number;
};

static void *run_vcpu(void *opaque)
{
	struct vcpu *vcpu = opaque;

	while (!atomic_load(&vcpu->m->stop))
		vcpu_take(vcpu->m, vcpu->number);
	vcpu_take(vcpu->m, vcpu->number);
	return NULL;
}

static void *raise_many(void *opaque)
{
	struct machine *m = opaque;
	unsigned long raises[NR_SOURCES] = {0}, merged[NR_SOURCES] = {0};
	uint64_t seed = (uintptr_t)&seed;

	for (unsigned long n = 0; n < m->share; n++) {
		uint32_t i = draw(&seed) % NR_SOURCES;

		while (n / PACE / sparse > atomic_load(&m->changes))
			sched_yield();
		reached = false;
		raises[i]++;
		if (!virq_source_raise(m->devices[i].source))
			merged[i] += !reached;
	}
	for (uint32_t i = 0; i < NR_SOURCES; i++) {
		atomic_fetch_add(&m->devices[i].raises, raises[i]);
		atomic_fetch_add(&m->devices[i].merged, merged[i]);
	}
	atomic_fetch_sub(&m->raising, 1);
	return NULL;
}

struct sum {
	unsigned long raises, posted, coalesced, signalled, held, acks;
	unsigned long lost, duplicated;
};

/* The vCPUs have taken everything. */
static void device_sum(struct device *device, struct sum *sum)
{
	unsigned long arrived = device->signals + device->merged;
	struct virq_source_info info;

	virq_source_query(device->source, &info);
	assert_int_equal(info.posted + info.coalesced + info.signalled +
				 info.held,
			 device->raises);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		struct target *target = &device->targets[i];

		arrived += target->fresh + target->merged;
		/* What was newly pending was taken, once. */
		assert_int_equal(target->fresh, target->acks);
		sum->acks += target->acks;
	}
	if (arrived < device->raises)
		sum->lost += device->raises - arrived;
	else
		sum->duplicated += arrived - device->raises;
	sum->raises += device->raises;
	sum->posted += info.posted;
	sum->coalesced += info.coalesced;
	sum->signalled += info.signalled;
	sum->held += info.held;
}

static void raises_against_every_change(void **state)
{
	static struct machine m;
	struct vcpu vcpus[NR_VCPUS];
	pthread_t raisers[NR_RAISERS], vcpu_threads[NR_VCPUS];
	struct sum sum = {0};
	uint64_t seed = 1;

	(void)state;
	m.share = nr_raises() / NR_RAISERS + 1;
	if (m.share > LONG)
		sparse = 16;
	atomic_store(&m.raising, NR_RAISERS);
	for (uint32_t i = 0; i < NR_SOURCES; i++)
		device_init(&m, i);
	for (uint32_t i = 0; i < NR_VCPUS; i++) {
		vcpus[i] = (struct vcpu){.m = &m, .number = i};
		assert_int_equal(pthread_create(&vcpu_threads[i], NULL,
						run_vcpu, &vcpus[i]),
				 0);
	}
	for (uint32_t i = 0; i < NR_RAISERS; i++)
		assert_int_equal(
			pthread_create(&raisers[i], NULL, raise_many, &m), 0);
	while (atomic_load(&m.raising)) {
		change(&m, &seed);
		race_jitter(m.changes, 3);
	}
	for (uint32_t i = 0; i < NR_RAISERS; i++)
		pthread_join(raisers[i], NULL);
	for (uint32_t i = 0; i < NR_SOURCES; i++)
		device_settle(&m, &m.devices[i]);
	atomic_store(&m.stop, true);
	for (uint32_t i = 0; i < NR_VCPUS; i++)
		pthread_join(vcpu_threads[i], NULL);
	for (uint32_t i = 0; i < NR_SOURCES; i++) {
		device_sum(&m.devices[i], &sum);
		device_fini(&m.devices[i]);
	}
	print_message("# %lu raises, %lu changes: posted %lu coalesced %lu "
		      "signalled %lu held %lu; acks %lu, lost %lu, duplicated "
		      "%lu, by a former path %lu\n",
		      sum.raises, atomic_load(&m.changes), sum.posted,
		      sum.coalesced, sum.signalled, sum.held, sum.acks,
		      sum.lost, sum.duplicated, atomic_load(&m.wrong));
	assert_int_equal(sum.lost, 0);
	assert_int_equal(sum.duplicated, 0);
	assert_int_equal(m.wrong, 0);
	assert_int_equal(wrong_fds, 0);
	assert_int_equal(m.stuck, 0);
}

struct single {
	struct relay relay;
	struct virq_source *source;
};

static void *raise_in_rounds(void *opaque)
{
	struct single *single = opaque;

	for (unsigned long n = 1; relay_await(&single->relay, n); n++) {
		race_jitter(n, 1);
		virq_source_raise(single->source);
		relay_finish(&single->relay, n);
	}
	return NULL;
}

static void change_and_back(struct machine *m, struct device *device,
			    unsigned long n)
{
	struct target *target = &device->targets[0];

	switch (n % 3) {
	case 0:
		toggle_mask(m, device);
		race_jitter(n, 2);
		toggle_mask(m, device);
		break;
	case 1:
		toggle_consumer(device, 0, target);
		race_jitter(n, 2);
		toggle_consumer(device, 0, NULL);
		break;
	case 2:
		change_eventfd(m, device, -1);
		race_jitter(n, 2);
		change_eventfd(m, device, 0);
		break;
	}
}

/* One raise at any point of a change and of its undoing: it arrives, once. */
static void one_raise_against_each_change(void **state)
{
	static struct machine m;
	struct device *device = &m.devices[0];
	struct single single = {0};
	unsigned long bad = 0, before = 0, rounds = race_rounds(3000);
	pthread_t thread;

	(void)state;
	device_init(&m, 0);
	change_eventfd(&m, device, 0);
	single.source = device->source;
	assert_int_equal(
		pthread_create(&thread, NULL, raise_in_rounds, &single), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		unsigned long now;

		relay_start(&single.relay, n);
		race_jitter(n, 4);
		change_and_back(&m, device, n);
		relay_join(&single.relay, n);
		device->signals += take(device->fds[0]);
		vcpu_take(&m, 0);
		now = device->signals + device->targets[0].acks;
		bad += now - before != 1;
		bad += virq_source_pending(device->source);
		before = now;
	}
	relay_stop(&single.relay);
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	assert_int_equal(m.wrong, 0);
	assert_int_equal(wrong_fds, 0);
	assert_int_equal(m.stuck, 0);
	device_fini(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raises_against_every_change),
		cmocka_unit_test(one_raise_against_each_change),
	};

	return cmocka_run_group_tests_name("race source", tests, NULL, NULL);
}

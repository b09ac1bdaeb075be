// SPDX-License-Identifier: BSD-3-Clause
/*
 * Signals against a vCPU that blocks, runs and is kicked: the whole way from
 * an eventfd to the vCPU's thread, with nothing lost on it.
 */
#include "race.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define GSI 4
#define SECOND UINT64_C(1000000000)

struct machine {
	struct bench *b;
	struct virq_vcpu *vcpu;
	atomic_uint irr; /* a pending interrupt */
	atomic_bool kicked;
	atomic_ulong taken;
	atomic_bool stop;
	unsigned long lost;
	int fd;
};

static struct machine *machine;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void deliver(struct fake *fake, const struct virq_route *route,
		    unsigned int source_id, int level)
{
	struct machine *m = fake->opaque;

	(void)route;
	(void)source_id;
	if (!level)
		return;
	/* Relaxed: the kick makes it visible. */
	atomic_store_explicit(&m->irr, 1, memory_order_relaxed);
	virq_vcpu_kick(m->vcpu);
}

static unsigned int pending(struct virq_vcpu *vcpu)
{
	(void)vcpu;
	return atomic_load_explicit(&machine->irr, memory_order_relaxed)
		       ? VIRQ_EVENT_INTR
		       : 0;
}

static void kick(void *opaque)
{
	atomic_store(&((struct machine *)opaque)->kicked, true);
}

/* In turns the guest spins until it is kicked, and halts. */
static void *run_vcpu(void *opaque)
{
	struct machine *m = opaque;

	for (unsigned long n = 0; !atomic_load(&m->stop); n++) {
		if (atomic_exchange_explicit(&m->irr, 0, memory_order_relaxed))
			atomic_fetch_add(&m->taken, 1);
		atomic_store(&m->kicked, false);
		if (n % 3 == 0) {
			uint64_t until = now() + 15 * SECOND;

			/* What it has taken may be the kick that says stop. */
			if (!virq_vcpu_enter(m->vcpu))
				continue;

			while (!atomic_load(&m->kicked))
				if (sched_yield() || now() > until)
					break;
			if (!atomic_load(&m->kicked))
				m->lost++;
			virq_vcpu_exit(m->vcpu);
		} else if (virq_vcpu_block(m->vcpu, now() + 15 * SECOND)) {
			m->lost++;
		}
	}
	return NULL;
}

static void *kick_at_random(void *opaque)
{
	struct machine *m = opaque;

	for (unsigned long n = 0; !atomic_load(&m->stop); n++) {
		virq_vcpu_kick(m->vcpu);
		race_jitter(n, 9);
		sched_yield();
	}
	return NULL;
}

static void signals_to_vcpu(struct bench *b, uint64_t halt_poll, bool noise)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};
	struct machine m = {.b = b, .fd = new_eventfd(0, 0)};
	unsigned long rounds = race_rounds(30000);
	pthread_t vcpu, kicker;

	machine = &m;
	b->fake.quiet = true;
	b->fake.opaque = &m;
	b->fake.on_set = deliver;
	b->fake.pending = pending;
	assert_int_equal(virq_vcpu_create(b->vm, 0, &ops, &m, &m.vcpu), 0);
	virq_vcpu_set_halt_poll(m.vcpu, halt_poll);
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(assign(b->vm, m.fd, GSI), 0);
	assert_int_equal(pthread_create(&vcpu, NULL, run_vcpu, &m), 0);
	if (noise)
		assert_int_equal(
			pthread_create(&kicker, NULL, kick_at_random, &m), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		uint64_t until = now() + 15 * SECOND;

		signal_fd(m.fd, 1);
		/* Answered before the next: each is one interrupt, exactly. */
		while (atomic_load(&m.taken) < n && now() < until)
			sched_yield();
		if (atomic_load(&m.taken) != n) {
			m.lost++;
			break;
		}
	}
	atomic_store(&m.stop, true);
	virq_vcpu_kick(m.vcpu);
	pthread_join(vcpu, NULL);
	if (noise)
		pthread_join(kicker, NULL);
	assert_int_equal(m.lost, 0);
	assert_int_equal(m.taken, rounds);
	assert_int_equal(deassign(b->vm, m.fd, GSI), 0);
	b->fake.pending = NULL;
	b->fake.on_set = NULL;
	close(m.fd);
}

static void signals_against_block_and_run(void **state)
{
	signals_to_vcpu(bench_begin(state), 0, false);
}

static void signals_against_halt_poll(void **state)
{
	signals_to_vcpu(bench_begin(state), 100000, false);
}

static void signals_against_kicks_of_others(void **state)
{
	signals_to_vcpu(bench_begin(state), 0, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(signals_against_block_and_run),
		BOTH(signals_against_halt_poll),
		BOTH(signals_against_kicks_of_others),
	};

	return cmocka_run_group_tests_name("race vcpu", tests, NULL, NULL);
}

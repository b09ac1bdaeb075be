// SPDX-License-Identifier: BSD-3-Clause
/* One million interrupts while the routes flip. */
#include "race.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>

#define GSI 4

struct flip {
	struct bench *b;
	atomic_bool stop;
	atomic_ulong flips;
	unsigned long failed;
	/* MSI data 1 and 2: not in any table that is in force. */
	atomic_bool retired[3];
	atomic_ulong late;
};

static int set_one(struct bench *b, uint32_t data)
{
	union {
		struct kvm_irq_routing routing;
		char space[sizeof(struct kvm_irq_routing) +
			   sizeof(struct kvm_irq_routing_entry)];
	} table;
	const struct kvm_irq_routing_entry entry = route_msi(GSI, data);

	memset(&table, 0, sizeof(table));
	table.routing.nr = 1;
	memcpy(table.routing.entries, &entry, sizeof(entry));
	return virq_vm_set_gsi_routing(b->vm, &table.routing);
}

static void *flip_routes(void *opaque)
{
	struct flip *flip = opaque;

	for (uint32_t n = 0; !atomic_load(&flip->stop); n++) {
		uint32_t next = n & 1 ? 1 : 2;

		atomic_store(&flip->retired[next], false);
		flip->failed += set_one(flip->b, next) != 0;
		atomic_store(&flip->retired[3 - next], true);
		flip->flips++;
		sched_yield();
	}
	return NULL;
}

static void check_not_retired(struct fake *fake, const struct virq_route *route,
			      unsigned int source_id, int level)
{
	struct flip *flip = fake->opaque;

	(void)source_id;
	(void)level;
	if (atomic_load(&flip->retired[route->msi.data]))
		atomic_fetch_add(&flip->late, 1);
}

static void start_flipping(struct bench *b, struct flip *flip,
			   pthread_t *thread)
{
	flip->b = b;
	b->fake.quiet = true;
	b->fake.opaque = flip;
	assert_int_equal(set_one(b, 1), 0);
	b->fake.on_set = check_not_retired;
	assert_int_equal(pthread_create(thread, NULL, flip_routes, flip), 0);
	/* Or all rounds may be over before it has begun. */
	while (!atomic_load(&flip->flips))
		sched_yield();
}

static void stop_flipping(struct flip *flip, pthread_t thread)
{
	atomic_store(&flip->stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(flip->failed, 0);
	assert_int_equal(flip->late, 0);
	assert_true(flip->flips > 0);
}

/* Every call is delivered by exactly one of the two tables. */
static void calls_against_flips(struct bench *b)
{
	struct flip flip = {0};
	unsigned long rounds = race_rounds(1000000);
	pthread_t thread;

	start_flipping(b, &flip, &thread);
	for (unsigned long n = 0; n < rounds; n++)
		if (virq_vm_set_irq(b->vm, VIRQ_SOURCE_USERSPACE, GSI, 1,
				    false) != 1)
			flip.failed++;
	stop_flipping(&flip, thread);
	assert_int_equal(b->fake.msis[1] + b->fake.msis[2], rounds);
}

static void line_calls_against_flips(void **state)
{
	calls_against_flips(bench_begin(state));
}

/*
 * One million signals: those found are delivered, each by one of the tables;
 * none is ignored, and after the last one came a delivery.
 */
static void signals_against_flips(void **state, int inatomic_rc)
{
	struct bench *b = bench_begin(state);
	struct flip flip = {0};
	struct virq_irqfd_info info;
	unsigned long rounds = race_rounds(1000000), before;
	int fd = new_eventfd(0, 0);
	pthread_t thread;

	b->fake.inatomic_rc = inatomic_rc;
	start_flipping(b, &flip, &thread);
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (unsigned long n = 0; n < rounds; n++)
		signal_fd(fd, 1);
	/* Until it is drained, so that the next cannot coalesce with it. */
	do
		assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	while (counter_of(fd));
	stop_flipping(&flip, thread);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	before = info.signals;
	signal_fd(fd, 1);
	do
		assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	while (info.signals == before);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(info.ignored, 0);
	assert_int_equal(info.delivered, info.signals);
	assert_in_range(info.signals, 2, rounds + 1);
	assert_int_equal(b->fake.msis[1] + b->fake.msis[2], info.signals);
	close(fd);
}

static void ordinary_path_against_flips(void **state)
{
	signals_against_flips(state, -EWOULDBLOCK);
}

static void fast_path_against_flips(void **state)
{
	signals_against_flips(state, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONCE(line_calls_against_flips),
		BOTH(ordinary_path_against_flips),
		BOTH(fast_path_against_flips),
	};

	return cmocka_run_group_tests_name("race routing", tests, NULL, NULL);
}

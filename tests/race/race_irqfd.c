// SPDX-License-Identifier: BSD-3-Clause
/* Signals against assign, deassign and VM close; two VMs and one eventfd. */
#include "race.h"
#include <pthread.h>
#include <sched.h>

#define GSI 4

struct writer {
	struct relay relay;
	int fd;
	unsigned int burst;
	/* The newest write, and the newest that an injection came after. */
	atomic_ulong wrote;
	atomic_ulong covered;
};

static void *write_in_rounds(void *opaque)
{
	struct writer *writer = opaque;

	for (unsigned long n = 1; relay_await(&writer->relay, n); n++) {
		race_jitter(n, 1);
		for (unsigned int i = 0; i < writer->burst; i++) {
			atomic_fetch_add(&writer->wrote, 1);
			signal_fd(writer->fd, 1);
		}
		relay_finish(&writer->relay, n);
	}
	return NULL;
}

static void cover(struct fake *fake, const struct virq_route *route,
		  unsigned int source_id, int level)
{
	struct writer *writer = fake->opaque;

	(void)route;
	(void)source_id;
	if (level)
		atomic_store(&writer->covered, atomic_load(&writer->wrote));
}

/*
 * One write a round, at any point of assign and deassign: it is injected, once,
 * or it is in the counter.  Of several, the last is covered or in the counter.
 */
static void run_rounds(struct bench *b, int flags, unsigned int burst,
		       unsigned long rounds)
{
	struct writer writer = {.fd = new_eventfd(0, flags | EFD_NONBLOCK),
				.burst = burst};
	unsigned long injected = 0, bad = 0;
	pthread_t thread;
	uint64_t value;

	b->fake.quiet = true;
	b->fake.opaque = &writer;
	b->fake.on_set = cover;
	injected = b->fake.edges[0][GSI];
	assert_int_equal(
		pthread_create(&thread, NULL, write_in_rounds, &writer), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		unsigned long now;
		uint64_t kept;

		relay_start(&writer.relay, n);
		race_jitter(n, 2);
		bad += assign(b->vm, writer.fd, GSI) != 0;
		race_jitter(n, 3);
		bad += deassign(b->vm, writer.fd, GSI) != 0;
		relay_join(&writer.relay, n);
		now = b->fake.edges[0][GSI];
		kept = counter_of(writer.fd);
		if (burst == 1)
			bad += now - injected + kept != 1;
		else if (now == injected || now - injected > burst)
			bad += !kept;
		/* Nothing kept: an injection came after the last write. */
		if (!kept)
			bad += writer.covered != writer.wrote;
		injected = now;
		while (read(writer.fd, &value, sizeof(value)) > 0)
			;
	}
	relay_stop(&writer.relay);
	pthread_join(thread, NULL);
	b->fake.on_set = NULL;
	assert_int_equal(bad, 0);
	close(writer.fd);
}

static void one_signal_against_assign_and_deassign(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(virq_loop_start(b->loop), 0);
	run_rounds(b, 0, 1, race_rounds(30000));
}

static void bursts_against_assign_and_deassign(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(virq_loop_start(b->loop), 0);
	run_rounds(b, 0, 5, race_rounds(20000));
}

/* An EFD_SEMAPHORE one is watched by other means on the io_uring loop. */
static void semaphore_against_assign_and_deassign(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(virq_loop_start(b->loop), 0);
	run_rounds(b, EFD_SEMAPHORE, 1, race_rounds(10000));
}

/* Nobody drives the loop: deassign does what there is to do. */
static void signals_against_deassign_without_a_driver(void **state)
{
	run_rounds(bench_begin(state), 0, 1, race_rounds(20000));
}

struct closer {
	struct relay relay;
	int fds[8];
};

static void *signal_each(void *opaque)
{
	struct closer *closer = opaque;

	for (unsigned long n = 1; relay_await(&closer->relay, n); n++) {
		race_jitter(n, 5);
		for (int i = 0; i < 8; i++)
			signal_fd(closer->fds[i], 1);
		relay_finish(&closer->relay, n);
	}
	return NULL;
}

/* VM close: each signal was injected once, or is in the counter. */
static void signals_against_vm_close(void **state)
{
	struct bench *b = bench_begin(state);
	struct closer closer = {0};
	static struct fake fake;
	unsigned long bad = 0, rounds = race_rounds(4000);
	pthread_t thread;
	uint64_t value;

	for (int i = 0; i < 8; i++)
		closer.fds[i] = new_eventfd(0, EFD_NONBLOCK);
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(pthread_create(&thread, NULL, signal_each, &closer),
			 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		struct virq_vm *vm;

		fake_init(&fake);
		fake.quiet = true;
		vm = bench_vm(b, &fake);
		assert_non_null(vm);
		for (uint32_t i = 0; i < 8; i++)
			bad += assign(vm, closer.fds[i], i) != 0;
		relay_start(&closer.relay, n);
		race_jitter(n, 6);
		virq_vm_close(vm);
		relay_join(&closer.relay, n);
		bad += fake.objects != 0;
		for (int i = 0; i < 8; i++) {
			uint64_t kept = counter_of(closer.fds[i]);

			bad += fake.edges[0][i] + kept != 1;
			if (kept)
				(void)!read(closer.fds[i], &value,
					    sizeof(value));
		}
	}
	relay_stop(&closer.relay);
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	for (int i = 0; i < 8; i++)
		close(closer.fds[i]);
}

struct fighter {
	struct virq_vm *vm;
	int fd;
	unsigned int id;
	atomic_uint *owner;
	unsigned long rounds;
	unsigned long won;
	unsigned long bad;
};

static void *fight(void *opaque)
{
	struct fighter *f = opaque;

	/* It ends: when the other has won its rounds, nobody is in the way. */
	while (f->won < f->rounds) {
		int rc = assign(f->vm, f->fd, GSI);

		if (rc) {
			f->bad += rc != -EBUSY;
			sched_yield();
			continue;
		}
		f->won++;
		f->bad += atomic_exchange(f->owner, f->id) != 0;
		race_jitter(f->won, f->id);
		f->bad += atomic_exchange(f->owner, 0) != f->id;
		f->bad += deassign(f->vm, f->fd, GSI) != 0;
	}
	return NULL;
}

static atomic_bool noise_stop;

static void *make_noise(void *opaque)
{
	while (!atomic_load(&noise_stop)) {
		signal_fd(*(int *)opaque, 1);
		sched_yield();
	}
	return NULL;
}

/* One owner at each time, though the eventfd is signalled all the while. */
static void two_vms_fight_for_one_eventfd(void **state)
{
	struct bench *b = bench_begin(state);
	static struct fake other;
	atomic_uint owner = 0;
	int fd = new_eventfd(0, 0);
	struct fighter fighters[2];
	pthread_t threads[2], noise;

	fake_init(&other);
	b->fake.quiet = other.quiet = true;
	assert_int_equal(virq_loop_start(b->loop), 0);
	for (unsigned int i = 0; i < 2; i++)
		fighters[i] = (struct fighter){
			.vm = i ? bench_vm(b, &other) : b->vm,
			.fd = fd,
			.id = i + 1,
			.owner = &owner,
			.rounds = race_rounds(20000),
		};
	atomic_store(&noise_stop, false);
	assert_int_equal(pthread_create(&noise, NULL, make_noise, &fd), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, fight, &fighters[i]),
			0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&noise_stop, true);
	pthread_join(noise, NULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(fighters[i].bad, 0);
	virq_vm_close(fighters[1].vm);
	assert_int_equal(other.objects, 0);
	close(fd);
}

struct refused {
	struct virq_vm *vm;
	int fd;
	atomic_bool stop;
	atomic_ulong bad;
};

static void *deassign_all_the_time(void *opaque)
{
	struct refused *refused = opaque;
	struct virq_irqfd_info info;

	while (!atomic_load(&refused->stop)) {
		refused->bad += deassign(refused->vm, refused->fd, GSI) != 0;
		refused->bad += virq_vm_irqfd_query(refused->vm, refused->fd,
						    &info) != -ENOENT;
	}
	return NULL;
}

/* An assign that fails at its last step: nobody finds what is left of it. */
static void failed_assign_against_deassign(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_loop_config config = {.backend = b->backend,
					  .max_sources = 1};
	int first = new_eventfd(0, 0);
	struct refused refused = {.fd = new_eventfd(0, 0)};
	unsigned long rounds = race_rounds(20000);
	pthread_t thread;

	bench_close_vm(b);
	assert_int_equal(virq_loop_destroy(b->loop), 0);
	assert_int_equal(virq_loop_create(&config, &b->loop), 0);
	b->vm = bench_vm(b, &b->fake);
	assert_non_null(b->vm);
	b->fake.quiet = true;
	refused.vm = b->vm;
	assert_int_equal(assign(b->vm, first, GSI), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, deassign_all_the_time, &refused),
		0);
	for (unsigned long n = 0; n < rounds; n++)
		refused.bad += assign(b->vm, refused.fd, GSI) != -ENOSPC;
	atomic_store(&refused.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(refused.bad, 0);
	assert_int_equal(b->fake.objects, 1);
	close(first);
	close(refused.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(one_signal_against_assign_and_deassign),
		BOTH(bursts_against_assign_and_deassign),
		BOTH(semaphore_against_assign_and_deassign),
		BOTH(signals_against_deassign_without_a_driver),
		BOTH(signals_against_vm_close),
		BOTH(two_vms_fight_for_one_eventfd),
		BOTH(failed_assign_against_deassign),
	};

	return cmocka_run_group_tests_name("race irqfd", tests, NULL, NULL);
}

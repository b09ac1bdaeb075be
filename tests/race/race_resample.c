// SPDX-License-Identifier: BSD-3-Clause
/* Acks and unmasks against resample irqfds that come and go. */
#include "race.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define GSI 4

struct acker {
	struct bench *b;
	atomic_bool stop;
	atomic_ulong acks;
	unsigned long heard; /* acks that found a notifier */
};

static void *ack_all_the_time(void *opaque)
{
	struct acker *acker = opaque;

	while (!atomic_load(&acker->stop)) {
		acker->heard += virq_irqchip_ack(&acker->b->fake.base, 0, GSI);
		atomic_fetch_add(&acker->acks, 1);
		sched_yield();
	}
	return NULL;
}

/* Two more acks have come and gone. */
static void await_acks(struct acker *acker)
{
	unsigned long seen = atomic_load(&acker->acks);

	while (atomic_load(&acker->acks) < seen + 2)
		sched_yield();
}

/*
 * One stays and hears every ack; others come and go.  A member hears acks
 * while it is there, and none after its deassign has returned.
 */
static void members_come_and_go(void **state)
{
	struct bench *b = bench_begin(state);
	struct acker acker = {.b = b};
	unsigned long rounds = race_rounds(4000);
	int keeper = new_eventfd(0, 0), keeper_rfd = new_eventfd(0, 0);
	int fds[3], rfds[3];
	pthread_t thread;

	b->fake.quiet = true;
	assert_int_equal(assign_resample(b->vm, keeper, GSI, keeper_rfd), 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = new_eventfd(0, 0);
		rfds[i] = new_eventfd(0, 0);
	}
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, ack_all_the_time, &acker), 0);
	for (unsigned long n = 0; n < rounds; n++) {
		uint64_t before[3], after[3];

		for (int i = 0; i < 3; i++) {
			before[i] = counter_of(rfds[i]);
			assert_int_equal(
				assign_resample(b->vm, fds[i], GSI, rfds[i]),
				0);
			signal_fd(fds[i], 1);
		}
		if (n % 64 == 0) {
			await_acks(&acker);
			for (int i = 0; i < 3; i++)
				assert_true(counter_of(rfds[i]) > before[i]);
		}
		for (int i = 0; i < 3; i++) {
			assert_int_equal(deassign(b->vm, fds[i], GSI), 0);
			after[i] = counter_of(rfds[i]);
		}
		if (n % 64 == 0)
			await_acks(&acker);
		for (int i = 0; i < 3; i++)
			assert_int_equal(counter_of(rfds[i]), after[i]);
	}
	atomic_store(&acker.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(acker.heard, acker.acks);
	assert_int_equal(counter_of(keeper_rfd), acker.acks);
	assert_int_equal(deassign(b->vm, keeper, GSI), 0);
	assert_int_equal(b->fake.pins[0][GSI], 0);
	for (int i = 0; i < 3; i++) {
		close(fds[i]);
		close(rfds[i]);
	}
	close(keeper);
	close(keeper_rfd);
}

/* The only member: the resampler itself is made and freed under the acks. */
static void resampler_comes_and_goes(void **state)
{
	struct bench *b = bench_begin(state);
	struct acker acker = {.b = b};
	unsigned long rounds = race_rounds(6000);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
	pthread_t thread;

	b->fake.quiet = true;
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(
		pthread_create(&thread, NULL, ack_all_the_time, &acker), 0);
	for (unsigned long n = 0; n < rounds; n++) {
		assert_int_equal(assign_resample(b->vm, fd, GSI, rfd), 0);
		signal_fd(fd, 1);
		race_jitter(n, 1);
		assert_int_equal(deassign(b->vm, fd, GSI), 0);
		/* With the last member the line goes down, and stays so. */
		assert_int_equal(b->fake.pins[0][GSI], 0);
	}
	atomic_store(&acker.stop, true);
	pthread_join(thread, NULL);
	/* A resampler may be found that has no member yet, or any more. */
	assert_in_range(counter_of(rfd), 0, acker.heard);
	close(fd);
	close(rfd);
}

/* A device that is level: asserts, is acked, is told, asserts again. */
static void level_device_against_attach(void **state)
{
	struct bench *b = bench_begin(state);
	unsigned long rounds = race_rounds(10000);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
	int other = new_eventfd(0, 0), other_rfd = new_eventfd(0, 0);
	uint64_t value;

	b->fake.quiet = true;
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(assign_resample(b->vm, fd, GSI, rfd), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		signal_fd(fd, 1);
		if (n % 7 == 0)
			assert_int_equal(
				assign_resample(b->vm, other, GSI, other_rfd),
				0);
		while (b->fake.edges[0][GSI] < n)
			sched_yield();
		if (n % 7 == 3)
			assert_int_equal(deassign(b->vm, other, GSI), 0);
		assert_int_equal(b->fake.edges[0][GSI], n);
		assert_true(virq_irqchip_ack(&b->fake.base, 0, GSI));
		assert_int_equal(b->fake.pins[0][GSI], 0);
		assert_int_equal(read(rfd, &value, sizeof(value)),
				 sizeof(value));
		assert_int_equal(value, 1);
	}
	close(fd);
	close(rfd);
	close(other);
	close(other_rfd);
}

struct hostile {
	struct acker ackers[2];
	int rfd;
	unsigned long rounds;
	unsigned long stuck;
};

#define ALMOST 64

/* Until each acker has acked more often than there is room in the counter. */
static bool acks_go_on(struct hostile *hostile)
{
	const time_t until = time(NULL) + 5;
	unsigned long seen[2];

	for (int i = 0; i < 2; i++)
		seen[i] = atomic_load(&hostile->ackers[i].acks);
	for (int i = 0; i < 2; i++) {
		while (atomic_load(&hostile->ackers[i].acks) <=
		       seen[i] + ALMOST) {
			if (time(NULL) > until)
				return false;
			sched_yield();
		}
	}
	return true;
}

/* Nearly fill the counter, clear O_NONBLOCK, and leave the rest to the acks. */
static void *fill_and_empty(void *opaque)
{
	struct hostile *hostile = opaque;
	const uint64_t almost = UINT64_MAX - 1 - ALMOST;
	uint64_t value;

	for (unsigned long n = 0; n < hostile->rounds; n++) {
		(void)fcntl(hostile->rfd, F_SETFL, O_NONBLOCK);
		while (write(hostile->rfd, &almost, sizeof(almost)) < 0)
			(void)!read(hostile->rfd, &value, sizeof(value));
		(void)fcntl(hostile->rfd, F_SETFL, 0);
		hostile->stuck += !acks_go_on(hostile);
		(void)!read(hostile->rfd, &value, sizeof(value));
		if (hostile->stuck)
			break;
	}
	return NULL;
}

/*
 * The other side lets two vCPUs race for the last place in the counter of its
 * resamplefd: neither waits.
 */
static void acks_against_a_hostile_peer(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
	struct hostile hostile = {
		.ackers = {{.b = b}, {.b = b}},
		.rfd = rfd,
		.rounds = race_rounds(5000),
	};
	pthread_t threads[2], peer;

	b->fake.quiet = true;
	assert_int_equal(assign_resample(b->vm, fd, GSI, rfd), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						ack_all_the_time,
						&hostile.ackers[i]),
				 0);
	assert_int_equal(pthread_create(&peer, NULL, fill_and_empty, &hostile),
			 0);
	pthread_join(peer, NULL);
	for (int i = 0; i < 2; i++)
		atomic_store(&hostile.ackers[i].stop, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(hostile.stuck, 0);
	close(fd);
	close(rfd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(members_come_and_go),
		BOTH(resampler_comes_and_goes),
		BOTH(level_device_against_attach),
		ONCE(acks_against_a_hostile_peer),
	};

	return cmocka_run_group_tests_name("race resample", tests, NULL, NULL);
}

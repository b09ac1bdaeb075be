// SPDX-License-Identifier: BSD-3-Clause
/*
 * A line that rises, falls or goes away while the guest completes interrupts:
 * no level is lost, and what is down stays silent.
 */
#include "race.h"
#include <sched.h>
#include <virq/source.h>

struct device {
	struct bench *b;
	struct relay relay;
	struct virq_line_source *line;
	int fd;
	int resamplefd;
};

static uint64_t take(int fd)
{
	uint64_t value = 0;

	(void)!read(fd, &value, sizeof(value));
	return value;
}

static void create(struct device *device)
{
	assert_int_equal(virq_line_source_create(device->b->loop, device->fd,
						 device->resamplefd, 1,
						 &device->line),
			 0);
}

static struct device *begin(void **state)
{
	static struct device device;

	device = (struct device){.b = bench_begin(state)};
	device.fd = new_eventfd(0, EFD_NONBLOCK);
	device.resamplefd = new_eventfd(0, EFD_NONBLOCK);
	assert_int_equal(virq_loop_start(device.b->loop), 0);
	return &device;
}

static void end(struct device *device)
{
	close(device->fd);
	close(device->resamplefd);
}

/* The guest completes, once a round. */
static void *complete_in_rounds(void *opaque)
{
	struct device *device = opaque;

	for (unsigned long n = 1; relay_await(&device->relay, n); n++) {
		race_jitter(n, 1);
		signal_fd(device->resamplefd, 1);
		relay_finish(&device->relay, n);
	}
	return NULL;
}

/* The round's completion has been written, and the loop has dealt with it. */
static void settle(struct device *device, unsigned long n)
{
	struct virq_line_source_info info;

	relay_join(&device->relay, n);
	do {
		sched_yield();
		virq_line_source_query(device->line, &info);
	} while (info.completed < n);
}

/* Between the rise and the completion, or after both, there is a signal. */
static bool rise(struct device *device, unsigned long n)
{
	uint64_t signals;

	relay_start(&device->relay, n);
	race_jitter(n, 2);
	virq_line_source_set(device->line, true);
	settle(device, n);
	signals = take(device->fd);
	return signals < 1 || signals > 2;
}

static bool stay_up(struct device *device, unsigned long n)
{
	relay_start(&device->relay, n);
	virq_line_source_set(device->line, true);
	settle(device, n);
	return take(device->fd) != 1;
}

/* The last signal, if any, comes before the return. */
static bool fall(struct device *device, unsigned long n)
{
	uint64_t signals;

	relay_start(&device->relay, n);
	/* The loop takes its time to wake up. */
	for (unsigned long i = 0; i < n % 32; i++)
		race_jitter(n + i, 2);
	virq_line_source_set(device->line, false);
	signals = take(device->fd);
	settle(device, n);
	return signals > 1 || take(device->fd);
}

static void rise_and_fall_against_completion(void **state)
{
	struct device *device = begin(state);
	unsigned long bad = 0, rounds = race_rounds(6000);
	pthread_t thread;

	create(device);
	assert_int_equal(
		pthread_create(&thread, NULL, complete_in_rounds, device), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		switch (n % 3) {
		case 0: bad += fall(device, n); break;
		case 1: bad += rise(device, n); break;
		case 2: bad += stay_up(device, n); break;
		}
	}
	relay_stop(&device->relay);
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	virq_line_source_destroy(device->line);
	end(device);
}

static void destroy_against_completion(void **state)
{
	struct device *device = begin(state);
	unsigned long bad = 0, rounds = race_rounds(3000);
	pthread_t thread;

	assert_int_equal(
		pthread_create(&thread, NULL, complete_in_rounds, device), 0);
	for (unsigned long n = 1; n <= rounds; n++) {
		uint64_t signals;

		create(device);
		virq_line_source_set(device->line, true);
		relay_start(&device->relay, n);
		race_jitter(n, 2);
		virq_line_source_destroy(device->line);
		signals = take(device->fd);
		bad += signals < 1 || signals > 2;
		relay_join(&device->relay, n);
		bad += take(device->fd) != 0;
		/* What nobody took. */
		take(device->resamplefd);
	}
	relay_stop(&device->relay);
	pthread_join(thread, NULL);
	assert_int_equal(bad, 0);
	end(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rise_and_fall_against_completion),
		BOTH(destroy_against_completion),
	};

	return cmocka_run_group_tests_name("race line source", tests, NULL,
					   NULL);
}

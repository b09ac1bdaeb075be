// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqfd: what a signal becomes.  Injection and its two paths, the counter,
 * coalescing, and signals around assign, deassign and VM close.
 */
#include "fake_irqchip.h"
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>

#define GSI 6

static unsigned long edges(const struct bench *b)
{
	return atomic_load(&b->fake.edges[0][GSI]);
}

/* A plain irqfd pulses its line as source 0: up, then down. */
static void plain_irqfd_pulses_source_0(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	struct fake_event event;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	/* The GSI has one route: the fast path was asked first. */
	EXPECT_OPS(&b->fake, FAKE_INATOMIC, FAKE_SET, FAKE_SET);
	event = fake_nth(&b->fake, FAKE_INATOMIC, 0);
	assert_int_equal(event.source_id, VIRQ_SOURCE_USERSPACE);
	assert_int_equal(event.level, 1);
	event = fake_nth(&b->fake, FAKE_SET, 0);
	assert_int_equal(event.gsi, GSI);
	assert_int_equal(event.source_id, VIRQ_SOURCE_USERSPACE);
	assert_int_equal(event.level, 1);
	event = fake_nth(&b->fake, FAKE_SET, 1);
	assert_int_equal(event.source_id, VIRQ_SOURCE_USERSPACE);
	assert_int_equal(event.level, 0);
	close(fd);
}

/* A route with a pulse of its own is asked once; the others as before. */
static void route_with_a_pulse_is_asked_once(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry two[] = {route_pin(GSI, 1, 1),
						    route_pin(GSI, 0, 1)};
	int fd = new_eventfd(0, 0), level = new_eventfd(0, 0);
	int rfd = new_eventfd(0, 0);
	struct virq_irqfd_info info;

	b->fake.has_pulse = true;
	b->fake.set_rc[0] = -1;
	b->fake.set_rc[1] = 2;
	assert_int_equal(set_routes(b->vm, two, 2), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	EXPECT_OPS(&b->fake, FAKE_PULSE, FAKE_PULSE);
	assert_int_equal(b->fake.log[0].chip, 1);
	assert_int_equal(b->fake.log[0].source_id, VIRQ_SOURCE_USERSPACE);
	assert_int_equal(b->fake.log[1].chip, 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.delivered, 1);
	/* A level is no pulse. */
	assert_int_equal(assign_resample(b->vm, level, GSI, rfd), 0);
	fake_clear(&b->fake);
	signal_fd(level, 1);
	bench_pump(b);
	EXPECT_OPS(&b->fake, FAKE_SET, FAKE_SET);
	close(fd);
	close(level);
	close(rfd);
}

/* A resample irqfd only raises its line, as source 1. */
static void resample_irqfd_raises_source_1(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0);
	struct fake_event event;

	assert_int_equal(assign_resample(b->vm, fd, GSI, rfd), 0);
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	EXPECT_OPS(&b->fake, FAKE_INATOMIC, FAKE_SET);
	event = fake_nth(&b->fake, FAKE_INATOMIC, 0);
	assert_int_equal(event.source_id, VIRQ_SOURCE_USERSPACE);
	event = fake_nth(&b->fake, FAKE_SET, 0);
	assert_int_equal(event.source_id, VIRQ_SOURCE_RESAMPLE);
	assert_int_equal(event.level, 1);
	assert_int_equal(b->fake.pins[0][GSI], 1u << VIRQ_SOURCE_RESAMPLE);
	close(fd);
	close(rfd);
}

/* Any answer of the fast path but -EWOULDBLOCK is final. */
static void fast_path_answer_is_final(void **state)
{
	static const int answers[] = {1, 0, -1, -EINVAL, 2};
	struct bench *b = bench_begin(state);
	struct virq_irqfd_info info;
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		fake_clear(&b->fake);
		b->fake.inatomic_rc = answers[i];
		signal_fd(fd, 1);
		bench_pump(b);
		EXPECT_OPS(&b->fake, FAKE_INATOMIC);
		assert_int_equal(counter_of(fd), 0);
	}
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.signals, 5);
	assert_int_equal(info.delivered, 2);
	assert_int_equal(info.coalesced, 1);
	assert_int_equal(info.ignored, 2);
	close(fd);
}

/* Several routes, or none: the fast path is not asked. */
static void fast_path_needs_exactly_one_route(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry two[] = {route_pin(GSI, 0, 1),
						    route_pin(GSI, 1, 2)};
	int fd = new_eventfd(0, 0);

	b->fake.inatomic_rc = 1;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(set_routes(b->vm, two, 2), 0);
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	EXPECT_OPS(&b->fake, FAKE_SET, FAKE_SET, FAKE_SET, FAKE_SET);
	assert_int_equal(b->fake.edges[0][1], 1);
	assert_int_equal(b->fake.edges[1][2], 1);
	assert_int_equal(set_routes(b->vm, NULL, 0), 0);
	fake_clear(&b->fake);
	signal_fd(fd, 1);
	bench_pump(b);
	EXPECT_OPS(&b->fake, FAKE_NR_OPS);
	assert_int_equal(counter_of(fd), 0);
	close(fd);
}

/* A default chip, without the hook, goes down the ordinary path. */
static void without_fast_path_the_line_is_pulsed(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	b->fake.ops.set_irq_inatomic = NULL;
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(b->fake.count[FAKE_SET], 2);
	close(fd);
}

/* We drain the counter, as the kernel's irqfd does. */
static void signal_drains_the_counter(void **state)
{
	static const int flags[] = {0, EFD_NONBLOCK};
	struct bench *b = bench_begin(state);

	for (int i = 0; i < 2; i++) {
		int fd = new_eventfd(0, flags[i]);
		unsigned long before = edges(b);

		assert_int_equal(assign(b->vm, fd, GSI), 0);
		for (int n = 1; n <= 10; n++) {
			signal_fd(fd, 1);
			bench_pump(b);
			assert_int_equal(edges(b), before + n);
			assert_int_equal(counter_of(fd), 0);
		}
		assert_int_equal(deassign(b->vm, fd, GSI), 0);
		assert_int_equal(edges(b), before + 10);
		close(fd);
	}
}

/* A write of v > 1 is one interrupt, up to the largest. */
static void value_of_the_write_does_not_matter(void **state)
{
	static const uint64_t values[] = {2, 1000, UINT32_MAX, UINT64_MAX - 1};
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, EFD_NONBLOCK);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (unsigned int i = 0; i < 4; i++) {
		signal_fd(fd, values[i]);
		bench_pump(b);
		assert_int_equal(edges(b), i + 1);
		assert_int_equal(counter_of(fd), 0);
	}
	close(fd);
}

/* N writes may coalesce, but never into none. */
static void writes_coalesce_but_never_to_nothing(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	for (unsigned int n = 1; n < 50; n++) {
		unsigned long before = edges(b);

		for (unsigned int i = 0; i < n; i++)
			signal_fd(fd, 1);
		bench_pump(b);
		assert_in_range(edges(b), before + 1, before + n);
		assert_int_equal(counter_of(fd), 0);
	}
	close(fd);
}

/* Of an EFD_SEMAPHORE eventfd each signal takes one. */
static void semaphore_loses_one_a_signal(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, EFD_SEMAPHORE);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	signal_fd(fd, 3);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(counter_of(fd), 2);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), 2);
	assert_int_equal(counter_of(fd), 2);
	close(fd);
}

/* Signalled before assign: one interrupt, and the counter stays. */
static void pre_signalled_injects_once_and_is_not_drained(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(5, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(counter_of(fd), 5);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	/* The next signal drains old and new together. */
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), 2);
	assert_int_equal(counter_of(fd), 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), 3);
	close(fd);
}

/* ... and deassign drains it, without another interrupt. */
static void pre_signalled_is_drained_by_deassign(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(5, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(edges(b), 1);
	assert_int_equal(counter_of(fd), 0);
	/* Deassigned before the loop looked: the one is still delivered. */
	signal_fd(fd, 2);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(edges(b), 2);
	assert_int_equal(counter_of(fd), 0);
	close(fd);
}

/*
 * The old count is the caller's to read.  A signal that brings the counter
 * back to the same number is a signal all the same.
 */
static void reading_the_old_count_hides_no_signal(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(1, EFD_NONBLOCK);
	uint64_t value;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	for (unsigned int n = 2; n < 6; n++) {
		/* Drained by us from the second round on. */
		(void)!read(fd, &value, sizeof(value));
		signal_fd(fd, 1);
		bench_pump(b);
		assert_int_equal(edges(b), n);
	}
	assert_int_equal(counter_of(fd), 0);
	/* The same, when the loop had not looked before the read. */
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	signal_fd(fd, 1);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(read(fd, &value, sizeof(value)), sizeof(value));
	bench_pump(b);
	value = edges(b);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), value + 1);
	close(fd);
}

/* ... nor from deassign, which delivers what was signalled before it. */
static void reading_the_old_count_hides_none_from_deassign(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(1, EFD_NONBLOCK);
	uint64_t value;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(read(fd, &value, sizeof(value)), sizeof(value));
	signal_fd(fd, 1);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(edges(b), 2);
	assert_int_equal(counter_of(fd), 0);
	close(fd);
}

static void pre_signalled_semaphore(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(2, EFD_SEMAPHORE);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(counter_of(fd), 2);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(edges(b), 2);
	assert_int_equal(counter_of(fd), 2);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);

	/* Nothing came on top: deassign has nothing to deliver. */
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	unsigned long before = edges(b);

	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(edges(b), before);
	close(fd);
}

/* A counter at its maximum at assign is a signalled one, too. */
static void full_counter_at_assign(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, EFD_NONBLOCK);
	const uint64_t one = 1;

	signal_fd(fd, UINT64_MAX - 1);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	assert_int_equal(counter_of(fd), UINT64_MAX - 1);
	/* Writers see EAGAIN as on any full eventfd. */
	assert_int_equal(write(fd, &one, sizeof(one)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(counter_of(fd), 0);
	close(fd);
}

/* What was signalled before deassign is in the chip when it returns. */
static void deassign_delivers_what_came_before(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	for (unsigned int n = 1; n < 20; n++) {
		assert_int_equal(assign(b->vm, fd, GSI), 0);
		if (n & 1)
			bench_pump(b);
		signal_fd(fd, 1);
		assert_int_equal(deassign(b->vm, fd, GSI), 0);
		assert_int_equal(edges(b), n);
		assert_int_equal(counter_of(fd), 0);
	}
	close(fd);
}

/* After deassign: nothing injected, the write kept for the next assign. */
static void write_while_deassigned_is_kept(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	signal_fd(fd, 3);
	bench_pump(b);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
	assert_int_equal(counter_of(fd), 3);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(edges(b), 1);
	close(fd);
}

/* Deassign, assign, deassign ... of one eventfd needs no pause. */
static void reassign_right_after_deassign(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	for (uint32_t n = 0; n < 500; n++) {
		uint32_t gsi = n % FAKE_NR_PINS;
		unsigned long before = b->fake.edges[0][gsi];

		assert_int_equal(assign(b->vm, fd, gsi), 0);
		signal_fd(fd, 1);
		if (n % 3)
			bench_pump(b);
		assert_int_equal(deassign(b->vm, fd, gsi), 0);
		assert_int_equal(b->fake.edges[0][gsi], before + 1);
	}
	close(fd);
}

/* No route at assign: consumed and lost; a route added later counts. */
static void route_added_later_takes_effect(void **state)
{
	struct bench *b = bench_begin(state);
	const struct kvm_irq_routing_entry entry = route_pin(1000, 2, 3);
	struct virq_irqfd_info info;
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, 1000), 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(counter_of(fd), 0);
	assert_int_equal(b->fake.count[FAKE_SET], 0);
	assert_int_equal(set_routes(b->vm, &entry, 1), 0);
	bench_pump(b);
	assert_int_equal(b->fake.edges[2][3], 0);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[2][3], 1);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.ignored, 1);
	assert_int_equal(info.delivered, 1);
	close(fd);
}

/* signals = delivered + coalesced + ignored, by what the chip answered. */
static void query_counts_what_became_of_signals(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_irqfd_info info;
	int fd = new_eventfd(0, 0);
	unsigned int n = 0;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (int rc = -2; rc <= 2; rc++) {
		b->fake.set_rc[0] = rc;
		signal_fd(fd, 1);
		bench_pump(b);
		n++;
	}
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.signals, n);
	assert_int_equal(info.ignored, 2);
	assert_int_equal(info.coalesced, 1);
	assert_int_equal(info.delivered, 2);
	assert_int_equal(info.resamples, 0);
	/* A new irqfd starts from nothing. */
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(virq_vm_irqfd_query(b->vm, fd, &info), 0);
	assert_int_equal(info.signals, 0);
	close(fd);
}

/* VM close: pending signals reach the chip, counters are drained. */
static void vm_close_delivers_and_drains(void **state)
{
	struct bench *b = bench_begin(state);
	int fds[FAKE_NR_PINS];

	for (uint32_t i = 0; i < FAKE_NR_PINS; i++) {
		fds[i] = new_eventfd(0, i & 1 ? EFD_SEMAPHORE : 0);
		assert_int_equal(assign(b->vm, fds[i], i), 0);
	}
	bench_pump(b);
	for (uint32_t i = 0; i < FAKE_NR_PINS; i++)
		signal_fd(fds[i], 1);
	bench_close_vm(b);
	for (uint32_t i = 0; i < FAKE_NR_PINS; i++) {
		assert_int_equal(b->fake.edges[0][i], 1);
		assert_int_equal(counter_of(fds[i]), 0);
		/* The eventfd is still the caller's. */
		signal_fd(fds[i], 1);
		assert_int_equal(counter_of(fds[i]), 1);
		close(fds[i]);
	}
	assert_int_equal(fake_nth(&b->fake, FAKE_DESTROY, 0).op, FAKE_DESTROY);
	assert_int_equal(b->fake.log[b->fake.nr_log - 1].op, FAKE_DESTROY);
}

/* The signal may come from any thread, to a loop with a thread of its own. */
static void signals_reach_a_running_loop(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (unsigned int n = 1; n <= 200; n++) {
		signal_fd(fd, 1);
		assert_true(fake_wait(&b->fake, FAKE_SET, 2ul * n));
		assert_int_equal(counter_of(fd), 0);
	}
	signal_fd(fd, 1);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(edges(b), 201);
	close(fd);
}

static void *write_once(void *opaque)
{
	signal_fd(*(int *)opaque, 1);
	return NULL;
}

/* The one that signals may be gone when the loop looks. */
static void signal_by_a_thread_that_has_exited(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	pthread_t thread;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	assert_int_equal(pthread_create(&thread, NULL, write_once, &fd), 0);
	pthread_join(thread, NULL);
	assert_true(bench_pump_until(b, &b->fake.edges[0][GSI], 1));
	assert_int_equal(edges(b), 1);
	close(fd);
}

/* Trigger and resamplefd may be one eventfd: each ack triggers again. */
static void eventfd_may_be_its_own_resamplefd(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign_resample(b->vm, fd, GSI, fd), 0);
	signal_fd(fd, 1);
	for (unsigned int n = 1; n < 10; n++) {
		assert_true(bench_pump_until(b, &b->fake.edges[0][GSI], n));
		assert_true(virq_irqchip_ack(&b->fake.base, 0, GSI));
	}
	/* The last ack signalled it; deassign delivers that, then lowers. */
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_int_equal(b->fake.pins[0][GSI], 0);
	assert_int_equal(counter_of(fd), 0);
	close(fd);
}

/* A blocking reader elsewhere does not stop the library. */
static void readers_elsewhere_do_not_block_the_loop(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	uint64_t value;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	bench_pump(b);
	signal_fd(fd, 1);
	/* Taken before the loop looked: it finds nothing and goes on. */
	if (counter_of(fd))
		assert_int_equal(read(fd, &value, sizeof(value)), 8);
	bench_pump(b);
	signal_fd(fd, 1);
	bench_pump(b);
	assert_in_range(edges(b), 1, 2);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(plain_irqfd_pulses_source_0),
		BOTH(route_with_a_pulse_is_asked_once),
		BOTH(resample_irqfd_raises_source_1),
		BOTH(fast_path_answer_is_final),
		BOTH(fast_path_needs_exactly_one_route),
		BOTH(without_fast_path_the_line_is_pulsed),
		BOTH(signal_drains_the_counter),
		BOTH(value_of_the_write_does_not_matter),
		BOTH(writes_coalesce_but_never_to_nothing),
		BOTH(semaphore_loses_one_a_signal),
		BOTH(pre_signalled_injects_once_and_is_not_drained),
		BOTH(pre_signalled_is_drained_by_deassign),
		BOTH(reading_the_old_count_hides_no_signal),
		BOTH(reading_the_old_count_hides_none_from_deassign),
		BOTH(pre_signalled_semaphore),
		BOTH(full_counter_at_assign),
		BOTH(deassign_delivers_what_came_before),
		BOTH(write_while_deassigned_is_kept),
		BOTH(reassign_right_after_deassign),
		BOTH(route_added_later_takes_effect),
		BOTH(query_counts_what_became_of_signals),
		BOTH(vm_close_delivers_and_drains),
		BOTH(signals_reach_a_running_loop),
		BOTH(signal_by_a_thread_that_has_exited),
		BOTH(eventfd_may_be_its_own_resamplefd),
		BOTH(readers_elsewhere_do_not_block_the_loop),
	};

	return cmocka_run_group_tests_name("irqfd signal", tests, NULL, NULL);
}

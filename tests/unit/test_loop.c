// SPDX-License-Identifier: BSD-3-Clause
/*
 * The event loop: who may drive it, in each of the three ways; that whatever
 * way is taken no signal is left behind; its limits and its end.
 */
#include "fake_irqchip.h"
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#define GSI 2
#define PATIENCE_MS 10000

static unsigned long edges(const struct bench *b)
{
	return atomic_load(&b->fake.edges[0][GSI]);
}

static struct bench *small_loop(void **state, struct virq_loop_config config)
{
	struct bench *b = bench_begin(state);

	bench_close_vm(b);
	assert_int_equal(virq_loop_destroy(b->loop), 0);
	config.backend = b->backend;
	assert_int_equal(virq_loop_create(&config, &b->loop), 0);
	b->vm = bench_vm(b, &b->fake);
	assert_non_null(b->vm);
	fake_clear(&b->fake);
	return b;
}

static void backend_in_force_is_told(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_loop_config config = {.backend = 77};
	struct virq_loop *loop;

	assert_int_equal(virq_loop_backend(b->loop), b->backend);
	assert_int_equal(virq_loop_create(&config, &loop), -EINVAL);
	assert_int_equal(virq_loop_create(NULL, &loop), 0);
	assert_true(virq_loop_backend(loop) == VIRQ_LOOP_EPOLL ||
		    virq_loop_backend(loop) == VIRQ_LOOP_IO_URING);
	assert_int_equal(virq_loop_destroy(loop), 0);
}

/* The test may be looking by a dispatch at that moment: try again. */
static void *run_loop(void *opaque)
{
	int rc;

	do
		rc = virq_loop_run(opaque);
	while (rc == -EBUSY);
	return (void *)(intptr_t)rc;
}

/* Until another thread is seen to drive the loop. */
static void await_driven(struct virq_loop *loop)
{
	while (virq_loop_dispatch(loop) != -EBUSY)
		;
}

static void one_driver_at_a_time(void **state)
{
	struct bench *b = bench_begin(state);
	pthread_t thread;
	void *rc;

	assert_int_equal(pthread_create(&thread, NULL, run_loop, b->loop), 0);
	await_driven(b->loop);
	assert_int_equal(virq_loop_run(b->loop), -EBUSY);
	assert_int_equal(virq_loop_start(b->loop), -EBUSY);
	virq_loop_stop(b->loop);
	pthread_join(thread, &rc);
	assert_int_equal((intptr_t)rc, 0);

	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(virq_loop_start(b->loop), -EBUSY);
	assert_int_equal(virq_loop_run(b->loop), -EBUSY);
	assert_int_equal(virq_loop_dispatch(b->loop), -EBUSY);
}

/* stop before run: run returns at once; the next run runs. */
static void stop_before_run(void **state)
{
	struct bench *b = bench_begin(state);
	pthread_t thread;
	int fd = new_eventfd(0, 0);

	virq_loop_stop(b->loop);
	assert_int_equal(virq_loop_run(b->loop), 0);
	virq_loop_stop(b->loop);
	virq_loop_stop(b->loop);
	assert_int_equal(virq_loop_run(b->loop), 0);
	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, b->loop), 0);
	signal_fd(fd, 1);
	assert_true(fake_wait(&b->fake, FAKE_SET, 2));
	virq_loop_stop(b->loop);
	pthread_join(thread, NULL);
	close(fd);
}

static struct virq_loop *signalled_loop;

static atomic_bool stop_handled;

static void stop_in_handler(int signal)
{
	(void)signal;
	virq_loop_stop(signalled_loop);
	atomic_store(&stop_handled, true);
}

static void stop_from_a_signal_handler(void **state)
{
	struct bench *b = bench_begin(state);
	struct sigaction action = {.sa_handler = stop_in_handler}, old;
	pthread_t thread;

	signalled_loop = b->loop;
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	assert_int_equal(pthread_create(&thread, NULL, run_loop, b->loop), 0);
	await_driven(b->loop);
	/*
	 * Until the handler has run once: ThreadSanitizer drops a signal that
	 * comes early in a thread's life.
	 */
	atomic_store(&stop_handled, false);
	while (!atomic_load(&stop_handled)) {
		assert_int_equal(pthread_kill(thread, SIGUSR1), 0);
		sched_yield();
	}
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &old, NULL);
}

/* Start and stop again and again, with signals in between. */
static void start_stop_start(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0);
	unsigned long seen = 0;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (int n = 0; n < 50; n++) {
		int rc;

		do
			rc = virq_loop_start(b->loop);
		while (rc == -EBUSY);
		assert_int_equal(rc, 0);
		signal_fd(fd, 1);
		assert_true(fake_wait(&b->fake, FAKE_SET, seen + 2));
		seen = b->fake.count[FAKE_SET];
		virq_loop_stop(b->loop);
		/* This one comes while it stops, or when nobody drives. */
		signal_fd(fd, 1);
	}
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	assert_in_range(edges(b), 51, 100);
	close(fd);
}

static void destroy_with_a_vm_is_ebusy(void **state)
{
	struct bench *b = bench_begin(state);

	assert_int_equal(virq_loop_destroy(b->loop), -EBUSY);
	assert_int_equal(virq_loop_start(b->loop), 0);
	assert_int_equal(virq_loop_destroy(b->loop), -EBUSY);
	/* Nothing was done: the thread still drives it. */
	assert_int_equal(virq_loop_dispatch(b->loop), -EBUSY);
}

/*
 * The loop's own thread has stopped; another one drives it now.  Destroy must
 * neither stop that one nor free the loop under it.
 */
static void destroy_under_another_driver_is_ebusy(void **state)
{
	struct bench *b = bench_begin(state);
	pthread_t thread;

	bench_close_vm(b);
	assert_int_equal(virq_loop_start(b->loop), 0);
	virq_loop_stop(b->loop);
	while (virq_loop_dispatch(b->loop) == -EBUSY)
		;
	assert_int_equal(pthread_create(&thread, NULL, run_loop, b->loop), 0);
	await_driven(b->loop);
	assert_int_equal(virq_loop_destroy(b->loop), -EBUSY);
	for (int n = 0; n < 20000; n++)
		assert_int_equal(virq_loop_dispatch(b->loop), -EBUSY);
	virq_loop_stop(b->loop);
	pthread_join(thread, NULL);
}

/* An outer epoll set, as a VMM has one. */
static int outer_set(struct bench *b)
{
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC);

	assert_true(set >= 0);
	assert_int_equal(
		epoll_ctl(set, EPOLL_CTL_ADD, virq_loop_fd(b->loop), &event),
		0);
	return set;
}

/* Dispatch only when told to, until @edges have come. */
static void drive_by(int set, struct bench *b, unsigned long wanted)
{
	while (edges(b) < wanted) {
		struct epoll_event event;
		int rc = epoll_wait(set, &event, 1, PATIENCE_MS);

		if (rc < 0 && errno == EINTR)
			continue;
		/* 0: a signal was lost, nothing is ready. */
		assert_int_equal(rc, 1);
		assert_true(virq_loop_dispatch(b->loop) >= 0);
	}
}

/* Dispatch while the descriptor is readable; it must become quiet. */
static void drive_until_quiet(int set, struct bench *b)
{
	struct epoll_event event;

	for (int n = 0; epoll_wait(set, &event, 1, 0) == 1; n++) {
		assert_true(n < 1000);
		assert_true(virq_loop_dispatch(b->loop) >= 0);
	}
}

static void every_signal_through_an_outer_epoll(void **state)
{
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (unsigned long n = 1; n <= 500; n++) {
		signal_fd(fd, 1);
		drive_by(set, b, n);
		assert_int_equal(edges(b), n);
	}
	drive_until_quiet(set, b);
	close(fd);
	close(set);
}

/* The second assign must make the descriptor readable as the first did. */
static void every_assign_through_an_outer_epoll(void **state)
{
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fds[8];

	for (unsigned int i = 0; i < 8; i++) {
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, fds[i], GSI), 0);
		/* With the even ones the dispatch comes before the signal. */
		if (i % 2 == 0)
			drive_until_quiet(set, b);
		signal_fd(fds[i], 1);
		drive_by(set, b, i + 1);
		drive_until_quiet(set, b);
	}
	/* Deassign drives the loop for a moment; then all is as before. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(deassign(b->vm, fds[i], GSI), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(assign(b->vm, fds[i], GSI), 0);
	for (unsigned int i = 0; i < 8; i++) {
		signal_fd(fds[i], 1);
		drive_by(set, b, 9 + i);
	}
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
	close(set);
}

static void pre_signalled_through_an_outer_epoll(void **state)
{
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fd = new_eventfd(4, 0);
	int semaphore = new_eventfd(0, EFD_SEMAPHORE);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	drive_by(set, b, 1);
	drive_until_quiet(set, b);
	for (unsigned long n = 2; n < 20; n++) {
		signal_fd(fd, 1);
		drive_by(set, b, n);
		drive_until_quiet(set, b);
	}
	assert_int_equal(assign(b->vm, semaphore, GSI), 0);
	for (unsigned long n = 20; n < 40; n++) {
		signal_fd(semaphore, 1);
		drive_by(set, b, n);
		drive_until_quiet(set, b);
	}
	close(fd);
	close(semaphore);
	close(set);
}

static void *dispatch_and_exit(void *opaque)
{
	struct bench *b = opaque;

	while (virq_loop_dispatch(b->loop) > 0)
		;
	return NULL;
}

/* What a thread armed is armed after its exit, for whoever drives on. */
static void driver_that_armed_has_exited(void **state)
{
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fd = new_eventfd(0, 0),
	    late = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (unsigned long n = 1; n <= 20; n++) {
		pthread_t thread;

		assert_int_equal(
			pthread_create(&thread, NULL, dispatch_and_exit, b), 0);
		pthread_join(thread, NULL);
		signal_fd(fd, 1);
		drive_by(set, b, n);
	}
	/* Also its own: the wake-up and the timers. */
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, dispatch_and_exit, b),
			 0);
	pthread_join(thread, NULL);
	drive_until_quiet(set, b);
	assert_int_equal(assign(b->vm, late, GSI), 0);
	signal_fd(late, 1);
	drive_by(set, b, 21);
	close(fd);
	close(late);
	close(set);
}

/* From a thread's loop to the VMM's own epoll set. */
static void outer_epoll_after_run(void **state)
{
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fd = new_eventfd(0, 0), late;
	unsigned long n = 0;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	for (int round = 0; round < 20; round++) {
		int rc;

		do
			rc = virq_loop_start(b->loop);
		while (rc == -EBUSY);
		signal_fd(fd, 1);
		n++;
		assert_true(fake_wait(&b->fake, FAKE_SET, 2 * n));
		virq_loop_stop(b->loop);
		while (virq_loop_dispatch(b->loop) == -EBUSY)
			;
		drive_until_quiet(set, b);
		late = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, late, GSI), 0);
		signal_fd(late, 1);
		drive_by(set, b, ++n);
		signal_fd(fd, 1);
		drive_by(set, b, ++n);
		assert_int_equal(deassign(b->vm, late, GSI), 0);
		close(late);
	}
	close(fd);
	close(set);
}

/* Ten thousand at once: each dispatch is bounded, none is left. */
static void flood_through_an_outer_epoll(void **state)
{
	enum { MANY = 300 };
	struct bench *b = bench_begin(state);
	int set = outer_set(b), fds[MANY];

	for (int i = 0; i < MANY; i++) {
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, fds[i], GSI), 0);
	}
	for (unsigned long n = 1; n <= 10; n++) {
		for (int i = 0; i < MANY; i++)
			signal_fd(fds[i], 1);
		drive_by(set, b, n * MANY);
		assert_int_equal(edges(b), n * MANY);
	}
	drive_until_quiet(set, b);
	for (int i = 0; i < MANY; i++)
		close(fds[i]);
	close(set);
}

static void dispatch_tells_how_many(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_loop_stats before, after;
	int fds[5], total = 0, n;

	for (int i = 0; i < 5; i++) {
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, fds[i], GSI), 0);
	}
	bench_pump(b);
	assert_int_equal(virq_loop_dispatch(b->loop), 0);
	virq_loop_get_stats(b->loop, &before);
	for (int i = 0; i < 5; i++)
		signal_fd(fds[i], 1);
	while ((n = virq_loop_dispatch(b->loop)) > 0)
		total += n;
	assert_int_equal(total, 5);
	virq_loop_get_stats(b->loop, &after);
	assert_int_equal(after.events, before.events + 5);
	for (int i = 0; i < 5; i++)
		close(fds[i]);
}

static void max_sources_is_enospc(void **state)
{
	struct bench *b =
		small_loop(state, (struct virq_loop_config){.max_sources = 3});
	int fds[4], spare;

	for (unsigned int i = 0; i < 4; i++) {
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, fds[i], i), i < 3 ? 0 : -ENOSPC);
	}
	assert_int_equal(b->fake.objects, 3);
	/* It was undone: the eventfd may go elsewhere, or come later. */
	assert_int_equal(deassign(b->vm, fds[1], 1), 0);
	assert_int_equal(assign(b->vm, fds[3], 3), 0);
	spare = new_eventfd(0, 0);
	assert_int_equal(assign(b->vm, spare, 3), -ENOSPC);
	signal_fd(fds[3], 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][3], 1);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	close(spare);
}

/* ... whatever kind of eventfd takes the room. */
static void max_sources_counts_every_kind(void **state)
{
	struct bench *b =
		small_loop(state, (struct virq_loop_config){.max_sources = 3});
	int fds[4] = {new_eventfd(0, 0), new_eventfd(1, 0),
		      new_eventfd(0, EFD_SEMAPHORE), new_eventfd(0, 0)};

	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(assign(b->vm, fds[i], i), i < 3 ? 0 : -ENOSPC);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(deassign(b->vm, fds[i], i), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(assign(b->vm, fds[3 - i], i), 0);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* irqfds of one VM are spread over its loops by GSI; each loop is needed. */
static void several_loops_in_one_vm(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_loop_config lc = {.backend = b->backend};
	struct virq_loop *loops[3] = {b->loop};
	struct virq_vm_config config = {.loops = loops, .nr_loops = 3};
	struct fake other;
	struct virq_vm *vm;
	int fds[6];

	fake_init(&other);
	for (int i = 1; i < 3; i++)
		assert_int_equal(virq_loop_create(&lc, &loops[i]), 0);
	assert_int_equal(virq_vm_create(&config, &vm), 0);
	assert_int_equal(virq_vm_create_irqchip(vm, &other.ops, &other), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(virq_loop_start(loops[i]), 0);
	for (uint32_t i = 0; i < 6; i++) {
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(vm, fds[i], i), 0);
		signal_fd(fds[i], 1);
	}
	assert_true(fake_wait(&other, FAKE_SET, 12));
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(other.edges[0][i], 1);
		signal_fd(fds[i], 1);
	}
	for (int i = 1; i < 3; i++)
		assert_int_equal(virq_loop_destroy(loops[i]), -EBUSY);
	virq_vm_close(vm);
	for (uint32_t i = 0; i < 6; i++) {
		assert_int_equal(other.edges[0][i], 2);
		close(fds[i]);
	}
	for (int i = 1; i < 3; i++)
		assert_int_equal(virq_loop_destroy(loops[i]), 0);
}

static void several_vms_on_one_loop(void **state)
{
	enum { VMS = 10 };
	struct bench *b = bench_begin(state);
	static struct fake fakes[VMS];
	struct virq_vm *vms[VMS];
	int fds[VMS];

	for (int i = 0; i < VMS; i++) {
		fake_init(&fakes[i]);
		vms[i] = bench_vm(b, &fakes[i]);
		fds[i] = new_eventfd(0, 0);
		assert_int_equal(assign(vms[i], fds[i], GSI), 0);
	}
	for (int i = 0; i < VMS; i++)
		signal_fd(fds[i], 1);
	bench_pump(b);
	for (int i = 0; i < VMS; i++)
		assert_int_equal(fakes[i].edges[0][GSI], 1);
	/* One VM's end is nothing to the others. */
	for (int i = 0; i < VMS; i += 2)
		virq_vm_close(vms[i]);
	for (int i = 0; i < VMS; i++)
		signal_fd(fds[i], 1);
	bench_pump(b);
	for (int i = 0; i < VMS; i++) {
		assert_int_equal(fakes[i].edges[0][GSI], 1 + i % 2);
		if (i % 2)
			virq_vm_close(vms[i]);
		close(fds[i]);
	}
}

static void vm_without_a_loop_is_einval(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_vm_config config = {.loops = &b->loop};
	struct virq_vm *vm;

	assert_int_equal(virq_vm_create(NULL, &vm), -EINVAL);
	assert_int_equal(virq_vm_create(&config, &vm), -EINVAL);
	config.nr_loops = 1;
	config.loops = NULL;
	assert_int_equal(virq_vm_create(&config, &vm), -EINVAL);
	virq_vm_close(NULL);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* With busy polling everything arrives as without, and some is found so. */
static void busy_polling_finds_events(void **state)
{
	struct bench *b = small_loop(
		state, (struct virq_loop_config){.busy_poll_max_ns = 50000000});
	struct virq_loop_stats stats;
	int fd = new_eventfd(0, 0);
	uint64_t until = monotonic_ns() + 10 * UINT64_C(1000000000);
	unsigned long n = 0;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	do {
		signal_fd(fd, 1);
		n++;
		assert_true(fake_wait(&b->fake, FAKE_SET, 2 * n));
		virq_loop_get_stats(b->loop, &stats);
	} while (n < 50 || (!stats.busy_polls && monotonic_ns() < until));
	assert_true(stats.busy_polls > 0);
	assert_int_equal(edges(b), n);
	assert_int_equal(deassign(b->vm, fd, GSI), 0);
	close(fd);
}

/*
 * Linked with --wrap=epoll_wait: a stop that comes between the loop's last look
 * and the poll that takes its wake-up.
 */
static _Atomic(struct virq_loop *) stop_in_poll;

int __real_epoll_wait(int set, struct epoll_event *events, int max,
		      int timeout);
int __wrap_epoll_wait(int set, struct epoll_event *events, int max,
		      int timeout);

int __wrap_epoll_wait(int set, struct epoll_event *events, int max, int timeout)
{
	struct virq_loop *loop = NULL;

	if (!timeout)
		loop = atomic_exchange(&stop_in_poll, NULL);
	if (loop)
		virq_loop_stop(loop);
	return __real_epoll_wait(set, events, max, timeout);
}

/* Busy polling must not sleep over the stop whose wake-up it has taken. */
static void stop_while_busy_polling(void **state)
{
	struct bench *b = small_loop(
		state, (struct virq_loop_config){.busy_poll_max_ns = 50000000});
	int fd = new_eventfd(0, 0);
	unsigned long n = 0;
	uint64_t until;

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	atomic_store(&stop_in_poll, b->loop);
	until = monotonic_ns() + 3 * UINT64_C(1000000000);
	/* Signals make it poll; the first poll brings the stop. */
	while (atomic_load(&stop_in_poll)) {
		assert_true(monotonic_ns() < until);
		signal_fd(fd, 1);
		n++;
		(void)fake_wait(&b->fake, FAKE_SET, 2 * n);
	}
	while (virq_loop_dispatch(b->loop) == -EBUSY)
		assert_true(monotonic_ns() < until);
	close(fd);
}

static void without_busy_polling_there_is_none(void **state)
{
	struct bench *b = bench_begin(state);
	struct virq_loop_stats stats;
	int fd = new_eventfd(0, 0);

	assert_int_equal(assign(b->vm, fd, GSI), 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	for (unsigned long n = 1; n < 20; n++) {
		signal_fd(fd, 1);
		assert_true(fake_wait(&b->fake, FAKE_SET, 2 * n));
	}
	virq_loop_get_stats(b->loop, &stats);
	assert_int_equal(stats.busy_polls, 0);
	assert_true(stats.sleeps > 0);
	close(fd);
}

/* The loop's own thread takes none of the process's signals. */
static void own_thread_blocks_signals(void **state)
{
	struct bench *b = bench_begin(state);
	struct sigaction action = {.sa_handler = stop_in_handler}, old;
	sigset_t set, before;
	struct timespec none = {0};

	signalled_loop = b->loop;
	assert_int_equal(sigaction(SIGUSR1, &action, &old), 0);
	assert_int_equal(virq_loop_start(b->loop), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &before);
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
	/* Nobody took it: it is still pending for us. */
	assert_int_equal(sigtimedwait(&set, NULL, &none), SIGUSR1);
	assert_int_equal(virq_loop_dispatch(b->loop), -EBUSY);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sigaction(SIGUSR1, &old, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(backend_in_force_is_told),
		BOTH(one_driver_at_a_time),
		BOTH(stop_before_run),
		BOTH(stop_from_a_signal_handler),
		BOTH(start_stop_start),
		BOTH(destroy_with_a_vm_is_ebusy),
		BOTH(destroy_under_another_driver_is_ebusy),
		BOTH(every_signal_through_an_outer_epoll),
		BOTH(every_assign_through_an_outer_epoll),
		BOTH(pre_signalled_through_an_outer_epoll),
		BOTH(driver_that_armed_has_exited),
		BOTH(outer_epoll_after_run),
		BOTH(flood_through_an_outer_epoll),
		BOTH(dispatch_tells_how_many),
		BOTH(max_sources_is_enospc),
		BOTH(max_sources_counts_every_kind),
		BOTH(several_loops_in_one_vm),
		BOTH(several_vms_on_one_loop),
		BOTH(vm_without_a_loop_is_einval),
		BOTH(busy_polling_finds_events),
		{"stop_while_busy_polling[epoll]", stop_while_busy_polling,
		 bench_setup_epoll, bench_teardown, NULL},
		BOTH(without_busy_polling_there_is_none),
		BOTH(own_thread_blocks_signals),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}

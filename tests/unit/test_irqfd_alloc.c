// SPDX-License-Identifier: BSD-3-Clause
/*
 * irqfd under shortage: every allocation fails once, descriptors run out, and
 * 19,000 irqfds in one process.  Linked with --wrap=malloc, --wrap=calloc and
 * --wrap=aligned_alloc.
 */
#include "fake_irqchip.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

/* The allocation that fails: counts down, 0 is now, negative is never. */
static _Thread_local int fail_after = -1;
static _Thread_local bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t nr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails_now(void)
{
	if (fail_after < 0 || fail_after--)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails_now() ? NULL : __real_calloc(nr, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails_now() ? NULL : __real_aligned_alloc(alignment, size);
}

/*
 * Run @step with the first, second, ... allocation failing, until it succeeds
 * without a failure.  How often it failed.
 */
static int fail_each(struct bench *b, int (*step)(struct bench *b))
{
	for (int n = 0; n < 100; n++) {
		int fds = count_fds(), objects = b->fake.objects, rc;

		fail_after = n;
		failed = false;
		rc = step(b);
		fail_after = -1;
		if (!failed) {
			assert_int_equal(rc, 0);
			return n;
		}
		/* A failure may be survived; else it is told, and undone. */
		if (!rc)
			continue;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(count_fds(), fds);
		assert_int_equal(b->fake.objects, objects);
	}
	fail_msg("it never succeeds");
	return 0;
}

static int plain_fd, resample_fd;
static uint32_t gsi;

static int step_assign(struct bench *b)
{
	return assign(b->vm, plain_fd, gsi);
}

static int step_assign_resample(struct bench *b)
{
	return assign_resample(b->vm, plain_fd, gsi, resample_fd);
}

static void assign_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);

	plain_fd = new_eventfd(0, 0);
	gsi = 3;
	/* The fake's object, the core's, init's resource. */
	assert_in_range(fail_each(b, step_assign), 3, 10);
	signal_fd(plain_fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][3], 1);
	assert_int_equal(deassign(b->vm, plain_fd, 3), 0);
	close(plain_fd);
}

static void resample_assign_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);

	plain_fd = new_eventfd(0, 0);
	resample_fd = new_eventfd(0, 0);
	gsi = 3;
	/* ... and the resampler, its notifier's place and its member's. */
	assert_in_range(fail_each(b, step_assign_resample), 5, 13);
	signal_fd(plain_fd, 1);
	bench_pump(b);
	assert_int_equal(b->fake.edges[0][3], 1);
	assert_true(virq_irqchip_ack(&b->fake.base, 0, 3));
	assert_int_equal(counter_of(resample_fd), 1);
	assert_int_equal(deassign(b->vm, plain_fd, 3), 0);
	assert_false(virq_irqchip_has_ack(&b->fake.base, 0, 3));
	close(plain_fd);
	close(resample_fd);
}

/* A second member: what fails leaves the first alone. */
static void joining_a_resampler_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);
	int first = new_eventfd(0, 0), rfd = new_eventfd(0, 0);

	assert_int_equal(assign_resample(b->vm, first, 3, rfd), 0);
	signal_fd(first, 1);
	bench_pump(b);
	plain_fd = new_eventfd(0, 0);
	resample_fd = new_eventfd(0, 0);
	gsi = 3;
	assert_in_range(fail_each(b, step_assign_resample), 4, 13);
	/* The line that the first holds stayed up. */
	assert_int_equal(b->fake.pins[0][3], 1u << VIRQ_SOURCE_RESAMPLE);
	assert_true(virq_irqchip_ack(&b->fake.base, 0, 3));
	assert_int_equal(counter_of(rfd), 1);
	assert_int_equal(counter_of(resample_fd), 1);
	close(plain_fd);
	close(resample_fd);
	close(first);
	close(rfd);
}

static int step_routes(struct bench *b)
{
	const struct kvm_irq_routing_entry entry = route_pin(3, 1, 7);

	/* The request itself is built by the test. */
	struct kvm_irq_routing *routing;
	int left = fail_after, rc;

	fail_after = -1;
	routing = calloc(1, sizeof(*routing) + sizeof(entry));
	assert_non_null(routing);
	routing->nr = 1;
	routing->entries[0] = entry;
	fail_after = left;
	rc = virq_vm_set_gsi_routing(b->vm, routing);
	free(routing);
	if (rc) {
		/* The old table stayed. */
		assert_int_equal(virq_vm_set_irq(b->vm, 0, 5, 1, false), 1);
		assert_int_equal(virq_vm_set_irq(b->vm, 0, 5, 0, false), 1);
	}
	return rc;
}

static void routing_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);

	assert_in_range(fail_each(b, step_routes), 4, 8);
	assert_int_equal(virq_vm_set_irq(b->vm, 0, 5, 1, false), -1);
	assert_int_equal(virq_vm_set_irq(b->vm, 0, 3, 1, false), 1);
	assert_int_equal(b->fake.edges[1][7], 1);
}

static struct virq_vm *made_vm;

static int step_vm(struct bench *b)
{
	struct virq_vm_config config = {.loops = &b->loop, .nr_loops = 1};
	struct fake *fake = b->fake.opaque;
	int rc = virq_vm_create(&config, &made_vm);

	if (rc)
		return rc;
	rc = virq_vm_create_irqchip(made_vm, &fake->ops, fake);
	if (rc) {
		assert_null(virq_vm_irqchip(made_vm));
		virq_vm_close(made_vm);
	}
	return rc;
}

static void vm_creation_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);
	struct fake other;

	fake_init(&other);
	b->fake.opaque = &other;
	assert_in_range(fail_each(b, step_vm), 5, 10);
	assert_int_equal(virq_vm_set_irq(made_vm, 0, 5, 1, false), 1);
	virq_vm_close(made_vm);
	assert_int_equal(other.count[FAKE_CREATE], other.count[FAKE_DESTROY]);
}

static struct virq_loop *made_loop;

static int step_loop(struct bench *b)
{
	struct virq_loop_config config = {
		.backend = b->backend,
		.max_sources = 16,
	};

	return virq_loop_create(&config, &made_loop);
}

static void loop_creation_survives_each_failed_allocation(void **state)
{
	struct bench *b = bench_begin(state);

	assert_in_range(fail_each(b, step_loop), 2, 10);
	assert_int_equal(virq_loop_backend(made_loop), b->backend);
	assert_int_equal(virq_loop_destroy(made_loop), 0);
}

/* No descriptor to be had: an errno, nothing left, and later it works. */
static void assign_survives_a_full_descriptor_table(void **state)
{
	struct bench *b = bench_begin(state);
	int fd = new_eventfd(0, 0), rfd = new_eventfd(0, 0), spare[64];
	struct rlimit limit, low;

	bench_pump(b);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int room = 0; room < 4; room++) {
		int nr = 0, rc;

		low = limit;
		low.rlim_cur = 64;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		while (nr < 64 && (spare[nr] = dup(fd)) >= 0)
			nr++;
		for (int i = 0; i < room; i++)
			close(spare[--nr]);
		rc = assign_resample(b->vm, fd, 1, rfd);
		while (nr)
			close(spare[--nr]);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		if (!room)
			assert_int_equal(rc, -EMFILE);
		assert_true(rc == 0 || rc == -EMFILE);
		assert_int_equal(b->fake.objects, !rc);
		assert_int_equal(deassign(b->vm, fd, 1), 0);
		assert_false(virq_irqchip_has_ack(&b->fake.base, 0, 1));
	}
	assert_int_equal(assign_resample(b->vm, fd, 1, rfd), 0);
	close(fd);
	close(rfd);
}

#define NR_MANY 19000
#define LIMIT_MANY 20000

static int many[NR_MANY];

/*
 * As many irqfds as the kernel manages under a limit of 20,000 descriptors: an
 * irqfd costs no second one.  Each delivers, by deassign and by VM close, too.
 */
static void nineteen_thousand_irqfds(void **state)
{
	struct bench *b = *state;
	struct rlimit limit, high;
	struct virq_irqfd_info info;

	if (!b->loop || b->backend != VIRQ_LOOP_IO_URING) {
		print_message("io_uring is not permitted here\n");
		skip();
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < LIMIT_MANY) {
		print_message("the hard RLIMIT_NOFILE is below 20000\n");
		skip();
	}
	high = limit;
	high.rlim_cur = LIMIT_MANY;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &high), 0);
	/* The loop's room follows from the limit when it is made. */
	bench_close_vm(b);
	assert_int_equal(virq_loop_destroy(b->loop), 0);
	struct virq_loop_config config = {.backend = VIRQ_LOOP_IO_URING};

	assert_int_equal(virq_loop_create(&config, &b->loop), 0);
	b->vm = bench_vm(b, &b->fake);
	assert_non_null(b->vm);
	b->fake.quiet = true;

	for (uint32_t i = 0; i < NR_MANY; i++) {
		many[i] = new_eventfd(0, 0);
		assert_int_equal(assign(b->vm, many[i], i % FAKE_NR_PINS), 0);
	}
	for (uint32_t i = 0; i < NR_MANY; i++)
		signal_fd(many[i], 1);
	bench_pump(b);
	assert_int_equal(b->fake.count[FAKE_SET], 2ul * NR_MANY);
	for (uint32_t i = 0; i < NR_MANY; i += 997) {
		assert_int_equal(virq_vm_irqfd_query(b->vm, many[i], &info), 0);
		assert_int_equal(info.signals, 1);
		assert_int_equal(info.delivered, 1);
	}
	for (uint32_t i = 0; i < NR_MANY; i++)
		signal_fd(many[i], 1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(deassign(b->vm, many[i], i % FAKE_NR_PINS), 0);
	bench_close_vm(b);
	assert_int_equal(b->fake.count[FAKE_SET], 4ul * NR_MANY);
	for (uint32_t i = 0; i < NR_MANY; i++)
		close(many[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(assign_survives_each_failed_allocation),
		BOTH(resample_assign_survives_each_failed_allocation),
		BOTH(joining_a_resampler_survives_each_failed_allocation),
		BOTH(routing_survives_each_failed_allocation),
		BOTH(vm_creation_survives_each_failed_allocation),
		BOTH(loop_creation_survives_each_failed_allocation),
		BOTH(assign_survives_a_full_descriptor_table),
		{"nineteen_thousand_irqfds[io_uring]", nineteen_thousand_irqfds,
		 bench_setup_uring, bench_teardown, NULL},
	};

	return cmocka_run_group_tests_name("irqfd shortage", tests, NULL, NULL);
}

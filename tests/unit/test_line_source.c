// SPDX-License-Identifier: BSD-3-Clause
/*
 * Line sources: one signal a rise, another each time the guest completes the
 * interrupt with the line still up; alone, and with an IOAPIC behind.
 */
#include "pc.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>

#define PIN 20u /* of the IOAPIC alone */
#define VECTOR 0x61
#define IOAPIC_REDIR(pin) (0x10u + 2u * (pin))
#define IOAPIC_LEVEL 0x8000u

/* A line source and a hand at the other end of its eventfds. */
struct alone {
	struct virq_loop *loop;
	struct virq_line_source *line;
	int fd;
	int resamplefd;
};

static void pump(struct alone *a)
{
	while (virq_loop_dispatch(a->loop) > 0)
		;
}

static void resample(struct alone *a)
{
	const uint64_t one = 1;

	assert_int_equal(write(a->resamplefd, &one, sizeof(one)), sizeof(one));
	pump(a);
}

static int alone_setup(void **state, enum virq_loop_backend backend)
{
	struct virq_loop_config config = {.backend = backend};
	struct alone *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	*state = a;
	/* No io_uring here: the test says that it is skipped. */
	if (virq_loop_create(&config, &a->loop))
		return backend == VIRQ_LOOP_IO_URING ? 0 : -1;
	a->fd = pc_eventfd();
	a->resamplefd = pc_eventfd();
	assert_int_equal(virq_line_source_create(a->loop, a->fd, a->resamplefd,
						 4, &a->line),
			 0);
	pump(a);
	return 0;
}

static int epoll_setup(void **state)
{
	return alone_setup(state, VIRQ_LOOP_EPOLL);
}

static int uring_setup(void **state)
{
	return alone_setup(state, VIRQ_LOOP_IO_URING);
}

static int alone_teardown(void **state)
{
	struct alone *a = *state;

	if (a->loop) {
		virq_line_source_destroy(a->line);
		assert_int_equal(virq_loop_destroy(a->loop), 0);
		close(a->fd);
		close(a->resamplefd);
	}
	free(a);
	return 0;
}

static struct alone *begin(void **state)
{
	struct alone *a = *state;

	if (!a->loop) {
		print_message("io_uring is not permitted here, or keeps "
			      "unregistered files\n");
		skip();
	}
	return a;
}

static void rise_signals_once(void **state)
{
	struct alone *a = begin(state);

	virq_line_source_set(a->line, false);
	assert_int_equal(pc_drain(a->fd), 0);
	virq_line_source_set(a->line, true);
	virq_line_source_set(a->line, true);
	pump(a);
	assert_int_equal(pc_drain(a->fd), 1);
	virq_line_source_set(a->line, false);
	virq_line_source_set(a->line, false);
	assert_int_equal(pc_drain(a->fd), 0);
	/* Whoever was to complete it may be gone: a new rise tells again. */
	virq_line_source_set(a->line, true);
	assert_int_equal(pc_drain(a->fd), 1);
}

static void resample_signals_again_while_it_is_up(void **state)
{
	struct alone *a = begin(state);

	resample(a);
	assert_int_equal(pc_drain(a->fd), 0);
	virq_line_source_set(a->line, true);
	assert_int_equal(pc_drain(a->fd), 1);
	for (int i = 0; i < 3; i++) {
		resample(a);
		assert_int_equal(pc_drain(a->fd), 1);
	}
	virq_line_source_set(a->line, false);
	resample(a);
	assert_int_equal(pc_drain(a->fd), 0);
	/* Down and up again before the guest has completed. */
	virq_line_source_set(a->line, true);
	virq_line_source_set(a->line, false);
	virq_line_source_set(a->line, true);
	assert_true(pc_drain(a->fd) >= 1);
	resample(a);
	assert_int_equal(pc_drain(a->fd), 1);
}

static void counts_signals_and_completions(void **state)
{
	struct alone *a = begin(state);
	struct virq_line_source_info info;

	virq_line_source_set(a->line, true);
	resample(a);
	virq_line_source_query(a->line, &info);
	assert_true(info.up);
	assert_int_equal(info.signalled, 2);
	assert_int_equal(info.again, 1);
	assert_int_equal(info.completed, 1);
	virq_line_source_set(a->line, false);
	resample(a);
	virq_line_source_query(a->line, &info);
	assert_false(info.up);
	assert_int_equal(info.signalled, 2);
	assert_int_equal(info.again, 1);
	assert_int_equal(info.completed, 2);
}

/* Many completions before the loop comes by ask for one signal. */
static void resamples_coalesce(void **state)
{
	struct alone *a = begin(state);
	const uint64_t many = 5;

	virq_line_source_set(a->line, true);
	pc_drain(a->fd);
	assert_int_equal(write(a->resamplefd, &many, sizeof(many)),
			 sizeof(many));
	pump(a);
	assert_int_equal(pc_drain(a->fd), 1);
}

static void destroy_takes_the_line_down(void **state)
{
	struct alone *a = begin(state);
	const uint64_t one = 1;

	virq_line_source_set(a->line, true);
	assert_int_equal(pc_drain(a->fd), 1);
	/* Not yet seen by the loop; the removal finds it. */
	assert_int_equal(write(a->resamplefd, &one, sizeof(one)), sizeof(one));
	virq_line_source_destroy(a->line);
	a->line = NULL;
	assert_int_equal(pc_drain(a->fd), 0);
	assert_int_equal(write(a->resamplefd, &one, sizeof(one)), sizeof(one));
	pump(a);
	assert_int_equal(pc_drain(a->fd), 0);
	virq_line_source_destroy(NULL);
}

static void peer_cannot_hold_up_a_rise(void **state)
{
	struct alone *a = begin(state);
	const uint64_t most = UINT64_MAX - 1;

	assert_int_equal(write(a->fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(fcntl(a->fd, F_SETFL, 0), 0);
	virq_line_source_set(a->line, true);
	resample(a);
}

static void creation_errors_leave_nothing(void **state)
{
	struct alone *a = begin(state);
	struct virq_loop_config config = {.backend = virq_loop_backend(a->loop),
					  .max_sources = 1};
	struct virq_line_source *line, *only;
	struct rlimit limit, none;
	struct virq_loop *small;
	int pipes[2], fd = pc_eventfd(), resamplefd = pc_eventfd();
	int other = pc_eventfd();

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
#define CREATE(trigger, resampler)                                             \
	virq_line_source_create(a->loop, trigger, resampler, 4, &line)
	assert_int_equal(CREATE(-1, resamplefd), -EBADF);
	assert_int_equal(CREATE(fd, -1), -EBADF);
	assert_int_equal(CREATE(pipes[0], resamplefd), -EINVAL);
	assert_int_equal(CREATE(fd, pipes[0]), -EINVAL);
	/* One eventfd for both would signal itself for ever. */
	assert_int_equal(CREATE(fd, fd), -EINVAL);
	/* The eventfd has a producer. */
	assert_int_equal(CREATE(a->fd, resamplefd), -EBUSY);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(CREATE(fd, resamplefd), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
#undef CREATE

	assert_int_equal(virq_loop_create(&config, &small), 0);
	assert_int_equal(
		virq_line_source_create(small, fd, resamplefd, 4, &only), 0);
	assert_int_equal(
		virq_line_source_create(small, other, a->resamplefd, 4, &line),
		-ENOSPC);
	/* The loop is in use, and the one eventfd has no producer. */
	assert_int_equal(virq_loop_destroy(small), -EBUSY);
	virq_line_source_destroy(only);
	assert_int_equal(
		virq_line_source_create(small, other, resamplefd, 4, &line), 0);
	virq_line_source_destroy(line);
	assert_int_equal(virq_loop_destroy(small), 0);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	close(resamplefd);
	close(other);
}

/* Level-triggered pin of the IOAPIC; the guest's EOI asks the device. */
static void guest_is_interrupted_until_the_line_is_down(void **state)
{
	struct pc *pc = *state;
	struct virq_line_source *line;
	struct virq_irqfd_info info;
	int fd = pc_eventfd(), resamplefd = pc_eventfd();

	pc_ioapic_write(pc, IOAPIC_REDIR(PIN), VECTOR | IOAPIC_LEVEL);
	assert_int_equal(
		pc_assign(pc, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE, resamplefd), 0);
	assert_int_equal(
		virq_line_source_create(pc->loop, fd, resamplefd, 4, &line), 0);
	info = pc_irqfd(pc, fd);
	assert_int_equal(info.bypass, VIRQ_BYPASS_STATE_REMAPPED);
	assert_int_equal(info.reason, VIRQ_BYPASS_REASON_RESAMPLE);

	virq_line_source_set(line, true);
	for (int i = 0; i < 4; i++) {
		pc_pump(pc);
		assert_int_equal(pc_take(pc, 0), VECTOR);
	}
	/* The handler quiets the device before its EOI. */
	pc_pump(pc);
	virq_line_source_set(line, false);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	virq_line_source_set(line, true);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), VECTOR);
	virq_line_source_destroy(line);
	pc_pump(pc);
	assert_int_equal(pc_take(pc, 0), -EAGAIN);
	assert_int_equal(pc_irqfd(pc, fd).bypass, VIRQ_BYPASS_STATE_WAITING);
	close(fd);
	close(resamplefd);
}

/* The irqfd of before, and what it was told, are gone. */
static void irqfd_assigned_anew_is_told_the_level(void **state)
{
	struct pc *pc = *state;
	struct virq_line_source *line;
	int fd = pc_eventfd(), resamplefd = pc_eventfd();

	pc_ioapic_write(pc, IOAPIC_REDIR(PIN), VECTOR | IOAPIC_LEVEL);
	assert_int_equal(
		virq_line_source_create(pc->loop, fd, resamplefd, 4, &line), 0);
	virq_line_source_set(line, true);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pc_assign(pc, fd, PIN, KVM_IRQFD_FLAG_RESAMPLE,
					   resamplefd),
				 0);
		pc_pump(pc);
		assert_int_equal(pc_take(pc, 0), VECTOR);
		/* Told again already, to the one that goes. */
		pc_pump(pc);
		assert_int_equal(pc_deassign(pc, fd, PIN), 0);
		/* What it was told is in the local APIC. */
		assert_int_equal(pc_take(pc, 0), VECTOR);
		pc_pump(pc);
		assert_int_equal(pc_take(pc, 0), -EAGAIN);
	}
	virq_line_source_destroy(line);
	close(fd);
	close(resamplefd);
}

#define BOTH(test)                                                             \
	{#test "[epoll]", test, epoll_setup, alone_teardown, NULL},            \
	{                                                                      \
#test "[io_uring]", test, uring_setup, alone_teardown, NULL    \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(rise_signals_once),
		BOTH(resample_signals_again_while_it_is_up),
		BOTH(counts_signals_and_completions),
		BOTH(resamples_coalesce),
		BOTH(destroy_takes_the_line_down),
		BOTH(peer_cannot_hold_up_a_rise),
		BOTH(creation_errors_leave_nothing),
		cmocka_unit_test_setup_teardown(
			guest_is_interrupted_until_the_line_is_down, pc_setup,
			pc_teardown),
		cmocka_unit_test_setup_teardown(
			irqfd_assigned_anew_is_told_the_level, pc_setup,
			pc_teardown),
	};

	return cmocka_run_group_tests_name("line source", tests, NULL, NULL);
}

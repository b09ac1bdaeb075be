// SPDX-License-Identifier: BSD-3-Clause
/*
 * Edge sources alone, between a consumer and targets that count: where a raise
 * goes, what the mask and a missing eventfd hold back, and who is told.
 */
#include "source_fixture.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include "source/source.h"

#define IRQ 7

static struct virq_source *new_source(int fd)
{
	struct virq_source *source;

	assert_int_equal(virq_source_create(fd, IRQ, 0, &source), 0);
	return source;
}

static void expect_info(const struct virq_source *source,
			struct virq_source_info want)
{
	struct virq_source_info info;

	virq_source_query(source, &info);
	assert_int_equal(info.path, want.path);
	assert_int_equal(info.connected, want.connected);
	assert_int_equal(info.masked, want.masked);
	assert_int_equal(info.pending, want.pending);
	assert_int_equal(virq_source_pending(source), want.pending);
	assert_int_equal(info.posted, want.posted);
	assert_int_equal(info.coalesced, want.coalesced);
	assert_int_equal(info.signalled, want.signalled);
	assert_int_equal(info.held, want.held);
}
#define EXPECT(source, ...)                                                    \
	expect_info(source, (struct virq_source_info){__VA_ARGS__})

static void signals_its_eventfd_while_nobody_is_connected(void **state)
{
	int fd = new_fd();
	struct virq_source *source = new_source(fd);

	(void)state;
	EXPECT(source, .path = VIRQ_SOURCE_EVENTFD);
	for (int i = 0; i < 3; i++)
		assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(take(fd), 3);
	EXPECT(source, .signalled = 3);
	virq_source_destroy(source);
	close(fd);
}

static void keeps_a_descriptor_of_its_own(void **state)
{
	int fd = new_fd(), other = dup(fd);
	struct virq_source *source = new_source(fd);

	(void)state;
	close(fd);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(take(other), 1);
	virq_source_destroy(source);
	virq_source_destroy(NULL);
	close(other);
}

/* A peer fills the counter and has writers wait: not this one. */
static void full_counter_does_not_hold_up_a_raise(void **state)
{
	int fd = new_fd();
	struct virq_source *source = new_source(fd);
	const uint64_t most = UINT64_MAX - 1;

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(virq_source_raise(source), 1);
	virq_source_destroy(source);
	close(fd);
}

static void creation_errors_leave_nothing(void **state)
{
	struct target target = new_target(0);
	struct sink sink = new_sink(&target);
	struct rlimit limit, none;
	struct virq_source *source, *first;
	int fd = new_fd(), pipes[2], refused = new_fd();

	(void)state;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(virq_source_create(-1, IRQ, 0, &source), -EBADF);
	assert_int_equal(virq_source_create(9999, IRQ, 0, &source), -EBADF);
	assert_int_equal(virq_source_create(pipes[0], IRQ, 0, &source),
			 -EINVAL);
	assert_int_equal(virq_source_create(fd, IRQ, 2, &source), -EINVAL);
	first = new_source(fd);
	assert_int_equal(virq_source_create(fd, IRQ, 0, &source), -EBUSY);

	sink.rc = -EDOM;
	assert_int_equal(sink_register(&sink, refused), 0);
	assert_int_equal(virq_source_create(refused, IRQ, 0, &source), -EDOM);
	sink.rc = 0;

	/* No descriptor of a number that is free is allowed. */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(virq_source_create(refused, IRQ, 0, &source), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);

	/* Neither a registration nor a connection was left behind. */
	source = new_source(refused);
	EXPECT(source, .path = VIRQ_SOURCE_POSTED, .connected = true);
	virq_source_destroy(source);
	sink_unregister(&sink);
	virq_source_destroy(first);
	close(pipes[0]);
	close(pipes[1]);
	close(refused);
	close(fd);
}

static void no_bypass_only_signals(void **state)
{
	struct target target = new_target(0);
	struct sink sink = new_sink(&target);
	struct virq_source *source, *other;
	int fd = new_fd();

	(void)state;
	assert_int_equal(sink_register(&sink, fd), 0);
	assert_int_equal(
		virq_source_create(fd, IRQ, VIRQ_SOURCE_NO_BYPASS, &source), 0);
	assert_int_equal(virq_source_raise(source), 1);
	EXPECT(source, .signalled = 1);
	/* The eventfd's place as a producer is free. */
	other = new_source(fd);
	EXPECT(other, .path = VIRQ_SOURCE_POSTED, .connected = true);
	assert_int_equal(take(fd), 1);
	virq_source_destroy(source);
	assert_int_equal(virq_source_raise(other), 1);
	assert_int_equal(target.posts, 1);
	virq_source_destroy(other);
	sink_unregister(&sink);
	close(fd);
}

static void posts_while_connected_and_signals_again_after(void **state)
{
	struct target target = new_target(0);
	struct sink sink = new_sink(&target);
	int fd = new_fd();
	struct virq_source *source = new_source(fd);

	(void)state;
	assert_int_equal(sink_register(&sink, fd), 0);
	assert_int_equal(source->producer.irq, IRQ);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(virq_source_raise(source), 0);
	EXPECT(source, .path = VIRQ_SOURCE_POSTED, .connected = true,
	       .posted = 1, .coalesced = 1);
	assert_int_equal(take(fd), 0);

	/* The route can be posted no more; then the consumer goes, too. */
	source->producer.set_post(&source->producer, NULL);
	assert_int_equal(virq_source_raise(source), 1);
	EXPECT(source, .connected = true, .posted = 1, .coalesced = 1,
	       .signalled = 1);
	source->producer.set_post(&source->producer, &target.base);
	sink_unregister(&sink);
	assert_int_equal(virq_source_raise(source), 1);
	EXPECT(source, .posted = 1, .coalesced = 1, .signalled = 2);
	assert_int_equal(take(fd), 2);
	assert_int_equal(target.posts, 2);
	virq_source_destroy(source);
	close(fd);
}

static void mask_remembers_one_and_unmask_delivers_it_once(void **state)
{
	int fd = new_fd();
	struct virq_source *source = new_source(fd);

	(void)state;
	virq_source_mask(source, true);
	EXPECT(source, .masked = true);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(virq_source_raise(source), 0);
	EXPECT(source, .masked = true, .pending = true, .held = 1,
	       .coalesced = 1);
	virq_source_mask(source, true);
	assert_int_equal(take(fd), 0);
	virq_source_mask(source, false);
	EXPECT(source, .held = 1, .coalesced = 1);
	assert_int_equal(take(fd), 1);
	/* Nothing was raised: nothing is delivered. */
	virq_source_mask(source, false);
	virq_source_mask(source, true);
	virq_source_mask(source, false);
	assert_int_equal(take(fd), 0);
	virq_source_destroy(source);
	close(fd);
}

/* By the path in force at the unmask, whatever it was at the raise. */
static void unmask_goes_by_the_path_of_that_time(void **state)
{
	struct target old = new_target(0), now = new_target(1);
	struct sink sink = new_sink(&old);
	int fd = new_fd();
	struct virq_source *source = new_source(fd);

	(void)state;
	virq_source_mask(source, true);
	assert_int_equal(virq_source_raise(source), 1);
	/* Neither to connect nor to re-route delivers what is masked. */
	assert_int_equal(sink_register(&sink, fd), 0);
	assert_int_equal(virq_source_raise(source), 0);
	source->producer.set_post(&source->producer, &now.base);
	EXPECT(source, .path = VIRQ_SOURCE_POSTED, .connected = true,
	       .masked = true, .pending = true, .held = 1, .coalesced = 1);
	virq_source_mask(source, false);
	assert_int_equal(old.posts, 0);
	assert_int_equal(now.posts, 1);
	assert_int_equal(take(fd), 0);

	virq_source_mask(source, true);
	assert_int_equal(virq_source_raise(source), 1);
	sink_unregister(&sink);
	virq_source_mask(source, false);
	assert_int_equal(now.posts, 1);
	assert_int_equal(take(fd), 1);
	virq_source_destroy(source);
	close(fd);
}

struct slow {
	struct virq_post base;
	struct virq_source *source;
	const struct virq_post *mine; /* the entry that leads here */
	atomic_bool inside;
	atomic_bool done;
};

/* Is still at it long after the entry has been changed. */
static int slow_post(const struct virq_post *post)
{
	struct slow *slow = (struct slow *)(uintptr_t)post;

	atomic_store(&slow->inside, true);
	while (atomic_load(&slow->source->entry) == slow->mine)
		sched_yield();
	for (int i = 0; i < 1000; i++)
		sched_yield();
	atomic_store(&slow->done, true);
	return 1;
}

static void *raise_once(void *source)
{
	virq_source_raise(source);
	return NULL;
}

static void mask_waits_for_raises_in_progress(void **state)
{
	struct slow slow = {.base.post = slow_post, .mine = &slow.base};
	int fd = new_fd();
	pthread_t thread;

	(void)state;
	slow.source = new_source(fd);
	slow.source->producer.set_post(&slow.source->producer, &slow.base);
	assert_int_equal(pthread_create(&thread, NULL, raise_once, slow.source),
			 0);
	while (!atomic_load(&slow.inside))
		sched_yield();
	virq_source_mask(slow.source, true);
	assert_true(atomic_load(&slow.done));
	pthread_join(thread, NULL);
	slow.source->producer.set_post(&slow.source->producer, NULL);
	virq_source_destroy(slow.source);
	close(fd);
}

static struct virq_source *embedded(void (*retarget)(struct virq_source *source,
						     struct virq_vcpu *vcpu))
{
	struct virq_source *source =
		aligned_alloc(_Alignof(struct virq_source), sizeof(*source));

	assert_non_null(source);
	source_init(source, retarget);
	return source;
}

static void holds_back_while_it_has_no_eventfd(void **state)
{
	struct virq_source *source = embedded(NULL);
	int first = new_fd(), second = new_fd();

	(void)state;
	assert_int_equal(source_set_eventfd(source, -1, IRQ, 0), 0);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(virq_source_raise(source), 0);
	EXPECT(source, .pending = true, .held = 1, .coalesced = 1);
	/* An error changes nothing of that. */
	assert_int_equal(source_set_eventfd(source, -2, IRQ, 0), -EBADF);
	assert_true(virq_source_pending(source));
	assert_int_equal(source_set_eventfd(source, first, IRQ, 0), 0);
	assert_int_equal(take(first), 1);
	EXPECT(source, .held = 1, .coalesced = 1);

	/* Masked, it is kept beyond a change of eventfds. */
	virq_source_mask(source, true);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(source_set_eventfd(source, second, IRQ, 0), 0);
	virq_source_mask(source, false);
	assert_int_equal(take(first), 0);
	assert_int_equal(take(second), 1);

	assert_int_equal(source_set_eventfd(source, -1, IRQ, 0), 0);
	assert_int_equal(virq_source_raise(source), 1);
	/* Unmasking what is not masked lets nothing out. */
	virq_source_mask(source, false);
	EXPECT(source, .pending = true, .held = 3, .coalesced = 1);
	assert_int_equal(take(first) + take(second), 0);
	source_stop(source);
	source_fini(source);
	free(source);
	close(first);
	close(second);
}

static void eventfd_is_replaced_under_a_connection(void **state)
{
	struct target old = new_target(0), now = new_target(1);
	struct sink left = new_sink(&old), right = new_sink(&now);
	struct sink refusing = new_sink(NULL);
	struct virq_source *source = embedded(NULL);
	int a = new_fd(), b = new_fd(), c = new_fd();

	(void)state;
	refusing.rc = -EDOM;
	assert_int_equal(sink_register(&left, a), 0);
	assert_int_equal(sink_register(&right, b), 0);
	assert_int_equal(sink_register(&refusing, c), 0);
	assert_int_equal(source_set_eventfd(source, a, IRQ, 0), 0);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(source_set_eventfd(source, b, IRQ, 0), 0);
	assert_null(left.base.producer);
	assert_int_equal(virq_source_raise(source), 1);
	assert_int_equal(old.posts, 1);
	assert_int_equal(now.posts, 1);

	/* Refused: it has none, and what is raised waits for the next. */
	assert_int_equal(source_set_eventfd(source, c, IRQ, 0), -EDOM);
	assert_int_equal(virq_source_raise(source), 1);
	EXPECT(source, .pending = true, .posted = 2, .held = 1);
	assert_int_equal(take(c), 0);
	assert_int_equal(source_set_eventfd(source, a, IRQ, 0), 0);
	assert_int_equal(old.posts, 2);
	assert_int_equal(take(a) + take(b) + take(c), 0);
	source_stop(source);
	source_fini(source);
	sink_unregister(&left);
	sink_unregister(&right);
	sink_unregister(&refusing);
	free(source);
	close(a);
	close(b);
	close(c);
}

static struct virq_vcpu *home;
static unsigned int moves;

static void note_home(struct virq_source *source, struct virq_vcpu *vcpu)
{
	/* The entry leads there already. */
	if (!atomic_load(&source->masked))
		assert_ptr_equal(atomic_load(&source->entry)
					 ? atomic_load(&source->entry)->vcpu
					 : NULL,
				 vcpu);
	home = vcpu;
	moves++;
}

static void owner_hears_where_it_posts(void **state)
{
	struct target here = new_target(0), also_here = new_target(0);
	struct target there = new_target(1);
	struct sink sink = new_sink(NULL);
	struct virq_source *source = embedded(note_home);
	struct virq_bypass_producer *producer = &source->producer;
	int fd = new_fd();

	(void)state;
	home = NULL;
	moves = 0;
	assert_int_equal(source_set_eventfd(source, fd, IRQ, 0), 0);
	assert_int_equal(sink_register(&sink, fd), 0);
	assert_int_equal(moves, 0);
	producer->set_post(producer, &here.base);
	assert_ptr_equal(home, here.base.vcpu);
	producer->set_post(producer, &also_here.base);
	assert_int_equal(moves, 1);
	virq_source_mask(source, true);
	assert_int_equal(moves, 1);
	producer->set_post(producer, &there.base);
	assert_ptr_equal(home, there.base.vcpu);
	assert_int_equal(moves, 2);
	virq_source_mask(source, false);
	producer->set_post(producer, NULL);
	assert_null(home);
	producer->set_post(producer, &there.base);
	source_stop(source);
	source_fini(source);
	assert_null(home);
	assert_int_equal(moves, 5);
	sink_unregister(&sink);
	free(source);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_its_eventfd_while_nobody_is_connected),
		cmocka_unit_test(keeps_a_descriptor_of_its_own),
		cmocka_unit_test(full_counter_does_not_hold_up_a_raise),
		cmocka_unit_test(creation_errors_leave_nothing),
		cmocka_unit_test(no_bypass_only_signals),
		cmocka_unit_test(posts_while_connected_and_signals_again_after),
		cmocka_unit_test(
			mask_remembers_one_and_unmask_delivers_it_once),
		cmocka_unit_test(unmask_goes_by_the_path_of_that_time),
		cmocka_unit_test(mask_waits_for_raises_in_progress),
		cmocka_unit_test(holds_back_while_it_has_no_eventfd),
		cmocka_unit_test(eventfd_is_replaced_under_a_connection),
		cmocka_unit_test(owner_hears_where_it_posts),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}

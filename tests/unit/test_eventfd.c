// SPDX-License-Identifier: BSD-3-Clause
/* Eventfd identity: the kernel's id, and kcmp(2) where it does not tell. */
#include "fake_irqchip.h"
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include "core/eventfd.h"

static void copies_are_one_eventfd(void **state)
{
	struct virq_eventfd_info a, c;
	int fd = new_eventfd(0, 0), copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	(void)state;
	assert_int_equal(virq_eventfd_query(fd, &a), 0);
	assert_int_equal(virq_eventfd_query(copy, &c), 0);
	assert_int_equal(a.id, c.id);
	close(fd);
	assert_int_equal(virq_eventfd_query(copy, &c), 0);
	assert_int_equal(a.id, c.id);
	close(copy);
}

static void two_eventfds_differ(void **state)
{
	struct virq_eventfd_info a, c;
	int fd = new_eventfd(0, 0), other = new_eventfd(0, 0);

	(void)state;
	assert_int_equal(virq_eventfd_query(fd, &a), 0);
	assert_int_equal(virq_eventfd_query(other, &c), 0);
	assert_true(a.id != c.id);
	close(fd);
	close(other);
}

static void count_and_semaphore_are_told(void **state)
{
	static const uint64_t values[] = {
		0, 1, 9, 10, 255, 4096, UINT32_MAX, UINT64_MAX - 1};
	struct virq_eventfd_info info;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		int flags = i & 1 ? EFD_SEMAPHORE : 0;
		int fd = new_eventfd(0, flags);

		signal_fd(fd, values[i]);
		assert_int_equal(virq_eventfd_query(fd, &info), 0);
		assert_true(info.count == values[i]);
		assert_int_equal(info.semaphore, flags != 0);
		/* A look takes nothing. */
		assert_int_equal(virq_eventfd_query(fd, &info), 0);
		assert_true(info.count == values[i]);
		close(fd);
	}
}

static void closed_is_ebadf_and_others_einval(void **state)
{
	struct virq_eventfd_info info;
	int fds[] = {
		epoll_create1(EPOLL_CLOEXEC),
		timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
		memfd_create("test", MFD_CLOEXEC),
		open("/dev/null", O_RDWR | O_CLOEXEC),
		open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	/* Open as a place only: for I/O, and so here, it is not open. */
	int path = open("/", O_PATH | O_CLOEXEC);
	static const int bad[] = {-1, INT_MIN, INT_MAX, 1000000};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(virq_eventfd_query(bad[i], &info), -EBADF);
	assert_int_equal(virq_eventfd_query(path, &info), -EBADF);
	close(path);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		assert_true(fds[i] >= 0);
		assert_int_equal(virq_eventfd_query(fds[i], &info), -EINVAL);
		close(fds[i]);
		assert_int_equal(virq_eventfd_query(fds[i], &info), -EBADF);
	}
}

/* An epoll set's fdinfo names the files it watches, not itself. */
static void epoll_set_that_watches_one_is_none(void **state)
{
	struct virq_eventfd_info info;
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(EPOLL_CLOEXEC), fd = new_eventfd(0, 0);

	(void)state;
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(virq_eventfd_query(set, &info), -EINVAL);
	close(set);
	close(fd);
}

static void identity_across_a_fork(void **state)
{
	struct virq_eventfd_info mine, theirs;
	int fd = new_eventfd(0, 0), status;
	pid_t child;

	(void)state;
	assert_int_equal(virq_eventfd_query(fd, &mine), 0);
	child = fork();
	if (!child)
		_exit(virq_eventfd_query(fd, &theirs) || theirs.id != mine.id);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
}

static void *query_in_own_table(void *opaque)
{
	struct virq_eventfd_info before, after;
	int fd = *(int *)opaque, other, rc = -1;

	/* From here on descriptor numbers are this thread's own. */
	if (unshare(CLONE_FILES))
		return (void *)1;
	other = eventfd(0, EFD_CLOEXEC);
	if (!virq_eventfd_query(fd, &before) && other >= 0 &&
	    dup3(other, fd, O_CLOEXEC) == fd &&
	    !virq_eventfd_query(fd, &after) && before.id != after.id)
		rc = 0;
	return (void *)(intptr_t)rc;
}

/* A descriptor means what it means to the calling thread. */
static void thread_with_its_own_descriptor_table(void **state)
{
	int fd = new_eventfd(0, 0);
	pthread_t thread;
	void *rc;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, query_in_own_table, &fd),
			 0);
	pthread_join(thread, &rc);
	close(fd);
	assert_int_equal((intptr_t)rc, 0);
}

static void *query_as_orphan(void *opaque)
{
	int fd = *(int *)opaque;
	struct virq_eventfd_info info;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	while (!access(path, F_OK))
		sched_yield();
	_exit(virq_eventfd_query(fd, &info) != 0);
}

/* /proc/self is the main thread's, and empty once that has exited. */
static void query_after_the_main_thread_has_exited(void **state)
{
	int fd = new_eventfd(0, 0), status;
	pid_t child;

	(void)state;
	child = fork();
	if (!child) {
		static int orphaned;
		pthread_t thread;

		orphaned = fd;
		if (pthread_create(&thread, NULL, query_as_orphan, &orphaned))
			_exit(2);
		pthread_exit(NULL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fd);
}

static void fallback_finds_copies_while_held(void **state)
{
	struct virq_eventfd_info a, c, d;
	int fd = new_eventfd(0, 0), copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	int other = new_eventfd(3, 0), fds = count_fds();

	(void)state;
	eventfd_no_procfs = true;
	assert_int_equal(virq_eventfd_query(fd, &a), -ENOSYS);
	assert_int_equal(eventfd_get(-1, fd, &a), 0);
	assert_int_equal(eventfd_get(-1, copy, &c), 0);
	assert_int_equal(eventfd_get(-1, other, &d), 0);
	assert_int_equal(a.id, c.id);
	assert_true(a.id != d.id);
	assert_int_equal(a.count, 0);
	assert_true(d.count != 0);
	/* Synthetic ids cannot be taken for the kernel's. */
	assert_true(a.id >> 63);
	/* One descriptor for each that is held. */
	assert_int_equal(count_fds(), fds + 2);
	eventfd_put(a.id);
	assert_int_equal(eventfd_get(-1, copy, &a), 0);
	assert_int_equal(a.id, c.id);
	eventfd_put(a.id);
	eventfd_put(c.id);
	eventfd_put(d.id);
	eventfd_no_procfs = false;
	assert_int_equal(count_fds(), fds);
	close(fd);
	close(copy);
	close(other);
}

static void fallback_tells_bad_descriptors(void **state)
{
	struct virq_eventfd_info info;
	int pipe_fd[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char buffer[8];

	(void)state;
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC | O_NONBLOCK), 0);
	eventfd_no_procfs = true;
	assert_int_equal(eventfd_get(-1, -1, &info), -EBADF);
	assert_int_equal(eventfd_get(-1, pipe_fd[1], &info), -EINVAL);
	assert_int_equal(eventfd_get(-1, pipe_fd[0], &info), -EINVAL);
	assert_int_equal(eventfd_get(-1, null, &info), -EINVAL);
	eventfd_no_procfs = false;
	/* Nothing was written into what is no eventfd. */
	assert_int_equal(read(pipe_fd[0], buffer, sizeof(buffer)), -1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(null);
}

/* The look at an eventfd leaves its counter as it is, full ones too. */
static void fallback_does_not_touch_the_counter(void **state)
{
	struct virq_eventfd_info info;
	int fd = new_eventfd(0, 0);

	(void)state;
	signal_fd(fd, UINT64_MAX - 1);
	eventfd_no_procfs = true;
	assert_int_equal(eventfd_get(-1, fd, &info), 0);
	eventfd_no_procfs = false;
	assert_true(counter_of(fd) == UINT64_MAX - 1);
	eventfd_put(info.id);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_are_one_eventfd),
		cmocka_unit_test(two_eventfds_differ),
		cmocka_unit_test(count_and_semaphore_are_told),
		cmocka_unit_test(closed_is_ebadf_and_others_einval),
		cmocka_unit_test(epoll_set_that_watches_one_is_none),
		cmocka_unit_test(identity_across_a_fork),
		cmocka_unit_test(thread_with_its_own_descriptor_table),
		cmocka_unit_test(query_after_the_main_thread_has_exited),
		cmocka_unit_test(fallback_finds_copies_while_held),
		cmocka_unit_test(fallback_tells_bad_descriptors),
		cmocka_unit_test(fallback_does_not_touch_the_counter),
	};

	return cmocka_run_group_tests_name("eventfd", tests, NULL, NULL);
}

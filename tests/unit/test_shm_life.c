// SPDX-License-Identifier: BSD-3-Clause
/*
 * Shared-memory sources: how they are made, sent, sent again after a device's
 * death, and destroyed; and what is refused.
 */
#include "shm_fixture.h"
#include "source_fixture.h"
#include <sys/resource.h>
#include "source/shm.h"

/* The first dies after its bit and before the doorbell, and leaves a mess. */
static void next_device_finds_its_page_in_order(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 2);
	struct virq_poster first = shm_open_poster(shm), second;
	int fd = shm_connect(pc, shm, 0, 0);
	uint32_t home = first.page->home[0];

	virq_vcpu_exit(pc->vcpu[0]);
	memset(first.page, 0xff, sizeof(*first.page));
	virq_poster_close(&first);
	second = shm_open_poster(shm);
	assert_int_equal(second.nr_vectors, 2);
	assert_int_equal(second.nr_descriptors, VIRQ_POSTER_MAX_DESCRIPTORS);
	assert_int_equal(second.page->home[0], home);
	assert_int_equal(second.page->home[1], SHM_NO_HOME);
	for (uint32_t d = 0; d < VIRQ_POSTER_MAX_DESCRIPTORS; d++) {
		assert_int_equal(second.page->descriptor[d].control,
				 d == home ? VIRQ_POSTER_SN : 0);
		for (int i = 0; i < VIRQ_POSTER_WORDS; i++)
			assert_int_equal(second.page->descriptor[d].pir[i], 0);
	}
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);
	assert_int_equal(virq_poster_raise(&second, 0), 1);
	assert_int_equal(pc_take(pc, 0), SHM_VECTOR);
	assert_int_equal(virq_shm_source_pending(shm, 1), 1);
	(void)shm_rung(pc);
	assert_int_equal(virq_poster_raise(&second, 1), 1);
	assert_int_equal(shm_rung(pc), 1);
	virq_poster_close(&second);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void what_was_raised_before_destroy_is_delivered(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	struct virq_poster device = shm_open_poster(shm);
	int fd = new_fd();

	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, fd, 1, 0), 0);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	virq_shm_source_destroy(shm);
	assert_int_equal(take(fd), 1);
	/* The device's mapping is its own: it raises into the void. */
	(void)virq_poster_raise(&device, 0);
	pc_pump(pc);
	assert_int_equal(take(fd), 0);
	virq_poster_close(&device);
	close(fd);
}

static void creation_errors_leave_nothing(void **state)
{
	const struct virq_loop_config config = {.max_sources = 1};
	struct pc *pc = *state;
	struct virq_shm_source *shm, *other;
	struct virq_loop *loop;
	struct rlimit limit, none;

	assert_int_equal(virq_shm_source_create(pc->loop, 0, &shm), -EINVAL);
	assert_int_equal(virq_shm_source_create(pc->loop,
						VIRQ_SHM_MAX_VECTORS + 1, &shm),
			 -EINVAL);
	assert_int_equal(virq_loop_create(&config, &loop), 0);
	shm = shm_new(loop, VIRQ_SHM_MAX_VECTORS);
	assert_int_equal(virq_shm_source_create(loop, 1, &other), -ENOSPC);
	assert_int_equal(virq_loop_destroy(loop), -EBUSY);
	virq_shm_source_destroy(shm);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (rlim_t n = 0; n < 2; n++) {
		int first = dup(0);

		/* Room for none, then for the page alone. */
		close(first);
		none = limit;
		none.rlim_cur = (rlim_t)first + n;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
		assert_int_equal(virq_shm_source_create(loop, 1, &shm),
				 -EMFILE);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		none.rlim_cur = (rlim_t)dup(0);
		assert_int_equal(none.rlim_cur, first);
		close(first);
	}
	assert_int_equal(virq_loop_destroy(loop), 0);
}

static void control_errors_change_nothing(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 2);
	struct virq_poster device = shm_open_poster(shm);
	struct virq_source_info info;
	int fd = new_fd(), pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 2, fd, 1, 0),
			 -EINVAL);
	assert_int_equal(virq_shm_source_mask(shm, 2, true), -EINVAL);
	assert_int_equal(virq_shm_source_pending(shm, 2), -EINVAL);
	assert_int_equal(virq_shm_source_query(shm, 2, &info), -EINVAL);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, 9999, 1, 0),
			 -EBADF);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, pipes[0], 1, 0),
			 -EINVAL);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 0, fd, 1, 0), 0);
	assert_int_equal(virq_shm_source_set_eventfd(shm, 1, fd, 1, 0), -EBUSY);
	assert_int_equal(virq_poster_raise(&device, 0), 1);
	pc_pump(pc);
	assert_int_equal(take(fd), 1);
	close(pipes[0]);
	close(pipes[1]);
	virq_poster_close(&device);
	virq_shm_source_destroy(shm);
	close(fd);
}

static void send_does_not_wait_for_the_device(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	int sockets[2], rc, sent = 0;

	assert_int_equal(virq_shm_source_send(shm, -1), -EBADF);
	rc = new_fd();
	assert_int_equal(virq_shm_source_send(shm, rc), -ENOTSOCK);
	close(rc);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	while (!(rc = virq_shm_source_send(shm, sockets[0])))
		sent++;
	assert_true(sent > 0);
	/* Full, or more descriptors on the way than there may be. */
	assert_true(rc == -EAGAIN || rc == -ETOOMANYREFS);
	close(sockets[1]);
	assert_int_equal(virq_shm_source_send(shm, sockets[0]), -EPIPE);
	close(sockets[0]);
	virq_shm_source_destroy(shm);
}

static void nobody_can_cut_the_page_off(void **state)
{
	struct pc *pc = *state;
	struct virq_shm_source *shm = shm_new(pc->loop, 1);
	int fd = shm->memfd;

	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 8192), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_int_equal(errno, EPERM);
	virq_shm_source_destroy(shm);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, pc_setup, pc_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(next_device_finds_its_page_in_order),
		CASE(what_was_raised_before_destroy_is_delivered),
		CASE(creation_errors_leave_nothing),
		CASE(control_errors_change_nothing),
		CASE(send_does_not_wait_for_the_device),
		CASE(nobody_can_cut_the_page_off),
	};

	return cmocka_run_group_tests_name("shm life", tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * May io_uring be used, and does it release what is unregistered?
 *
 * Before Linux 6.13 a file taken out of the table stays open until every
 * request submitted earlier has completed, and our reads complete only when an
 * eventfd is signalled.  So we try: with a read in flight on one file, take
 * the last reference to a pipe's write end out of the table and see whether
 * its read end hangs up.
 */
#include "uring_set.h"
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

static pthread_once_t probe_once = PTHREAD_ONCE_INIT;
static int probe_result;

static int probe_release(struct io_uring *ring, int event_fd, int pipe_fd[2])
{
	static uint64_t value;
	struct pollfd poll_fd = {.fd = pipe_fd[0], .events = POLLIN};
	struct io_uring_sqe *sqe;
	int none = -1;

	int rc = io_uring_register_files_update(ring, 1, &pipe_fd[1], 1);

	close(pipe_fd[1]);
	if (rc != 1 ||
	    io_uring_register_files_update(ring, 0, &event_fd, 1) != 1)
		return -EOPNOTSUPP;
	sqe = io_uring_get_sqe(ring);
	io_uring_prep_read(sqe, 0, &value, sizeof(value), 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	if (io_uring_submit(ring) != 1)
		return -EOPNOTSUPP;
	if (io_uring_register_files_update(ring, 1, &none, 1) != 1)
		return -EOPNOTSUPP;
	if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLHUP))
		return -EOPNOTSUPP;
	return 0;
}

static void probe(void)
{
	struct io_uring ring;
	int pipe_fd[2];
	int event_fd;

	probe_result = io_uring_queue_init(4, &ring, 0);
	if (probe_result)
		return;
	probe_result = io_uring_register_files_sparse(&ring, 2);
	if (probe_result) {
		probe_result = -EOPNOTSUPP;
		goto out_ring;
	}
	event_fd = eventfd(0, EFD_CLOEXEC);
	if (event_fd < 0) {
		probe_result = -errno;
		goto out_ring;
	}
	if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
		probe_result = -errno;
		goto out_event;
	}
	probe_result = probe_release(&ring, event_fd, pipe_fd);
	close(pipe_fd[0]);
out_event:
	close(event_fd);
out_ring:
	io_uring_queue_exit(&ring);
}

int uring_probe(void)
{
	pthread_once(&probe_once, probe);
	return probe_result;
}

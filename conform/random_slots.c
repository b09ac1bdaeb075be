// SPDX-License-Identifier: BSD-3-Clause
/*
 * Slots of descriptors: opening one of each sort, duplicates, and eventfds'
 * reads and writes, which never block here.
 */
#include "random_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static unsigned int index_of(const struct op *op)
{
	return (unsigned int)(op->arg[ARG_SLOT] % NR_SLOTS);
}

static int fdinfo_open(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void open_eventfd(struct world *w, const struct op *op,
			 struct slot *slot)
{
	uint64_t flags = op->arg[OPEN_FLAGS];

	slot->blocking = !(flags & OPEN_NONBLOCK);
	slot->serial = ++w->next_serial;
	slot->fd = eventfd(
		(unsigned int)op->arg[OPEN_VALUE],
		EFD_CLOEXEC | (flags & OPEN_SEMAPHORE ? EFD_SEMAPHORE : 0) |
			(slot->blocking ? 0 : EFD_NONBLOCK));
	if (slot->fd >= 0)
		slot->fdinfo = fdinfo_open(slot->fd);
}

struct answer slot_open(struct world *w, const struct op *op)
{
	struct slot *slot = &w->slot[index_of(op)];
	uint64_t sort = op->arg[OPEN_SORT];
	int fds[2];

	world_slot_close(w, index_of(op));
	switch (sort) {
	case SLOT_EVENTFD: open_eventfd(w, op, slot); break;
	case SLOT_PIPE:
		if (!pipe2(fds, O_CLOEXEC)) {
			slot->fd = fds[0];
			slot->other_fd = fds[1];
		}
		break;
	case SLOT_DEV_NULL:
		slot->fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		break;
	case SLOT_TIMERFD:
		slot->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
		break;
	case SLOT_EPOLL: slot->fd = epoll_create1(EPOLL_CLOEXEC); break;
	case SLOT_CLOSED:
	case SLOT_MINUS_ONE:
	case SLOT_VM:
	case SLOT_DEV_KVM:
		slot->sort = (enum slot_sort)sort;
		return answer_of(0);
	default: return answer_of(-EINVAL);
	}
	if (slot->fd < 0)
		return answer_of(-errno);
	slot->sort = (enum slot_sort)sort;
	return answer_of(0);
}

struct answer slot_dup(struct world *w, const struct op *op)
{
	unsigned int to = index_of(op);
	const struct slot *from = &w->slot[op->arg[DUP_FROM] % NR_SLOTS];
	struct slot slot = *from;

	if (from == &w->slot[to])
		return answer_of(0);
	if (slot.sort == SLOT_EVENTFD || slot.fd >= 0) {
		slot.fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 0);
		if (slot.fd < 0)
			return answer_of(-errno);
		slot.other_fd = -1;
		if (slot.sort == SLOT_EVENTFD)
			slot.fdinfo = fdinfo_open(slot.fd);
	}
	world_slot_close(w, to);
	w->slot[to] = slot;
	return answer_of(0);
}

struct answer slot_close(struct world *w, const struct op *op)
{
	world_slot_close(w, index_of(op));
	return answer_of(0);
}

struct answer slot_write(struct world *w, const struct op *op)
{
	unsigned int index = index_of(op);
	const struct slot *slot = &w->slot[index];
	uint64_t value = op->arg[WRITE_VALUE];

	if (slot->sort != SLOT_EVENTFD)
		return answer_of(-EBADF);
	if (!value) {
		known_count(KNOWN_WRITE_ZERO);
		return answer_of(0);
	}
	/* It would block. */
	if (value < UINT64_MAX && UINT64_MAX - world_counter(w, index) <= value)
		return answer_of(-EAGAIN);
	return answer_of(write(slot->fd, &value, sizeof(value)) < 0 ? -errno
								    : 0);
}

struct answer slot_read(struct world *w, const struct op *op)
{
	const struct slot *slot = &w->slot[index_of(op)];
	struct pollfd poll_fd = {.fd = slot->fd, .events = POLLIN};
	struct answer answer = {0};

	if (slot->sort != SLOT_EVENTFD)
		return answer_of(-EBADF);
	/* It would block. */
	if (slot->blocking && poll(&poll_fd, 1, 0) != 1)
		return answer_of(-EAGAIN);
	if (read(slot->fd, &answer.value, sizeof(answer.value)) < 0)
		answer.result = -errno;
	return answer;
}

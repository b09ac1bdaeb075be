// SPDX-License-Identifier: BSD-3-Clause
/* A device of the end-to-end tests; see device.h. */
#include "device.h"
#include <poll.h>
#include <stddef.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Only a lost interrupt takes this long. */
#define PATIENCE_MS 10000

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int device_open(struct device *device)
{
	struct vmm_device *wires = &device->wires;

	wires->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wires->resample_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wires->ack_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wires->irq_fd >= 0 && wires->resample_fd >= 0 && wires->ack_fd >= 0)
		return 0;
	device_close(device);
	return -1;
}

void device_close(struct device *device)
{
	close(device->wires.irq_fd);
	close(device->wires.resample_fd);
	close(device->wires.ack_fd);
}

static int connect_line(struct device *device)
{
	const struct virq_loop_config config = {.backend = VIRQ_LOOP_EPOLL,
						.max_sources = 1};
	int ret = virq_loop_create(&config, &device->line_loop);

	if (!ret)
		ret = virq_line_source_create(
			device->line_loop, device->wires.irq_fd,
			device->wires.resample_fd, 0, &device->line);
	return ret;
}

/* Both ends are here; the page goes the way that it goes between processes. */
static int connect_shm(struct device *device, struct virq_loop *loop)
{
	int fds[2];
	int ret = virq_shm_source_create(loop, 1, &device->shm);

	if (!ret)
		ret = virq_shm_source_set_eventfd(device->shm, 0,
						  device->wires.irq_fd, 0, 0);
	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	ret = virq_shm_source_send(device->shm, fds[0]);
	if (!ret)
		ret = virq_poster_open(&device->poster, fds[1]);
	close(fds[0]);
	close(fds[1]);
	return ret;
}

int device_connect(struct device *device, struct virq_loop *loop)
{
	if (device->path == DEVICE_SHM)
		return connect_shm(device, loop);
	if (device->path == DEVICE_EVENTFD)
		return 0;
	if (device->wires.kind == VMM_LEVEL)
		return connect_line(device);
	return virq_source_create(device->wires.irq_fd, 0, 0, &device->source);
}

void device_disconnect(struct device *device)
{
	virq_source_destroy(device->source);
	virq_line_source_destroy(device->line);
	if (device->line_loop)
		virq_loop_destroy(device->line_loop);
	if (device->poster.page)
		virq_poster_close(&device->poster);
	virq_shm_source_destroy(device->shm);
	device->source = NULL;
	device->line = NULL;
	device->line_loop = NULL;
	device->shm = NULL;
}

bool device_query(const struct device *device, struct virq_source_info *info)
{
	if (device->source)
		virq_source_query(device->source, info);
	else if (!device->shm || virq_shm_source_query(device->shm, 0, info))
		return false;
	return true;
}

void device_acked(struct device *device)
{
	if (device->line)
		virq_line_source_set(device->line, false);
}

void device_raise(struct device *device)
{
	struct virq_line_source_info info;

	device->asserted = true;
	atomic_store(&device->raised_at, now_ns());
	if (device->source) {
		virq_source_raise(device->source);
	} else if (device->shm) {
		virq_poster_raise(&device->poster, 0);
	} else if (device->line) {
		virq_line_source_set(device->line, true);
		virq_line_source_query(device->line, &info);
		device->line_seen.signalled = info.signalled;
	} else {
		eventfd_write(device->wires.irq_fd, 1);
	}
}

static uint64_t take(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}

/* The guest's EOIs; a line source has answered them already. */
static uint64_t take_resamples(struct device *device)
{
	struct virq_line_source_info before = device->line_seen;

	if (!device->line)
		return take(device->wires.resample_fd);
	if (virq_loop_dispatch(device->line_loop) <= 0)
		return 0;
	virq_line_source_query(device->line, &device->line_seen);
	device->reraised += device->line_seen.signalled - before.signalled;
	if (device->line_seen.signalled != before.signalled)
		device->asserted = true;
	return device->line_seen.completed - before.completed;
}

/*
 * One event.  The guest acks before its EOI, so an ack is looked for after the
 * resample was seen: with a right controller the line is down by then.
 */
static bool wait_event(struct device *device, bool *ended)
{
	struct vmm_device *wires = &device->wires;
	bool level = wires->kind == VMM_LEVEL;
	struct pollfd fds[] = {
		{.fd = wires->ack_fd, .events = POLLIN},
		{.fd = !level	      ? -1
		       : device->line ? virq_loop_fd(device->line_loop)
				      : wires->resample_fd,
		 .events = POLLIN},
	};
	uint64_t acks, resamples;

	if (poll(fds, 2, PATIENCE_MS) <= 0) {
		device->failure = device->asserted ? "no ack" : "no resample";
		return false;
	}
	resamples = level ? take_resamples(device) : 0;
	acks = take(wires->ack_fd);
	device->acks += acks;
	device->resamples += resamples;
	if (acks)
		device->asserted = false;
	if (resamples && device->asserted && !device->line) {
		device->reraised++;
		eventfd_write(wires->irq_fd, 1);
	}
	*ended = !device->asserted && (level ? resamples : acks);
	return true;
}

static void *device_thread(void *opaque)
{
	struct device *device = opaque;

	while (device->raised < device->count) {
		bool ended = false;

		device_raise(device);
		device->raised++;
		while (!ended) {
			if (!wait_event(device, &ended))
				return NULL;
		}
	}
	return NULL;
}

int device_start(struct device *device)
{
	return pthread_create(&device->thread, NULL, device_thread, device);
}

void device_join(struct device *device)
{
	pthread_join(device->thread, NULL);
}

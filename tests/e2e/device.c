// SPDX-License-Identifier: BSD-3-Clause
/* A device of the end-to-end tests; see device.h. */
#include "device.h"
#include <poll.h>
#include <stddef.h>
#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Only a lost interrupt takes this long. */
#define PATIENCE_MS 10000
#define PATIENCE_NS (PATIENCE_MS * 1000000ull)

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

static bool is_level(const struct device *device)
{
	return device->wires.kind == VMM_LEVEL;
}

/* Vector 0 of a page is the device's. */
static int make_vector(const struct device *device)
{
	const struct vmm_device *wires = &device->wires;

	if (is_level(device))
		return virq_shm_source_set_line(device->shm, 0, wires->irq_fd,
						wires->resample_fd, 0);
	return virq_shm_source_set_eventfd(device->shm, 0, wires->irq_fd, 0, 0);
}

/* Both ends are here; the page goes the way that it goes between processes. */
static int connect_shm(struct device *device, struct virq_loop *loop)
{
	int fds[2];
	int ret = virq_shm_source_create(loop, 1, &device->shm);

	if (!ret)
		ret = make_vector(device);
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
	if (is_level(device))
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
	if (is_level(device))
		return false;
	if (device->source)
		virq_source_query(device->source, info);
	else if (!device->shm || virq_shm_source_query(device->shm, 0, info))
		return false;
	return true;
}

bool device_query_line(const struct device *device,
		       struct virq_line_source_info *info)
{
	if (!is_level(device))
		return false;
	if (device->line)
		virq_line_source_query(device->line, info);
	else if (!device->shm ||
		 virq_shm_source_query_line(device->shm, 0, info))
		return false;
	return true;
}

void device_acked(struct device *device)
{
	if (atomic_load(&device->stubborn)) {
		atomic_fetch_sub(&device->stubborn, 1);
		return;
	}
	if (device->line)
		virq_line_source_set(device->line, false);
	else if (device->shm && is_level(device))
		virq_poster_set_line(&device->poster, 0, false);
}

void device_raise(struct device *device)
{
	struct virq_line_source_info info;

	device->asserted = true;
	atomic_store(&device->raised_at, now_ns());
	if (device->source) {
		virq_source_raise(device->source);
	} else if (device->shm && is_level(device)) {
		virq_poster_set_line(&device->poster, 0, true);
	} else if (device->shm) {
		virq_poster_raise(&device->poster, 0);
	} else if (device->line) {
		virq_line_source_set(device->line, true);
		virq_line_source_query(device->line, &info);
		device->line_seen.signalled = info.signalled;
		device->line_seen.forwarded = info.forwarded;
	} else {
		eventfd_write(device->wires.irq_fd, 1);
	}
}

void device_serve(struct device *device)
{
	if (device->line)
		virq_loop_dispatch(device->line_loop);
}

static uint64_t take(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
}

static uint64_t interrupts(const struct virq_line_source_info *info)
{
	return info->signalled + info->forwarded;
}

/* The page tells of EOIs; and if there was none, by its eventfd of the next. */
static uint64_t take_completions(struct device *device)
{
	take(device->poster.completion);
	return virq_poster_want(&device->poster, 0) == 1;
}

/* The guest's EOIs; a source has answered them already. */
static uint64_t take_resamples(struct device *device)
{
	struct virq_line_source_info before = device->line_seen;
	struct virq_line_source_info *seen = &device->line_seen;

	if (device->shm)
		return take_completions(device);
	if (!device->line)
		return take(device->wires.resample_fd);
	virq_loop_dispatch(device->line_loop);
	virq_line_source_query(device->line, seen);
	if (seen->completed == before.completed) {
		*seen = before;
		return 0;
	}
	device->reraised += interrupts(seen) - interrupts(&before);
	if (interrupts(seen) != interrupts(&before))
		device->asserted = true;
	return seen->completed - before.completed;
}

/*
 * Forwarded, the EOI comes by no descriptor: it is a few instructions of the
 * guest away, which the ack has told of.
 */
static bool await_completion(struct device *device)
{
	uint64_t until_ns = now_ns() + PATIENCE_NS;
	struct virq_line_source_info info;

	do {
		virq_line_source_query(device->line, &info);
		if (info.completed != device->line_seen.completed)
			return true;
		sched_yield();
	} while (now_ns() < until_ns);
	device->failure = "no completion";
	return false;
}

static bool is_forwarded(const struct device *device)
{
	struct virq_line_source_info info;

	return device->line && device_query_line(device, &info) &&
	       info.path == VIRQ_SOURCE_FORWARDED;
}

/* What becomes readable when the guest completes the interrupt; -1: nothing. */
static int completion_fd(const struct device *device, bool forwarded)
{
	if (!is_level(device) || forwarded)
		return -1;
	if (device->shm)
		return device->poster.completion;
	return device->line ? virq_loop_fd(device->line_loop)
			    : device->wires.resample_fd;
}

/*
 * One event.  The guest acks before its EOI, so an ack is looked for after the
 * resample was seen: with a right controller the line is down by then.
 */
static bool wait_event(struct device *device, bool *ended)
{
	struct vmm_device *wires = &device->wires;
	bool level = is_level(device);
	bool forwarded = is_forwarded(device);
	struct pollfd fds[] = {
		{.fd = wires->ack_fd, .events = POLLIN},
		{.fd = completion_fd(device, forwarded), .events = POLLIN},
	};
	uint64_t acks, resamples;

	if (poll(fds, 2, PATIENCE_MS) <= 0) {
		device->failure = device->asserted ? "no ack" : "no resample";
		return false;
	}
	if (forwarded && !await_completion(device))
		return false;
	resamples = level ? take_resamples(device) : 0;
	acks = take(wires->ack_fd);
	device->acks += acks;
	device->resamples += resamples;
	if (acks)
		device->asserted = false;
	/* A source raises by itself again. */
	if (resamples && device->asserted && !device->line && !device->shm) {
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
		uint64_t until_ns = now_ns() + PATIENCE_NS;
		bool ended = false;

		device_raise(device);
		device->raised++;
		while (!ended) {
			if (!wait_event(device, &ended))
				return NULL;
			if (!ended && now_ns() > until_ns) {
				device->failure = "no end of acks";
				return NULL;
			}
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

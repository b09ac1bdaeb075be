// SPDX-License-Identifier: BSD-3-Clause
/* A device of the end-to-end tests; see device.h. */
#include "device.h"
#include <poll.h>
#include <stddef.h>
#include <sys/eventfd.h>
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

void device_raise(struct device *device)
{
	device->asserted = true;
	atomic_store(&device->raised_at, now_ns());
	eventfd_write(device->wires.irq_fd, 1);
}

static uint64_t take(int fd)
{
	eventfd_t count;

	return eventfd_read(fd, &count) ? 0 : count;
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
		{.fd = level ? wires->resample_fd : -1, .events = POLLIN},
	};
	uint64_t acks, resamples;

	if (poll(fds, 2, PATIENCE_MS) <= 0) {
		device->failure = device->asserted ? "no ack" : "no resample";
		return false;
	}
	resamples = level ? take(wires->resample_fd) : 0;
	acks = take(wires->ack_fd);
	device->acks += acks;
	device->resamples += resamples;
	if (acks)
		device->asserted = false;
	if (resamples && device->asserted) {
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

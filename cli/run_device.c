// SPDX-License-Identifier: BSD-3-Clause
/*
 * Looks after devices.  Every wait is bounded: a device that is silent, that
 * goes on after its end or does not end when told is killed, and named.
 */
#include "account.h"
#include "cli.h"
#include "run_device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Times 128 KiB a turn at most: a pipe holds 1 MiB at most. */
#define DRAIN_TURNS 16

void run_device_fail(struct run_device *dev, const char *format, ...)
{
	va_list ap;

	if (dev->failed)
		return;
	dev->failed = true;
	va_start(ap, format);
	vsnprintf(dev->why, sizeof(dev->why), format, ap);
	va_end(ap);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int run_device_init(struct run_device *dev, const struct device_config *config,
		    uint64_t timeout_ns)
{
	const int flags = EFD_CLOEXEC | EFD_NONBLOCK;
	int ret = -ENOMEM;

	memset(dev, 0, sizeof(*dev));
	dev->config = config;
	dev->ops = config->path == PATH_BYPASS ? &run_device_thread
					       : &run_device_process;
	dev->timeout_ns = timeout_ns;
	dev->irq_fd = dev->ack_fd = -1;
	dev->resample_fd = dev->report_fd = -1;
	dev->account = account_create();
	dev->ring = aligned_alloc(_Alignof(struct delivery_ring),
				  sizeof(*dev->ring));
	if (!dev->account || !dev->ring)
		goto out_destroy;
	memset(dev->ring, 0, sizeof(*dev->ring));
	dev->irq_fd = eventfd(0, flags);
	dev->ack_fd = eventfd(0, flags);
	if (dev->irq_fd < 0 || dev->ack_fd < 0)
		goto out_errno;
	if (config->kind == VMM_LEVEL) {
		dev->resample_fd = eventfd(0, flags);
		if (dev->resample_fd < 0)
			goto out_errno;
	}
	return 0;

out_errno:
	ret = -errno;
out_destroy:
	run_device_destroy(dev);
	return ret;
}

void run_device_destroy(struct run_device *dev)
{
	run_device_disconnect(dev);
	close_fd(&dev->irq_fd);
	close_fd(&dev->ack_fd);
	close_fd(&dev->resample_fd);
	account_destroy(dev->account);
	free(dev->ring);
	dev->account = NULL;
	dev->ring = NULL;
}

int run_device_connect(struct run_device *dev, struct virq_loop *loop, int irq,
		       bool strict)
{
	const struct run_source_wires wires = {
		.irq_fd = dev->irq_fd,
		.resample_fd = dev->resample_fd,
		.irq = irq,
		.loop = loop,
		.strict = strict,
	};

	return run_source_create(&dev->source, dev->config, &wires);
}

void run_device_disconnect(struct run_device *dev)
{
	/* A device that reports must find out that nobody listens. */
	close_fd(&dev->report_fd);
	if (dev->alive) {
		dev->ops->kill(dev);
		dev->ops->reap(dev);
		dev->alive = false;
	}
	run_source_destroy(&dev->source);
}

int run_device_start(struct run_device *dev)
{
	int pipe_fds[2];
	int ret;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	dev->report_fd = pipe_fds[0];
	ret = fcntl(dev->report_fd, F_SETFL, O_NONBLOCK)
		      ? -errno
		      : dev->ops->start(dev, pipe_fds[1]);
	dev->alive = !ret;
	dev->reader.last_ns = cli_now_ns();
	close(pipe_fds[1]);
	return ret;
}

/* Deliveries whose raises are all told. */
static void account_deliveries(struct run_device *dev)
{
	uint64_t time;

	while (delivery_ring_peek(dev->ring, &time)) {
		if (!account_delivery(dev->account, time))
			break;
		delivery_ring_pop(dev->ring);
	}
	/* Relaxed: a count that publishes nothing. */
	if (atomic_load_explicit(&dev->ring->dropped, memory_order_relaxed))
		run_device_fail(
			dev,
			"the guest took %u interrupts of it whose raise "
			"it did not report",
			DELIVERY_RING_SIZE);
}

/* From now on it tells nothing and must be gone by the end of the grace. */
static void hang_up(struct run_device *dev, bool kill_it)
{
	close_fd(&dev->report_fd);
	dev->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
	if (kill_it && dev->alive)
		dev->ops->kill(dev);
}

static void read_reports(struct run_device *dev)
{
	const char *why = NULL;

	if (dev->report_fd < 0)
		return;
	switch (report_read(&dev->reader, dev->report_fd, dev->account, &why)) {
	case REPORT_MORE:
		if (dev->reader.ended && !dev->deadline_ns)
			dev->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
		break;
	case REPORT_BAD:
		run_device_fail(dev, "%s", why);
		hang_up(dev, true);
		break;
	case REPORT_EOF:
		/* If it did not end well, its exit status tells why. */
		hang_up(dev, false);
		break;
	}
}

/* It is gone; if nothing is known against it yet, did it end as it should? */
static void check_end(struct run_device *dev)
{
	static const char *const ends[] = {
		[REPORT_END_NO_ACK] = "acknowledge",
		[REPORT_END_NO_EOI] = "EOI",
	};
	const struct report_reader *reader = &dev->reader;
	struct account_counts counts;

	if (!reader->ended) {
		run_device_fail(dev, "exited without a final report");
	} else if (ends[reader->end]) {
		account_get(dev->account, &counts);
		run_device_fail(dev,
				"no %s from the guest within %" PRIu64
				" ms of raise %" PRIu64,
				ends[reader->end], dev->timeout_ns / 1000000u,
				counts.raised);
	}
}

static void reap(struct run_device *dev)
{
	if (!dev->ops->ended(dev))
		return;
	/*
	 * It is gone, and what it told is in the pipe.  No more turns than a
	 * full pipe needs: somebody else may hold the other end.
	 */
	for (int i = 0; i < DRAIN_TURNS && dev->report_fd >= 0; i++)
		read_reports(dev);
	close_fd(&dev->report_fd);
	dev->ops->reap(dev);
	dev->alive = false;
	dev->deadline_ns = 0;
	check_end(dev);
}

static void enforce_limits(struct run_device *dev)
{
	uint64_t now = cli_now_ns();

	if (dev->deadline_ns && now >= dev->deadline_ns) {
		if (dev->reader.ended)
			run_device_fail(dev,
					"did not exit after its final report");
		else if (dev->stopping)
			run_device_fail(dev, "did not stop when told");
		else
			run_device_fail(dev, "closed its report pipe");
		hang_up(dev, true);
		return;
	}
	if (dev->report_fd >= 0 && !dev->reader.ended &&
	    now > dev->reader.last_ns + dev->timeout_ns) {
		run_device_fail(dev, "hangs: no report for %" PRIu64 " ms",
				dev->timeout_ns / 1000000u);
		hang_up(dev, true);
	}
}

bool run_device_turn(struct run_device *dev)
{
	read_reports(dev);
	account_deliveries(dev);
	if (dev->failed && dev->report_fd >= 0)
		hang_up(dev, true);
	if (dev->alive)
		reap(dev);
	if (dev->alive)
		enforce_limits(dev);
	return dev->alive;
}

void run_device_stop(struct run_device *dev)
{
	if (!dev->alive || dev->stopping)
		return;
	dev->stopping = true;
	if (!dev->deadline_ns)
		dev->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
	dev->ops->stop(dev);
}

void run_device_settle(struct run_device *dev)
{
	uint64_t time;

	/* After its end a device raises nothing: all raises are told. */
	if (dev->reader.ended)
		account_upto(dev->account, UINT64_MAX);
	account_deliveries(dev);
	while (delivery_ring_peek(dev->ring, &time)) {
		account_tail(dev->account, time);
		delivery_ring_pop(dev->ring);
	}
	/* It ends well only with its line down, by the guest's acknowledge. */
	if (dev->config->kind == VMM_LEVEL && dev->reader.ended &&
	    dev->reader.end == REPORT_END_DONE)
		account_served(dev->account);
	account_again(dev->account, run_source_again(&dev->source));
	account_finish(dev->account);
}

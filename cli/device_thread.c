// SPDX-License-Identifier: BSD-3-Clause
/*
 * A device in this process: the same raising loop on a thread, which raises
 * through a source.  To kill it is to stop it and to stop listening: each of
 * its waits ends then.
 */
#include "cli.h"
#include "run_device.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *device_thread(void *opaque)
{
	struct run_device *dev = opaque;
	const struct device_setup setup = {
		.level = dev->config->kind == VMM_LEVEL,
		.count = dev->config->count,
		.rate = dev->config->rate,
		.duration_ns = dev->config->duration_ns,
		.timeout_ns = dev->timeout_ns,
		.raiser = run_source_raiser(&dev->source),
		.ack_fd = dev->ack_fd,
		.report_fd = dev->thread.report_fd,
		.stop = &dev->thread.stop,
	};

	/* As in the process: 50 us would show as jitter of the rate. */
	prctl(PR_SET_TIMERSLACK, 1);
	dev->thread.status = device_run(&setup);
	close(dev->thread.report_fd);
	/* Release: pairs with thread_ended(); the status is there before it. */
	atomic_store_explicit(&dev->thread.ended, true, memory_order_release);
	return NULL;
}

static int thread_start(struct run_device *dev, int report_fd)
{
	sigset_t all, old;
	int ret;

	/* The caller closes its own. */
	dev->thread.report_fd = fcntl(report_fd, F_DUPFD_CLOEXEC, 0);
	if (dev->thread.report_fd < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&dev->thread.id, NULL, device_thread, dev);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		close(dev->thread.report_fd);
	return -ret;
}

static void thread_stop(struct run_device *dev)
{
	atomic_store(&dev->thread.stop, true);
	/* It fails only when the counter is full: readable all the same. */
	(void)device_signal(dev->ack_fd);
}

static bool thread_ended(const struct run_device *dev)
{
	return atomic_load_explicit(&dev->thread.ended, memory_order_acquire);
}

static void thread_reap(struct run_device *dev)
{
	pthread_join(dev->thread.id, NULL);
	if (dev->thread.status)
		run_device_fail(dev, "exit status %d", dev->thread.status);
}

const struct run_device_ops run_device_thread = {
	.start = thread_start,
	.stop = thread_stop,
	/* Its pipe is closed by then. */
	.kill = thread_stop,
	.ended = thread_ended,
	.reap = thread_reap,
};

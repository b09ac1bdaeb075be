// SPDX-License-Identifier: BSD-3-Clause
/* Starts and ends the process of a device (device_main.c). */
#include "cli.h"
#include "device_process.h"
#include "run_device.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the device's descriptors come from, in the order of their numbers. */
#define NR_FDS 4

/*
 * posix_spawn() puts descriptors in place one by one: a target number that is
 * the source of a later step would be overwritten.  Sources above all targets.
 */
static int above_targets(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, DEVICE_RESAMPLE_FD + 1);
}

static int spawn(struct run_device *dev, const int from[NR_FDS])
{
	const struct device_config *config = dev->config;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char count[24], rate[24], duration[24], timeout[24], parent[24];
	char *argv[] = {
		(char *)"virq",
		(char *)CLI_DEVICE_COMMAND,
		(char *)config_kinds[config->kind],
		(char *)config_paths[config->path],
		count,
		rate,
		duration,
		timeout,
		parent,
		(char *)config->name,
		NULL,
	};
	int fds[NR_FDS] = {-1, -1, -1, -1};
	sigset_t mask, reset;
	int ret = 0;

	snprintf(count, sizeof(count), "%" PRIu64, config->count);
	snprintf(rate, sizeof(rate), "%" PRIu64, config->rate);
	snprintf(duration, sizeof(duration), "%" PRIu64, config->duration_ns);
	snprintf(timeout, sizeof(timeout), "%" PRIu64, dev->timeout_ns);
	snprintf(parent, sizeof(parent), "%d", (int)getpid());

	/* Blocked until the device has its handlers. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigemptyset(&reset);
	sigaddset(&reset, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &mask);
	posix_spawnattr_setsigdefault(&attr, &reset);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	for (int i = 0; i < NR_FDS && !ret; i++) {
		if (from[i] < 0)
			continue;
		fds[i] = above_targets(from[i]);
		if (fds[i] < 0)
			ret = errno;
		else
			ret = posix_spawn_file_actions_adddup2(
				&actions, fds[i], DEVICE_IRQ_FD + i);
	}
	if (!ret)
		ret = posix_spawn(&dev->pid, "/proc/self/exe", &actions, &attr,
				  argv, environ);
	if (ret)
		dev->pid = 0;
	for (int i = 0; i < NR_FDS; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static int process_start(struct run_device *dev, int report_fd)
{
	int from[NR_FDS] = {dev->irq_fd, dev->ack_fd, report_fd,
			    dev->resample_fd};
	int page = -1;
	int ret;

	if (dev->source.shm) {
		page = run_source_send_page(&dev->source);
		if (page < 0)
			return page;
		from[0] = page;
		/* The page tells of EOIs. */
		from[3] = -1;
	}
	ret = spawn(dev, from);
	if (page >= 0)
		close(page);
	if (ret)
		return ret;
	if (stop_watch(dev->pid))
		return 0;
	/* One place for each device there can be. */
	kill(dev->pid, SIGKILL);
	waitpid(dev->pid, NULL, 0);
	dev->pid = 0;
	return -ENOSPC;
}

static void process_stop(struct run_device *dev)
{
	kill(dev->pid, SIGTERM);
}

static void process_kill(struct run_device *dev)
{
	kill(dev->pid, SIGKILL);
}

/* Not reaped yet: the pid is ours until the watch is off. */
static bool process_ended(const struct run_device *dev)
{
	siginfo_t info = {0};

	return !waitid(P_PID, (id_t)dev->pid, &info,
		       WEXITED | WNOHANG | WNOWAIT) &&
	       info.si_pid;
}

static void process_reap(struct run_device *dev)
{
	int status = 0;

	stop_forget(dev->pid);
	while (waitpid(dev->pid, &status, 0) < 0 && errno == EINTR)
		;
	dev->pid = 0;
	if (WIFSIGNALED(status))
		run_device_fail(dev, "killed by signal %d (%s)",
				WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		run_device_fail(dev, "exit status %d", WEXITSTATUS(status));
}

const struct run_device_ops run_device_process = {
	.start = process_start,
	.stop = process_stop,
	.kill = process_kill,
	.ended = process_ended,
	.reap = process_reap,
};

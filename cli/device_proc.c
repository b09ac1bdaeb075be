// SPDX-License-Identifier: BSD-3-Clause
/*
 * Starts device processes and looks after them.  Every wait is bounded: a
 * device that is silent, that goes on after its end or does not end when
 * told is killed, and named.
 */
#include "account.h"
#include "cli.h"
#include "device_proc.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Times 128 KiB a turn at most: a pipe holds 1 MiB at most. */
#define DRAIN_TURNS 16

/* Only the first failure is told: the others follow from it. */
__attribute__((format(printf, 2, 3))) static void fail(struct device_proc *proc,
						       const char *format, ...)
{
	va_list ap;

	if (proc->failed)
		return;
	proc->failed = true;
	va_start(ap, format);
	vsnprintf(proc->why, sizeof(proc->why), format, ap);
	va_end(ap);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int device_proc_init(struct device_proc *proc,
		     const struct device_config *config, uint64_t timeout_ns)
{
	const int flags = EFD_CLOEXEC | EFD_NONBLOCK;
	int ret = -ENOMEM;

	memset(proc, 0, sizeof(*proc));
	proc->config = config;
	proc->timeout_ns = timeout_ns;
	proc->irq_fd = proc->ack_fd = -1;
	proc->resample_fd = proc->report_fd = -1;
	proc->account = account_create();
	proc->ring = aligned_alloc(_Alignof(struct delivery_ring),
				   sizeof(*proc->ring));
	if (!proc->account || !proc->ring)
		goto out_destroy;
	memset(proc->ring, 0, sizeof(*proc->ring));
	proc->irq_fd = eventfd(0, flags);
	proc->ack_fd = eventfd(0, flags);
	if (proc->irq_fd < 0 || proc->ack_fd < 0)
		goto out_errno;
	if (config->kind == VMM_LEVEL) {
		proc->resample_fd = eventfd(0, flags);
		if (proc->resample_fd < 0)
			goto out_errno;
	}
	return 0;

out_errno:
	ret = -errno;
out_destroy:
	device_proc_destroy(proc);
	return ret;
}

void device_proc_destroy(struct device_proc *proc)
{
	if (proc->pid) {
		kill(proc->pid, SIGKILL);
		stop_forget(proc->pid);
		waitpid(proc->pid, NULL, 0);
		proc->pid = 0;
	}
	close_fd(&proc->irq_fd);
	close_fd(&proc->ack_fd);
	close_fd(&proc->resample_fd);
	close_fd(&proc->report_fd);
	account_destroy(proc->account);
	free(proc->ring);
	proc->account = NULL;
	proc->ring = NULL;
}

/*
 * posix_spawn() puts descriptors in place one by one: a target number that is
 * the source of a later step would be overwritten.  Sources above all targets.
 */
static int above_targets(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, DEVICE_RESAMPLE_FD + 1);
}

static int spawn(struct device_proc *proc, int report_fd)
{
	const struct device_config *config = proc->config;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char count[24], rate[24], duration[24], timeout[24], parent[24];
	char *argv[] = {
		(char *)"virq",
		(char *)CLI_DEVICE_COMMAND,
		(char *)config_kinds[config->kind],
		count,
		rate,
		duration,
		timeout,
		parent,
		(char *)config->name,
		NULL,
	};
	const int from[] = {proc->irq_fd, proc->ack_fd, report_fd,
			    proc->resample_fd};
	int fds[4] = {-1, -1, -1, -1};
	sigset_t mask, reset;
	int ret = 0;

	snprintf(count, sizeof(count), "%" PRIu64, config->count);
	snprintf(rate, sizeof(rate), "%" PRIu64, config->rate);
	snprintf(duration, sizeof(duration), "%" PRIu64, config->duration_ns);
	snprintf(timeout, sizeof(timeout), "%" PRIu64, proc->timeout_ns);
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
	for (int i = 0; i < 4 && !ret; i++) {
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
		ret = posix_spawn(&proc->pid, "/proc/self/exe", &actions, &attr,
				  argv, environ);
	if (ret)
		proc->pid = 0;
	for (int i = 0; i < 4; i++)
		close_fd(&fds[i]);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

int device_proc_start(struct device_proc *proc)
{
	int pipe_fds[2];
	int ret;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	proc->report_fd = pipe_fds[0];
	if (fcntl(proc->report_fd, F_SETFL, O_NONBLOCK)) {
		ret = -errno;
		goto out;
	}
	ret = spawn(proc, pipe_fds[1]);
	if (ret)
		goto out;
	proc->reader.last_ns = cli_now_ns();
	if (!stop_watch(proc->pid)) {
		/* One place for each device there can be. */
		device_proc_stop(proc);
		ret = -ENOSPC;
	}
out:
	close(pipe_fds[1]);
	return ret;
}

/* Deliveries whose raises are all told. */
static void account_deliveries(struct device_proc *proc)
{
	uint64_t time;

	while (delivery_ring_peek(proc->ring, &time)) {
		if (!account_delivery(proc->account, time))
			break;
		delivery_ring_pop(proc->ring);
	}
	/* Relaxed: a count that publishes nothing. */
	if (atomic_load_explicit(&proc->ring->dropped, memory_order_relaxed))
		fail(proc,
		     "the guest took %u interrupts of it whose raise "
		     "it did not report",
		     DELIVERY_RING_SIZE);
}

/* From now on it tells nothing and must be gone by the end of the grace. */
static void hang_up(struct device_proc *proc, bool kill_it)
{
	close_fd(&proc->report_fd);
	proc->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
	if (kill_it && proc->pid)
		kill(proc->pid, SIGKILL);
}

static void read_reports(struct device_proc *proc)
{
	const char *why = NULL;

	if (proc->report_fd < 0)
		return;
	switch (report_read(&proc->reader, proc->report_fd, proc->account,
			    &why)) {
	case REPORT_MORE:
		if (proc->reader.ended && !proc->deadline_ns)
			proc->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
		break;
	case REPORT_BAD:
		fail(proc, "%s", why);
		hang_up(proc, true);
		break;
	case REPORT_EOF:
		/* If it did not end well, its exit status tells why. */
		hang_up(proc, false);
		break;
	}
}

static void ended(struct device_proc *proc, int status)
{
	static const char *const ends[] = {
		[REPORT_END_NO_ACK] = "acknowledge",
		[REPORT_END_NO_EOI] = "EOI",
	};
	const struct report_reader *reader = &proc->reader;
	struct account_counts counts;

	if (WIFSIGNALED(status)) {
		fail(proc, "killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	} else if (WEXITSTATUS(status)) {
		fail(proc, "exit status %d", WEXITSTATUS(status));
	} else if (!reader->ended) {
		fail(proc, "exited without a final report");
	} else if (ends[reader->end]) {
		account_get(proc->account, &counts);
		fail(proc,
		     "no %s from the guest within %" PRIu64
		     " ms of raise %" PRIu64,
		     ends[reader->end], proc->timeout_ns / 1000000u,
		     counts.raised);
	}
}

static void reap(struct device_proc *proc)
{
	siginfo_t info = {0};
	int status;

	/* Not reaped yet: the pid is ours until the watch is off. */
	if (waitid(P_PID, (id_t)proc->pid, &info,
		   WEXITED | WNOHANG | WNOWAIT) ||
	    !info.si_pid)
		return;
	/*
	 * It is dead, and what it told is in the pipe.  No more turns than a
	 * full pipe needs: somebody else may hold the other end.
	 */
	for (int i = 0; i < DRAIN_TURNS && proc->report_fd >= 0; i++)
		read_reports(proc);
	close_fd(&proc->report_fd);
	stop_forget(proc->pid);
	waitpid(proc->pid, &status, 0);
	proc->pid = 0;
	proc->deadline_ns = 0;
	ended(proc, status);
}

static void enforce_limits(struct device_proc *proc)
{
	uint64_t now = cli_now_ns();

	if (proc->deadline_ns && now >= proc->deadline_ns) {
		if (proc->reader.ended)
			fail(proc, "did not exit after its final report");
		else if (proc->stopping)
			fail(proc, "did not stop when told");
		else
			fail(proc, "closed its report pipe");
		hang_up(proc, true);
		return;
	}
	if (proc->report_fd >= 0 && !proc->reader.ended &&
	    now > proc->reader.last_ns + proc->timeout_ns) {
		fail(proc, "hangs: no report for %" PRIu64 " ms",
		     proc->timeout_ns / 1000000u);
		hang_up(proc, true);
	}
}

bool device_proc_turn(struct device_proc *proc)
{
	read_reports(proc);
	account_deliveries(proc);
	if (proc->failed && proc->report_fd >= 0)
		hang_up(proc, true);
	if (proc->pid)
		reap(proc);
	if (proc->pid)
		enforce_limits(proc);
	return proc->pid;
}

void device_proc_stop(struct device_proc *proc)
{
	if (!proc->pid || proc->stopping)
		return;
	proc->stopping = true;
	if (!proc->deadline_ns)
		proc->deadline_ns = cli_now_ns() + DEVICE_GRACE_NS;
	kill(proc->pid, SIGTERM);
}

void device_proc_settle(struct device_proc *proc)
{
	uint64_t time;

	/* After its end a device raises nothing: all raises are told. */
	if (proc->reader.ended)
		account_upto(proc->account, UINT64_MAX);
	account_deliveries(proc);
	while (delivery_ring_peek(proc->ring, &time)) {
		account_tail(proc->account, time);
		delivery_ring_pop(proc->ring);
	}
	account_finish(proc->account);
}

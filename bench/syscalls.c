// SPDX-License-Identifier: BSD-3-Clause
/*
 * The tracer is a child of what it traces, a fork of a process with threads: it
 * makes system calls and touches its own stack, no more.
 */
#include "syscalls.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS ((unsigned long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE))
#define SYSCALL_STOP (SIGTRAP | 0x80)
/* A call that nobody makes otherwise. */
#define MARK SYS_getppid

struct answer {
	int error;
	uint64_t count;
};

void syscalls_mark(void)
{
	syscall(MARK);
}

void syscalls_allow(void)
{
	/* Without Yama there is no such thing, and no need of it. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
}

/* ---- In the tracer ---- */

static int seize(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, OPTIONS) ||
	    ptrace(PTRACE_INTERRUPT, tid, 0, 0))
		return -errno;
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		return -ESRCH;
	return ptrace(PTRACE_SYSCALL, tid, 0, 0) ? -errno : 0;
}

struct dirent64 {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int seize_listed(char *buffer, long len)
{
	int ret = 0;

	for (long at = 0; at < len && !ret;) {
		struct dirent64 *entry = (struct dirent64 *)(buffer + at);

		if (isdigit((unsigned char)entry->name[0]))
			ret = seize((pid_t)strtol(entry->name, NULL, 10));
		at += entry->reclen;
	}
	return ret;
}

/* All threads that @pid has: nobody starts any meanwhile. */
static int seize_process(pid_t pid)
{
	_Alignas(8) char buffer[8192];
	char path[32];
	long len;
	int ret = 0;
	int dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	while (!ret &&
	       (len = syscall(SYS_getdents64, dir, buffer, sizeof(buffer))) > 0)
		ret = seize_listed(buffer, len);
	close(dir);
	return ret;
}

/* Is this the entry into a call, and which? */
static bool enters(pid_t tid, uint64_t *nr)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return false;
	*nr = info.entry.nr;
	return info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

static int signal_of(int status)
{
	int sig = WSTOPSIG(status);

	/* Stops of tracing's own, and group stops, are no signals. */
	return status >> 16 || sig == SIGTRAP ? 0 : sig;
}

/* Until the second mark, or whoever is traced has gone. */
static uint64_t count_calls(pid_t marker)
{
	unsigned int marks = 0;
	uint64_t count = 0;

	while (marks < 2) {
		int status, sig = 0;
		pid_t tid = waitpid(-1, &status, __WALL);
		uint64_t nr;

		if (tid < 0 && errno == ECHILD)
			break;
		if (tid < 0 || !WIFSTOPPED(status))
			continue;
		if (WSTOPSIG(status) != SYSCALL_STOP)
			sig = signal_of(status);
		else if (enters(tid, &nr)) {
			if (tid == marker && nr == MARK)
				marks++;
			else if (marks)
				count++;
		}
		ptrace(PTRACE_SYSCALL, tid, 0, (long)sig);
	}
	return count;
}

static void __attribute__((noreturn))
trace(pid_t parent, pid_t marker, pid_t other, int to)
{
	struct answer answer = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	answer.error = seize_process(parent);
	if (!answer.error && other)
		answer.error = seize_process(other);
	if (write(to, &answer, sizeof(answer)) != sizeof(answer) ||
	    answer.error)
		_exit(1);
	answer.count = count_calls(marker);
	(void)!write(to, &answer, sizeof(answer));
	/* All are let go by this. */
	_exit(0);
}

/* ---- In the traced process ---- */

static int read_answer(const struct syscalls *syscalls, struct answer *answer)
{
	ssize_t got;

	do
		got = read(syscalls->result, answer, sizeof(*answer));
	while (got < 0 && errno == EINTR);
	return got == sizeof(*answer) ? answer->error : -EPIPE;
}

static void reap(struct syscalls *syscalls)
{
	close(syscalls->result);
	while (waitpid(syscalls->tracer, NULL, 0) < 0 && errno == EINTR)
		;
}

int syscalls_begin(struct syscalls *syscalls, pid_t other)
{
	pid_t parent = getpid(), marker = (pid_t)syscall(SYS_gettid);
	struct answer answer;
	int ends[2];
	int ret;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	/* Before the fork: the child may not wait for us to allow it. */
	syscalls_allow();
	syscalls->tracer = fork();
	if (!syscalls->tracer)
		trace(parent, marker, other, ends[1]);
	ret = syscalls->tracer < 0 ? -errno : 0;
	close(ends[1]);
	syscalls->result = ends[0];
	if (ret) {
		close(ends[0]);
		return ret;
	}
	ret = read_answer(syscalls, &answer);
	if (ret)
		reap(syscalls);
	return ret;
}

int syscalls_end(struct syscalls *syscalls, uint64_t *count)
{
	struct answer answer;
	int ret = read_answer(syscalls, &answer);

	reap(syscalls);
	*count = ret ? 0 : answer.count;
	return ret;
}

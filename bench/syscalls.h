/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many system calls something makes: all of this process's threads, those
 * that it starts meanwhile, and one process beside it, seen by the kernel.
 *
 * A child process traces all of them by ptrace(2), as strace does, and counts
 * each entry into the kernel between two marks; nothing is timed then.  No call
 * that a library makes by itself can hide, and what the vDSO answers in user
 * space is none.
 */
#ifndef BENCH_SYSCALLS_H
#define BENCH_SYSCALLS_H

#include <stdint.h>
#include <sys/types.h>

struct syscalls {
	pid_t tracer;
	int result; /* the tracer's answer */
};

/*
 * syscalls_begin - from now on everything is traced; @other: another process,
 * or 0.  0, or a negative errno: -EPERM where tracing is not allowed.
 * syscalls_mark - twice, on the thread that began: what comes between is
 * counted.  Itself it is a system call, which is not.
 * syscalls_end - *@count between the marks.  0 or a negative errno.
 */
int syscalls_begin(struct syscalls *syscalls, pid_t other);
void syscalls_mark(void);
int syscalls_end(struct syscalls *syscalls, uint64_t *count);

/* A process that another than its ancestor is to trace allows it. */
void syscalls_allow(void);

#endif

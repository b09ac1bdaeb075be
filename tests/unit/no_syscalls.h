/* SPDX-License-Identifier: BSD-3-Clause */
/* A child process that dies of its first system call. */
#ifndef TEST_NO_SYSCALLS_H
#define TEST_NO_SYSCALLS_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_SYSCALLS_UNABLE 2 /* the exit status: no seccomp filters here */

/* From now on any but the end of the process kills it. */
static inline void no_syscalls_begin(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		_exit(NO_SYSCALLS_UNABLE);
}

/* Not _exit(): before what does not return a sanitizer makes calls. */
static inline void no_syscalls_end(int status)
{
	syscall(SYS_exit_group, status);
}

/* The child's status; false: it could not begin. */
static inline bool no_syscalls_await(pid_t pid, int *status)
{
	*status = -1;
	(void)waitpid(pid, status, 0);
	return !WIFEXITED(*status) ||
	       WEXITSTATUS(*status) != NO_SYSCALLS_UNABLE;
}

#endif

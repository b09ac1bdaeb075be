/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a case is written with: checks, descriptors that the runner closes, and
 * patience.
 *
 * A check that fails records what was expected and ends the case; only the
 * thread that runs the case may check.  Answers of the port are >= 0 or
 * -errno.
 */
#ifndef CONFORM_CHECK_H
#define CONFORM_CHECK_H

#include "conform.h"
#include <sched.h>

#define CONFORM_MAX_FDS 128

struct conform {
	const struct conform_port *port;
	const struct conform_case *test;
	int fds[CONFORM_MAX_FDS]; /* open, in the order of opening */
	unsigned int nr_fds;
	struct conform_failure *failure; /* shared with the runner */
};

/* How the process of a case ends. */
enum conform_exit {
	CONFORM_EXIT_PASSED = 0,
	CONFORM_EXIT_FAILED = 40,
	CONFORM_EXIT_SKIPPED = 41,
};

/* Patience with what Linux does from a work item. */
#define CONFORM_PATIENCE_NS UINT64_C(3000000000)

_Noreturn void conform_fail(struct conform *c, const char *file, int line,
			    const char *what, const char *expected,
			    const char *got);
/* This machine cannot show it. */
_Noreturn void conform_skip(struct conform *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

void conform_check_ret(struct conform *c, const char *file, int line,
		       const char *what, int got, int want);
void conform_check_eq(struct conform *c, const char *file, int line,
		      const char *what, uint64_t got, uint64_t want);

#define CHECK(c, condition)                                                    \
	do {                                                                   \
		if (!(condition))                                              \
			conform_fail(c, __FILE__, __LINE__, #condition,        \
				     "true", "false");                         \
	} while (0)
/* Answers of calls: shown as errno names. */
#define CHECK_RET(c, call, want)                                               \
	conform_check_ret(c, __FILE__, __LINE__, #call, call, want)
/* Values: shown in hexadecimal too. */
#define CHECK_EQ(c, value, want)                                               \
	conform_check_eq(c, __FILE__, __LINE__, #value, (uint64_t)(value),     \
			 (uint64_t)(want))

uint64_t conform_now_ns(void);

/* Until it is true, or the patience ends. */
#define AWAIT(c, condition)                                                    \
	do {                                                                   \
		uint64_t end_ = conform_now_ns() + CONFORM_PATIENCE_NS;        \
                                                                               \
		while (!(condition)) {                                         \
			if (conform_now_ns() > end_)                           \
				conform_fail(c, __FILE__, __LINE__,            \
					     #condition, "true in 3 s",        \
					     "still false");                   \
			sched_yield();                                         \
		}                                                              \
	} while (0)

/* The port's calls. */
int port_ioctl(struct conform *c, int fd, unsigned long request, void *arg);
int port_ioctl_value(struct conform *c, int fd, unsigned long request,
		     uintptr_t value);

/* Have the runner close @fd; a negative one fails the case.  Answers @fd. */
int fd_keep(struct conform *c, int fd);
/* Close it now, whether kept or not. */
void fd_close(struct conform *c, int fd);
/* dup(2), which the port hears of. */
int fd_dup(struct conform *c, int fd);

#endif

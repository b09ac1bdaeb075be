// SPDX-License-Identifier: BSD-3-Clause
/* See check.h. */
#include "check.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *conform_errno_name(int value, char *buf, size_t size)
{
	const char *name;

	if (!value)
		return "0";
	name = value < 0 ? strerrorname_np(-value) : NULL;
	if (name)
		return name;
	snprintf(buf, size, "%d", value);
	return buf;
}

_Noreturn void conform_fail(struct conform *c, const char *file, int line,
			    const char *what, const char *expected,
			    const char *got)
{
	struct conform_failure *f = c->failure;
	const char *base = strrchr(file, '/');

	snprintf(f->file, sizeof(f->file), "%s", base ? base + 1 : file);
	f->line = line;
	snprintf(f->what, sizeof(f->what), "%s", what);
	snprintf(f->expected, sizeof(f->expected), "%s", expected);
	snprintf(f->got, sizeof(f->got), "%s", got);
	/* Threads of the case may be at work on what exit() would take away. */
	_exit(CONFORM_EXIT_FAILED);
}

_Noreturn void conform_skip(struct conform *c, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(c->failure->what, sizeof(c->failure->what), format, ap);
	va_end(ap);
	_exit(CONFORM_EXIT_SKIPPED);
}

void conform_check_ret(struct conform *c, const char *file, int line,
		       const char *what, int got, int want)
{
	char buf[2][16];

	if (got == want)
		return;
	conform_fail(c, file, line, what,
		     conform_errno_name(want, buf[0], sizeof(buf[0])),
		     conform_errno_name(got, buf[1], sizeof(buf[1])));
}

void conform_check_eq(struct conform *c, const char *file, int line,
		      const char *what, uint64_t got, uint64_t want)
{
	char expected[64], actual[64];

	if (got == want)
		return;
	snprintf(expected, sizeof(expected), "%lld (%#llx)", (long long)want,
		 (unsigned long long)want);
	snprintf(actual, sizeof(actual), "%lld (%#llx)", (long long)got,
		 (unsigned long long)got);
	conform_fail(c, file, line, what, expected, actual);
}

uint64_t conform_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int port_ioctl_value(struct conform *c, int fd, unsigned long request,
		     uintptr_t value)
{
	return c->port->ioctl(fd, request, value);
}

int port_ioctl(struct conform *c, int fd, unsigned long request, void *arg)
{
	return port_ioctl_value(c, fd, request, (uintptr_t)arg);
}

int fd_keep(struct conform *c, int fd)
{
	char buf[16];

	if (fd < 0)
		conform_fail(c, __FILE__, __LINE__, "a descriptor", ">= 0",
			     conform_errno_name(fd, buf, sizeof(buf)));
	if (c->nr_fds == CONFORM_MAX_FDS)
		conform_fail(c, __FILE__, __LINE__, "descriptors of a case",
			     "at most 128", "more");
	c->fds[c->nr_fds++] = fd;
	return fd;
}

void fd_close(struct conform *c, int fd)
{
	unsigned int i = 0;

	while (i < c->nr_fds && c->fds[i] != fd)
		i++;
	if (i < c->nr_fds) {
		c->nr_fds--;
		memmove(&c->fds[i], &c->fds[i + 1],
			(c->nr_fds - i) * sizeof(c->fds[0]));
	}
	CHECK_RET(c, c->port->close(fd), 0);
}

int fd_dup(struct conform *c, int fd)
{
	int copy = fd_keep(c, dup(fd));

	/* A descriptor that is not the port's is none of its business. */
	c->port->dup(fd, copy);
	return copy;
}

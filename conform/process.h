/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors on the way through sockets, and to child processes. */
#ifndef CONFORM_PROCESS_H
#define CONFORM_PROCESS_H

#include "env.h"

struct mail {
	int ends[2]; /* of a socket pair */
};

struct mail mail_new(struct conform *c);
void mail_send(struct conform *c, const struct mail *mail, int fd);
/* The descriptor, made known to the port as a duplicate of @fd. */
int mail_receive(struct conform *c, const struct mail *mail, int fd);

/*
 * child_run - what @run answers (0..255) in a child process.  In the child,
 * nothing may be checked: its answer is all it can tell.
 */
int child_run(struct conform *c, int (*run)(struct conform *c, void *arg),
	      void *arg);

/* The answer's way out of a child: errno numbers are small. */
static inline int child_answer(int ret)
{
	return ret < 0 ? -ret : 0;
}

#endif

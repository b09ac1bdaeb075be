/* SPDX-License-Identifier: BSD-3-Clause */
/* Eventfds: identity, and signalling one that somebody else also holds. */
#ifndef VIRQ_CORE_EVENTFD_H
#define VIRQ_CORE_EVENTFD_H

#include <virq/eventfd.h>

/*
 * The folder that tells which eventfd a descriptor is, kept open because the
 * way to it costs more than the look.  -1 where there is none.
 */
int eventfd_open_dir(void);

/*
 * virq_eventfd_query(), by @dir if it is not -1, with a fallback to kcmp(2)
 * where procfs does not tell: ids then are synthetic (top bit set) and an equal
 * eventfd has an equal id for as long as somebody holds it.  Pair each success
 * with eventfd_put().  0, -EBADF, -EINVAL, -EMFILE, -ENOMEM.
 */
int eventfd_get(int dir, int fd, struct virq_eventfd_info *info);
void eventfd_put(uint64_t id);

/* For tests: behave as on a kernel that does not tell. */
extern bool eventfd_no_procfs;

/* Our own copy of an eventfd that we signal. */
struct eventfd_signal {
	int fd; /* -1: none */
};

/* Copy @fd, which the caller has found to be an eventfd.  0, -EMFILE... */
int eventfd_signal_init(struct eventfd_signal *signal, int fd);
void eventfd_signal_fini(struct eventfd_signal *signal);

/*
 * Add 1, never blocking, whatever the other holders do with the counter or
 * with O_NONBLOCK.  A counter at its maximum stays there: it is signalled.
 */
void eventfd_signal(const struct eventfd_signal *signal);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What files.c and system.c share. */
#ifndef VIRQ_UAPI_FILES_H
#define VIRQ_UAPI_FILES_H

#include "uapi.h"

/* All our memfds' names begin so; /proc/self/fd shows them. */
#define UAPI_NAME_PREFIX "virq-"

/*
 * The state behind a /dev/kvm descriptor of another process, from its memfd's
 * name; false when the name is not that of one.
 */
bool uapi_system_from_name(const char *name, void **object);

/*
 * Is @fd in the table of descriptors?  Two loads; also from a signal handler
 * and in a child of vfork().  uapi_fd_next_known: the first in first..last, or
 * -1.
 */
bool uapi_fd_is_known(int fd);
int uapi_fd_next_known(int first, int last);

/* In a forked child: the loop's thread is gone. */
void uapi_loop_forget(void);

#endif

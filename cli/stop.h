/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ctrl-C.  The first SIGINT or SIGTERM asks the run to end and wakes it; the
 * second kills the device processes and ends this one at once.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * stop_prepare - block the signals, so that threads made from now on never
 * take them, and make the wake-up descriptor.  0 or a negative errno.
 */
int stop_prepare(void);
/* Handle the signals, on the calling thread. */
void stop_arm(void);
/* Readable once a signal came. */
int stop_fd(void);
/* The signal that came first, or 0. */
int stop_signal(void);

/* The children that a second signal kills.  False: the table is full. */
bool stop_watch(pid_t pid);
void stop_forget(pid_t pid);

#endif

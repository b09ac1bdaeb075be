/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libvirq-kvm.so: the front door under a program that knows only Linux.
 *
 * real.c	the functions the shim stands in front of
 * own_fds.c	the library's own calls of these, and its own descriptors
 * hooks_open.c	open() and its like; config.c which door it opens
 * hooks_fd.c	close(), dup(), fcntl(), close_range()
 * hooks.c	ioctl(), mmap()
 * stats.c	the counts at the end
 *
 * The library is linked in, not beside: the linker binds its calls of open(),
 * close() and so on to own_fds.c, so they reach the real functions whatever
 * thread makes them, and a program that itself uses libvirq is a client like
 * any other.
 *
 * There are no locks here.
 */
#ifndef SHIM_SHIM_H
#define SHIM_SHIM_H

#include <stdbool.h>
#include <sys/types.h>

/* Has this process opened the door?  If not, no descriptor is of interest. */
bool shim_door_is_open(void);
/* A descriptor of the door's came by a message: from now on it is open. */
void shim_meet_door(void);

/*
 * Are our tables of descriptors about this process?  Not in a child of
 * vfork(), which has descriptors of its own in its parent's memory.
 */
bool shim_in_process(void);

/* A descriptor like open("/dev/kvm", @flags)'s, or -1 and errno. */
int shim_open_door(int flags);

/* Read what is asked for; before the program's first VM. */
void shim_stats_start(void);

/* A descriptor that the library has opened for itself. */
bool own_fd_is(int fd);
/* The first of them in first..last, or -1. */
int own_fd_next(int first, int last);

#endif

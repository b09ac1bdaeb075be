/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds watched by io_uring: a registered file and a read in flight for
 * each.  A signal completes the read, which drains the counter; one
 * io_uring_enter(2) puts the reads back and waits for the next.
 *
 * Only plain eventfds whose counter is zero come here.  EFD_SEMAPHORE ones and
 * those that are signalled when they come under watch need what a draining
 * read cannot do, and go to the epoll set.
 */
#ifndef VIRQ_CORE_URING_SET_H
#define VIRQ_CORE_URING_SET_H

#include <stdbool.h>
#include <stdint.h>

struct loop_source;
struct uring_set;
struct virq_loop;

/*
 * 0, -EPERM, -ENOSYS, -ENOMEM, -EMFILE, or -EOPNOTSUPP: this kernel keeps an
 * unregistered file open while other requests are in flight (before 6.13), so
 * that deassigned eventfds would pile up.
 */
int uring_set_create(struct virq_loop *loop, uint32_t nr_slots,
		     struct uring_set **set);
void uring_set_destroy(struct uring_set *set);

/* The ring's descriptor: readable while completions wait. */
int uring_set_fd(const struct uring_set *set);

int uring_set_add(struct uring_set *set, struct loop_source *source, int fd);
/* In two steps, as loop_remove_start() and _finish().  True: signal owed. */
void uring_set_remove_start(struct uring_set *set, struct loop_source *source);
bool uring_set_remove_finish(struct uring_set *set, struct loop_source *source);

/*
 * The driver's turn: submit what was asked for, wait if @wait and nothing is
 * there, and handle completions.  How many sources and timers fired.
 */
int uring_set_poll(struct uring_set *set, bool wait);
/* Is there something to submit or handle, without a system call? */
bool uring_set_has_work(const struct uring_set *set);
/*
 * The driver's last act: arm everything, so that the ring's descriptor tells
 * of what comes.  False: there was more than one submission takes.
 */
bool uring_set_arm(struct uring_set *set);

/* uring_probe.c: does the kernel let go of an unregistered file at once? */
int uring_probe(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fleet: many irqfds in one VM, KVM's or ours, oldest first.
 *
 * To take the oldest out its descriptor is needed.  KVM's irqfd ends when the
 * eventfd is closed, so there each costs a descriptor; ours outlives that, so
 * only the first @turnover, which will be taken out, are kept open.
 */
#ifndef BENCH_FLEET_H
#define BENCH_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fleet {
	/* 0 or a negative errno. */
	int (*irqfd)(void *vm, int fd, uint32_t gsi, uint32_t flags);
	void *vm;
	bool keeps_fds;
	size_t nr; /* irqfds now */
	size_t oldest; /* index of the first that is left */
	size_t assigned; /* since fleet_open() */
	size_t room;
	int *fds; /* by number of assignment, -1: closed */
};

/*
 * fleet_fill - assign @nr; @turnover is how many fleet_replace() calls will
 * follow.  0 or a negative errno; fleet_empty() in any case.
 */
int fleet_fill(struct fleet *fleet, size_t nr, size_t turnover);

/*
 * fleet_replace - deassign the oldest, assign a new one; what each took.
 * 0 or a negative errno.
 */
int fleet_replace(struct fleet *fleet, double *deassign_ns, double *assign_ns);

/* Close what is open; the VM's end ends the irqfds. */
void fleet_empty(struct fleet *fleet);

#endif

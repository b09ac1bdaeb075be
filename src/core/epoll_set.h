/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds watched by epoll, edge-triggered, each by a copy of its descriptor.
 */
#ifndef VIRQ_CORE_EPOLL_SET_H
#define VIRQ_CORE_EPOLL_SET_H

#include <stdbool.h>
#include <stdint.h>
#include <virq/eventfd.h>
#include "spinlock.h"

struct loop_source;
struct virq_loop;
struct epoll_slot;

struct epoll_set {
	int fd;
	struct epoll_slot *slots;
	uint32_t nr_slots;
	uint32_t nr_used; /* slots ever used; the rest is fresh */
	uint32_t free_head; /* list of freed slots */
	struct spinlock lock; /* of the two above */
};

/* Internal descriptors, level-triggered, that the loop handles itself. */
enum epoll_special { EPOLL_WAKE, EPOLL_TIMER, EPOLL_NR_SPECIAL };

int epoll_set_init(struct epoll_set *set, uint32_t nr_slots);
void epoll_set_fini(struct epoll_set *set);
int epoll_set_watch(struct epoll_set *set, int fd, enum epoll_special special);

int epoll_set_add(struct epoll_set *set, struct loop_source *source, int fd,
		  const struct virq_eventfd_info *info);
/* Afterwards: does not fire, drained; true if a signal is still owed. */
bool epoll_set_remove(struct epoll_set *set, struct loop_source *source);

/*
 * Wait (@timeout_ms as in epoll_wait) and fire.  The number of sources fired;
 * *@special gets a bit for each internal descriptor that is readable.
 */
int epoll_set_poll(struct epoll_set *set, int timeout_ms,
		   unsigned int *special);

#endif

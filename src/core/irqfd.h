/* SPDX-License-Identifier: BSD-3-Clause */
/* The core's part of an irqfd, and its side of a bypass. */
#ifndef VIRQ_CORE_IRQFD_H
#define VIRQ_CORE_IRQFD_H

#include "internal.h"
#include "loop.h"
#include "resampler.h"
#include "token.h"

struct irqfd_core {
	struct virq_irqfd *irqfd;
	struct token token;
	bool claimed; /* the token is in the table */
	struct loop_source source;
	struct virq_loop *loop; /* NULL: the back end delivers */
	struct cds_list_head node; /* vm->irqfds */
	struct cds_list_head watch; /* vm->watched, or empty */
	struct resample_member member;
	struct virq_bypass_consumer consumer;
	struct cds_list_head bypassed; /* vm->bypassed, or empty */
	int bypass_error; /* of the last connect that failed; irq_lock */
	bool was_connected; /* somebody may have posted; irq_lock */
	/* Written by whoever holds the source's slot; statistics, relaxed. */
	atomic_uint_least64_t signals;
	atomic_uint_least64_t delivered;
	atomic_uint_least64_t coalesced;
	atomic_uint_least64_t ignored;
};

/*
 * Become a consumer, if this irqfd may.  0; with VIRQ_BYPASS_STRICT also why a
 * connection failed, otherwise that is only told in the irqfd's state.
 */
int irqfd_bypass_register(struct irqfd_core *core,
			  const struct virq_eventfd_info *info);
/*
 * True if a grace period must end the last post; false if this has been told
 * before.
 */
bool irqfd_bypass_unregister(struct irqfd_core *core);

/* The table changes: tell the connected irqfds.  irq_lock held. */
void irqfd_bypass_update(struct virq_vm *vm, const struct route_table *old,
			 const struct route_table *new_table);

void irqfd_bypass_query(struct irqfd_core *core, struct virq_irqfd_info *info);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of eventfds: what each of them is bound to, in all VMs of the
 * process.
 *
 * An entry is found by the eventfd's id (eventfd_get()), which takes no lock,
 * and has a lock of its own.  That is held while bypass callbacks run, so it is
 * taken before the locks that those take.
 *
 * An entry stays where it is while it is locked, and while anything is bound
 * in it.
 *
 * In a child of fork() the table is as it was, and can be used if no other
 * thread of the parent was inside at that moment.
 */
#ifndef VIRQ_CORE_EVENTFD_TABLE_H
#define VIRQ_CORE_EVENTFD_TABLE_H

#include "futex_lock.h"

struct token;
struct virq_bypass_consumer;
struct virq_bypass_producer;

struct bypass_entry {
	struct futex_lock lock;
	uint32_t index; /* among its neighbours */
	/* What is bound, NULL: nothing.  Under the lock. */
	struct token *token;
	struct virq_bypass_producer *producer;
	struct virq_bypass_consumer *consumer;
};

/* Lock @id's entry.  NULL: no memory. */
struct bypass_entry *eventfd_entry_lock(uint64_t id);

/* The same, but NULL where there is none; so nothing is bound. */
struct bypass_entry *eventfd_entry_find(uint64_t id);

/* Lock an entry that the caller has bound something in. */
void eventfd_entry_relock(struct bypass_entry *entry);

/*
 * Unlock.  One in which nothing is bound any more may be gone then.  And that
 * now and then takes an RCU grace period: not inside a read-side section, nor
 * with a lock that a reader takes.
 */
void eventfd_entry_unlock(struct bypass_entry *entry);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tokens: which eventfds are bound to an irqfd, in all VMs of the process, and
 * to which.  A token is in the eventfd's entry of the table
 * (eventfd_table.h), under whose lock each call runs.
 */
#ifndef VIRQ_CORE_TOKEN_H
#define VIRQ_CORE_TOKEN_H

#include <stdint.h>

struct bypass_entry;

/* Embedded in what is bound. */
struct token {
	uint64_t id; /* eventfd_get() */
	const void *owner; /* the VM */
	struct bypass_entry *entry; /* while it is bound */
};

/* Bind token->id to @token.  0, -EBUSY (bound already), -ENOMEM. */
int token_claim(struct token *token);
void token_release(struct token *token);

/*
 * What @owner has bound @id to, or NULL.  Valid for as long as the owner does
 * not release it: call with the owner's lock held.
 */
struct token *token_find(uint64_t id, const void *owner);

#endif

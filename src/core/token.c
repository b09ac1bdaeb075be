// SPDX-License-Identifier: BSD-3-Clause
/* Which eventfd is bound to which irqfd. */
#include "token.h"
#include <errno.h>
#include <stddef.h>
#include "eventfd_table.h"

int token_claim(struct token *token)
{
	struct bypass_entry *entry = eventfd_entry_lock(token->id);
	int rc = -EBUSY;

	if (!entry)
		return -ENOMEM;
	if (!entry->token) {
		entry->token = token;
		token->entry = entry;
		rc = 0;
	}
	eventfd_entry_unlock(entry);
	return rc;
}

void token_release(struct token *token)
{
	struct bypass_entry *entry = token->entry;

	eventfd_entry_relock(entry);
	entry->token = NULL;
	eventfd_entry_unlock(entry);
}

struct token *token_find(uint64_t id, const void *owner)
{
	struct bypass_entry *entry = eventfd_entry_find(id);
	struct token *token;

	if (!entry)
		return NULL;
	token = entry->token;
	/* Another owner's may be freed as soon as the lock is dropped. */
	if (token && token->owner != owner)
		token = NULL;
	eventfd_entry_unlock(entry);
	return token;
}

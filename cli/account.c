// SPDX-License-Identifier: BSD-3-Clause
/* Matches deliveries to raises by the rule in account.h. */
#include "account.h"
#include "hist.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A delivery whose group may still shrink.  Only its newest raises can be
 * taken over, at most one by each later delivery, so no more are remembered.
 */
struct open_delivery {
	uint64_t time;
	uint64_t first; /* `before` of the group's first raise */
	unsigned int nr_tail;
	uint64_t tail[ACCOUNT_STAGES]; /* `before` of its newest, no first */
};

struct account {
	/* Raises no delivery answers yet: a ring that doubles when full. */
	uint64_t *pending;
	uint64_t size;
	uint64_t head; /* free-running */
	uint64_t tail;

	/* The last deliveries, oldest first. */
	struct open_delivery open[ACCOUNT_STAGES];
	unsigned int nr_open;

	uint64_t known;
	uint64_t last_delivery;
	uint64_t raised;
	uint64_t delivered;
	uint64_t spurious;
	uint64_t unreported;
	struct hist *latency;
};

struct account *account_create(void)
{
	struct account *account = calloc(1, sizeof(*account));

	if (!account)
		return NULL;
	account->latency = hist_create();
	if (!account->latency) {
		free(account);
		return NULL;
	}
	return account;
}

void account_destroy(struct account *account)
{
	if (!account)
		return;
	hist_destroy(account->latency);
	free(account->pending);
	free(account);
}

static int grow(struct account *account)
{
	uint64_t size = account->size ? account->size * 2 : 1024;
	uint64_t *pending;

	if (size > ACCOUNT_MAX_PENDING)
		return -ENOBUFS;
	pending = malloc(size * sizeof(*pending));
	if (!pending)
		return -ENOMEM;
	for (uint64_t i = account->tail; i != account->head; i++)
		pending[i & (size - 1)] =
			account->pending[i & (account->size - 1)];
	free(account->pending);
	account->pending = pending;
	account->size = size;
	return 0;
}

int account_raise(struct account *account, uint64_t before, uint64_t after)
{
	if (account->head - account->tail == account->size) {
		int ret = grow(account);

		if (ret)
			return ret;
	}
	account->pending[account->head++ & (account->size - 1)] = before;
	account->raised++;
	account->known = after;
	return 0;
}

void account_upto(struct account *account, uint64_t time)
{
	if (time > account->known)
		account->known = time;
}

uint64_t account_known(const struct account *account)
{
	return account->known;
}

/* The oldest open delivery can give nothing away any more. */
static void close_oldest(struct account *account)
{
	struct open_delivery *d = &account->open[0];

	hist_add(account->latency, d->time - d->first);
	account->nr_open--;
	for (unsigned int i = 0; i < account->nr_open; i++)
		account->open[i] = account->open[i + 1];
}

static void push_tail(struct open_delivery *d, uint64_t before)
{
	if (d->nr_tail == ACCOUNT_STAGES) {
		for (unsigned int i = 1; i < ACCOUNT_STAGES; i++)
			d->tail[i - 1] = d->tail[i];
		d->nr_tail--;
	}
	d->tail[d->nr_tail++] = before;
}

/* Rule 3, first half: every raise that has begun. */
static bool take_pending(struct account *account, struct open_delivery *d)
{
	bool any = false;

	while (account->tail != account->head) {
		uint64_t before =
			account->pending[account->tail & (account->size - 1)];

		if (before > d->time)
			break;
		if (any)
			push_tail(d, before);
		else
			d->first = before;
		any = true;
		account->tail++;
	}
	return any;
}

/* Rule 3, second half: the newest raise of a former delivery with several. */
static bool take_over(struct account *account, struct open_delivery *d)
{
	unsigned int i = account->nr_open;
	uint64_t carry;

	while (i && !account->open[i - 1].nr_tail)
		i--;
	if (!i)
		return false;
	carry = account->open[i - 1].tail[--account->open[i - 1].nr_tail];
	/* Each delivery between has one raise: it hands that on. */
	for (; i < account->nr_open; i++) {
		uint64_t own = account->open[i].first;

		account->open[i].first = carry;
		carry = own;
	}
	d->first = carry;
	return true;
}

static bool match(struct account *account, uint64_t time)
{
	struct open_delivery d = {.time = time};

	if (d.time < account->last_delivery)
		d.time = account->last_delivery;
	if (!take_pending(account, &d) && !take_over(account, &d))
		return false;
	if (account->nr_open == ACCOUNT_STAGES)
		close_oldest(account);
	account->open[account->nr_open++] = d;
	account->last_delivery = d.time;
	account->delivered++;
	return true;
}

bool account_delivery(struct account *account, uint64_t time)
{
	if (account->known <= time)
		return false;
	if (!match(account, time))
		account->spurious++;
	return true;
}

void account_tail(struct account *account, uint64_t time)
{
	if (!match(account, time))
		account->unreported++;
}

void account_finish(struct account *account)
{
	while (account->nr_open)
		close_oldest(account);
}

void account_get(const struct account *account, struct account_counts *counts)
{
	*counts = (struct account_counts){
		.raised = account->raised,
		.delivered = account->delivered,
		.lost = account->head - account->tail,
		.spurious = account->spurious,
		.unreported = account->unreported,
	};
	counts->coalesced = counts->raised - counts->delivered - counts->lost;
}

const struct hist *account_latency(const struct account *account)
{
	return account->latency;
}

// SPDX-License-Identifier: BSD-3-Clause
/* Matches deliveries to raises by the rule in account.h. */
#include "account.h"
#include "hist.h"

#include <errno.h>
#include <stdlib.h>

/*
 * A delivery whose group may still shrink.  No more of its raises can be
 * spare than there are stages, so no more are remembered.
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

	/* The last deliveries: a ring, free-running like the one above. */
	struct open_delivery open[ACCOUNT_WINDOW];
	uint64_t open_head;
	uint64_t open_tail;
	uint64_t settled; /* `before` of the newest raise of a settled one */
	unsigned int spare; /* at most ACCOUNT_STAGES */

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

static struct open_delivery *open_at(struct account *account, uint64_t n)
{
	return &account->open[n % ACCOUNT_WINDOW];
}

static void settle_oldest(struct account *account)
{
	const struct open_delivery *d = open_at(account, account->open_tail++);

	hist_add(account->latency, d->time - d->first);
	account->settled = d->nr_tail ? d->tail[d->nr_tail - 1] : d->first;
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

/* Rule 3: every raise that has begun.  How many. */
static uint64_t take_pending(struct account *account, struct open_delivery *d)
{
	uint64_t taken = 0;

	while (account->tail != account->head) {
		uint64_t before =
			account->pending[account->tail & (account->size - 1)];

		if (before > d->time)
			break;
		if (taken++)
			push_tail(d, before);
		else
			d->first = before;
		account->tail++;
	}
	return taken;
}

/* Rule 4: shift by one, from the newest group of several on. */
static void take_spare(struct account *account, struct open_delivery *d)
{
	uint64_t n = account->open_head;
	uint64_t carry = account->settled;

	while (n != account->open_tail && !open_at(account, n - 1)->nr_tail)
		n--;
	if (n != account->open_tail) {
		struct open_delivery *giver = open_at(account, n - 1);

		carry = giver->tail[--giver->nr_tail];
	}
	/* Each delivery since has one raise: it hands that on. */
	for (; n != account->open_head; n++) {
		struct open_delivery *between = open_at(account, n);
		uint64_t own = between->first;

		between->first = carry;
		carry = own;
	}
	d->first = carry;
}

static bool match(struct account *account, uint64_t time)
{
	struct open_delivery d = {.time = time};
	uint64_t taken;

	if (d.time < account->last_delivery)
		d.time = account->last_delivery;
	taken = take_pending(account, &d);
	if (taken) {
		uint64_t spare = account->spare + taken - 1;

		account->spare = spare < ACCOUNT_STAGES ? (unsigned int)spare
							: ACCOUNT_STAGES;
	} else {
		if (!account->spare)
			return false;
		account->spare--;
		take_spare(account, &d);
	}
	if (account->open_head - account->open_tail == ACCOUNT_WINDOW)
		settle_oldest(account);
	*open_at(account, account->open_head++) = d;
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

void account_served(struct account *account)
{
	account->tail = account->head;
}

void account_again(struct account *account, uint64_t times)
{
	if (times > account->spurious)
		times = account->spurious;
	account->spurious -= times;
	account->raised += times;
	account->delivered += times;
}

void account_finish(struct account *account)
{
	while (account->open_head != account->open_tail)
		settle_oldest(account);
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

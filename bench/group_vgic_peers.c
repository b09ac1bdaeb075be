// SPDX-License-Identifier: BSD-3-Clause
#include "group_vgic_peers.h"
#include "core/spinlock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/list.h>

#define SPURIOUS 1023u
#define IDLE 0x100u
#define NOT_ONE 0xff
#define NR_LRS 4

struct vgic_peer_irq {
	struct cds_list_head node;
	uint32_t intid;
	uint8_t priority;
	bool enabled, pending, active, listed;
};

#define VECTOR 16

typedef uint8_t vector_t __attribute__((vector_size(VECTOR)));

struct peer_state {
	_Alignas(64) struct spinlock lock;
	unsigned int running; /* priority; IDLE: none */
	struct vgic_peer_irq *best; /* scan, bytes */
	/* bytes: the priority of a candidate, NOT_ONE of others. */
	vector_t bytes[PEER_MAX_IRQS / VECTOR + 1];
	struct cds_list_head list; /* list: in the order of arrival */
	struct vgic_peer_irq *lrs[NR_LRS];
	unsigned int nr_lrs;
};

static int peer_open(struct vgic_peer *peer, uint32_t nr)
{
	struct peer_state *state = aligned_alloc(64, sizeof(*state));

	peer->nr = nr;
	peer->state = state;
	peer->irqs = calloc(nr, sizeof(*peer->irqs));
	if (!state || !peer->irqs)
		return -ENOMEM;
	memset(state, 0, sizeof(*state));
	spin_init(&state->lock);
	state->running = IDLE;
	memset(state->bytes, NOT_ONE, sizeof(state->bytes));
	CDS_INIT_LIST_HEAD(&state->list);
	for (uint32_t i = 0; i < nr; i++)
		peer->irqs[i].intid = i;
	return 0;
}

static void peer_close(struct vgic_peer *peer)
{
	free(peer->irqs);
	free(peer->state);
	*peer = (struct vgic_peer){0};
}

static void peer_enable(struct vgic_peer *peer, uint32_t intid,
			uint8_t priority)
{
	peer->irqs[intid].enabled = true;
	peer->irqs[intid].priority = priority;
}

/* ---- Scan ---- */

static void scan_update(struct vgic_peer *peer, struct peer_state *state)
{
	unsigned int best = IDLE;

	state->best = NULL;
	for (uint32_t i = 0; i < peer->nr; i++) {
		struct vgic_peer_irq *irq = &peer->irqs[i];

		if (irq->enabled && irq->pending && !irq->active &&
		    irq->priority < best) {
			best = irq->priority;
			state->best = irq;
		}
	}
}

/* The least of all bytes, and the first that has it. */
static void bytes_update(struct vgic_peer *peer, struct peer_state *state)
{
	uint32_t nr = peer->nr / VECTOR;
	const uint8_t *bytes = (const uint8_t *)state->bytes;
	vector_t least = state->bytes[0];
	uint8_t best = NOT_ONE;

	for (uint32_t i = 1; i < nr; i++) {
		vector_t less = (vector_t)(state->bytes[i] < least);

		least = (state->bytes[i] & less) | (least & ~less);
	}
	for (uint32_t i = 0; i < VECTOR; i++)
		if (least[i] < best)
			best = least[i];
	state->best = NULL;
	if (best != NOT_ONE)
		state->best = &peer->irqs[(const uint8_t *)memchr(bytes, best,
								  peer->nr) -
					  bytes];
}

/* @irq has changed. */
static void scan_changed(struct vgic_peer *peer, struct peer_state *state,
			 const struct vgic_peer_irq *irq)
{
	bool one = irq->enabled && irq->pending && !irq->active;

	if (!peer->bytes) {
		scan_update(peer, state);
		return;
	}
	((uint8_t *)state->bytes)[irq->intid] = one ? irq->priority : NOT_ONE;
	bytes_update(peer, state);
}

static void scan_raise(struct vgic_peer *peer, uint32_t intid)
{
	struct peer_state *state = peer->state;
	struct vgic_peer_irq *irq = &peer->irqs[intid];

	spin_lock(&state->lock);
	irq->pending = true;
	scan_changed(peer, state, irq);
	spin_unlock(&state->lock);
}

static uint32_t scan_iar(struct vgic_peer *peer)
{
	struct peer_state *state = peer->state;
	uint32_t intid = SPURIOUS;

	spin_lock(&state->lock);
	if (state->best && state->best->priority < state->running) {
		struct vgic_peer_irq *irq = state->best;

		intid = irq->intid;
		irq->pending = false;
		irq->active = true;
		state->running = irq->priority;
		scan_changed(peer, state, irq);
	}
	spin_unlock(&state->lock);
	return intid;
}

static void scan_eoir(struct vgic_peer *peer, uint32_t intid)
{
	struct peer_state *state = peer->state;
	struct vgic_peer_irq *irq = &peer->irqs[intid];

	spin_lock(&state->lock);
	irq->active = false;
	state->running = IDLE;
	scan_changed(peer, state, irq);
	spin_unlock(&state->lock);
}

static int bytes_open(struct vgic_peer *peer, uint32_t nr)
{
	peer->bytes = true;
	return peer_open(peer, nr);
}

const struct vgic_peer_ops vgic_peer_scan = {
	.open = peer_open,
	.close = peer_close,
	.enable = peer_enable,
	.raise = scan_raise,
	.iar = scan_iar,
	.eoir = scan_eoir,
};

const struct vgic_peer_ops vgic_peer_bytes = {
	.open = bytes_open,
	.close = peer_close,
	.enable = peer_enable,
	.raise = scan_raise,
	.iar = scan_iar,
	.eoir = scan_eoir,
};

/* ---- List ---- */

static bool list_before(const struct vgic_peer_irq *a,
			const struct vgic_peer_irq *b)
{
	if (a->active != b->active)
		return a->active;
	return a->priority <= b->priority;
}

/* A stable merge sort of a singly linked list, bottom up. */
static struct cds_list_head *list_merge(struct cds_list_head *a,
					struct cds_list_head *b)
{
	struct cds_list_head head = {0}, *tail = &head;

	while (a && b) {
		struct cds_list_head **from =
			list_before(
				cds_list_entry(a, struct vgic_peer_irq, node),
				cds_list_entry(b, struct vgic_peer_irq, node))
				? &a
				: &b;

		tail->next = *from;
		tail = *from;
		*from = tail->next;
	}
	tail->next = a ? a : b;
	return head.next;
}

static void list_sort(struct cds_list_head *list)
{
	struct cds_list_head *runs[16] = {0}, *node = list->next, *prev = list;
	struct cds_list_head *sorted = NULL;

	while (node != list) {
		struct cds_list_head *next = node->next;
		unsigned int i = 0;

		node->next = NULL;
		for (; runs[i]; i++) {
			node = list_merge(runs[i], node);
			runs[i] = NULL;
		}
		runs[i] = node;
		node = next;
	}
	for (unsigned int i = 0; i < 16; i++)
		if (runs[i])
			sorted = list_merge(runs[i], sorted);
	for (node = sorted; node; node = node->next) {
		prev->next = node;
		node->prev = prev;
		prev = node;
	}
	prev->next = list;
	list->prev = prev;
}

static void list_raise(struct vgic_peer *peer, uint32_t intid)
{
	struct peer_state *state = peer->state;
	struct vgic_peer_irq *irq = &peer->irqs[intid];

	spin_lock(&state->lock);
	irq->pending = true;
	if (!irq->listed && irq->enabled) {
		irq->listed = true;
		cds_list_add_tail(&irq->node, &state->list);
	}
	spin_unlock(&state->lock);
}

/* Entering the guest, and the guest takes the first it finds. */
static uint32_t list_iar(struct vgic_peer *peer)
{
	struct peer_state *state = peer->state;
	struct vgic_peer_irq *irq, *best = NULL;
	unsigned int nr = 0;

	spin_lock(&state->lock);
	cds_list_for_each_entry(irq, &state->list, node)
		nr++;
	if (nr > NR_LRS)
		list_sort(&state->list);
	state->nr_lrs = 0;
	cds_list_for_each_entry(irq, &state->list, node) {
		if (state->nr_lrs == NR_LRS)
			break;
		state->lrs[state->nr_lrs++] = irq;
		if (irq->pending && !irq->active &&
		    irq->priority < state->running &&
		    (!best || irq->priority < best->priority))
			best = irq;
	}
	if (best) {
		best->pending = false;
		best->active = true;
		state->running = best->priority;
	}
	spin_unlock(&state->lock);
	return best ? best->intid : SPURIOUS;
}

/* The guest completes it and comes out. */
static void list_eoir(struct vgic_peer *peer, uint32_t intid)
{
	struct peer_state *state = peer->state;
	struct vgic_peer_irq *irq, *next;

	spin_lock(&state->lock);
	peer->irqs[intid].active = false;
	state->running = IDLE;
	cds_list_for_each_entry_safe(irq, next, &state->list, node) {
		if (irq->active || (irq->enabled && irq->pending))
			continue;
		irq->listed = false;
		cds_list_del(&irq->node);
	}
	spin_unlock(&state->lock);
}

const struct vgic_peer_ops vgic_peer_list = {
	.open = peer_open,
	.close = peer_close,
	.enable = peer_enable,
	.raise = list_raise,
	.iar = list_iar,
	.eoir = list_eoir,
};

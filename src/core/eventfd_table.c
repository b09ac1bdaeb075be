// SPDX-License-Identifier: BSD-3-Clause
/*
 * The table of eventfds: radix trees over their ids, walked under RCU.
 *
 * The kernel gives an eventfd the lowest id that is free, so ids are small and
 * dense, and what is registered in order of age lies in memory in order.  A
 * leaf has the entries of 64 successive ids.  A tree has a fixed height, and
 * holds the ids of as many bits as need that height; so no tree grows at its
 * root, and small ids take a short walk.  Ids of eventfds that the kernel does
 * not tell apart (their top bit is set) have trees of their own.
 *
 * Life of a node (a leaf or a branch):
 *
 *   born	linked into its parent by compare-and-swap; it holds a
 *		reference to the parent for as long as it lives.  A branch
 *		is listed at once
 *   in use	a leaf is referenced by each entry in which something is
 *		bound, and by who has locked an empty one or waits for a lock;
 *		a branch by each child
 *   listed	it was not referenced at some time since, and is in the list
 *		of nodes to look at
 *   dead	found in the list and still not referenced: it cannot be
 *		referenced any more, is unlinked, and freed after a grace
 *		period
 *
 * An empty node stays linked until TRIM_AT of them are listed: one grace period
 * serves for many, and an eventfd that comes and goes costs no allocation.
 * That is all the memory that an idle process holds.
 *
 * All steps but the grace period are lock-free: whoever comes across a dead
 * node unlinks it and goes on.
 */
#include "eventfd_table.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/compiler.h>
#include "rcu.h"

#define LEAF_BITS 6
#define BRANCH_BITS 8
#define NR_ENTRIES (1u << LEAF_BITS)
#define NR_CHILDREN (1u << BRANCH_BITS)

#define ID_BITS 63 /* and one that chooses among the roots */
#define MAX_HEIGHT ((ID_BITS - LEAF_BITS + BRANCH_BITS - 1) / BRANCH_BITS)

#define TRIM_AT 32

/* node->state: these, and the number of references in units of STATE_REF. */
#define STATE_LISTED 1u
#define STATE_DEAD 2u
#define STATE_REF 4u

struct node {
	atomic_uint state;
	struct node *parent; /* NULL: @slot is a root */
	struct node **slot; /* that leads here; RCU */
	struct node *next; /* in the list, or among the dead */
};

struct branch {
	struct node node;
	struct node *children[NR_CHILDREN]; /* RCU */
};

#define CACHE_LINE 64

struct leaf {
	struct node node;
	struct bypass_entry entries[NR_ENTRIES]
		__attribute__((aligned(CACHE_LINE)));
};

/* By the top bit of the id, and by height; RCU. */
static struct node *roots[2][MAX_HEIGHT + 1];

/* Nodes to look at: any thread pushes, and takes all. */
static struct node *listed;
static atomic_uint nr_listed; /* never less */

/*
 * The tree that holds @key: of height 0 it is one leaf, of height 1 a branch
 * of leaves, and so on.
 */
static unsigned int height_of(uint64_t key)
{
	uint64_t leaf = key >> LEAF_BITS;
	unsigned int bits = leaf ? 64 - (unsigned int)__builtin_clzll(leaf) : 0;

	return (bits + BRANCH_BITS - 1) / BRANCH_BITS;
}

static unsigned int child_index(uint64_t key, unsigned int height)
{
	unsigned int shift = LEAF_BITS + (height - 1) * BRANCH_BITS;

	return (unsigned int)(key >> shift) % NR_CHILDREN;
}

static struct leaf *leaf_of(struct bypass_entry *entry)
{
	return caa_container_of(entry - entry->index, struct leaf, entries[0]);
}

/*
 * False: it is dead.  Nobody looks at the references of the dead, so that this
 * adds one does not matter.  Relaxed: the load of the pointer that led here
 * has acquired what is in the node, and the node's death orders nothing.
 */
static bool node_get(struct node *node)
{
	return !(atomic_fetch_add_explicit(&node->state, STATE_REF,
					   memory_order_relaxed) &
		 STATE_DEAD);
}

/*
 * Let go of a reference; if it was the last of a node that is not listed, set
 * @mark.  True: this call has set it, and what is to follow is the caller's;
 * otherwise the node may be gone.
 *
 * Release: pairs with the acquire by which somebody else finds no reference.
 * Acquire: the same, where it is this call that marks it dead; and see
 * node_unlist().
 */
static bool node_put(struct node *node, unsigned int mark)
{
	unsigned int old =
		atomic_load_explicit(&node->state, memory_order_relaxed);
	unsigned int new_state;

	do {
		new_state = old == STATE_REF ? mark : old - STATE_REF;
	} while (!atomic_compare_exchange_weak_explicit(
		&node->state, &old, new_state, memory_order_acq_rel,
		memory_order_relaxed));
	return old == STATE_REF;
}

/*
 * Take a node off the list: dead if it has no reference.
 *
 * Acquire: pairs with the release in node_put(), so that all who held it are
 * done.  Release: pairs with the acquire there, so that who lists it again
 * writes node->next after the caller has read it.
 */
static bool node_unlist(struct node *node)
{
	unsigned int old =
		atomic_load_explicit(&node->state, memory_order_relaxed);
	unsigned int new_state;

	do {
		new_state =
			old == STATE_LISTED ? STATE_DEAD : old & ~STATE_LISTED;
	} while (!atomic_compare_exchange_weak_explicit(
		&node->state, &old, new_state, memory_order_acq_rel,
		memory_order_relaxed));
	return new_state == STATE_DEAD;
}

/*
 * Unlink a dead node, which has no children.  Somebody else may have done it;
 * and may have put another in its place, which is left alone.
 */
static void node_unlink(struct node *node)
{
	struct node *seen = node;

	/* Relaxed: nothing is published. */
	__atomic_compare_exchange_n(node->slot, &seen, NULL, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* The caller has set STATE_LISTED. */
static void list_push(struct node *node)
{
	/* Relaxed: it only says when it is time. */
	atomic_fetch_add_explicit(&nr_listed, 1, memory_order_relaxed);
	node->next = __atomic_load_n(&listed, __ATOMIC_RELAXED);
	/*
	 * Release: pairs with the acquire in trim().  It takes all, so that
	 * the first is still the first says all that there is to know.
	 */
	while (!__atomic_compare_exchange_n(&listed, &node->next, node, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

/* Look at what is listed, and free what is not in use. */
static void trim(void)
{
	struct node *node =
		__atomic_exchange_n(&listed, NULL, __ATOMIC_ACQUIRE);
	struct node *dead = NULL, *next;
	unsigned int nr = 0;

	for (; node; node = next) {
		/* Once off the list it may be put there again. */
		next = node->next;
		nr++;
		if (!node_unlist(node))
			continue;
		/* A branch may lose its last child by that. */
		do {
			node_unlink(node);
			node->next = dead;
			dead = node;
			node = node->parent;
		} while (node && node_put(node, STATE_DEAD));
	}
	atomic_fetch_sub_explicit(&nr_listed, nr, memory_order_relaxed);
	if (!dead)
		return;
	/* Who walks may still look at them. */
	rcu_synchronize();
	for (; dead; dead = next) {
		next = dead->next;
		free(dead);
	}
}

enum kind {
	LEAF,
	BRANCH,
	NR_KINDS,
};

static struct node *leaf_new(void)
{
	struct leaf *leaf = aligned_alloc(CACHE_LINE, sizeof(*leaf));

	if (!leaf)
		return NULL;
	memset(leaf, 0, sizeof(*leaf));
	for (uint32_t i = 0; i < NR_ENTRIES; i++)
		leaf->entries[i].index = i;
	return &leaf->node;
}

static struct node *branch_new(void)
{
	struct branch *branch = calloc(1, sizeof(*branch));

	if (!branch)
		return NULL;
	atomic_init(&branch->node.state, STATE_LISTED);
	return &branch->node;
}

/*
 * Put @spare into @slot of @parent, unless somebody else is faster.  False:
 * @parent is dead; it is not there any more.
 */
static bool node_link(struct node *parent, struct node **slot, enum kind kind,
		      struct node **spare)
{
	struct node *node = *spare, *seen = NULL;

	if (parent && !node_get(parent)) {
		node_unlink(parent);
		return false;
	}
	node->parent = parent;
	node->slot = slot;
	/* Release: pairs with rcu_load() of who walks. */
	if (__atomic_compare_exchange_n(slot, &seen, node, false,
					__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
		*spare = NULL;
		/* Its maker may not get memory for what is to hang there. */
		if (kind == BRANCH)
			list_push(node);
	} else if (parent && node_put(parent, STATE_LISTED)) {
		list_push(parent);
	}
	return true;
}

/*
 * @id's leaf, perhaps a dead one.  Where a node is missing a spare is put
 * there; without one the answer is NULL, and in *@missing what it takes.
 * Inside a read-side section, so nothing is allocated here.
 */
static struct leaf *leaf_find(uint64_t id, struct node *spares[NR_KINDS],
			      enum kind *missing)
{
	uint64_t key = id & ~(UINT64_C(1) << ID_BITS);
	unsigned int height;
	struct node *node, *parent, **slot;

again:
	height = height_of(key);
	slot = &roots[id >> ID_BITS][height];
	parent = NULL;
	for (;;) {
		node = rcu_load(*slot);
		if (!node) {
			enum kind kind = height ? BRANCH : LEAF;

			if (!spares[kind]) {
				*missing = kind;
				return NULL;
			}
			if (!node_link(parent, slot, kind, &spares[kind]))
				goto again;
		} else if (height) {
			struct branch *branch =
				caa_container_of(node, struct branch, node);

			slot = &branch->children[child_index(key, height--)];
			parent = node;
		} else {
			return caa_container_of(node, struct leaf, node);
		}
	}
}

static bool is_empty(const struct bypass_entry *entry)
{
	return !entry->token && !entry->producer && !entry->consumer;
}

/*
 * Lock an entry of a leaf that was found in a read-side section, and end the
 * section.  False: the leaf is dead.
 *
 * The lock is tried inside the section, since what is bound already keeps the
 * leaf, which then is not touched.  To wait for it takes a reference.
 */
static bool entry_lock(struct leaf *leaf, struct bypass_entry *entry)
{
	bool locked = futex_lock_try(&entry->lock) == FUTEX_LOCK_FREE;
	bool live = true;

	if (!locked || is_empty(entry)) {
		live = node_get(&leaf->node);
		if (!live)
			node_unlink(&leaf->node);
		if (!live && locked)
			futex_unlock(&entry->lock);
	}
	rcu_unlock();
	if (!live || locked)
		return live;
	futex_lock_wait(&entry->lock);
	/* Not the last: what is bound has one. */
	if (!is_empty(entry))
		node_put(&leaf->node, STATE_LISTED);
	return true;
}

static struct bypass_entry *
entry_find(uint64_t id, struct node *spares[NR_KINDS], enum kind *missing)
{
	struct bypass_entry *entry;
	struct leaf *leaf;

	do {
		rcu_lock();
		leaf = leaf_find(id, spares, missing);
		if (!leaf) {
			rcu_unlock();
			return NULL;
		}
		entry = &leaf->entries[id % NR_ENTRIES];
	} while (!entry_lock(leaf, entry));
	return entry;
}

struct bypass_entry *eventfd_entry_lock(uint64_t id)
{
	struct node *spares[NR_KINDS] = {NULL, NULL};
	struct bypass_entry *entry;
	enum kind missing;

	for (;;) {
		entry = entry_find(id, spares, &missing);
		if (entry)
			break;
		spares[missing] = missing == LEAF ? leaf_new() : branch_new();
		if (!spares[missing])
			break;
	}
	/* Somebody else was faster. */
	free(spares[LEAF]);
	free(spares[BRANCH]);
	return entry;
}

struct bypass_entry *eventfd_entry_find(uint64_t id)
{
	struct node *none[NR_KINDS] = {NULL, NULL};
	enum kind missing;

	return entry_find(id, none, &missing);
}

void eventfd_entry_relock(struct bypass_entry *entry)
{
	futex_lock(&entry->lock);
}

void eventfd_entry_unlock(struct bypass_entry *entry)
{
	struct leaf *leaf = leaf_of(entry);
	bool was_last = is_empty(entry);

	futex_unlock(&entry->lock);
	if (!was_last || !node_put(&leaf->node, STATE_LISTED))
		return;
	list_push(&leaf->node);
	if (atomic_load_explicit(&nr_listed, memory_order_relaxed) >= TRIM_AT)
		trim();
}

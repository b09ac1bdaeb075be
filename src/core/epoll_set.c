// SPDX-License-Identifier: BSD-3-Clause
/*
 * Eventfds watched by epoll.
 *
 * Edge-triggered: each signal queues one event, which drains the counter
 * (EFD_SEMAPHORE: takes one) and fires.  A slot's lock is held while it fires,
 * so a removal, which empties the slot under it, knows that nothing runs.  An
 * event that epoll_wait() returned before the removal finds the slot's
 * generation changed.
 */
#include "epoll_set.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>
#include "eventfd.h"
#include "loop.h"

#define NO_SLOT UINT32_MAX
#define SPECIAL_KEY (UINT64_C(1) << 63)
#define EPOLL_BATCH 64

struct epoll_slot {
	struct spinlock lock;
	uint32_t generation;
	struct loop_source *source; /* NULL: free, or being removed */
	int fd;
	uint32_t next_free;
	bool semaphore;
	/* What the counter held when it came under watch, and still may. */
	uint64_t residue;
	bool fresh; /* ... and has not been fired for */
};

int epoll_set_init(struct epoll_set *set, uint32_t nr_slots)
{
	set->fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->fd < 0)
		return -errno;
	set->slots = calloc(nr_slots, sizeof(*set->slots));
	if (!set->slots) {
		close(set->fd);
		return -ENOMEM;
	}
	set->nr_slots = nr_slots;
	set->nr_used = 0;
	set->free_head = NO_SLOT;
	spin_init(&set->lock);
	return 0;
}

void epoll_set_fini(struct epoll_set *set)
{
	free(set->slots);
	close(set->fd);
}

int epoll_set_watch(struct epoll_set *set, int fd, enum epoll_special special)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u64 = SPECIAL_KEY | special,
	};

	return epoll_ctl(set->fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static uint32_t slot_alloc(struct epoll_set *set)
{
	uint32_t index = NO_SLOT;

	spin_lock(&set->lock);
	if (set->free_head != NO_SLOT) {
		index = set->free_head;
		set->free_head = set->slots[index].next_free;
	} else if (set->nr_used < set->nr_slots) {
		index = set->nr_used++;
		spin_init(&set->slots[index].lock);
	}
	spin_unlock(&set->lock);
	return index;
}

static void slot_free(struct epoll_set *set, uint32_t index)
{
	spin_lock(&set->lock);
	set->slots[index].next_free = set->free_head;
	set->free_head = index;
	spin_unlock(&set->lock);
}

/* The counter, drained; 0 if it was 0.  Never blocks: RWF_NOWAIT. */
static uint64_t drain(int fd)
{
	uint64_t value = 0;
	struct iovec iov = {.iov_base = &value, .iov_len = sizeof(value)};

	return preadv2(fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(value) ? value
								     : 0;
}

int epoll_set_add(struct epoll_set *set, struct loop_source *source, int fd,
		  const struct virq_eventfd_info *info)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	uint32_t index = slot_alloc(set);
	struct epoll_slot *slot;
	int rc;

	if (index == NO_SLOT)
		return -ENOSPC;
	slot = &set->slots[index];
	rc = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (rc < 0) {
		rc = -errno;
		goto out_slot;
	}
	source->slot = index;
	spin_lock(&slot->lock);
	slot->fd = rc;
	slot->semaphore = info->semaphore;
	slot->residue = info->count;
	slot->fresh = info->count;
	slot->source = source;
	event.data.u64 = (uint64_t)slot->generation << 32 | index;
	spin_unlock(&slot->lock);
	if (epoll_ctl(set->fd, EPOLL_CTL_ADD, slot->fd, &event)) {
		rc = errno == ENOSPC ? -ENOSPC : -ENOMEM;
		goto out_close;
	}
	return 0;

out_close:
	close(slot->fd);
	spin_lock(&slot->lock);
	slot->source = NULL;
	spin_unlock(&slot->lock);
out_slot:
	slot_free(set, index);
	return rc;
}

/*
 * Slot lock held.  An event came: is there something to fire for?
 *
 * Every event is a signal, but for the one that a counter which was not zero
 * at assign queues by itself; that one stands for the interrupt owed from
 * before.  The counter then stays as it is if nothing came on top.  (The
 * number alone does not tell a signal: somebody may have read the old count,
 * and the new one be the same.)
 */
static bool slot_signalled(struct epoll_slot *slot)
{
	struct virq_eventfd_info info;

	if (slot->fresh) {
		slot->fresh = false;
		if (!virq_eventfd_query(slot->fd, &info) &&
		    info.count == slot->residue) {
			slot->source->from_before = true;
			return true;
		}
	}
	slot->source->from_before = false;
	slot->residue = 0;
	/*
	 * One unit a signal: the rest stays, and is no signal of its own when
	 * the watch ends.  Asked before the unit is taken, so that what comes
	 * meanwhile counts as new.
	 */
	if (slot->semaphore && !virq_eventfd_query(slot->fd, &info) &&
	    info.count)
		slot->residue = info.count - 1;
	return drain(slot->fd);
}

/* True if it fired. */
static bool slot_event(struct epoll_slot *slot, uint32_t generation)
{
	bool fired = false;

	spin_lock(&slot->lock);
	if (slot->source && slot->generation == generation &&
	    slot_signalled(slot)) {
		slot->source->fire(slot->source);
		fired = true;
	}
	spin_unlock(&slot->lock);
	return fired;
}

int epoll_set_poll(struct epoll_set *set, int timeout_ms, unsigned int *special)
{
	struct epoll_event events[EPOLL_BATCH];
	int fired = 0;
	int n = epoll_wait(set->fd, events, EPOLL_BATCH, timeout_ms);

	*special = 0;
	for (int i = 0; i < n; i++) {
		uint64_t key = events[i].data.u64;

		if (key & SPECIAL_KEY)
			*special |= 1u << (key & 0xff);
		else
			fired += slot_event(&set->slots[(uint32_t)key],
					    (uint32_t)(key >> 32));
	}
	return fired;
}

/* No more events: drain what is left.  Is it more than the old count? */
static bool slot_owed(const struct epoll_slot *slot)
{
	struct virq_eventfd_info info;
	uint64_t value;
	bool old;

	/*
	 * Of an EFD_SEMAPHORE eventfd a read tells no more than 1; and others
	 * may have read some of the old count.
	 */
	if (slot->semaphore) {
		/* What comes between the look and the read counts as new. */
		old = slot->residue && !virq_eventfd_query(slot->fd, &info) &&
		      info.count <= slot->residue;
		value = drain(slot->fd);
	} else {
		value = drain(slot->fd);
		old = slot->residue && slot->residue == value;
	}
	return value && (slot->fresh || !old);
}

bool epoll_set_remove(struct epoll_set *set, struct loop_source *source)
{
	struct epoll_slot *slot = &set->slots[source->slot];
	unsigned int special;
	bool owed;

	/*
	 * Only an event tells a signal from an old count of the same number:
	 * see that none is left waiting.
	 */
	spin_lock(&slot->lock);
	owed = slot->residue && !slot->fresh;
	spin_unlock(&slot->lock);
	/* Everything that is queued now comes up in so many rounds. */
	for (uint32_t i = 0; owed && i <= set->nr_slots / EPOLL_BATCH; i++)
		if (epoll_set_poll(set, 0, &special) <= 0)
			break;

	spin_lock(&slot->lock);
	slot->source = NULL;
	/* 31 bits: the top one of the key tells the specials apart. */
	slot->generation = (slot->generation + 1) & 0x7fffffff;
	spin_unlock(&slot->lock);

	epoll_ctl(set->fd, EPOLL_CTL_DEL, slot->fd, NULL);
	owed = slot_owed(slot);
	source->from_before = slot->fresh;
	close(slot->fd);
	slot_free(set, source->slot);
	return owed;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Eventfds watched by io_uring.
 *
 * Only the loop's driver touches the rings.  Other threads change a slot under
 * its lock, put it on the list of slots that want a look, and wake the driver.
 *
 * Life of a slot:
 *   free -> add: source set, listed
 *   driver: not armed -> submit a read (armed)
 *   read completes: drained; fire, listed again
 *   remove_start: source cleared, listed
 *   driver: armed -> submit a cancel; the read completes, one way or another
 *   driver: not armed -> submit a read that does not wait, for what came last
 *   that completes: done; remove_finish takes the file out, slot is free
 *
 * A slot is used again only when nothing of it is in flight, so a completion
 * always belongs to the present source.
 */
#include "uring_set.h"
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "loop.h"

#define NO_SLOT UINT32_MAX
#define SQ_ENTRIES 256u
#define CQ_ENTRIES_MAX 32768u
#define AWAIT_SPINS 1000

/* user_data: slot << 3 | what. */
enum uring_op {
	OP_READ,
	OP_CANCEL,
	OP_DRAIN,
	OP_WAKE,
	OP_TIMER,
	OP_EPOLL,
};
#define OP_BITS 3

enum slot_done { SLOT_LIVE, SLOT_DONE };

struct uring_slot {
	struct spinlock lock;
	struct loop_source *source;
	/* The rest, but `listed` and `done`, is the driver's. */
	uint64_t value; /* what a read found */
	bool used; /* between add and remove_finish */
	bool armed; /* a read is in flight */
	bool cancelling;
	bool draining;
	bool owed; /* a signal was drained and nothing fired */
	bool listed; /* list_lock */
	uint32_t next; /* list_lock */
	/*
	 * set->lock.  Not `next`: remove_start may list a slot that the driver
	 * has just finished with, and so a free one may still be listed.
	 */
	uint32_t next_free;
	atomic_uint done; /* enum slot_done; a futex */
};

struct uring_set {
	struct virq_loop *loop;
	struct io_uring ring;
	struct uring_slot *slots;
	uint32_t nr_slots;
	struct spinlock lock; /* allocation of slots */
	uint32_t nr_used;
	uint32_t free_head;
	struct spinlock list_lock; /* slots that want a look */
	atomic_uint list_head;
	/* The driver's. */
	bool wake_armed;
	bool timer_armed;
	bool epoll_armed;
	uint64_t wake_value;
	uint64_t timer_value;
};

static int ring_init(struct uring_set *set)
{
	/*
	 * No interrupt to a driver that is running: it sees IORING_SQ_TASKRUN
	 * and comes for its completions itself, which is what makes busy
	 * polling fast.
	 */
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
			 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
	};
	uint32_t cq = 2 * SQ_ENTRIES;

	while (cq < 2 * set->nr_slots && cq < CQ_ENTRIES_MAX)
		cq *= 2;
	params.cq_entries = cq;
	return io_uring_queue_init_params(SQ_ENTRIES, &set->ring, &params);
}

int uring_set_create(struct virq_loop *loop, uint32_t nr_slots,
		     struct uring_set **out)
{
	struct uring_set *set;
	int rc = uring_probe();

	if (rc)
		return rc;
	set = calloc(1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	set->loop = loop;
	set->nr_slots = nr_slots;
	set->free_head = NO_SLOT;
	spin_init(&set->lock);
	spin_init(&set->list_lock);
	atomic_init(&set->list_head, NO_SLOT);
	set->slots = calloc(nr_slots, sizeof(*set->slots));
	if (!set->slots) {
		rc = -ENOMEM;
		goto out_set;
	}
	rc = ring_init(set);
	if (rc)
		goto out_slots;
	rc = io_uring_register_files_sparse(&set->ring, nr_slots);
	if (rc)
		goto out_ring;
	*out = set;
	return 0;

out_ring:
	io_uring_queue_exit(&set->ring);
out_slots:
	free(set->slots);
out_set:
	free(set);
	return rc;
}

void uring_set_destroy(struct uring_set *set)
{
	io_uring_queue_exit(&set->ring);
	free(set->slots);
	free(set);
}

int uring_set_fd(const struct uring_set *set)
{
	return set->ring.ring_fd;
}

static uint32_t slot_alloc(struct uring_set *set)
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

static void slot_free(struct uring_set *set, uint32_t index)
{
	spin_lock(&set->lock);
	set->slots[index].next_free = set->free_head;
	set->free_head = index;
	spin_unlock(&set->lock);
}

/* Ask the driver to look at the slot. */
static void slot_list(struct uring_set *set, uint32_t index)
{
	struct uring_slot *slot = &set->slots[index];

	spin_lock(&set->list_lock);
	if (!slot->listed) {
		slot->listed = true;
		slot->next = atomic_load_explicit(&set->list_head,
						  memory_order_relaxed);
		/* seq_cst: see virq_loop.sleeping. */
		atomic_store(&set->list_head, index);
	}
	spin_unlock(&set->list_lock);
}

/* The driver takes one slot off the list. */
static uint32_t slot_unlist(struct uring_set *set)
{
	uint32_t index;

	spin_lock(&set->list_lock);
	index = atomic_load_explicit(&set->list_head, memory_order_relaxed);
	if (index != NO_SLOT) {
		set->slots[index].listed = false;
		atomic_store_explicit(&set->list_head, set->slots[index].next,
				      memory_order_relaxed);
	}
	spin_unlock(&set->list_lock);
	return index;
}

int uring_set_add(struct uring_set *set, struct loop_source *source, int fd)
{
	uint32_t index = slot_alloc(set);
	struct uring_slot *slot;
	int rc;

	if (index == NO_SLOT)
		return -ENOSPC;
	slot = &set->slots[index];
	rc = io_uring_register_files_update(&set->ring, index, &fd, 1);
	if (rc != 1) {
		slot_free(set, index);
		return rc < 0 ? rc : -ENOMEM;
	}
	source->slot = index;
	spin_lock(&slot->lock);
	slot->source = source;
	slot->used = true;
	slot->owed = false;
	atomic_store_explicit(&slot->done, SLOT_LIVE, memory_order_relaxed);
	spin_unlock(&slot->lock);
	slot_list(set, index);
	loop_wake(set->loop);
	return 0;
}

void uring_set_remove_start(struct uring_set *set, struct loop_source *source)
{
	struct uring_slot *slot = &set->slots[source->slot];
	bool first;

	/* Whoever fires holds the lock: after this nothing fires. */
	spin_lock(&slot->lock);
	first = slot->source;
	slot->source = NULL;
	spin_unlock(&slot->lock);
	if (first) {
		slot_list(set, source->slot);
		loop_wake(set->loop);
	}
}

static void slot_await(struct uring_set *set, struct uring_slot *slot)
{
	const struct timespec again = {.tv_nsec = 1000000};
	unsigned int spins = 0;

	/* Acquire: pairs with slot_finish(); `owed` was written before it. */
	while (atomic_load_explicit(&slot->done, memory_order_acquire) ==
	       SLOT_LIVE) {
		/* Nobody drives the loop: do its work ourselves. */
		if (loop_help(set->loop))
			continue;
		/* Most often it takes the driver less than a sleep of ours. */
		if (spins++ < AWAIT_SPINS) {
			cpu_relax();
			continue;
		}
		/* The driver may stop without a word, hence the timeout. */
		syscall(SYS_futex, &slot->done, FUTEX_WAIT_PRIVATE, SLOT_LIVE,
			&again, NULL, 0);
	}
}

bool uring_set_remove_finish(struct uring_set *set, struct loop_source *source)
{
	struct uring_slot *slot = &set->slots[source->slot];
	int none = -1;
	bool owed;

	slot_await(set, slot);
	(void)io_uring_register_files_update(&set->ring, source->slot, &none,
					     1);
	spin_lock(&slot->lock);
	owed = slot->owed;
	slot->used = false;
	spin_unlock(&slot->lock);
	slot_free(set, source->slot);
	return owed;
}

static void slot_finish(struct uring_slot *slot)
{
	/* Release: pairs with slot_await(). */
	atomic_store_explicit(&slot->done, SLOT_DONE, memory_order_release);
	syscall(SYS_futex, &slot->done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL,
		0);
}

static uint64_t key_of(uint32_t index, enum uring_op op)
{
	return (uint64_t)index << OP_BITS | op;
}

/* Submit what the slot wants next.  False: the submission ring is full. */
static bool slot_step(struct uring_set *set, uint32_t index)
{
	struct uring_slot *slot = &set->slots[index];
	struct io_uring_sqe *sqe;

	if (!slot->used || slot->draining)
		return true;
	if (slot->source ? slot->armed : slot->cancelling)
		return true;
	if (atomic_load_explicit(&slot->done, memory_order_relaxed) ==
	    SLOT_DONE)
		return true;
	sqe = io_uring_get_sqe(&set->ring);
	if (!sqe)
		return false;
	if (!slot->source && slot->armed) {
		io_uring_prep_cancel64(sqe, key_of(index, OP_READ), 0);
		io_uring_sqe_set_data64(sqe, key_of(index, OP_CANCEL));
		slot->cancelling = true;
		return true;
	}
	io_uring_prep_read(sqe, (int)index, &slot->value, sizeof(slot->value),
			   0);
	sqe->flags |= IOSQE_FIXED_FILE;
	if (slot->source) {
		io_uring_sqe_set_data64(sqe, key_of(index, OP_READ));
		slot->armed = true;
	} else {
		sqe->rw_flags = RWF_NOWAIT;
		io_uring_sqe_set_data64(sqe, key_of(index, OP_DRAIN));
		slot->draining = true;
	}
	return true;
}

static bool prep_internal_read(struct uring_set *set, int fd, uint64_t *value,
			       enum uring_op op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&set->ring);

	if (!sqe)
		return false;
	io_uring_prep_read(sqe, fd, value, sizeof(*value), 0);
	io_uring_sqe_set_data64(sqe, op);
	return true;
}

static bool prep_epoll(struct uring_set *set)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&set->ring);

	if (!sqe)
		return false;
	io_uring_prep_poll_add(sqe, set->loop->epoll.fd, POLLIN);
	io_uring_sqe_set_data64(sqe, OP_EPOLL);
	return true;
}

/* Fill the submission ring with what is wanted. */
static void prepare(struct uring_set *set)
{
	struct virq_loop *loop = set->loop;
	uint32_t index;

	if (!set->wake_armed)
		set->wake_armed = prep_internal_read(set, loop->wake_fd,
						     &set->wake_value, OP_WAKE);
	if (!set->timer_armed)
		set->timer_armed = prep_internal_read(
			set, loop->timers.fd, &set->timer_value, OP_TIMER);
	if (!set->epoll_armed)
		set->epoll_armed = prep_epoll(set);
	while ((index = slot_unlist(set)) != NO_SLOT) {
		struct uring_slot *slot = &set->slots[index];
		bool done;

		spin_lock(&slot->lock);
		done = slot_step(set, index);
		spin_unlock(&slot->lock);
		if (!done) {
			slot_list(set, index);
			break;
		}
	}
}

/*
 * A read that waits came back.  Not zero: the counter was drained, so either
 * it fires or the removal is told that a signal is owed.
 */
static int slot_read(struct uring_set *set, uint32_t index, int result)
{
	struct uring_slot *slot = &set->slots[index];
	int fired = 0;

	spin_lock(&slot->lock);
	slot->armed = false;
	if (result == (int)sizeof(slot->value)) {
		if (slot->source) {
			slot->source->fire(slot->source);
			fired = 1;
		} else {
			slot->owed = true;
		}
	}
	spin_unlock(&slot->lock);
	/*
	 * Put the read back, also when its submitter's exit cancelled it.  Any
	 * other error would only repeat itself, for ever.
	 */
	if (result >= 0 || result == -ECANCELED || result == -EINTR ||
	    result == -EAGAIN)
		slot_list(set, index);
	return fired;
}

static void slot_cancelled(struct uring_set *set, uint32_t index)
{
	/*
	 * If the cancel came too late or too early for the read, it is sent
	 * again: the slot is listed, and found armed or not.
	 */
	spin_lock(&set->slots[index].lock);
	set->slots[index].cancelling = false;
	spin_unlock(&set->slots[index].lock);
	slot_list(set, index);
}

static void slot_drained(struct uring_set *set, uint32_t index, int result)
{
	struct uring_slot *slot = &set->slots[index];

	spin_lock(&slot->lock);
	slot->draining = false;
	if (result == (int)sizeof(slot->value))
		slot->owed = true;
	spin_unlock(&slot->lock);
	slot_finish(slot);
}

static int handle(struct uring_set *set, uint64_t key, int result)
{
	uint32_t index = (uint32_t)(key >> OP_BITS);
	unsigned int special;

	switch ((enum uring_op)(key & ((1u << OP_BITS) - 1))) {
	case OP_READ: return slot_read(set, index, result);
	case OP_CANCEL: slot_cancelled(set, index); return 0;
	case OP_DRAIN: slot_drained(set, index, result); return 0;
	case OP_WAKE: set->wake_armed = false; return 0;
	case OP_TIMER:
		set->timer_armed = false;
		if (result <= 0)
			return 0;
		timers_expire(set->loop);
		return 1;
	case OP_EPOLL:
		set->epoll_armed = false;
		return epoll_set_poll(&set->loop->epoll, 0, &special);
	}
	return 0;
}

static int reap(struct uring_set *set)
{
	struct io_uring_cqe *cqe;
	unsigned int head, seen = 0;
	int fired = 0;

	io_uring_for_each_cqe(&set->ring, head, cqe) {
		uint64_t key = cqe->user_data;
		int result = cqe->res;

		fired += handle(set, key, result);
		seen++;
	}
	io_uring_cq_advance(&set->ring, seen);
	return fired;
}

/* The kernel has completions for us that only a system call brings out. */
static bool kernel_has_work(const struct uring_set *set)
{
	/* Relaxed: the system call that follows orders what it tells of. */
	return __atomic_load_n(set->ring.sq.kflags, __ATOMIC_RELAXED) &
	       (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN);
}

bool uring_set_has_work(const struct uring_set *set)
{
	return io_uring_cq_ready(&set->ring) || kernel_has_work(set) ||
	       io_uring_sq_ready(&set->ring) ||
	       atomic_load(&set->list_head) != NO_SLOT;
}

bool uring_set_arm(struct uring_set *set)
{
	prepare(set);
	if (io_uring_sq_ready(&set->ring))
		(void)io_uring_submit(&set->ring);
	return !io_uring_sq_ready(&set->ring) &&
	       atomic_load(&set->list_head) == NO_SLOT;
}

int uring_set_poll(struct uring_set *set, bool wait)
{
	struct virq_loop *loop = set->loop;
	bool sleep = false;

	prepare(set);
	if (wait && !io_uring_cq_ready(&set->ring)) {
		/* Pairs with loop_wake(): see virq_loop.sleeping. */
		atomic_store(&loop->sleeping, true);
		sleep = atomic_load(&set->list_head) == NO_SLOT &&
			!atomic_load(&loop->stop);
	}
	if (sleep) {
		atomic_fetch_add_explicit(&loop->sleeps, 1,
					  memory_order_relaxed);
		(void)io_uring_submit_and_wait(&set->ring, 1);
	} else if (io_uring_sq_ready(&set->ring) || kernel_has_work(set)) {
		(void)io_uring_submit_and_get_events(&set->ring);
	}
	if (wait)
		atomic_store(&loop->sleeping, false);
	return reap(set);
}

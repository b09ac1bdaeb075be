/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way from a vCPU's thread to the accounting: delivery times of one
 * device, one producer (the vCPU that takes the device's interrupts), one
 * consumer (the main thread), no lock, never blocks the vCPU.
 *
 * A delivery waits here until its device has reported the raise.  A device
 * cannot be further ahead of what was read than its report pipe holds, about
 * 4,400 raises; a ring that fills up is therefore a device that does not
 * report what it raises, or a guest that takes what nobody raised.
 */
#ifndef CLI_DELIVERY_RING_H
#define CLI_DELIVERY_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define DELIVERY_RING_SIZE 65536u

struct delivery_ring {
	_Alignas(64) _Atomic uint64_t head; /* the producer's, free-running */
	_Alignas(64) _Atomic uint64_t tail; /* the consumer's */
	_Alignas(64) _Atomic uint64_t dropped; /* found it full */
	_Atomic uint64_t misrouted; /* taken by another vCPU */
	uint64_t time[DELIVERY_RING_SIZE];
};

static inline void delivery_ring_push(struct delivery_ring *ring, uint64_t time)
{
	/* Relaxed: only this thread writes head. */
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	/* Acquire: pairs with the pop's release, the slot has been read. */
	if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) ==
	    DELIVERY_RING_SIZE) {
		/* Relaxed: a count of its own, it publishes nothing. */
		atomic_fetch_add_explicit(&ring->dropped, 1,
					  memory_order_relaxed);
		return;
	}
	ring->time[head % DELIVERY_RING_SIZE] = time;
	/* Release: the slot is written before the consumer sees it. */
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

/* Look at the oldest; it stays until delivery_ring_pop(). */
static inline bool delivery_ring_peek(struct delivery_ring *ring,
				      uint64_t *time)
{
	/* Relaxed: only this thread writes tail. */
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	/* Acquire: pairs with the push's release. */
	if (tail == atomic_load_explicit(&ring->head, memory_order_acquire))
		return false;
	*time = ring->time[tail % DELIVERY_RING_SIZE];
	return true;
}

static inline void delivery_ring_pop(struct delivery_ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

	/* Release: the slot has been read before the producer reuses it. */
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A mutex of four bytes, for where there are very many: one compare-and-swap
 * when nobody waits.  Not recursive, not robust.  Zero is unlocked.
 *
 * It may be held over anything that sleeps, so a waiter spins for a moment
 * only.
 */
#ifndef VIRQ_CORE_FUTEX_LOCK_H
#define VIRQ_CORE_FUTEX_LOCK_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/cpu_relax.h"

enum {
	FUTEX_LOCK_FREE,
	FUTEX_LOCK_HELD,
	FUTEX_LOCK_AWAITED, /* held, and somebody may sleep */
};

#define FUTEX_LOCK_SPINS 200

struct futex_lock {
	_Atomic uint32_t word;
};

/* 0: it was free.  Acquire: pairs with the release in futex_unlock(). */
static inline uint32_t futex_lock_try(struct futex_lock *lock)
{
	uint32_t seen = FUTEX_LOCK_FREE;

	atomic_compare_exchange_strong_explicit(
		&lock->word, &seen, FUTEX_LOCK_HELD, memory_order_acquire,
		memory_order_relaxed);
	return seen;
}

static inline void futex_lock_wait(struct futex_lock *lock)
{
	for (unsigned int spins = 0; spins < FUTEX_LOCK_SPINS; spins++) {
		/* Relaxed: only a hint that it is worth a try. */
		if (atomic_load_explicit(&lock->word, memory_order_relaxed) ==
			    FUTEX_LOCK_FREE &&
		    futex_lock_try(lock) == FUTEX_LOCK_FREE)
			return;
		cpu_relax();
	}
	/*
	 * Who gets it here does not know whether others sleep, and leaves it
	 * awaited: at worst one wake-up too many.  Acquire: as above.
	 */
	while (atomic_exchange_explicit(&lock->word, FUTEX_LOCK_AWAITED,
					memory_order_acquire) !=
	       FUTEX_LOCK_FREE)
		syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE,
			FUTEX_LOCK_AWAITED, NULL, NULL, 0);
}

static inline void futex_lock(struct futex_lock *lock)
{
	if (futex_lock_try(lock) != FUTEX_LOCK_FREE)
		futex_lock_wait(lock);
}

static inline void futex_unlock(struct futex_lock *lock)
{
	/*
	 * Release: pairs with the acquires above.  The memory may be gone
	 * before the wake-up, which needs no more than its address.
	 */
	if (atomic_exchange_explicit(&lock->word, FUTEX_LOCK_FREE,
				     memory_order_release) ==
	    FUTEX_LOCK_AWAITED)
		syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL,
			NULL, 0);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A test-and-test-and-set spin lock for sections of a few instructions.
 *
 * The delivery path takes only these.  They are never held over a system call
 * that sleeps, so a waiter that has spun for a while can only be waiting for a
 * preempted holder, and gives up its CPU.
 */
#ifndef VIRQ_CORE_SPINLOCK_H
#define VIRQ_CORE_SPINLOCK_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "host/cpu_relax.h"

struct spinlock {
	atomic_bool locked;
};

#define SPINLOCK_SPINS 200

static inline void spin_init(struct spinlock *lock)
{
	atomic_init(&lock->locked, false);
}

static inline void spin_lock(struct spinlock *lock)
{
	/* Acquire: pairs with the release in spin_unlock(). */
	while (atomic_exchange_explicit(&lock->locked, true,
					memory_order_acquire)) {
		unsigned int spins = 0;

		/* Relaxed: only a hint that the exchange is worth a try. */
		while (atomic_load_explicit(&lock->locked,
					    memory_order_relaxed)) {
			if (++spins < SPINLOCK_SPINS)
				cpu_relax();
			else
				sched_yield();
		}
	}
}

static inline void spin_unlock(struct spinlock *lock)
{
	/* Release: pairs with the acquire in spin_lock(). */
	atomic_store_explicit(&lock->locked, false, memory_order_release);
}

#endif

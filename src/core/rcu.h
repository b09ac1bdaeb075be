/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RCU for the delivery path: liburcu's "bp" flavour, which asks nothing of the
 * threads that read.
 *
 * Pointers are published with rcu_store() and read with rcu_load(), C11
 * atomics that ThreadSanitizer follows.  What it cannot see is the grace
 * period itself, inside the uninstrumented library; under TSan each unlock is
 * therefore marked as a release and each synchronize_rcu() as the acquire
 * that pairs with all of them.
 *
 * synchronize_rcu() must not be called inside a read-side section, nor with a
 * lock held that a reader takes.
 */
#ifndef VIRQ_CORE_RCU_H
#define VIRQ_CORE_RCU_H

#include <urcu/urcu-bp.h>

#if defined(__SANITIZE_THREAD__)
#define VIRQ_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define VIRQ_TSAN 1
#endif
#endif

#ifdef VIRQ_TSAN
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
extern char rcu_tsan_anchor;
#endif

static inline void rcu_lock(void)
{
	urcu_bp_read_lock();
}

static inline void rcu_unlock(void)
{
#ifdef VIRQ_TSAN
	__tsan_release(&rcu_tsan_anchor);
#endif
	urcu_bp_read_unlock();
}

static inline void rcu_synchronize(void)
{
	urcu_bp_synchronize_rcu();
#ifdef VIRQ_TSAN
	__tsan_acquire(&rcu_tsan_anchor);
#endif
}

/* Pairs with rcu_store(): what the pointer leads to was written before it. */
#define rcu_load(ptr) __atomic_load_n(&(ptr), __ATOMIC_ACQUIRE)
#define rcu_store(ptr, val) __atomic_store_n(&(ptr), (val), __ATOMIC_RELEASE)

#endif

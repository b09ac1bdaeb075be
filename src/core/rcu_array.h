/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small set of pointers that is read under RCU and written under a lock of
 * the caller's.  Removing never allocates, so it cannot fail.
 */
#ifndef VIRQ_CORE_RCU_ARRAY_H
#define VIRQ_CORE_RCU_ARRAY_H

#include <stdbool.h>
#include <stdint.h>
#include "rcu.h"

struct rcu_array {
	uint32_t capacity;
	uint32_t count; /* writers only */
	void *entry[]; /* RCU; NULL: free */
};

/*
 * Add @entry to *@slot, which is NULL at first.  Waits for a grace period when
 * it has to grow.  0 or -ENOMEM.
 */
int rcu_array_add(struct rcu_array **slot, void *entry);

/* Take @entry out; readers may still hold it until a grace period is over. */
void rcu_array_del(struct rcu_array *array, const void *entry);

/* For readers: walk the entries of an array that may be NULL. */
#define rcu_array_for_each(array, index, item)                                 \
	for ((index) = 0; (array) && (index) < (array)->capacity; (index)++)   \
		if (((item) = rcu_load((array)->entry[index])))

#endif

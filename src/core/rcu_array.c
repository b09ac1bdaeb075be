// SPDX-License-Identifier: BSD-3-Clause
/* A small set of pointers under RCU. */
#include "rcu_array.h"
#include <errno.h>
#include <stdlib.h>

#ifdef VIRQ_TSAN
char rcu_tsan_anchor;
#endif

int rcu_array_add(struct rcu_array **slot, void *entry)
{
	struct rcu_array *old = *slot, *array;
	uint32_t capacity = old ? old->capacity : 0;

	for (uint32_t i = 0; i < capacity; i++) {
		if (!old->entry[i]) {
			rcu_store(old->entry[i], entry);
			old->count++;
			return 0;
		}
	}
	capacity = capacity ? 2 * capacity : 1;
	array = calloc(1, sizeof(*array) + capacity * sizeof(array->entry[0]));
	if (!array)
		return -ENOMEM;
	array->capacity = capacity;
	for (uint32_t i = 0; old && i < old->capacity; i++)
		array->entry[i] = old->entry[i];
	array->entry[old ? old->capacity : 0] = entry;
	array->count = (old ? old->count : 0) + 1;
	rcu_store(*slot, array);
	if (old) {
		rcu_synchronize();
		free(old);
	}
	return 0;
}

void rcu_array_del(struct rcu_array *array, const void *entry)
{
	for (uint32_t i = 0; i < array->capacity; i++) {
		if (array->entry[i] == entry) {
			rcu_store(array->entry[i], NULL);
			array->count--;
			return;
		}
	}
}

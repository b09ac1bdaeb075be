/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Delta debugging of a list of operations, whatever they are: drop parts of it,
 * and then smaller parts, while what is left still makes a difference.
 */
#ifndef DIFF_SHRINK_H
#define DIFF_SHRINK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Do these operations make a difference?  Then *@at is the number of the one
 * after which it shows: what comes later plays no part.
 */
typedef bool (*shrink_try_fn)(void *opaque, const void *ops, size_t nr,
			      size_t *at);

/*
 * shrink - @ops, *@nr of @size bytes each, become the fewest found, within
 * @seconds.
 */
void shrink(void *ops, size_t *nr, size_t size, unsigned int seconds,
	    shrink_try_fn try, void *opaque);

#endif

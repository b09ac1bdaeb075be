/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads that register pairs, and what one waits for a registration.
 *
 * Each of the pairs gets its consumer and then its producer, which connects.
 * A thread takes the pairs in blocks, as one that sets up devices does.
 */
#ifndef BENCH_REGISTRATION_H
#define BENCH_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "registry.h"

#define REGISTRATION_THREADS 4 /* at most */

struct field {
	const struct registry *registry;
	struct pair *pairs;
	size_t nr;
	size_t placed; /* so many are registered all the time */
};

/* The mean for a consumer, and for a producer; and the worst of all. */
struct registration {
	double consumer_ns;
	double producer_ns;
	double worst_ns;
};

/*
 * Give the pairs their callbacks and ids, in ascending order, or in an order
 * that depends on nothing but their number.
 */
void field_init(struct field *field);
void field_number(struct field *field, bool random);

/* Register the first field->placed; and take them out.  0 or an errno. */
int field_place(struct field *field);
void field_clear(struct field *field);

/*
 * Register the others with @nr_threads, and, untimed, take them out.  With
 * @each, each is timed by itself: that takes time itself, but there is a
 * worst.  0 or a negative errno.
 */
int field_register(struct field *field, unsigned int nr_threads, bool each,
		   struct registration *result);

#endif

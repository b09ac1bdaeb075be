// SPDX-License-Identifier: BSD-3-Clause
/*
 * The shortest script that still diverges in the same way: drop operations in
 * ever smaller pieces, then rows, then make the arguments 0 or smaller, until
 * nothing more goes.  Every try starts with worlds like new.
 */
#include "random_impl.h"

#include <string.h>

/* Enough for any; a script that diverges by chance must end, too. */
#define MAX_TRIES 4000

struct shrink {
	struct pair *pair;
	struct script *script; /* the best one so far */
	struct divergence *divergence; /* its */
	unsigned int tries;
};

/*
 * Does @candidate diverge like the best one?  Then it takes its place, and
 * what came after the divergence is dropped.  Owns @candidate.
 */
static bool attempt(struct shrink *s, struct script *candidate)
{
	struct divergence divergence;

	if (++s->tries > MAX_TRIES)
		goto out_drop;
	pair_run(s->pair, candidate, &divergence);
	if (!divergence.found ||
	    strcmp(divergence.signature, s->divergence->signature))
		goto out_drop;
	script_drop(candidate, divergence.at + 1,
		    candidate->nr - divergence.at - 1);
	script_fini(s->script);
	*s->script = *candidate;
	*s->divergence = divergence;
	return true;

out_drop:
	script_fini(candidate);
	return false;
}

static bool try_without_ops(struct shrink *s, size_t first, size_t nr)
{
	struct script candidate;

	if (script_copy(&candidate, s->script))
		return false;
	script_drop(&candidate, first, nr);
	return attempt(s, &candidate);
}

/* From the end, where what matters least for the rest stands. */
static bool drop_ops(struct shrink *s)
{
	bool dropped = false;

	for (size_t piece = s->script->nr / 2; piece; piece /= 2) {
		size_t end = s->script->nr;

		while (end) {
			size_t nr = piece < end ? piece : end;

			if (nr < s->script->nr &&
			    try_without_ops(s, end - nr, nr))
				dropped = true;
			end -= nr;
			if (end > s->script->nr)
				end = s->script->nr;
		}
	}
	return dropped;
}

static bool try_without_rows(struct shrink *s, size_t op, size_t first,
			     size_t nr)
{
	struct script candidate;
	struct op *changed;

	if (script_copy(&candidate, s->script))
		return false;
	changed = &candidate.op[op];
	memmove(&changed->rows[first], &changed->rows[first + nr],
		(changed->nr_rows - first - nr) * sizeof(*changed->rows));
	changed->nr_rows -= nr;
	return attempt(s, &candidate);
}

static bool drop_rows(struct shrink *s)
{
	bool dropped = false;

	for (size_t op = 0; op < s->script->nr; op++) {
		size_t nr = s->script->op[op].nr_rows;

		if (nr > 1 && try_without_rows(s, op, 0, nr)) {
			dropped = true;
			continue;
		}
		for (size_t row = nr; row-- > 0;)
			if (op < s->script->nr &&
			    row < s->script->op[op].nr_rows &&
			    try_without_rows(s, op, row, 1))
				dropped = true;
	}
	return dropped;
}

/* The place of a number: an argument's, or (after those) a row's word's. */
static uint64_t *number_at(struct op *op, size_t place)
{
	if (place < OP_ARGS)
		return &op->arg[place];
	place -= OP_ARGS;
	if (place / ROW_WORDS >= op->nr_rows)
		return NULL;
	return &op->rows[place / ROW_WORDS].word[place % ROW_WORDS];
}

static bool try_number(struct shrink *s, size_t op, size_t place,
		       uint64_t value)
{
	struct script candidate;

	if (script_copy(&candidate, s->script))
		return false;
	*number_at(&candidate.op[op], place) = value;
	return attempt(s, &candidate);
}

/* 0, or fewer bits set. */
static bool simplify_number(struct shrink *s, size_t op, size_t place)
{
	bool simpler = false;
	uint64_t value = *number_at(&s->script->op[op], place);

	if (!value)
		return false;
	if (try_number(s, op, place, 0))
		return true;
	for (unsigned int bit = 64; value && bit-- > 0;) {
		uint64_t mask = UINT64_C(1) << bit;
		uint64_t *now;

		if (!(value & mask) || value == mask)
			continue;
		if (!try_number(s, op, place, value & ~mask))
			continue;
		simpler = true;
		if (op >= s->script->nr)
			break;
		now = number_at(&s->script->op[op], place);
		value = now ? *now : 0;
	}
	return simpler;
}

static bool simplify_numbers(struct shrink *s)
{
	bool simpler = false;

	for (size_t op = 0; op < s->script->nr; op++)
		for (size_t place = 0;
		     op < s->script->nr && number_at(&s->script->op[op], place);
		     place++)
			if (simplify_number(s, op, place))
				simpler = true;
	return simpler;
}

int script_shrink(struct pair *pair, struct script *script,
		  struct divergence *divergence)
{
	struct shrink s = {
		.pair = pair, .script = script, .divergence = divergence};
	bool again = true;

	script_drop(script, divergence->at + 1,
		    script->nr - divergence->at - 1);
	while (again && s.tries < MAX_TRIES) {
		again = drop_ops(&s);
		again |= drop_rows(&s);
		again |= simplify_numbers(&s);
	}
	return 0;
}

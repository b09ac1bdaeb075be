// SPDX-License-Identifier: BSD-3-Clause
/* See shrink.h. */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct work {
	char *ops, *spare;
	size_t nr, size;
	shrink_try_fn try;
	void *opaque;
};

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Without @len operations from @first on? */
static bool try_without(struct work *w, size_t first, size_t len)
{
	size_t at;

	memcpy(w->spare, w->ops, first * w->size);
	memcpy(w->spare + first * w->size, w->ops + (first + len) * w->size,
	       (w->nr - first - len) * w->size);
	if (!w->try(w->opaque, w->spare, w->nr - len, &at))
		return false;
	w->nr = at + 1;
	memcpy(w->ops, w->spare, w->nr * w->size);
	return true;
}

void shrink(void *ops, size_t *nr, size_t size, unsigned int seconds,
	    shrink_try_fn try, void *opaque)
{
	struct work w = {.ops = ops,
			 .spare = calloc(*nr, size),
			 .nr = *nr,
			 .size = size,
			 .try = try,
			 .opaque = opaque};
	time_t end = now() + seconds;
	size_t len = w.nr / 2;

	if (!w.spare)
		return;
	while (len && now() < end) {
		bool dropped = false;

		/* From the end: what comes last depends on what was before. */
		for (size_t at = w.nr; at > 0 && now() < end;) {
			at = at > len ? at - len : 0;
			if (at + len <= w.nr && try_without(&w, at, len))
				dropped = true;
			if (at > w.nr)
				at = w.nr;
		}
		/* One by one until none can go. */
		if (len > 1 || !dropped)
			len /= 2;
	}
	free(w.spare);
	*nr = w.nr;
}

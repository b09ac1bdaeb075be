// SPDX-License-Identifier: BSD-3-Clause
/* Delta debugging: drop parts of a script, and then smaller parts. */
#include "world.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* Without @len operations from @at, does it still make a difference? */
static bool try_without(struct contest *contest, struct script *script,
			struct script *spare, size_t at, size_t len)
{
	struct difference difference;

	memcpy(spare->ops, script->ops, at * sizeof(*script->ops));
	memcpy(spare->ops + at, script->ops + at + len,
	       (script->nr - at - len) * sizeof(*script->ops));
	spare->nr = script->nr - len;
	if (world_run(contest, spare, &difference) != 1)
		return false;
	/* What comes after the difference plays no part. */
	script->nr = difference.at + 1;
	memcpy(script->ops, spare->ops, script->nr * sizeof(*script->ops));
	return true;
}

void script_shrink(struct contest *contest, struct script *script,
		   unsigned int seconds)
{
	struct script spare = {.ops = calloc(script->nr, sizeof(*spare.ops))};
	time_t end = now() + seconds;
	size_t len = script->nr / 2;
	bool dropped = false;

	if (!spare.ops)
		return;
	while (len && now() < end) {
		dropped = false;
		/* From the end: what comes last depends on what was before. */
		for (size_t at = script->nr; at > 0 && now() < end;) {
			at = at > len ? at - len : 0;
			if (at + len <= script->nr &&
			    try_without(contest, script, &spare, at, len))
				dropped = true;
			if (at > script->nr)
				at = script->nr;
		}
		/* One by one until none can go. */
		if (len > 1 || !dropped)
			len /= 2;
	}
	free(spare.ops);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "account.h"
#include "cli.h"
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_NS UINT64_C(200000000)

void progress_init(struct progress *progress, bool wanted)
{
	*progress = (struct progress){
		.shown = wanted && isatty(STDERR_FILENO),
		.start_ns = cli_now_ns(),
	};
}

void progress_update(struct progress *progress,
		     const struct run_device *devices, unsigned int nr)
{
	uint64_t raised = 0, delivered = 0, wanted = 0, now;
	bool counted = true;
	char share[16] = "";

	if (!progress->shown)
		return;
	now = cli_now_ns();
	if (now < progress->next_ns)
		return;
	progress->next_ns = now + INTERVAL_NS;
	for (unsigned int i = 0; i < nr; i++) {
		struct account_counts counts;

		account_get(devices[i].account, &counts);
		raised += counts.raised;
		delivered += counts.delivered;
		if (devices[i].config->count == UINT64_MAX)
			counted = false;
		else
			wanted += devices[i].config->count;
	}
	if (counted && wanted)
		snprintf(share, sizeof(share), " (%.0f %%)",
			 100.0 * (double)raised / (double)wanted);
	fprintf(stderr,
		"\r\033[K%.1f s: %" PRIu64 " raised%s, %" PRIu64 " delivered",
		(double)(now - progress->start_ns) / 1e9, raised, share,
		delivered);
	progress->dirty = true;
}

void progress_clear(struct progress *progress)
{
	if (progress->dirty)
		fputs("\r\033[K", stderr);
	progress->dirty = false;
}

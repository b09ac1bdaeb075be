/* SPDX-License-Identifier: BSD-3-Clause */
/* One line on the terminal, rewritten a few times a second. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "run_device.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown; /* on a terminal, and wanted */
	bool dirty; /* a line is on the screen */
	uint64_t start_ns;
	uint64_t next_ns;
};

void progress_init(struct progress *progress, bool wanted);
void progress_update(struct progress *progress,
		     const struct run_device *devices, unsigned int nr);
/* Take the line away; call it before anything else is printed. */
void progress_clear(struct progress *progress);

#endif

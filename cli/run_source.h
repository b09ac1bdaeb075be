/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device raises through that is not its eventfd alone: a source in this
 * process, or a shared page.  Made once the VM is there, gone before the VM is.
 * Main thread only, but for run_source_raiser()'s and run_source_acked().
 */
#ifndef CLI_RUN_SOURCE_H
#define CLI_RUN_SOURCE_H

#include "config.h"
#include "device.h"

#include <stdatomic.h>
#include <virq/poster.h>
#include <virq/source.h>

/* All zero: none, the device has its eventfd. */
struct run_source {
	struct virq_source *edge;
	struct virq_line_source *line;
	/* Of the line source; driven by the device's thread. */
	struct virq_loop *line_loop;
	struct virq_line_source_info line_seen;
	struct virq_shm_source *shm;
	/* Level: our own hold on the page, for the guest's acks. */
	struct virq_poster poster;
	atomic_uint_fast64_t restored; /* acked too early, so up again */
};

struct run_source_wires {
	int irq_fd;
	int resample_fd;
	int irq; /* a number for people */
	struct virq_loop *loop; /* hears the doorbell of a page */
	bool strict; /* a bypass that is refused is an error */
};

/*
 * run_source_create - by the device's path and kind.  0 or a negative errno;
 * then run_source_destroy() takes care of what was made.
 * run_source_destroy - the device has ended, the loop is still there.
 */
int run_source_create(struct run_source *source,
		      const struct device_config *config,
		      const struct run_source_wires *wires);
void run_source_destroy(struct run_source *source);

/*
 * A socket in which the page and what goes with it wait for a device process,
 * or a negative errno.  If that never comes to fetch them they go with the
 * socket.
 */
int run_source_send_page(struct run_source *source);

/* How a device in this process raises through it. */
struct device_raiser run_source_raiser(struct run_source *source);
/* The guest acks the device: its line goes down.  vCPU thread. */
void run_source_acked(struct run_source *source);

/* What became of its raises, or of its line; false: nobody counts them. */
bool run_source_query(const struct run_source *source,
		      struct virq_source_info *info);
bool run_source_query_line(const struct run_source *source,
			   struct virq_line_source_info *info);
/*
 * Times it has told the guest again of a line that the device holds up, of
 * which the device hears nothing: it is in another process, or the line is
 * forwarded.
 */
uint64_t run_source_again(const struct run_source *source);

#endif

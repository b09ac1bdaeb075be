/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A board whose vCPUs and devices are threads: what the race tests of forwarded
 * interrupts have in common.
 *
 * A device has some work and keeps its line up until the guest's handler has
 * done all of it, one piece an interrupt.  So each completion must find the
 * line up, and interrupt again: one that is lost, or a level, leaves the rest
 * of the work where it is for ever.
 */
#ifndef RACE_FORWARD_MACHINE_H
#define RACE_FORWARD_MACHINE_H

#include "race.h"
#include <virq/poster.h>
#include "board.h"

#define NR_DEVICES 3u
#define PAGED 2u /* the device whose line is in a page */
#define GSI(device) (1u + (device))
/* Each has two pins to be routed to. */
#define PIN(device, which) (1u + (device) + NR_DEVICES * (which))
#define NR_PINS (2u * NR_DEVICES)

struct machine;

struct cpu {
	struct machine *m;
	unsigned int index;
	pthread_t thread;
	atomic_bool kicked;
};

struct device {
	struct machine *m;
	unsigned int number;
	pthread_t thread;
	struct virq_line_source *line;
	int fd, resamplefd;
	unsigned int which; /* the pin that it has; the changes' */
	atomic_uint work;
	atomic_ulong done; /* rounds of which all work is done */
	atomic_ulong taken; /* interrupts, with work or without */
	/* When the phase began. */
	struct virq_line_source_info before;
};

struct machine {
	struct board board;
	struct cpu cpus[BOARD_VCPUS];
	struct device devices[NR_DEVICES];
	pthread_t loop;
	struct virq_shm_source *shm;
	struct virq_poster poster;
	unsigned long rounds;
	bool change;
	atomic_bool halt; /* vCPUs */
	atomic_bool stop; /* changes */
	atomic_ulong spurious;
	atomic_ulong stuck;
	unsigned long changes;
};

/* All irqfds assigned with a bypass, all routes set, the loop driven. */
void machine_open(struct machine *m);
void machine_close(struct machine *m);
void machine_start_loop(struct machine *m);
void machine_stop_loop(struct machine *m);

/* Pins as m->devices[].which says; without a route for @but, if not NULL. */
void machine_set_routes(struct machine *m, const struct device *but);

/*
 * The devices do @rounds rounds while the vCPUs run, and @changes, if not NULL,
 * is another thread, until m->stop.  All have ended when it returns.
 */
void machine_run(struct machine *m, unsigned long rounds,
		 void *(*changes)(void *machine));

void device_query(const struct device *device,
		  struct virq_line_source_info *info);
/* The interrupts that a device's work in so many rounds is. */
unsigned long device_work(unsigned long rounds);

#endif

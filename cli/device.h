/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device: what raises interrupts, at its pace, and reports each raise.  It
 * runs as a process (device_main.c) or as a thread (device_thread.c), and
 * sees the guest only through the acknowledgement and the EOI.
 *
 * Pacing.  At rate 0 the next raise follows the acknowledgement of the former
 * (and, for level, the EOI).  At a rate, raises are due at fixed steps; one
 * that comes late moves the steps after it, there is no burst to catch up.
 *
 * Level.  The device has a line of its own: up from the event until the guest
 * acknowledges.  An EOI that finds it still up is answered by another signal,
 * which counts as a raise; an event that is due while it is up merges with the
 * one before, as in a real device.
 */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The guest's EOIs since the last look. */
struct device_eoi {
	bool seen;
	/* None is to come: the guest completes the interrupt at its source. */
	bool forwarded;
	/* Whoever keeps the line has looked at it: the device need not. */
	bool answered;
	/* So many found the line up and were answered by a raise already. */
	unsigned int raised;
};
#define DEVICE_EOI_MAX_RAISED 64 /* of one look */

/* How interrupts leave the device. */
struct device_raiser {
	/* One edge, or the line goes up.  False: it cannot raise any more. */
	bool (*raise)(void *opaque);
	/*
	 * Level: look for EOIs.  One with .raised 0 that is not .answered the
	 * device answers.
	 */
	struct device_eoi (*eoi)(void *opaque);
	void *opaque;
	int eoi_fd; /* level: readable when eoi() has something to tell */
};

struct device_setup {
	bool level;
	uint64_t count;
	uint64_t rate; /* per second; 0: as fast as acknowledged */
	uint64_t duration_ns; /* 0: until the count is reached */
	uint64_t timeout_ns; /* patience with the guest */
	struct device_raiser raiser;
	int ack_fd; /* readable: acknowledged, or stop was set */
	int report_fd; /* blocking */
	atomic_bool *stop;
};

/* device_run - raise until the end, tell everything; answers an exit code. */
int device_run(const struct device_setup *setup);

/* Signal an eventfd; take its signals, were there any?  False on an error. */
bool device_signal(int fd);
bool device_drain(int fd);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two machines that live through the same script: the reference's (the kernel's
 * vGIC) and the subject's (the library's).
 *
 * The subject goes first, access by access: what it says tells which accesses
 * are beyond what can be compared (known.h), and those are left out on both.
 * The reference's guest then makes the same ones in batches.
 */
#ifndef ARM_DIFF_WORLD_H
#define ARM_DIFF_WORLD_H

#include "machine.h"

struct tally {
	unsigned long ops; /* that both have made */
	unsigned long batches; /* of a guest's accesses */
	unsigned long accesses;
	unsigned long taken; /* interrupts, by IAR */
	unsigned long completed;
	unsigned long resamples; /* signals of resamplefds */
	unsigned long compares; /* of the whole state */
	unsigned long registers; /* in them */
	unsigned long migrations;
};

struct contest {
	const struct arm_port *reference, *subject;
	/* Compare the state after so many operations; 0: only at the end. */
	unsigned int interval;
	struct tally tally;
};

struct difference {
	size_t at; /* number of the operation */
	char what[256];
};

/*
 * world_run - a script on two new machines.  0: no difference; 1: *difference;
 * a negative errno: a machine could not be made.
 */
int world_run(struct contest *contest, const struct script *script,
	      struct difference *difference);

#endif

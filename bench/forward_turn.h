/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round trips of a level interrupt: the device raises its line, the guest
 * acknowledges, its handler has the device lower the line, the guest completes,
 * and the device has heard of that; then it may raise again.
 *
 * One run is @nr of them, timed by the device's clock alone, from before the
 * raise to when it has heard.  begin and end do what is not part of it; between
 * two calls of @mark (NULL: none) nothing but round trips happens.
 */
#ifndef BENCH_FORWARD_TURN_H
#define BENCH_FORWARD_TURN_H

#include "forward_rig.h"
#include "remote.h"

#define FORWARD_MAX_EVENTS 600u

struct forward_shared;

struct forward_turn {
	struct forward_rig rig;
	/* What the device, a thread or a process, shares with the vCPU. */
	struct forward_shared *shared;
	struct remote remote; /* FORWARD_SHM */
	bool wanted; /* the device sleeps until the completion is signalled */
};

/* @turn->rig is open.  0, or a negative errno with the reason in @why. */
int forward_turn_open(struct forward_turn *turn, char *why, size_t size);
void forward_turn_close(struct forward_turn *turn);

/* @ns gets the time of each.  0, or a negative errno. */
int forward_turn_run(struct forward_turn *turn, unsigned int nr, double *ns,
		     void (*mark)(void));

#endif

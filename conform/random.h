/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Differential testing: the same random operations, valid and invalid, on two
 * ports in lock step.  After each one the answer, the errno and the whole
 * state of both must agree.
 */
#ifndef CONFORM_RANDOM_H
#define CONFORM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "port.h"

/* Operations on one pair of fresh worlds. */
#define CONFORM_RANDOM_EPISODE 200

struct conform_random_config {
	const struct conform_port *against;
	const struct conform_port *subject; /* NULL: "x86" */
	uint64_t ops; /* rounded up to whole episodes */
	/*
	 * The first episode's; each later one has its own, which is reported
	 * and repeats that episode alone with @ops <= one episode.
	 */
	uint64_t seed;
	FILE *report; /* scripts of divergences, the summary */
	/* Where to leave each divergence as a file, too; may be NULL. */
	const char *save_dir;
	bool verbose; /* every operation on @report */
};

/*
 * conform_random - 0: no divergence; 1: some, shrunk and reported; or -errno
 * when a port cannot be used.  Progress on stderr if that is a terminal.  The
 * calling thread is kept on one processor meanwhile.
 */
int conform_random(const struct conform_random_config *config);

/*
 * conform_replay - the operations of a script (as conform_random() reports
 * them).  @ops and @seed are ignored.  0: both ports agree; 1: they do not;
 * -EINVAL: not a script; or -errno.
 */
int conform_replay(const struct conform_random_config *config,
		   const char *path);

#endif

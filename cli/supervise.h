/* SPDX-License-Identifier: BSD-3-Clause */
/* Looks after the guest and the devices from start to end. */
#ifndef CLI_SUPERVISE_H
#define CLI_SUPERVISE_H

#include "run_device.h"
#include "progress.h"

#include <stdbool.h>

struct supervisor {
	struct vmm *vmm;
	struct run_device *devices;
	unsigned int nr;
	uint64_t timeout_ns;
	struct progress progress;
	bool guest_failed; /* and told */
};

/*
 * supervise - start every device and return when all have ended and the guest
 * has taken what they raised.  Each wait has a limit; what goes wrong is told
 * on stderr.  0, or a negative errno when a device could not be started.
 */
int supervise(struct supervisor *sup);

#endif

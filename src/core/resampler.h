/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resampler: one for each (VM, GSI) that has resample irqfds.
 *
 * All of them drive the line as one source (VIRQ_SOURCE_RESAMPLE).  When the
 * guest completes the GSI the source is lowered once, then every resamplefd is
 * signalled, whoever had asserted; a device that still asserts signals again.
 */
#ifndef VIRQ_CORE_RESAMPLER_H
#define VIRQ_CORE_RESAMPLER_H

#include <stdatomic.h>
#include <urcu/list.h>
#include <virq/vm.h>
#include "eventfd.h"

struct resampler;

/* One irqfd's share; lives in the irqfd. */
struct resample_member {
	struct resampler *resampler;
	struct eventfd_signal signal; /* of the resamplefd, our own copy */
	atomic_uint_least64_t count;
};

/*
 * Join the resampler of (@vm, @gsi), made if there is none.  member->signal is
 * set by the caller.  0 or -ENOMEM.
 */
int resampler_attach(struct virq_vm *vm, uint32_t gsi,
		     struct resample_member *member);
/*
 * Leave it.  When it has returned, the member is not signalled any more; if it
 * was the last, the source is lowered.  Blocks for a grace period.
 */
void resampler_detach(struct resample_member *member);

#endif

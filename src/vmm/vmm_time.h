/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's TSC as CLOCK_MONOTONIC.
 *
 * Each batch of records is placed by a pair (TSC, clock) read at that moment,
 * so the rate matters only for the microseconds since the record was made and
 * nothing drifts over a long run.
 */
#ifndef VMM_TIME_H
#define VMM_TIME_H

#include <stdint.h>

struct vmm_time {
	uint64_t offset;	/* guest TSC - host TSC */
	uint64_t scale;		/* ns per tick, 32.32 */
	uint64_t bracket;	/* ticks one good pair of readings takes */
	uint64_t accuracy_ns;	/* how wrong a converted time may be */
};

struct vmm_time_pair {
	uint64_t tsc;		/* the guest's */
	uint64_t ns;
};

/*
 * vmm_time_init - for the vCPU behind @vcpu_fd: make its TSC the host's, or,
 * where KVM cannot do that, measure how far apart the two are.
 * 0 or a negative errno.
 */
int vmm_time_init(struct vmm_time *time, int vcpu_fd);

/*
 * vmm_time_measure - the part of it for a TSC that cannot be set: time->offset
 * is right to within *error_ticks.
 */
int vmm_time_measure(struct vmm_time *time, int vcpu_fd,
		     uint64_t *error_ticks);

struct vmm_time_pair vmm_time_read(const struct vmm_time *time);
uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t tsc);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's TSC as CLOCK_MONOTONIC.
 *
 * Each batch of records is placed by a pair (TSC, clock) read at that moment,
 * so the rate matters only for the microseconds since the record was made and
 * nothing drifts over a long run.
 *
 * That needs a guest whose TSC is the host's.  Where KVM cannot set it, or
 * moves it whenever the vCPU is scheduled (a host whose TSC is no clock), a
 * record gets the time of the exit that told of it: late by the way out of the
 * guest, but never before its interrupt.
 */
#ifndef VMM_TIME_H
#define VMM_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct vmm_time {
	bool host_tsc; /* the guest's TSC is the host's */
	uint64_t scale; /* ns per tick, 32.32 */
	uint64_t bracket; /* ticks one good pair of readings takes */
	uint64_t accuracy_ns; /* how wrong a converted time may be */
};

struct vmm_time_pair {
	uint64_t tsc;
	uint64_t ns;
};

/* For the vCPU behind @vcpu_fd.  0 or a negative errno. */
int vmm_time_init(struct vmm_time *time, int vcpu_fd);

struct vmm_time_pair vmm_time_read(const struct vmm_time *time);
uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t tsc);

#endif

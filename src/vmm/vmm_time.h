/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest's counter (TSC, CNTVCT) as CLOCK_MONOTONIC.
 *
 * Each batch of records is placed by a pair (counter, clock) read at that
 * moment, so the rate matters only for the microseconds since the record was
 * made and nothing drifts over a long run.
 *
 * That needs to be known: how the guest's counter stands to the host's.  Where
 * it is not (a host whose TSC is no clock), a record gets the time of the exit
 * that told of it: late by the way out of the guest, but never before its
 * interrupt.
 */
#ifndef VMM_TIME_H
#define VMM_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* vmm_time_x86.c, vmm_time_arm64.c: the counter. */
struct vmm_time_source {
	uint64_t hz;
	bool known; /* host's counter = guest's + offset */
	uint64_t offset; /* modulo 2^64 */
	uint64_t error; /* ticks by which it may be wrong */
};

struct vmm_time {
	struct vmm_time_source source;
	uint64_t scale; /* ns per tick, 32.32 */
	uint64_t bracket; /* ticks one good pair of readings takes */
	uint64_t accuracy_ns; /* how wrong a converted time may be */
};

struct vmm_time_pair {
	uint64_t ticks; /* the host's */
	uint64_t ns;
};

uint64_t vmm_time_ticks(void);
/* Of the vCPU behind @vcpu_fd.  0 or a negative errno. */
int vmm_time_find_source(int vcpu_fd, struct vmm_time_source *source);

/* For the vCPU behind @vcpu_fd.  0 or a negative errno. */
int vmm_time_init(struct vmm_time *time, int vcpu_fd);

struct vmm_time_pair vmm_time_read(const struct vmm_time *time);
uint64_t vmm_time_convert(const struct vmm_time *time,
			  const struct vmm_time_pair *now, uint64_t ticks);

#endif

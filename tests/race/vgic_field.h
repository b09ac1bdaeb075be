/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine for race tests of the vGIC: threads that are its vCPUs, which take
 * and complete interrupts, and threads that are its devices, which raise them.
 * Who raised what and who handled it is counted.
 */
#ifndef VGIC_FIELD_H
#define VGIC_FIELD_H

#include <pthread.h>
#include "vgic_lr_sim.h"
#include "vgic_state_fixture.h"
#include "race.h"

#define NR_VCPUS 3u
#define LR_VCPU 2u
#define WRITER NR_VCPUS /* the vCPU that writes the distributor's registers */
#define NR_DEVICES 2u
#define FIRST_SPI 32u
#define NR_SPIS 16u
#define NR_SGIS 4u

struct kind {
	unsigned int model;
	bool lrs; /* vCPU LR_VCPU uses them */
	bool eoi_mode; /* 1 everywhere */
};

struct actor {
	struct field *field;
	unsigned int index;
};

struct field {
	struct machine m;
	struct kind kind;
	unsigned long rounds;
	atomic_bool stop_vcpus, stop_changes;
	/* By SPI; even ones are edges, odd ones levels. */
	atomic_ulong raised[NR_SPIS], handled[NR_SPIS];
	atomic_ulong work[NR_SPIS], told[NR_SPIS], done[NR_SPIS];
	atomic_bool sgi_sent[NR_VCPUS][NR_VCPUS][NR_SGIS]; /* from, to */
	atomic_ulong sgis, sgis_handled, strays;
	struct lr_sim sim;
	struct actor actors[NR_VCPUS];
	pthread_t vcpus[NR_VCPUS], devices[NR_DEVICES];
};

/* Even SPIs are edges, odd ones levels. */
static inline bool is_edge(uint32_t i)
{
	return !(i & 1);
}

void field_open(struct field *f, struct kind kind, unsigned long rounds);
void field_close(struct field *f);
/* One thread each. */
void field_start_vcpus(struct field *f);
void field_stop_vcpus(struct field *f);
void field_start_devices(struct field *f);
void field_join_devices(struct field *f);

/* The distributor's registers, by the vCPU WRITER. */
void write_reg(struct field *f, uint32_t offset, uint32_t value);
/* To a vCPU or, in GICv3, to one that does not exist. */
void write_target(struct field *f, uint32_t intid, unsigned int to);
void write_priority(struct field *f, uint32_t intid, uint32_t priority);

#endif

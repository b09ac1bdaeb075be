/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registers of the vGIC's distributor and redistributors a second time, in
 * the simplest way: an array of interrupts, and a loop over those that an
 * access covers.  What it says must be what the records and reads say.
 */
#ifndef VIRQ_FUZZ_GIC_MODEL_H
#define VIRQ_FUZZ_GIC_MODEL_H

#include "gic.h"

struct model_irq {
	bool enabled, latch, line, active, level, group1;
	uint8_t priority, targets, sources;
	uint32_t mpidr;
};

struct gic_model {
	bool v3, its;
	bool enabled, iidr_written;
	uint8_t revision;
	struct model_irq private_irqs[GIC_CPUS][32];
	struct model_irq spis[GIC_IRQS - 32];
};

/* An access that the guest or, if @user, an attribute makes. */
struct model_access {
	bool user;
	bool redist; /* the frame: of vCPU @c, or the distributor */
	unsigned int c; /* v2: who accesses it */
	uint32_t offset;
	uint8_t len;
};

void model_init(struct gic_model *model, bool v3, bool its);
/* What a set by attribute answers; a guest's write is always 0. */
int model_write(struct gic_model *model, const struct model_access *at,
		uint64_t value);
/* False: the model does not know (what is not of interrupts). */
bool model_read(const struct gic_model *model, const struct model_access *at,
		uint64_t *value);
void model_line(struct gic_model *model, unsigned int c, uint32_t intid,
		bool level);
void model_lines(struct gic_model *model, unsigned int c, uint32_t intid,
		 uint32_t lines);
/* The records are as the model says. */
void model_check(const struct gic_model *model, struct gic *gic);

#endif

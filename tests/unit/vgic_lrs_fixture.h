/* SPDX-License-Identifier: BSD-3-Clause */
/* List registers of a machine's first vCPU, a guest that takes the first. */
#ifndef VGIC_LRS_FIXTURE_H
#define VGIC_LRS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "vgic_lr_sim.h"
#include "vgic_state_fixture.h"

#define SPI 40u

/* An ack notifier: how often a level was completed. */
static inline void count_ack(void *acks)
{
	++*(unsigned int *)acks;
}

static inline struct virq_vgic_lrs lrs_flush(struct machine *m, uint32_t nr)
{
	struct virq_vgic_lrs lrs = {.nr = nr};

	assert_int_equal(virq_vgic_lrs_flush(m->vcpu[0], &lrs), 0);
	return lrs;
}

static inline void lrs_sync(struct machine *m, const struct virq_vgic_lrs *lrs)
{
	assert_int_equal(virq_vgic_lrs_sync(m->vcpu[0], lrs), 0);
}

static inline uint64_t lr_pending(const struct machine *m)
{
	return m->model == 3 ? LR3_PENDING : LR2_PENDING;
}

static inline uint64_t lr_active(const struct machine *m)
{
	return m->model == 3 ? LR3_ACTIVE : LR2_ACTIVE;
}

static inline uint64_t lr_eoi(const struct machine *m)
{
	return m->model == 3 ? LR3_EOI : LR2_EOI;
}

/* The guest takes what is in the first one, and completes it. */
static inline void guest_takes(struct machine *m, struct virq_vgic_lrs *lrs)
{
	lrs->lr[0] = (lrs->lr[0] & ~lr_pending(m)) | lr_active(m);
}

static inline void guest_completes(struct machine *m, struct virq_vgic_lrs *lrs)
{
	lrs->lr[0] &= ~(lr_pending(m) | lr_active(m));
}

#endif

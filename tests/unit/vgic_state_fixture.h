/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests of the state model: a machine that is programmed without registers.
 * vCPUs run on the test's thread, so a test may be two of them at once.
 */
#ifndef VGIC_STATE_FIXTURE_H
#define VGIC_STATE_FIXTURE_H

#include "irqchip/vgic/queue.h"
#include "vgic_irq_change.h"
#include "vgic_regs_fixture.h"

#define SPURIOUS 1023u

static const unsigned int state_models[] = {2, 3};

/* A statement for a machine of each model. */
#define FOR_EACH_MODEL(m, nr_cpus)                                             \
	for (unsigned int i_ = 0; i_ < 2; machine_destroy(&(m)), i_++)         \
		if (state_open(&(m), state_models[i_], nr_cpus, 64), true)

/* Distributor on, every CPU's interface open to all priorities and groups. */
void state_open(struct machine *m, unsigned int model, unsigned int nr_cpus,
		uint32_t nr_irqs);

struct vgic_irq *irq_of(struct machine *m, unsigned int c, uint32_t intid);
unsigned int state_of(struct machine *m, unsigned int c, uint32_t intid);
bool state_has(struct machine *m, unsigned int c, uint32_t intid,
	       unsigned int bits);
/* Enable an interrupt with these IRQ_* besides, or none. */
void irq_setup(struct machine *m, unsigned int c, uint32_t intid,
	       uint8_t priority, unsigned int bits);
void irq_set_priority(struct machine *m, unsigned int c, uint32_t intid,
		      uint8_t priority);
/* @to is a CPU's number, or -1: nowhere. */
void irq_send(struct machine *m, uint32_t intid, int to);

int inject(struct machine *m, unsigned int c, uint32_t intid, bool level);
void edge(struct machine *m, uint32_t intid); /* of an SPI */

/* An SPI that is enabled, an edge, of @group, and pending. */
void raise_spi(struct machine *m, uint32_t intid, unsigned int group,
	       uint8_t priority);

/* Of the group that a model's interrupts are of at reset: 0, or in v3 1. */
uint32_t iar(struct machine *m, unsigned int c);
void eoir(struct machine *m, unsigned int c, uint32_t value);
unsigned int pending_events(struct machine *m, unsigned int c);

/*
 * What must hold when nobody else is there: each interrupt is in the queue, of
 * the CPU, and at the level that its state says, summaries and signals tell
 * what is queued, and nothing is in a list register.
 */
void state_check(struct machine *m);

/* vCPU @c is in guest code: what kicks it counts in m->kicks. */
void enter_guest(struct machine *m, unsigned int c);

#endif

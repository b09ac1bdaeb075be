/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The IOAPIC (82093AA with 24 pins, as KVM models it).  Used by the back ends
 * "x86" and "split".
 *
 * Every call is for any thread; one lock inside.  `deliver`, `has_ack`,
 * `eois_changed` and `defer` run under it and must neither sleep nor come back
 * into the IOAPIC; the other callbacks run with it dropped.
 */
#ifndef VIRQ_X86_IOAPIC_H
#define VIRQ_X86_IOAPIC_H

#include <virq/irqchip.h>
#include "msg.h"

#define IOAPIC_NR_PINS 24
#define IOAPIC_BASE 0xfec00000u
#define IOAPIC_SIZE 0x100u

struct ioapic;

struct ioapic_callbacks {
	/* Number of targets reached, or -1 when none matched. */
	int (*deliver)(void *opaque, const struct x86_msg *msg);
	/* The guest completed @pin: EOI of its vector. */
	void (*ack)(void *opaque, unsigned int pin);
	/* The guest unmasked @pin.  Optional. */
	void (*unmasked)(void *opaque, unsigned int pin);
	/* Does @pin have a resampler?  Signal its resamplefds if so. */
	bool (*resample)(void *opaque, unsigned int pin);
	/*
	 * Is there an ack notifier for @pin?  Asked by ioapic_scan() only;
	 * `ack` is not called where the answer was no.  Optional: without it
	 * every pin counts as having one.
	 */
	bool (*has_ack)(void *opaque, unsigned int pin);
	/*
	 * An RTE of @pin was written or restored.  The pin sends nothing by it
	 * before this returns.  Optional.
	 */
	void (*rte_changed)(void *opaque, unsigned int pin, uint64_t rte);
	/*
	 * What ioapic_eoi_vectors() says may have changed for the APICs that
	 * @before or @now reaches; for all, if they are NULL.  Runs under the
	 * lock.  Optional.
	 */
	void (*eois_changed)(void *opaque, const struct x86_msg *before,
			     const struct x86_msg *now);
	/*
	 * Call ioapic_reinject() in @delay_ns: a level pin was re-injected too
	 * often in a row.  Runs under the lock.
	 */
	void (*defer)(void *opaque, uint64_t delay_ns);
};

struct ioapic *ioapic_create(const struct ioapic_callbacks *cb, void *opaque);
void ioapic_destroy(struct ioapic *ioapic);

/* -1 masked or refused, 0 coalesced, >0 targets. */
int ioapic_set_irq(struct ioapic *ioapic, unsigned int pin,
		   unsigned int source_id, int level, bool line_status);
/* Level 1 and then 0 in one step; the answer is that of the 1. */
int ioapic_pulse(struct ioapic *ioapic, unsigned int pin,
		 unsigned int source_id);
/* access->addr is the guest physical address; outside the frame -ENODEV. */
int ioapic_mmio(struct ioapic *ioapic, struct virq_access *access);
/*
 * A local APIC completed @vector.  @level: its TMR bit.  @directed: the APIC
 * suppresses the broadcast, so remote IRR stays.
 */
void ioapic_eoi(struct ioapic *ioapic, uint8_t vector, bool level,
		bool directed);
/* Could an EOI of @vector matter to a pin?  One load, no lock. */
bool ioapic_handles_vector(const struct ioapic *ioapic, uint8_t vector);
/*
 * The vectors whose EOI by one APIC matters: of pins that want to know, and
 * whose message @wanted says yes to.  It runs under the lock.  `eois_changed`
 * tells when the answer may be another.
 */
void ioapic_eoi_vectors(struct ioapic *ioapic,
			bool (*wanted)(void *arg, const struct x86_msg *msg),
			void *arg, uint64_t vectors[4]);
/* The ack notifiers of pins, or the pins' GSIs, have changed. */
void ioapic_scan(struct ioapic *ioapic);
/* Service every level pin that is still requested: the deferred step. */
void ioapic_reinject(struct ioapic *ioapic);

void ioapic_get_state(struct ioapic *ioapic, struct kvm_ioapic_state *state);
void ioapic_set_state(struct ioapic *ioapic,
		      const struct kvm_ioapic_state *state);

#endif

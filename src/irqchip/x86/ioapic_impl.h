/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the IOAPIC, shared by its pins (ioapic.c) and its registers
 * (ioapic_regs.c).  Everything but `handled` is under ioapic->lock.
 */
#ifndef VIRQ_X86_IOAPIC_IMPL_H
#define VIRQ_X86_IOAPIC_IMPL_H

#include "ioapic.h"
#include "core/spinlock.h"

#define RTE_VECTOR UINT64_C(0xff)
#define RTE_MODE_SHIFT 8
#define RTE_MODE 7u
#define RTE_LOGICAL (UINT64_C(1) << 11)
#define RTE_DELIVERY_STATUS (UINT64_C(1) << 12)
#define RTE_REMOTE_IRR (UINT64_C(1) << 14)
#define RTE_LEVEL (UINT64_C(1) << 15)
#define RTE_MASKED (UINT64_C(1) << 16)
#define RTE_DEST_SHIFT 56
#define RTE_READ_ONLY (RTE_DELIVERY_STATUS | RTE_REMOTE_IRR)

/* The pin of the PC's clock, whose lost ticks its source wants to know of. */
#define IOAPIC_RTC_PIN 8
#define IOAPIC_ALL_PINS ((UINT32_C(1) << IOAPIC_NR_PINS) - 1)

struct ioapic_pin {
	uint64_t rte;
	struct x86_msg msg; /* what the RTE says, decoded when written */
	uint32_t sources; /* who holds the line up */
	uint32_t reinjected; /* by EOIs in a row, for the storm throttle */
};

struct ioapic {
	struct spinlock lock;
	/* One bit a pin. */
	uint32_t irr;
	uint32_t delivered; /* edge in irr that a local APIC has seen */
	uint32_t acked; /* has an ack notifier */
	uint32_t updating; /* RTE written, but not yet known to all */
	uint32_t held; /* to be serviced when `updating` ends */

	/*
	 * EOIs of the RTC's vector to come.  An EOI does not say whose it is:
	 * one of the same vector from elsewhere ends the wait early, so that
	 * at worst a tick that a local APIC coalesces is told as delivered.
	 */
	uint32_t rtc_pending;

	struct ioapic_pin pins[IOAPIC_NR_PINS];
	uint32_t pins_of_vector[256]; /* pins whose RTE has that vector */
	/* Vectors whose EOI matters: read without the lock. */
	_Atomic uint64_t handled[4];

	uint64_t base;
	uint32_t select;
	uint32_t id;
	struct ioapic_callbacks cb;
	void *opaque;
};

static inline uint32_t pin_bit(unsigned int pin)
{
	return UINT32_C(1) << pin;
}

/* Install an RTE: decode it and keep the indices by vector. */
void ioapic_pin_set_rte(struct ioapic *ioapic, unsigned int pin, uint64_t rte);
/* The line is up: latch it and send what can be sent; as ioapic_set_irq(). */
int ioapic_pin_raise(struct ioapic *ioapic, unsigned int pin, bool line_status);
/*
 * The RTE of @pin is known to all: send what was held back.  @resampled: its
 * devices were asked to signal again, so what was latched before is void.
 */
void ioapic_pin_settle(struct ioapic *ioapic, unsigned int pin, bool resampled);

#endif

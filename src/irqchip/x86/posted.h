/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Posted interrupts: an interrupt is a bit that its source sets in memory of
 * the vCPU, as an IOMMU does it (Intel VT-d specification, "Interrupt
 * Posting"; Intel SDM, "Posted-Interrupt Processing").
 *
 * posted.c tells who writes what, in which order, and why nothing is lost.
 */
#ifndef VIRQ_X86_POSTED_H
#define VIRQ_X86_POSTED_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <virq/bypass.h>
#include <virq/irqchip.h>

struct lapic;

/* The descriptor as hardware has it, all but who is notified: see below. */
struct posted_desc {
	/* Posted-interrupt requests, one bit a vector.  Any thread. */
	alignas(64) _Atomic uint64_t pir[4];
	/* Bits 256..319.  ON is set by any thread; the rest is the vCPU's. */
	_Atomic uint64_t control;
	uint64_t reserved[3];
};

#define POSTED_CONTROL_BIT 256
#define POSTED_ON (UINT64_C(1) << 0) /* a notification is outstanding */
#define POSTED_SN (UINT64_C(1) << 1) /* suppress notifications */
#define POSTED_NV_SHIFT 16 /* notification vector */
#define POSTED_NV(control) ((uint8_t)((control) >> POSTED_NV_SHIFT))
/*
 * Notification destination.  Where an IOMMU names the processor that the vCPU
 * is on, we name the vCPU: its thread is fetched wherever it is.
 */
#define POSTED_NDST_SHIFT 32
#define POSTED_NDST(control) ((uint32_t)((control) >> POSTED_NDST_SHIFT))

_Static_assert(sizeof(struct posted_desc) == 64 &&
		       alignof(struct posted_desc) == 64,
	       "a descriptor is one cache line");
_Static_assert(offsetof(struct posted_desc, control) * 8 == POSTED_CONTROL_BIT,
	       "ON is bit 256");
_Static_assert(POSTED_CONTROL_BIT + POSTED_NV_SHIFT == 272, "NV is 279:272");
_Static_assert(POSTED_CONTROL_BIT + POSTED_NDST_SHIFT == 288,
	       "NDST is 319:288");
_Static_assert(sizeof(_Atomic uint64_t) == sizeof(uint64_t),
	       "PIR and control are plain memory");

/* Notification vectors, as Linux has them. */
#define POSTED_NOTIFY_VECTOR 0xf2u
#define POSTED_WAKEUP_VECTOR 0xf1u

/* One vector of one vCPU, as a source posts it. */
struct x86_post {
	struct virq_post post;
	struct lapic *apic;
	uint8_t vector;
};

/* Is @vector posted and not taken yet?  Any thread. */
static inline bool posted_test(const struct posted_desc *desc, uint8_t vector)
{
	/* Sequentially consistent: a look of posted.c. */
	return atomic_load(&desc->pir[vector / 64]) >> (vector % 64) & 1;
}

/* Not to be shared with anybody yet. */
void posted_init(struct lapic *apic);

/*
 * Where to post @vector of this APIC's vCPU; from now on the vCPU takes care
 * of posts.  Any thread, with no lock held that virq_vcpu_kick() may take.
 */
const struct virq_post *posted_target(struct lapic *apic, uint8_t vector);

/* Own thread, or any while the vCPU is stopped; all that follow. */
void posted_notify(struct lapic *apic, enum virq_notify how);
/* @vector is posted, and taken now. */
void posted_take(struct lapic *apic, uint8_t vector);
/* PIR into IRR. */
void posted_sync(struct lapic *apic);
void posted_reset(struct lapic *apic);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Posted interrupts: who writes what in a vCPU's descriptor.
 *
 *   who posts (P)                     vCPU's thread
 *   P1 PIR[v] := 1; was 1: done       before it runs or sleeps (N)
 *   P2 SN set? done                   N1 SN := 0, ON := 0, NV := 0xf2 or 0xf1
 *   P3 ON := 1; was 1: done           N2 look at PIR
 *   P4 request := 1; was 1: done      N3 mode := IN_GUEST or BLOCKED
 *   P5 look at mode: kick or wake     N4 request or a bit? not; else run, sleep
 *                                     when it is back (L)
 *                                     L1 SN := 1
 *                                     L2 mode := OUTSIDE, request := 0
 *                                     when it takes an interrupt (T)
 *                                     T1 PIR[v] := 0
 *
 * P1 to P3 are an IOMMU's; P4 and P5 (core/vcpu.c) stand for the notification.
 * tests/models/posted.pml has these steps by these names.  All of them are
 * sequentially consistent, because each side stores to one word and then loads
 * from another.
 *
 * Nothing is lost:
 *  - P2 finds SN set: N1 comes later than P1, so the look that follows it finds
 *    the bit.
 *  - P3 finds ON set: who set it is between P3 and P5, or has been there since
 *    the last N1, and fetches the vCPU, which looks at PIR before it runs or
 *    sleeps again.  This is why ON is cleared before PIR is looked at: after,
 *    it could be the ON of a bit not seen.
 *  - P1 finds the bit set: as P3, with who set that.
 *
 * The look is N2 for who runs a guest: one interrupt may wait there for a long
 * time because of its priority, so not what is pending counts but what is new
 * since the last time.  For who sleeps it is what is pending, in N4; what has
 * not got the priority stays, with ON clear, and wakes nobody.
 *
 * A vector stays in PIR until it is taken, where hardware moves all of PIR to
 * the virtual IRR first (S: posted_sync(), for who wants to see IRR).  To the
 * guest it is the same, and what a post answers is exact: of each that was new
 * comes one interrupt.  Moved, it might be merged with the next.
 *
 * While the vCPU's thread looks by itself SN is set, and a post is P1, one
 * locked instruction, and P2, a load from the same cache line.
 *
 * As on hardware, posting asks nobody whether the APIC is enabled by software:
 * the vector is pending, and is taken when priorities allow.  (A message of the
 * ordinary way is dropped by a disabled APIC.)  Nor does it touch TMR: a vector
 * that is posted is an edge.  Linux with hardware posting has it the same way.
 */
#include "posted.h"
#include "lapic.h"

#define NDST(apic) ((uint64_t)(apic)->vcpu_id << POSTED_NDST_SHIFT)

/* P4 and P5, for either vector: the vCPU's thread knows which it waits for. */
static void notify(struct lapic *apic)
{
	virq_vcpu_kick_ordered(apic->vcpu);
}

static int post(const struct virq_post *target)
{
	const struct x86_post *x86_post = (const struct x86_post *)target;
	struct lapic *apic = x86_post->apic;
	struct posted_desc *desc = &apic->posted;
	uint64_t bit = 1ull << (x86_post->vector % 64);

	/*
	 * Sequentially consistent, as all here; as a release it pairs with
	 * the clearing in posted_take(): the handler sees the device's
	 * writes.
	 */
	if (atomic_fetch_or(&desc->pir[x86_post->vector / 64], bit) & bit)
		return 0; /* P1 */
	if (atomic_load(&desc->control) & POSTED_SN)
		return 1; /* P2 */
	if (!(atomic_fetch_or(&desc->control, POSTED_ON) & POSTED_ON))
		notify(apic); /* P3 */
	return 1;
}

void posted_init(struct lapic *apic)
{
	atomic_init(&apic->posted.control,
		    POSTED_SN |
			    (uint64_t)POSTED_NOTIFY_VECTOR << POSTED_NV_SHIFT |
			    NDST(apic));
	for (unsigned int i = 0; i < 256; i++)
		apic->posts[i] = (struct x86_post){
			.post = {.post = post, .vcpu = apic->vcpu},
			.apic = apic,
			.vector = (uint8_t)i,
		};
}

const struct virq_post *posted_target(struct lapic *apic, uint8_t vector)
{
	virq_vcpu_expect_posts(apic->vcpu);
	return &apic->posts[vector].post;
}

/* Is there anything in PIR that was not there when this was asked last? */
static bool look_for_new(struct lapic *apic)
{
	uint64_t found = 0;

	for (unsigned int i = 0; i < 4; i++) {
		uint64_t word = atomic_load(&apic->posted.pir[i]);

		found |= word & ~apic->posted_known[i];
		apic->posted_known[i] = word;
	}
	return found;
}

void posted_notify(struct lapic *apic, enum virq_notify how)
{
	struct posted_desc *desc = &apic->posted;
	uint64_t vector = how == VIRQ_NOTIFY_WAKE ? POSTED_WAKEUP_VECTOR
						  : POSTED_NOTIFY_VECTOR;

	if (how == VIRQ_NOTIFY_NONE) {
		/* L1.  Relaxed look: SN is ours alone to change. */
		if (!(atomic_load_explicit(&desc->control,
					   memory_order_relaxed) &
		      POSTED_SN))
			atomic_fetch_or(&desc->control, POSTED_SN);
		return;
	}
	/* N1.  Others write only ON, which goes. */
	atomic_store(&desc->control, vector << POSTED_NV_SHIFT | NDST(apic));
	/* N2.  What is new counts as a request, for N4 to find. */
	if (how == VIRQ_NOTIFY_KICK && look_for_new(apic))
		virq_vcpu_kick(apic->vcpu);
}

void posted_take(struct lapic *apic, uint8_t vector)
{
	uint64_t bit = 1ull << (vector % 64);

	/* T1.  As an acquire it pairs with the release in post(). */
	atomic_fetch_and(&apic->posted.pir[vector / 64], ~bit);
	apic->posted_known[vector / 64] &= ~bit;
}

void posted_sync(struct lapic *apic)
{
	struct posted_desc *desc = &apic->posted;

	/* S1: before PIR is looked at, as in N1. */
	if (atomic_load(&desc->control) & POSTED_ON)
		atomic_fetch_and(&desc->control, ~POSTED_ON);
	/*
	 * S2, also where ON is clear: with SN set nobody sets it.  As an
	 * acquire the exchange pairs with the release in post().  A bit is in
	 * neither place for a moment; only this thread's looks decide anything.
	 */
	for (unsigned int i = 0; i < 4; i++) {
		if (!atomic_load(&desc->pir[i]))
			continue;
		atomic_fetch_or(&apic->irr[i],
				atomic_exchange(&desc->pir[i], 0));
		apic->posted_known[i] = 0;
	}
}

void posted_reset(struct lapic *apic)
{
	struct posted_desc *desc = &apic->posted;

	atomic_fetch_and(&desc->control, ~POSTED_ON);
	for (unsigned int i = 0; i < 4; i++) {
		atomic_store(&desc->pir[i], 0);
		apic->posted_known[i] = 0;
	}
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * An interrupt's way through a local APIC: accepted (IRR), acknowledged (ISR),
 * completed (EOI); and NMI, SMI, INIT and SIPI beside it.
 *
 * No locks: IRR, TMR and events are set by whoever delivers, ISR and PPR are
 * the vCPU thread's.  See lapic.h.
 */
#include "lapic.h"
#include "apic_map.h"

#include <errno.h>

/*
 * The highest vector in IRR and PIR, or -1.  Sequentially consistent: the
 * vCPU's half of the pair in lapic.h, and the look in posted.c.
 */
static int pending_top(const struct lapic *apic)
{
	for (int i = 3; i >= 0; i--) {
		/* In the order in which posted_sync() moves it. */
		uint64_t word = atomic_load(&apic->posted.pir[i]);

		word |= atomic_load(&apic->irr[i]);
		if (word)
			return i * 64 + 63 - __builtin_clzll(word);
	}
	return -1;
}

static int isr_top(const uint64_t *words)
{
	for (int i = 3; i >= 0; i--)
		if (words[i])
			return i * 64 + 63 - __builtin_clzll(words[i]);
	return -1;
}

static bool tmr_test(const struct lapic *apic, uint8_t vector)
{
	/* Relaxed: ordered by the acquire on IRR in lapic_ack(). */
	return atomic_load_explicit(&apic->tmr[vector / 64],
				    memory_order_relaxed) >>
		       (vector % 64) &
	       1;
}

static void tmr_set(struct lapic *apic, uint8_t vector, bool level)
{
	uint64_t bit = 1ull << (vector % 64);

	if (tmr_test(apic, vector) == level)
		return;
	/* Relaxed: published by the read-modify-write of IRR that follows. */
	if (level)
		atomic_fetch_or_explicit(&apic->tmr[vector / 64], bit,
					 memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&apic->tmr[vector / 64], ~bit,
					  memory_order_relaxed);
}

static int accept_vector(struct lapic *apic, const struct x86_msg *msg)
{
	const uint32_t enabled = LAPIC_HW_ENABLED | LAPIC_SW_ENABLED;
	uint64_t bit = 1ull << (msg->vector % 64);

	if (msg->level_triggered && !msg->assert_level)
		return 0;
	if ((lapic_flags(apic) & enabled) != enabled)
		return 0;
	/* Before IRR: whoever takes the vector must see how it came. */
	tmr_set(apic, msg->vector, msg->level_triggered);
	/* Sequentially consistent: one half of the pair in lapic.h. */
	if (!(atomic_fetch_or(&apic->irr[msg->vector / 64], bit) & bit))
		virq_vcpu_kick_ordered(apic->vcpu);
	return 1;
}

static void events_change(struct lapic *apic, uint32_t clear, uint32_t set)
{
	uint32_t old =
		atomic_load_explicit(&apic->events, memory_order_relaxed);

	/* Sequentially consistent on success, as for IRR. */
	while (!atomic_compare_exchange_weak(&apic->events, &old,
					     (old & ~clear) | set))
		;
	virq_vcpu_kick_ordered(apic->vcpu);
}

/*
 * A processor takes one NMI and keeps one more while it handles that: of two
 * that come before it runs, neither is lost.
 */
static void raise_nmi(struct lapic *apic)
{
	uint32_t old =
		atomic_load_explicit(&apic->events, memory_order_relaxed);
	uint32_t set;

	do {
		set = old & VIRQ_EVENT_NMI ? LAPIC_NMI_AGAIN : VIRQ_EVENT_NMI;
		/* Sequentially consistent on success, as for IRR. */
	} while (!atomic_compare_exchange_weak(&apic->events, &old, old | set));
	virq_vcpu_kick_ordered(apic->vcpu);
}

int lapic_accept(struct lapic *apic, const struct x86_msg *msg)
{
	switch (msg->mode) {
	case X86_DM_LOWEST:
		/* Relaxed: a counter for the next arbitration. */
		atomic_fetch_add_explicit(&apic->arb_prio, 1,
					  memory_order_relaxed);
		return accept_vector(apic, msg);
	case X86_DM_FIXED: return accept_vector(apic, msg);
	case X86_DM_SMI: events_change(apic, 0, VIRQ_EVENT_SMI); return 1;
	case X86_DM_REMOTE_READ: virq_vcpu_kick(apic->vcpu); return 1;
	case X86_DM_NMI: raise_nmi(apic); return 1;
	case X86_DM_INIT:
		/* A level de-assert only synchronises arbitration ids. */
		if (msg->level_triggered && !msg->assert_level)
			return 0;
		/* A SIPI from before the INIT does not survive it. */
		events_change(apic, VIRQ_EVENT_SIPI | LAPIC_SIPI_VECTOR,
			      VIRQ_EVENT_INIT);
		return 1;
	case X86_DM_SIPI:
		events_change(apic, LAPIC_SIPI_VECTOR,
			      VIRQ_EVENT_SIPI |
				      (uint32_t)msg->vector
					      << LAPIC_SIPI_VECTOR_SHIFT);
		return 1;
	default:
		/* ExtINT is a wire, not a message. */
		return 0;
	}
}

void lapic_lint0(struct lapic *apic)
{
	uint32_t lvt = lapic_reg(apic, APIC_LVT_LINT0);
	struct x86_msg msg = {
		.vector = (uint8_t)lvt,
		.mode = APIC_LVT_MODE(lvt),
		.level_triggered = lvt & APIC_LVT_LEVEL_TRIGGERED,
		.assert_level = true,
	};

	if (lapic_flags(apic) & LAPIC_HW_ENABLED && !(lvt & APIC_LVT_MASKED))
		lapic_accept(apic, &msg);
}

static bool lint0_is_nmi(const struct lapic *apic)
{
	uint32_t lvt = lapic_reg(apic, APIC_LVT_LINT0);

	return !(lvt & APIC_LVT_MASKED) && APIC_LVT_MODE(lvt) == X86_DM_NMI;
}

void apic_bus_lint0_watchdog(struct apic_bus *bus)
{
	uint32_t limit = apic_bus_limit(bus);
	bool watchdog = false;

	for (uint32_t i = 0; i < limit && !watchdog; i++) {
		struct lapic *apic = apic_bus_lapic(bus, i);

		watchdog = apic && lint0_is_nmi(apic);
	}
	for (uint32_t i = 0; i < limit && watchdog; i++) {
		struct lapic *apic = apic_bus_lapic(bus, i);

		if (apic)
			lapic_lint0(apic);
	}
}

/* The vector that could be taken now, or -1.  Any thread. */
static int deliverable_vector(const struct lapic *apic)
{
	const uint32_t mask = LAPIC_HW_ENABLED | LAPIC_WAIT_SIPI;
	int vector = pending_top(apic);

	/* Who waits for a SIPI takes nothing else. */
	if (vector < 0 || (lapic_flags(apic) & mask) != LAPIC_HW_ENABLED ||
	    (vector & 0xf0) <= (int)lapic_reg(apic, APIC_PPR))
		return -1;
	return vector;
}

/*
 * The four words of IRR share a cache line, so looking at them is as cheap as
 * looking at a flag that says whether to, and cannot disagree with it.
 */
unsigned int lapic_pending(const struct lapic *apic)
{
	/* Sequentially consistent, as the loads of IRR. */
	uint32_t events = atomic_load(&apic->events);
	uint32_t pending =
		events & (VIRQ_EVENT_NMI | VIRQ_EVENT_SMI | VIRQ_EVENT_INIT);

	/* An INIT comes before the SIPI that may have followed it. */
	if (lapic_flags(apic) & LAPIC_WAIT_SIPI)
		return events & (events & VIRQ_EVENT_INIT ? VIRQ_EVENT_INIT
							  : VIRQ_EVENT_SIPI);
	if (deliverable_vector(apic) >= 0)
		pending |= VIRQ_EVENT_INTR;
	return pending;
}

void lapic_update_ppr(struct lapic *apic)
{
	uint32_t tpr = lapic_reg(apic, APIC_TPR) & 0xff;
	int top = isr_top(apic->isr);
	uint32_t isrv = top < 0 ? 0 : (uint32_t)top & 0xf0;

	lapic_set_reg(apic, APIC_PPR, (tpr & 0xf0) >= isrv ? tpr : isrv);
}

int lapic_ack(struct lapic *apic)
{
	int vector = deliverable_vector(apic);
	_Atomic uint64_t *irr;
	uint64_t bit;

	if (vector < 0)
		return -EAGAIN;
	irr = &apic->irr[vector / 64];
	bit = 1ull << (vector % 64);
	/*
	 * It is pending in IRR or PIR, or in both, as one interrupt.  Acquire:
	 * pairs with the setting of the bit, so that TMR, and what the device
	 * wrote before it raised the interrupt, are seen.
	 */
	if (atomic_load_explicit(irr, memory_order_relaxed) & bit)
		atomic_fetch_and_explicit(irr, ~bit, memory_order_acq_rel);
	if (posted_test(&apic->posted, (uint8_t)vector))
		posted_take(apic, (uint8_t)vector);
	apic->isr[vector / 64] |= bit;
	lapic_update_ppr(apic);
	return vector;
}

void lapic_eoi_vector(struct lapic *apic, uint8_t vector)
{
	uint64_t bit = 1ull << (vector % 64);

	if (!(apic->isr[vector / 64] & bit))
		return;
	apic->isr[vector / 64] &= ~bit;
	lapic_update_ppr(apic);
	apic->bus->config.eoi(apic, vector, tmr_test(apic, vector),
			      lapic_reg(apic, APIC_SVR) &
				      APIC_SVR_DIRECTED_EOI);
}

void lapic_eoi(struct lapic *apic)
{
	int vector = isr_top(apic->isr);

	if (vector >= 0)
		lapic_eoi_vector(apic, (uint8_t)vector);
}

static int take_init(struct lapic *apic)
{
	/* What came before the INIT goes with it. */
	atomic_fetch_and(&apic->events,
			 ~(uint32_t)(VIRQ_EVENT_INIT | VIRQ_EVENT_NMI |
				     LAPIC_NMI_AGAIN | VIRQ_EVENT_SMI));
	lapic_reset(apic, true);
	/* The bootstrap processor starts at once, without a SIPI. */
	if (!(apic->base & APIC_BASE_BSP))
		atomic_fetch_or_explicit(&apic->flags, LAPIC_WAIT_SIPI,
					 memory_order_relaxed);
	return 0;
}

static int take_sipi(struct lapic *apic)
{
	const uint32_t clear = VIRQ_EVENT_SIPI | LAPIC_SIPI_VECTOR;
	uint32_t old =
		atomic_load_explicit(&apic->events, memory_order_relaxed);

	do {
		/* An INIT since we looked: what is there belongs to it. */
		if (old & VIRQ_EVENT_INIT || !(old & VIRQ_EVENT_SIPI))
			return -EAGAIN;
	} while (!atomic_compare_exchange_weak(&apic->events, &old,
					       old & ~clear));
	atomic_fetch_and_explicit(&apic->flags, ~(uint32_t)LAPIC_WAIT_SIPI,
				  memory_order_relaxed);
	return (int)((old & LAPIC_SIPI_VECTOR) >> LAPIC_SIPI_VECTOR_SHIFT);
}

static int take_nmi(struct lapic *apic)
{
	uint32_t old =
		atomic_load_explicit(&apic->events, memory_order_relaxed);
	uint32_t clear;

	do {
		clear = old & LAPIC_NMI_AGAIN ? LAPIC_NMI_AGAIN
					      : VIRQ_EVENT_NMI;
	} while (!atomic_compare_exchange_weak(&apic->events, &old,
					       old & ~clear));
	return 0;
}

int lapic_take(struct lapic *apic, enum virq_event event)
{
	if (!(lapic_pending(apic) & event))
		return -EAGAIN;

	switch (event) {
	case VIRQ_EVENT_INIT: return take_init(apic);
	case VIRQ_EVENT_SIPI: return take_sipi(apic);
	case VIRQ_EVENT_NMI: return take_nmi(apic);
	case VIRQ_EVENT_SMI:
		atomic_fetch_and(&apic->events, ~(uint32_t)event);
		return 0;
	default: return -EAGAIN;
	}
}

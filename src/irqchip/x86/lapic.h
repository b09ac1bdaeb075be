/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The local APIC of one vCPU, as KVM models it: xAPIC and x2APIC.
 *
 * Threads
 *   irr, tmr, events, arb_prio   any thread that delivers; atomic.
 *   posted			  any thread that posts, see posted.c; what is
 *				  there is pending as what is in irr.
 *   regs, flags                  written by the vCPU's own thread, read by any
 *				  thread that looks for a destination.  Relaxed:
 *				  a message in flight meets an APIC either
 *				  before or after a change of its registers, as
 *				  it does on hardware.
 *   timer                        its own spin lock (lapic_timer.c); inside it
 *				  only the locks of virq_timer_arm().
 *   isr, posted_known, base,
 *   stale                        the vCPU's own thread alone.
 * "Own thread" includes any other while the vCPU is stopped.
 *
 * No wake-up is lost.  A deliverer sets the IRR or event bit (a sequentially
 * consistent read-modify-write) and, if it was clear before, calls
 * virq_vcpu_kick().  The vCPU's thread takes the kick (sequentially consistent
 * exchange, core/vcpu.c) and then looks at lapic_pending() (sequentially
 * consistent loads).  So either the look finds the bit, or the kick came after
 * it and keeps the thread from running guest code or sleeping.  Who finds the
 * bit set already need not kick: whoever set it has kicked, or is about to,
 * and the vCPU has not acknowledged it since.
 */
#ifndef VIRQ_X86_LAPIC_H
#define VIRQ_X86_LAPIC_H

#include <stdalign.h>
#include <stdatomic.h>

#include <virq/irqchip.h>
#include <virq/vcpu.h>
#include "core/spinlock.h"
#include "msg.h"
#include "posted.h"

struct apic_bus;
struct lapic_only;

/* Register offsets in the xAPIC page; x2APIC MSR = 0x800 + offset / 16. */
enum lapic_offset {
	APIC_ID = 0x20,
	APIC_VERSION = 0x30,
	APIC_TPR = 0x80,
	APIC_APR = 0x90,
	APIC_PPR = 0xa0,
	APIC_EOI = 0xb0,
	APIC_LDR = 0xd0,
	APIC_DFR = 0xe0,
	APIC_SVR = 0xf0,
	APIC_ISR = 0x100,
	APIC_TMR = 0x180,
	APIC_IRR = 0x200,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300,
	APIC_ICR2 = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_THERMAL = 0x330,
	APIC_LVT_PERF = 0x340,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_LVT_ERROR = 0x370,
	APIC_TMICT = 0x380,
	APIC_TMCCT = 0x390,
	APIC_TDCR = 0x3e0,
	APIC_SELF_IPI = 0x3f0,
};
#define APIC_NR_REGS 64
#define APIC_PAGE_SIZE 0x1000u

#define APIC_DEFAULT_BASE 0xfee00000u
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_ADDRESS 0x000ffffffffff000ull

/*
 * An integrated APIC, version 0x14, with 6 LVT entries (no CMCI).  Directed EOI
 * (bit 24) is for a VMM's own IOAPIC: ours has no EOI register for it.
 */
#define LAPIC_VERSION_VALUE 0x00050014u
#define APIC_VERSION_DIRECTED_EOI (1u << 24)
#define APIC_SVR_ENABLE (1u << 8)
#define APIC_SVR_DIRECTED_EOI (1u << 12)
#define APIC_DFR_FLAT 0xffffffffu
#define APIC_DFR_CLUSTER 0x0fffffffu

#define APIC_LVT_MODE(lvt) (((lvt) >> 8) & 7)
#define APIC_LVT_SEND_PENDING (1u << 12)
#define APIC_LVT_LEVEL_TRIGGERED (1u << 15)
#define APIC_LVT_MASKED (1u << 16)
#define APIC_LVT_TIMER_MODE (3u << 17)
#define APIC_TIMER_ONESHOT (0u << 17)
#define APIC_TIMER_PERIODIC (1u << 17)
#define APIC_TIMER_DEADLINE (2u << 17)

#define MSR_IA32_APICBASE 0x1bu
#define MSR_IA32_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC_FIRST 0x800u
#define MSR_X2APIC_LAST 0x8ffu

/* lapic.flags: what deliverers need to know, derived from base and SVR. */
enum lapic_flag {
	LAPIC_HW_ENABLED = 1 << 0,
	LAPIC_SW_ENABLED = 1 << 1,
	LAPIC_X2APIC = 1 << 2,
	LAPIC_TAKES_PIC = 1 << 3,
	/* INIT was taken: only a SIPI, or another INIT, goes on from here. */
	LAPIC_WAIT_SIPI = 1 << 4,
};

/*
 * lapic.events: enum virq_event bits, whether a second NMI waits behind the
 * first, and the vector of a SIPI.
 */
#define LAPIC_NMI_AGAIN (1u << 7)
#define LAPIC_SIPI_VECTOR_SHIFT 8
#define LAPIC_SIPI_VECTOR (0xffu << LAPIC_SIPI_VECTOR_SHIFT)

struct lapic_timer {
	struct spinlock lock;
	struct virq_timer *timer;
	bool armed;
	uint32_t mode; /* APIC_TIMER_* */
	uint64_t period_ns; /* initial count times divisor, limited */
	uint64_t expires_ns; /* one-shot and periodic */
	uint64_t tsc_deadline;
};

struct lapic {
	/* Written by deliverers. */
	alignas(64) _Atomic uint64_t irr[4];
	_Atomic uint32_t events;
	_Atomic int32_t arb_prio;

	/* Written by those that post (posted.c). */
	struct posted_desc posted;

	/* Read by deliverers, seldom written. */
	alignas(64) struct virq_vcpu *vcpu;
	struct apic_bus *bus;
	uint32_t vcpu_id; /* and x2APIC id */
	uint32_t index; /* apic_bus_lapic() */
	/*
	 * The processor that the VM starts with, whatever APICBASE says now:
	 * its LINT0 is open after a reset.
	 */
	bool boot;
	struct lapic_only *only; /* lapic_only.c's part, or NULL */
	_Atomic uint32_t flags;
	_Atomic uint64_t tmr[4];

	/* The vCPU's own. */
	alignas(64) uint64_t isr[4];
	uint64_t posted_known[4]; /* posted.c's */
	uint64_t base; /* MSR_IA32_APICBASE */
	bool stale; /* the destination map must be made anew */
	/* The guest's CPUID has no TSC-deadline mode: nor has LVT_TIMER. */
	bool no_tsc_deadline;
	/*
	 * The x2APIC's ICR has 64 bits; its high half is not the xAPIC's ICR2,
	 * and a change of mode carries neither over.
	 */
	uint32_t icr_high;
	/* x86.c's: vectors whose EOI the IOAPIC hears of, as of bus.changes. */
	uint64_t ioapic_eois[4];
	unsigned int ioapic_changes;
	atomic_bool ioapic_scan; /* that must be made anew in any case */
	bool directed_eoi; /* is what the version register says */
	_Atomic uint32_t regs[APIC_NR_REGS];
	struct lapic_timer timer;

	struct x86_post posts[256]; /* by vector; constant */
};

static inline uint32_t lapic_reg(const struct lapic *apic, unsigned int offset)
{
	return atomic_load_explicit(&apic->regs[offset >> 4],
				    memory_order_relaxed);
}

static inline void lapic_set_reg(struct lapic *apic, unsigned int offset,
				 uint32_t value)
{
	atomic_store_explicit(&apic->regs[offset >> 4], value,
			      memory_order_relaxed);
}

static inline uint32_t lapic_flags(const struct lapic *apic)
{
	return atomic_load_explicit(&apic->flags, memory_order_relaxed);
}

static inline bool lapic_x2apic(const struct lapic *apic)
{
	return lapic_flags(apic) & LAPIC_X2APIC;
}

static inline uint8_t lapic_xapic_id(const struct lapic *apic)
{
	return (uint8_t)(lapic_reg(apic, APIC_ID) >> 24);
}

static inline uint32_t lapic_version(const struct lapic *apic)
{
	return LAPIC_VERSION_VALUE |
	       (apic->directed_eoi ? APIC_VERSION_DIRECTED_EOI : 0);
}

/* The logical id of an x2APIC: cluster of 16 in the high half, one bit. */
static inline uint32_t lapic_x2apic_ldr(uint32_t id)
{
	return (id >> 4) << 16 | 1u << (id & 15);
}

/* lapic.c: registers; lapic_life.c: life and modes.  Own thread. */
int lapic_create(struct apic_bus *bus, struct virq_vcpu *vcpu,
		 struct lapic **apic);
void lapic_destroy(struct lapic *apic);
void lapic_reset(struct lapic *apic, bool init);
/* In the frame of this APIC: 0, else -ENODEV. */
int lapic_mmio(struct lapic *apic, struct virq_access *access);
/* APICBASE, TSC_DEADLINE and the x2APIC range: 0 or -EPERM; else -ENODEV. */
int lapic_msr(struct lapic *apic, struct virq_access *access);
/* -EPERM for a value that no mode has; the guest's rules are lapic_msr()'s. */
int lapic_set_base(struct lapic *apic, uint64_t base);
void lapic_set_tpr(struct lapic *apic, uint8_t tpr);
/* Derive the flags from base, SVR and LINT0. */
void lapic_update_flags(struct lapic *apic);
/* Publish id, LDR, DFR or mode, if they changed.  Blocks: grace period. */
void lapic_commit(struct lapic *apic);

/* lapic_irr.c: an interrupt's way through the APIC. */
/* Any thread.  1 taken (coalesced included), 0 not. */
int lapic_accept(struct lapic *apic, const struct x86_msg *msg);
/* Any thread.  enum virq_event bits; the 8259 is the caller's matter. */
unsigned int lapic_pending(const struct lapic *apic);
/* Any thread.  The wire LINT0 has risen: what LVT LINT0 makes of it. */
void lapic_lint0(struct lapic *apic);
/* Own thread.  Vector, or -EAGAIN. */
int lapic_ack(struct lapic *apic);
void lapic_eoi(struct lapic *apic);
void lapic_eoi_vector(struct lapic *apic, uint8_t vector);
int lapic_take(struct lapic *apic, enum virq_event event);
void lapic_update_ppr(struct lapic *apic);

/* lapic_icr.c: own thread. */
void lapic_send_ipi(struct lapic *apic, uint32_t icr, uint32_t dest);

/* lapic_timer.c: own thread. */
int lapic_timer_create(struct lapic *apic);
void lapic_timer_destroy(struct lapic *apic);
void lapic_timer_set_lvtt(struct lapic *apic, uint32_t lvtt);
void lapic_timer_set_initial(struct lapic *apic, uint32_t count);
void lapic_timer_set_divide(struct lapic *apic, uint32_t tdcr);
uint32_t lapic_timer_current(struct lapic *apic);
void lapic_timer_set_deadline(struct lapic *apic, uint64_t tsc);
uint64_t lapic_timer_deadline(struct lapic *apic);
void lapic_timer_stop(struct lapic *apic);
/* Start from TMICT and TDCR as they stand, @count being left of the period. */
void lapic_timer_restore(struct lapic *apic, uint32_t lvtt, uint32_t count);

/* lapic_state.c: own thread. */
void lapic_get_state(struct lapic *apic, struct kvm_lapic_state *state);
/* 0, or -EINVAL with nothing changed. */
int lapic_set_state(struct lapic *apic, const struct kvm_lapic_state *state);

#endif

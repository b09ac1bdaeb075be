// SPDX-License-Identifier: BSD-3-Clause
/* A local APIC's life: creation, reset, and the mode that APICBASE gives it. */
#include "lapic.h"
#include "apic_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAPIC_SVR_RESET 0xffu

/* MSR_IA32_APICBASE: bits 7:0 and 9 are reserved. */
#define APIC_BASE_VALID                                                        \
	(APIC_BASE_ADDRESS | APIC_BASE_ENABLE | APIC_BASE_X2APIC |             \
	 APIC_BASE_BSP)

void lapic_update_flags(struct lapic *apic)
{
	uint32_t old = lapic_flags(apic);
	uint32_t flags = old & LAPIC_WAIT_SIPI;
	uint32_t lint0 = lapic_reg(apic, APIC_LVT_LINT0);

	if (apic->base & APIC_BASE_ENABLE)
		flags |= LAPIC_HW_ENABLED;
	if (apic->base & APIC_BASE_X2APIC)
		flags |= LAPIC_X2APIC;
	if (lapic_reg(apic, APIC_SVR) & APIC_SVR_ENABLE)
		flags |= LAPIC_SW_ENABLED;
	/* LINT0 is wired to the 8259, and so is INTR with the APIC off. */
	if (!(flags & LAPIC_HW_ENABLED) ||
	    (!(lint0 & APIC_LVT_MASKED) &&
	     APIC_LVT_MODE(lint0) == X86_DM_EXTINT))
		flags |= LAPIC_TAKES_PIC;
	if (flags == old)
		return;
	atomic_store_explicit(&apic->flags, flags, memory_order_relaxed);
	/* The logical table holds enabled APICs only, so SVR counts as well. */
	if ((flags ^ old) & ~LAPIC_TAKES_PIC)
		apic->stale = true;
	/*
	 * Pairs with the fence where the 8259's output rises: either it sees
	 * that we take its interrupts now, or our next look sees the output.
	 */
	atomic_thread_fence(memory_order_seq_cst);
}

int lapic_set_base(struct lapic *apic, uint64_t base)
{
	uint64_t changed = base ^ apic->base;

	if (base & ~APIC_BASE_VALID ||
	    (base & APIC_BASE_X2APIC && !(base & APIC_BASE_ENABLE)))
		return -EPERM;
	apic->base = base;
	if (!(changed & (APIC_BASE_ENABLE | APIC_BASE_X2APIC)))
		return 0;
	lapic_update_flags(apic);
	if (base & APIC_BASE_X2APIC) {
		lapic_set_reg(apic, APIC_ID, apic->vcpu_id);
		lapic_set_reg(apic, APIC_LDR, lapic_x2apic_ldr(apic->vcpu_id));
	} else if (base & APIC_BASE_ENABLE) {
		/* What was set by hand before is gone. */
		lapic_set_reg(apic, APIC_ID, apic->vcpu_id << 24);
	}
	apic->stale = true;
	lapic_commit(apic);
	return 0;
}

void lapic_commit(struct lapic *apic)
{
	if (!apic->stale)
		return;
	apic->stale = false;
	apic_bus_update(apic->bus);
}

/* @init: by an INIT, which spares APICBASE, the mode and the id. */
void lapic_reset(struct lapic *apic, bool init)
{
	lapic_timer_stop(apic);
	if (!init) {
		apic->base = APIC_DEFAULT_BASE | APIC_BASE_ENABLE;
		if (apic->boot)
			apic->base |= APIC_BASE_BSP;
		lapic_set_reg(apic, APIC_ID, apic->vcpu_id << 24);
	}
	if (!(apic->base & APIC_BASE_X2APIC))
		lapic_set_reg(apic, APIC_LDR, 0);
	lapic_set_reg(apic, APIC_VERSION, lapic_version(apic));
	lapic_set_reg(apic, APIC_DFR, APIC_DFR_FLAT);
	lapic_set_reg(apic, APIC_SVR, LAPIC_SVR_RESET);
	lapic_set_reg(apic, APIC_TPR, 0);
	lapic_set_reg(apic, APIC_ESR, 0);
	lapic_set_reg(apic, APIC_ICR, 0);
	if (lapic_x2apic(apic))
		apic->icr_high = 0;
	else
		lapic_set_reg(apic, APIC_ICR2, 0);
	for (unsigned int lvt = APIC_LVT_THERMAL; lvt <= APIC_LVT_ERROR;
	     lvt += 0x10)
		lapic_set_reg(apic, lvt, APIC_LVT_MASKED);
	lapic_timer_set_lvtt(apic, APIC_LVT_MASKED);
	lapic_timer_set_initial(apic, 0);
	lapic_timer_set_divide(apic, 0);
	/* Firmware expects the 8259 to work without programming LINT0. */
	if (apic->boot)
		lapic_set_reg(apic, APIC_LVT_LINT0, X86_DM_EXTINT << 8);
	posted_reset(apic);
	for (unsigned int i = 0; i < 4; i++) {
		atomic_store_explicit(&apic->irr[i], 0, memory_order_relaxed);
		atomic_store_explicit(&apic->tmr[i], 0, memory_order_relaxed);
		apic->isr[i] = 0;
	}
	atomic_store_explicit(&apic->arb_prio, 0, memory_order_relaxed);
	lapic_update_ppr(apic);
	lapic_update_flags(apic);
	apic->stale = true;
	lapic_commit(apic);
}

int lapic_create(struct apic_bus *bus, struct virq_vcpu *vcpu,
		 struct lapic **out)
{
	struct lapic *apic =
		aligned_alloc(alignof(struct lapic), sizeof(*apic));
	int ret;

	if (!apic)
		return -ENOMEM;
	memset(apic, 0, sizeof(*apic));
	apic->bus = bus;
	apic->vcpu = vcpu;
	apic->vcpu_id = virq_vcpu_id(vcpu);
	apic->boot = apic->vcpu_id == 0;
	posted_init(apic);
	ret = lapic_timer_create(apic);
	if (ret) {
		free(apic);
		return ret;
	}
	lapic_reset(apic, false);
	apic_bus_add(bus, apic);
	*out = apic;
	return 0;
}

void lapic_destroy(struct lapic *apic)
{
	apic_bus_remove(apic->bus, apic);
	lapic_timer_destroy(apic);
	free(apic);
}

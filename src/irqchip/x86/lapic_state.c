// SPDX-License-Identifier: BSD-3-Clause
/*
 * A local APIC's registers as struct kvm_lapic_state: the first 1 KiB of the
 * xAPIC page, 32 bits at each multiple of 16.  In x2APIC mode, too: ICR is
 * split in two there, and the id stands in bits 31:24 unless the VM uses 32-bit
 * ids.  What a register holds that this APIC does not have comes back as it
 * was given.
 */
#include "lapic.h"
#include "apic_map.h"

#include <errno.h>
#include <string.h>

static uint32_t state_get(const struct kvm_lapic_state *state,
			  unsigned int offset)
{
	uint32_t value;

	memcpy(&value, &state->regs[offset], sizeof(value));
	return value;
}

static void state_put(struct kvm_lapic_state *state, unsigned int offset,
		      uint32_t value)
{
	memcpy(&state->regs[offset], &value, sizeof(value));
}

static uint64_t state_get_vectors(const struct kvm_lapic_state *state,
				  unsigned int offset)
{
	return state_get(state, offset) |
	       (uint64_t)state_get(state, offset + 0x10) << 32;
}

static void state_put_vectors(struct kvm_lapic_state *state,
			      unsigned int offset, uint64_t vectors)
{
	state_put(state, offset, (uint32_t)vectors);
	state_put(state, offset + 0x10, (uint32_t)(vectors >> 32));
}

void lapic_get_state(struct lapic *apic, struct kvm_lapic_state *state)
{
	/* What is posted is pending. */
	posted_sync(apic);
	memset(state, 0, sizeof(*state));
	for (unsigned int i = 0; i < APIC_NR_REGS; i++)
		state_put(state, i << 4, lapic_reg(apic, i << 4));
	for (unsigned int i = 0; i < 4; i++) {
		state_put_vectors(state, APIC_ISR + i * 0x20, apic->isr[i]);
		state_put_vectors(state, APIC_TMR + i * 0x20,
				  atomic_load(&apic->tmr[i]));
		state_put_vectors(state, APIC_IRR + i * 0x20,
				  atomic_load(&apic->irr[i]));
	}
	state_put(state, APIC_TMCCT, lapic_timer_current(apic));
	/* In Linux's page the upper half is where a 64-bit register has it. */
	state_put(state, APIC_ICR + 4, apic->icr_high);
	if (lapic_x2apic(apic))
		state_put(state, APIC_ICR2, apic->icr_high);
	if (lapic_x2apic(apic) && !apic->bus->config.ids32)
		state_put(state, APIC_ID, apic->vcpu_id << 24);
}

int lapic_set_state(struct lapic *apic, const struct kvm_lapic_state *state)
{
	bool x2apic = lapic_x2apic(apic);

	/* An x2APIC's id cannot be changed; the short form is not checked. */
	if (x2apic && apic->bus->config.ids32 &&
	    state_get(state, APIC_ID) != apic->vcpu_id)
		return -EINVAL;

	lapic_timer_stop(apic);
	/* What is pending now is in @state or gone, as in Linux. */
	posted_reset(apic);
	for (unsigned int i = 0; i < APIC_NR_REGS; i++)
		if (i << 4 != APIC_LVT_TIMER)
			lapic_set_reg(apic, i << 4, state_get(state, i << 4));
	lapic_set_reg(apic, APIC_VERSION, lapic_version(apic));
	if (x2apic) {
		lapic_set_reg(apic, APIC_ID, apic->vcpu_id);
		lapic_set_reg(apic, APIC_LDR, lapic_x2apic_ldr(apic->vcpu_id));
	}
	apic->icr_high = state_get(state, x2apic ? APIC_ICR2 : APIC_ICR + 4);
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int offset = i * 0x20;

		apic->isr[i] = state_get_vectors(state, APIC_ISR + offset);
		atomic_store(&apic->tmr[i],
			     state_get_vectors(state, APIC_TMR + offset));
		atomic_store(&apic->irr[i],
			     state_get_vectors(state, APIC_IRR + offset));
	}
	atomic_store_explicit(&apic->arb_prio, 0, memory_order_relaxed);
	lapic_update_ppr(apic);
	lapic_update_flags(apic);
	lapic_timer_restore(apic, state_get(state, APIC_LVT_TIMER),
			    state_get(state, APIC_TMCCT));
	apic->stale = true;
	lapic_commit(apic);
	virq_vcpu_kick(apic->vcpu);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* See lapic_host.h. */
#include "lapic_host.h"
#include "apics.h"
#include "lapic.h"

#include <errno.h>

int lapic_host_set_base(struct virq_vcpu *vcpu, uint64_t base)
{
	return lapic_set_base(vcpu_lapic(vcpu), base) ? -EINVAL : 0;
}

void lapic_host_set_boot(struct virq_vcpu *vcpu, bool boot)
{
	struct lapic *apic = vcpu_lapic(vcpu);

	apic->boot = boot;
	lapic_reset(apic, false);
}

void lapic_host_set_wait_sipi(struct virq_vcpu *vcpu, bool wait)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	const uint32_t bit = LAPIC_WAIT_SIPI;

	/* Relaxed: the vCPU's own to write; a deliverer's look is a hint. */
	if (wait)
		atomic_fetch_or_explicit(&apic->flags, bit,
					 memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&apic->flags, ~bit,
					  memory_order_relaxed);
}

static void send(struct virq_vcpu *vcpu, uint8_t mode, uint8_t vector)
{
	struct x86_msg msg = {
		.vector = vector,
		.mode = mode,
		.assert_level = true,
	};

	lapic_accept(vcpu_lapic(vcpu), &msg);
}

void lapic_host_set_init(struct virq_vcpu *vcpu, bool pending)
{
	if (pending)
		send(vcpu, X86_DM_INIT, 0);
	else
		atomic_fetch_and(&vcpu_lapic(vcpu)->events,
				 ~(uint32_t)VIRQ_EVENT_INIT);
}

unsigned int lapic_host_take_nmis(struct virq_vcpu *vcpu)
{
	const uint32_t nmis = VIRQ_EVENT_NMI | LAPIC_NMI_AGAIN;
	_Atomic uint32_t *events = &vcpu_lapic(vcpu)->events;
	uint32_t old;

	/* Relaxed: a hint; an NMI that comes later kicks the vCPU. */
	if (!(atomic_load_explicit(events, memory_order_relaxed) & nmis))
		return 0;
	old = atomic_fetch_and(events, ~nmis);
	return !!(old & VIRQ_EVENT_NMI) + !!(old & LAPIC_NMI_AGAIN);
}

void lapic_host_drop_sipi(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	uint32_t old =
		atomic_load_explicit(&apic->events, memory_order_relaxed);

	/* One that has followed an INIT is that INIT's. */
	while (old & VIRQ_EVENT_SIPI && !(old & VIRQ_EVENT_INIT) &&
	       !(lapic_flags(apic) & LAPIC_WAIT_SIPI) &&
	       !atomic_compare_exchange_weak(
		       &apic->events, &old,
		       old & ~(uint32_t)(VIRQ_EVENT_SIPI | LAPIC_SIPI_VECTOR)))
		;
}

void lapic_host_send_sipi(struct virq_vcpu *vcpu, uint8_t page)
{
	send(vcpu, X86_DM_SIPI, page);
}

void lapic_host_set_tsc_deadline(struct virq_vcpu *vcpu, bool available)
{
	vcpu_lapic(vcpu)->no_tsc_deadline = !available;
}

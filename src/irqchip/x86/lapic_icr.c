// SPDX-License-Identifier: BSD-3-Clause
/* Interprocessor interrupts: what a write to ICR sends, and to whom. */
#include "lapic.h"
#include "apic_map.h"
#include "core/rcu.h"

#define ICR_LOGICAL (1u << 11)
#define ICR_ASSERT (1u << 14)
#define ICR_LEVEL_TRIGGERED (1u << 15)
#define ICR_SHORTHAND(icr) ((enum apic_shorthand)(((icr) >> 18) & 3))

void lapic_send_ipi(struct lapic *apic, uint32_t icr, uint32_t dest)
{
	struct x86_msg msg = {
		.dest = dest,
		.vector = (uint8_t)icr,
		.mode = (icr >> 8) & 7,
		.logical = icr & ICR_LOGICAL,
		.level_triggered = icr & ICR_LEVEL_TRIGGERED,
		.assert_level = icr & ICR_ASSERT,
	};

	rcu_lock();
	apic_bus_deliver(apic->bus, apic, &msg, ICR_SHORTHAND(icr));
	rcu_unlock();
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* The routing tables of the bench, the same for KVM and for ours. */
#ifndef BENCH_ROUTES_H
#define BENCH_ROUTES_H

#include <linux/kvm.h>
#include <stdint.h>

#define BENCH_MSI_GSI 24u /* and the next one */
#define BENCH_NR_MSI_GSIS 2u
#define BENCH_MSI_ADDRESS 0xfee00000u /* APIC id 0, physical */

#define BENCH_NR_PINS 24u

#define BENCH_MAX_MESSAGES 200u
#define BENCH_MAX_ROUTES (BENCH_NR_PINS + BENCH_MAX_MESSAGES)

union bench_routes {
	struct kvm_irq_routing head;
	/* What follows head in memory, for a size and nothing else. */
	uint8_t space[sizeof(struct kvm_irq_routing) +
		      BENCH_MAX_ROUTES * sizeof(struct kvm_irq_routing_entry)];
};

/* @nr GSIs from BENCH_MSI_GSI on are messages, with vectors from @vector on. */
static inline void bench_routes_add_messages(union bench_routes *table,
					     uint8_t vector, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		table->head.entries[table->head.nr++] =
			(struct kvm_irq_routing_entry){
				.gsi = BENCH_MSI_GSI + i,
				.type = KVM_IRQ_ROUTING_MSI,
				.u.msi.address_lo = BENCH_MSI_ADDRESS,
				.u.msi.data = vector + i,
			};
}

/* The table's two GSIs are messages with @vector and the vector after it. */
static inline void bench_routes_add_msis(union bench_routes *table,
					 uint8_t vector)
{
	bench_routes_add_messages(table, vector, BENCH_NR_MSI_GSIS);
}

/* GSI 0..23 are the IOAPIC's pins, and nothing of an 8259. */
static inline void bench_routes_add_pins(union bench_routes *table)
{
	for (uint32_t pin = 0; pin < BENCH_NR_PINS; pin++)
		table->head.entries[table->head.nr++] =
			(struct kvm_irq_routing_entry){
				.gsi = pin,
				.type = KVM_IRQ_ROUTING_IRQCHIP,
				.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC,
				.u.irqchip.pin = pin,
			};
}

#endif

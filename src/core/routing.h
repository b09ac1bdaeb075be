/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The GSI routing table: immutable once published, replaced as a whole under
 * RCU.
 */
#ifndef VIRQ_CORE_ROUTING_H
#define VIRQ_CORE_ROUTING_H

#include <virq/routing.h>
#include <virq/irqchip.h>

struct route_span {
	uint32_t first;
	uint32_t count;
};

struct route_table {
	uint32_t nr_gsis;
	struct route_span *gsis; /* [nr_gsis] */
	/* Grouped by GSI, in each group in the order of the user's table. */
	struct virq_route *routes;
	uint32_t nr_chips;
	uint32_t nr_pins;
	int32_t *pin_gsi; /* [nr_chips * nr_pins], -1: none */
	/* The user's table, to recognise one that changes nothing. */
	uint32_t nr_entries;
	struct kvm_irq_routing_entry *entries;
};

/* Validate @entries and build their table.  0, -EINVAL, -ENOMEM. */
int route_table_create(struct virq_irqchip *chip,
		       const struct kvm_irq_routing_entry *entries,
		       uint32_t nr_entries, struct route_table **table);
void route_table_free(struct route_table *table);

/* The routes of @gsi and how many; NULL and 0 without any. */
static inline const struct virq_route *
route_table_lookup(const struct route_table *table, uint32_t gsi,
		   uint32_t *count)
{
	if (gsi >= table->nr_gsis) {
		*count = 0;
		return NULL;
	}
	*count = table->gsis[gsi].count;
	return table->routes + table->gsis[gsi].first;
}

/* A GSI has a route of its own only when it has exactly one; else NULL. */
static inline const struct virq_route *
route_table_only(const struct route_table *table, uint32_t gsi)
{
	uint32_t count;
	const struct virq_route *routes =
		route_table_lookup(table, gsi, &count);

	return count == 1 ? routes : NULL;
}

/* The GSI that (@chip, @pin) maps back to, or -1. */
static inline int32_t route_table_gsi(const struct route_table *table,
				      uint32_t chip, uint32_t pin)
{
	if (chip >= table->nr_chips || pin >= table->nr_pins)
		return -1;
	return table->pin_gsi[chip * table->nr_pins + pin];
}

/*
 * Build the table anew from the same entries: how the chip reads them has
 * changed.  As virq_vm_set_gsi_routing(), but without a routes_commit; on an
 * error (-ENOMEM, -EINVAL by the new reading) the old table stays.
 */
struct virq_vm;
int vm_decode_routes(struct virq_vm *vm);

/* Deliver on every route of @gsi.  Inside an RCU read-side section. */
int routes_set_irq(struct virq_irqchip *chip, const struct virq_route *routes,
		   uint32_t count, unsigned int source_id, int level,
		   bool line_status);

/* Up and down on every route; the answer is that of going up. */
int routes_pulse(struct virq_irqchip *chip, const struct virq_route *routes,
		 uint32_t count, unsigned int source_id);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * GSI routing: validation, the table, its replacement, and delivery by it.
 *
 * Readers hold RCU over the whole delivery, so that a replaced table delivers
 * nothing once virq_vm_set_gsi_routing() has returned.  (Linux copies the
 * routes and leaves its read-side section before it delivers.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "rcu.h"

/* Linux KVM_SET_GSI_ROUTING: only an MSI may carry a flag, and only this. */
static bool entry_flags_valid(const struct kvm_irq_routing_entry *entry)
{
	if (entry->type == KVM_IRQ_ROUTING_MSI)
		return !(entry->flags & ~(uint32_t)KVM_MSI_VALID_DEVID);
	return !entry->flags;
}

/* Several routes of one GSI must be pins of different chips. */
static bool may_share_gsi(const struct virq_route *a,
			  const struct virq_route *b)
{
	return a->type == KVM_IRQ_ROUTING_IRQCHIP &&
	       b->type == KVM_IRQ_ROUTING_IRQCHIP &&
	       a->irqchip.chip != b->irqchip.chip;
}

void route_table_free(struct route_table *table)
{
	if (!table)
		return;
	free(table->gsis);
	free(table->routes);
	free(table->pin_gsi);
	free(table->entries);
	free(table);
}

static int table_alloc(struct route_table **out,
		       const struct virq_irqchip_ops *ops, uint32_t nr_gsis,
		       uint32_t nr_entries)
{
	struct route_table *table = calloc(1, sizeof(*table));
	size_t nr_pins = (size_t)ops->nr_chips * ops->nr_pins;

	if (!table)
		return -ENOMEM;
	table->nr_gsis = nr_gsis;
	table->nr_entries = nr_entries;
	table->nr_chips = ops->nr_chips;
	table->nr_pins = ops->nr_pins;
	/* One more than needed: calloc(0) may answer NULL. */
	table->gsis = calloc((size_t)nr_gsis + 1, sizeof(*table->gsis));
	table->routes = calloc((size_t)nr_entries + 1, sizeof(*table->routes));
	table->pin_gsi = calloc(nr_pins + 1, sizeof(*table->pin_gsi));
	table->entries =
		calloc((size_t)nr_entries + 1, sizeof(*table->entries));
	if (!table->gsis || !table->routes || !table->pin_gsi ||
	    !table->entries) {
		route_table_free(table);
		return -ENOMEM;
	}
	memset(table->pin_gsi, 0xff, nr_pins * sizeof(*table->pin_gsi));
	*out = table;
	return 0;
}

/* Group the routes by GSI: count, then hand out places. */
static void table_layout(struct route_table *table)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < table->nr_entries; i++)
		table->gsis[table->entries[i].gsi].count++;
	for (uint32_t g = 0; g < table->nr_gsis; g++) {
		table->gsis[g].first = first;
		first += table->gsis[g].count;
		table->gsis[g].count = 0;
	}
}

static int table_add(struct route_table *table, struct virq_irqchip *chip,
		     const struct kvm_irq_routing_entry *entry)
{
	struct route_span *span = &table->gsis[entry->gsi];
	struct virq_route *route = &table->routes[span->first + span->count];
	int rc;

	if (!entry_flags_valid(entry))
		return -EINVAL;
	route->gsi = entry->gsi;
	route->type = entry->type;
	route->index = span->count;
	rc = chip->ops->route_init(chip, entry, route);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < span->count; i++)
		if (!may_share_gsi(&table->routes[span->first + i], route))
			return -EINVAL;
	span->count++;

	if (route->type == KVM_IRQ_ROUTING_IRQCHIP) {
		uint32_t c = route->irqchip.chip, p = route->irqchip.pin;

		if (c >= table->nr_chips || p >= table->nr_pins)
			return -EINVAL;
		/* Two GSIs may name one pin: the last written owns its ack. */
		table->pin_gsi[c * table->nr_pins + p] = (int32_t)entry->gsi;
	}
	return 0;
}

int route_table_create(struct virq_irqchip *chip,
		       const struct kvm_irq_routing_entry *entries,
		       uint32_t nr_entries, struct route_table **out)
{
	struct route_table *table;
	uint32_t nr_gsis = 0;
	int rc;

	for (uint32_t i = 0; i < nr_entries; i++) {
		if (entries[i].gsi >= VIRQ_MAX_ROUTES)
			return -EINVAL;
		if (entries[i].gsi >= nr_gsis)
			nr_gsis = entries[i].gsi + 1;
	}
	rc = table_alloc(&table, chip->ops, nr_gsis, nr_entries);
	if (rc)
		return rc;
	if (nr_entries)
		memcpy(table->entries, entries, nr_entries * sizeof(*entries));
	table_layout(table);
	for (uint32_t i = 0; i < nr_entries; i++) {
		rc = table_add(table, chip, &table->entries[i]);
		if (rc) {
			route_table_free(table);
			return rc;
		}
	}
	*out = table;
	return 0;
}

static bool table_equals(const struct route_table *table,
			 const struct kvm_irq_routing *routing)
{
	return table->nr_entries == routing->nr &&
	       (!routing->nr ||
		!memcmp(table->entries, routing->entries,
			routing->nr * sizeof(*routing->entries)));
}

/* With vm->irq_lock held. */
static void table_publish(struct virq_vm *vm, struct virq_irqchip *chip,
			  struct route_table *table)
{
	struct route_table *old = vm->routes;

	rcu_store(vm->routes, table);
	irqfd_update_routes(vm, old, table);
	if (chip->ops->routes_changed)
		chip->ops->routes_changed(chip);
}

int virq_vm_set_gsi_routing(struct virq_vm *vm,
			    const struct kvm_irq_routing *routing)
{
	struct virq_irqchip *chip = vm_chip(vm);
	struct route_table *table, *old;
	int rc;

	if (!chip)
		return -EINVAL;
	if (chip->ops->can_route && !chip->ops->can_route(chip))
		return -EINVAL;
	if (routing->nr > VIRQ_MAX_ROUTES || routing->flags)
		return -EINVAL;

	pthread_mutex_lock(&vm->irq_lock);
	old = vm->routes;
	if (table_equals(old, routing)) {
		pthread_mutex_unlock(&vm->irq_lock);
		return 0;
	}
	rc = route_table_create(chip, routing->entries, routing->nr, &table);
	if (rc)
		goto out_unlock;
	if (chip->ops->routes_commit) {
		rc = chip->ops->routes_commit(chip, routing);
		if (rc)
			goto out_free;
	}
	table_publish(vm, chip, table);
	pthread_mutex_unlock(&vm->irq_lock);

	rcu_synchronize();
	route_table_free(old);
	return 0;

out_free:
	route_table_free(table);
out_unlock:
	pthread_mutex_unlock(&vm->irq_lock);
	return rc;
}

int vm_decode_routes(struct virq_vm *vm)
{
	struct virq_irqchip *chip = vm_chip(vm);
	struct route_table *table, *old;
	int rc;

	pthread_mutex_lock(&vm->irq_lock);
	old = vm->routes;
	rc = route_table_create(chip, old->entries, old->nr_entries, &table);
	if (!rc)
		table_publish(vm, chip, table);
	pthread_mutex_unlock(&vm->irq_lock);
	if (rc)
		return rc;
	rcu_synchronize();
	route_table_free(old);
	return 0;
}

/* <0 says that nobody took it; the rest add up. */
static int result_add(int sum, int result)
{
	return result < 0 ? sum : result + (sum < 0 ? 0 : sum);
}

int routes_set_irq(struct virq_irqchip *chip, const struct virq_route *routes,
		   uint32_t count, unsigned int source_id, int level,
		   bool line_status)
{
	int sum = -1;

	for (uint32_t i = 0; i < count; i++)
		sum = result_add(sum, routes[i].set(chip, &routes[i], source_id,
						    level, line_status));
	return sum;
}

int routes_pulse(struct virq_irqchip *chip, const struct virq_route *routes,
		 uint32_t count, unsigned int source_id)
{
	int sum = -1;

	for (uint32_t i = 0; i < count; i++) {
		const struct virq_route *route = &routes[i];

		if (route->pulse) {
			sum = result_add(
				sum,
				route->pulse(chip, route, source_id, 1, false));
			continue;
		}
		sum = result_add(sum,
				 route->set(chip, route, source_id, 1, false));
		route->set(chip, route, source_id, 0, false);
	}
	return sum;
}

int virq_vm_set_irq(struct virq_vm *vm, unsigned int source_id, uint32_t gsi,
		    int level, bool line_status)
{
	struct virq_irqchip *chip = vm_chip(vm);
	const struct virq_route *routes;
	uint32_t count;
	int rc;

	if (!chip || source_id >= VIRQ_NR_SOURCES)
		return -1;
	rcu_lock();
	routes = route_table_lookup(rcu_load(vm->routes), gsi, &count);
	rc = routes_set_irq(chip, routes, count, source_id, level, line_status);
	rcu_unlock();
	return rc;
}

int virq_vm_irq_line(struct virq_vm *vm, const struct kvm_irq_level *level,
		     int *status)
{
	struct virq_irqchip *chip = vm_chip(vm);
	/* Only who asks hears of ticks of the RTC that are dropped. */
	bool line_status = status;
	int unused;

	if (!chip)
		return -ENXIO;
	if (!status)
		status = &unused;
	if (chip->ops->set_line)
		return chip->ops->set_line(chip, level, status);
	*status = virq_vm_set_irq(vm, VIRQ_SOURCE_USERSPACE, level->irq,
				  !!level->level, line_status);
	return 0;
}

int virq_vm_signal_msi(struct virq_vm *vm, const struct kvm_msi *msi)
{
	struct virq_irqchip *chip = vm_chip(vm);
	int rc;

	if (!chip || (msi->flags & ~(uint32_t)KVM_MSI_VALID_DEVID) ||
	    !chip->ops->set_msi)
		return -EINVAL;
	rcu_lock();
	rc = chip->ops->set_msi(chip, msi);
	rcu_unlock();
	return rc;
}

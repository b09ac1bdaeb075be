// SPDX-License-Identifier: BSD-3-Clause
/* See kvm_arm64_routes.h.  One lock: routes->lock. */
#include "kvm_arm64_routes.h"
#include <stdlib.h>
#include <string.h>
#include "kvm_ioctl.h"

struct arm64_irqfd {
	struct kernel_irqfd kernel;
	struct cds_list_head node; /* routes->irqfds, or alone */
	bool detached; /* for the time of an update */
};

static struct arm64_irqfd *to_arm64_irqfd(struct virq_irqfd *irqfd)
{
	return (struct arm64_irqfd *)irqfd;
}

/* A table, and where in it each GSI is. */
struct kernel_routes {
	uint16_t place[VIRQ_MAX_ROUTES]; /* from 1; 0: no route */
	struct kvm_irq_routing routing;
};

static struct kernel_routes *
table_create(const struct kvm_irq_routing_entry *entries, uint32_t nr)
{
	struct kernel_routes *table =
		calloc(1, sizeof(*table) + nr * sizeof(*entries));

	if (!table)
		return NULL;
	table->routing.nr = nr;
	for (uint32_t i = 0; i < nr; i++) {
		table->routing.entries[i] = entries[i];
		table->place[entries[i].gsi] = (uint16_t)(i + 1);
	}
	return table;
}

static const struct kvm_irq_routing_entry *
table_find(const struct kernel_routes *table, uint32_t gsi)
{
	if (gsi >= VIRQ_MAX_ROUTES || !table->place[gsi])
		return NULL;
	return &table->routing.entries[table->place[gsi] - 1];
}

static bool is_msi(const struct kvm_irq_routing_entry *entry)
{
	return entry && entry->type == KVM_IRQ_ROUTING_MSI;
}

/* Does what the kernel may have mapped, or may map, differ? */
static bool message_changes(const struct kernel_routes *old,
			    const struct kernel_routes *new_table, uint32_t gsi)
{
	const struct kvm_irq_routing_entry *a = table_find(old, gsi);
	const struct kvm_irq_routing_entry *b = table_find(new_table, gsi);

	if (!is_msi(a) && !is_msi(b))
		return false;
	return !a || !b || memcmp(a, b, sizeof(*a)) != 0;
}

int arm64_routes_init(struct arm64_routes *routes,
		      const struct kvm_irq_routing_entry *entries, uint32_t nr)
{
	routes->table = table_create(entries, nr);
	if (!routes->table)
		return -ENOMEM;
	pthread_mutex_init(&routes->lock, NULL);
	CDS_INIT_LIST_HEAD(&routes->irqfds);
	return 0;
}

void arm64_routes_fini(struct arm64_routes *routes)
{
	pthread_mutex_destroy(&routes->lock);
	free(routes->table);
}

/* Of irqfds whose message changes: take out those that the kernel has. */
static void detach(struct arm64_routes *routes, struct virq_irqchip *chip,
		   const struct kernel_routes *a, const struct kernel_routes *b)
{
	struct arm64_irqfd *irqfd;

	cds_list_for_each_entry(irqfd, &routes->irqfds, node) {
		if (irqfd->detached ||
		    !message_changes(a, b, irqfd->kernel.base.gsi))
			continue;
		kernel_irqfd_set(chip, &irqfd->kernel, KVM_IRQFD_FLAG_DEASSIGN);
		irqfd->detached = true;
	}
}

/* Replace the kernel's table and put back what was taken out. */
static int apply(struct arm64_routes *routes, struct virq_irqchip *chip,
		 const struct kernel_routes *table)
{
	struct arm64_irqfd *irqfd;
	int rc = kvm_ioctl(kvm_chip_vm_fd(chip), KVM_SET_GSI_ROUTING,
			   &table->routing);

	if (rc)
		return rc;
	cds_list_for_each_entry(irqfd, &routes->irqfds, node) {
		if (!irqfd->detached)
			continue;
		rc = kernel_irqfd_set(chip, &irqfd->kernel, 0);
		if (rc)
			return rc;
		irqfd->detached = false;
	}
	return 0;
}

int arm64_routes_commit(struct arm64_routes *routes, struct virq_irqchip *chip,
			const struct kvm_irq_routing *routing)
{
	struct kernel_routes *table =
		table_create(routing->entries, routing->nr);
	struct kernel_routes *old;
	int rc;

	if (!table)
		return -ENOMEM;
	pthread_mutex_lock(&routes->lock);
	old = routes->table;
	detach(routes, chip, old, table);
	rc = apply(routes, chip, table);
	if (!rc) {
		routes->table = table;
		table = old;
	} else {
		/* No memory, most likely: back, as far as it lets us. */
		detach(routes, chip, old, table);
		apply(routes, chip, old);
	}
	pthread_mutex_unlock(&routes->lock);
	free(table);
	return rc;
}

struct virq_irqfd *arm64_routes_irqfd_alloc(void)
{
	struct arm64_irqfd *irqfd = calloc(1, sizeof(*irqfd));

	if (!irqfd)
		return NULL;
	irqfd->kernel.fd = -1;
	CDS_INIT_LIST_HEAD(&irqfd->node);
	return &irqfd->kernel.base;
}

int arm64_routes_irqfd_init(struct arm64_routes *routes,
			    struct virq_irqchip *chip, struct virq_irqfd *base)
{
	struct arm64_irqfd *irqfd = to_arm64_irqfd(base);
	int rc;

	pthread_mutex_lock(&routes->lock);
	rc = kvm_irqfd_init(chip, base);
	/* What has a resamplefd is a line: the kernel maps none of those. */
	if (!rc && !base->resample)
		cds_list_add_tail(&irqfd->node, &routes->irqfds);
	pthread_mutex_unlock(&routes->lock);
	return rc;
}

void arm64_routes_irqfd_free(struct arm64_routes *routes,
			     struct virq_irqchip *chip, struct virq_irqfd *base)
{
	struct arm64_irqfd *irqfd = to_arm64_irqfd(base);

	pthread_mutex_lock(&routes->lock);
	cds_list_del(&irqfd->node);
	kvm_irqfd_free(chip, base);
	pthread_mutex_unlock(&routes->lock);
}

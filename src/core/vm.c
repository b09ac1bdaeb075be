// SPDX-License-Identifier: BSD-3-Clause
/* VM: life, irqchip creation, teardown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "eventfd.h"
#include "internal.h"
#include "loop.h"
#include "rcu_array.h"

static void vm_free(struct virq_vm *vm)
{
	pthread_mutex_destroy(&vm->control_lock);
	pthread_mutex_destroy(&vm->irqfds_lock);
	pthread_mutex_destroy(&vm->irq_lock);
	pthread_mutex_destroy(&vm->watch_lock);
	if (vm->fdinfo_dir >= 0)
		close(vm->fdinfo_dir);
	free(vm->loops);
	free(vm);
}

int virq_vm_create(const struct virq_vm_config *config, struct virq_vm **out)
{
	struct virq_vm *vm;

	if (!config || !config->loops || !config->nr_loops ||
	    config->bypass > VIRQ_BYPASS_STRICT)
		return -EINVAL;
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return -ENOMEM;
	vm->loops = calloc(config->nr_loops, sizeof(struct virq_loop *));
	if (!vm->loops) {
		free(vm);
		return -ENOMEM;
	}
	vm->nr_loops = config->nr_loops;
	vm->bypass = config->bypass;
	vm->fdinfo_dir = eventfd_open_dir();
	memcpy(vm->loops, config->loops,
	       config->nr_loops * sizeof(struct virq_loop *));
	pthread_mutex_init(&vm->control_lock, NULL);
	pthread_mutex_init(&vm->irqfds_lock, NULL);
	pthread_mutex_init(&vm->irq_lock, NULL);
	pthread_mutex_init(&vm->watch_lock, NULL);
	CDS_INIT_LIST_HEAD(&vm->irqfds);
	CDS_INIT_LIST_HEAD(&vm->resamplers);
	CDS_INIT_LIST_HEAD(&vm->bypassed);
	CDS_INIT_LIST_HEAD(&vm->watched);
	for (uint32_t i = 0; i < vm->nr_loops; i++)
		atomic_fetch_add(&vm->loops[i]->users, 1);
	*out = vm;
	return 0;
}

struct virq_irqchip *virq_vm_irqchip(const struct virq_vm *vm)
{
	return vm_chip(vm);
}

/* The table a new chip starts with. */
static int default_table(struct virq_irqchip *chip, struct route_table **table)
{
	struct kvm_irq_routing_entry *entries;
	uint32_t count = 0;
	int rc;

	entries = calloc(VIRQ_MAX_ROUTES, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	if (chip->ops->default_routes)
		count = chip->ops->default_routes(chip, entries,
						  VIRQ_MAX_ROUTES);
	rc = route_table_create(chip, entries, count, table);
	free(entries);
	return rc;
}

/* vCPUs that were there before the chip join it. */
static int attach_vcpus(struct virq_vm *vm, struct virq_irqchip *chip)
{
	for (uint32_t i = 0; i < VIRQ_MAX_VCPUS; i++) {
		int rc;

		if (!vm->vcpus[i])
			continue;
		rc = vcpu_attach(vm->vcpus[i], chip);
		if (rc) {
			while (i--)
				if (vm->vcpus[i])
					vcpu_detach(vm->vcpus[i], chip);
			return rc;
		}
	}
	return 0;
}

int virq_vm_create_irqchip(struct virq_vm *vm,
			   const struct virq_irqchip_ops *ops,
			   const void *config)
{
	struct virq_irqchip *chip;
	struct route_table *table;
	int rc;

	if (!ops)
		return -EINVAL;
	/* What fails to connect is then not seen from here. */
	if (vm->bypass == VIRQ_BYPASS_STRICT &&
	    (ops->flags & VIRQ_IRQCHIP_OWN_IRQFD))
		return -EOPNOTSUPP;
	pthread_mutex_lock(&vm->control_lock);
	if (vm->chip) {
		rc = -EEXIST;
		goto out_unlock;
	}
	rc = ops->create(vm, config, &chip);
	if (rc)
		goto out_unlock;
	/* A back end may have variants, which @config chooses. */
	if (!chip->ops)
		chip->ops = ops;
	chip->vm = vm;
	rc = default_table(chip, &table);
	if (rc)
		goto out_chip;
	vm->routes = table;
	rc = attach_vcpus(vm, chip);
	if (rc)
		goto out_table;
	/* Release: pairs with vm_chip(); the routes are there before it. */
	__atomic_store_n(&vm->chip, chip, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&vm->control_lock);
	return 0;

out_table:
	vm->routes = NULL;
	route_table_free(table);
out_chip:
	chip->ops->destroy(chip);
out_unlock:
	pthread_mutex_unlock(&vm->control_lock);
	return rc;
}

void virq_vm_close(struct virq_vm *vm)
{
	struct virq_irqchip *chip;

	if (!vm)
		return;
	irqfd_shutdown_all(vm);
	chip = vm_chip(vm);
	/* Deliveries by virq_vm_set_irq() and the like have ended, says the
	 * caller; acks from other vCPUs of the same chip are over, too. */
	rcu_synchronize();
	for (uint32_t i = 0; i < VIRQ_MAX_VCPUS; i++) {
		if (!vm->vcpus[i])
			continue;
		if (chip)
			vcpu_detach(vm->vcpus[i], chip);
	}
	if (chip)
		chip->ops->destroy(chip);
	for (uint32_t i = 0; i < VIRQ_MAX_VCPUS; i++)
		vcpu_free(vm->vcpus[i]);
	for (uint32_t i = 0; i < VIRQ_MAX_ROUTES; i++)
		free(vm->acks[i]);
	route_table_free(vm->routes);
	for (uint32_t i = 0; i < vm->nr_loops; i++)
		atomic_fetch_sub(&vm->loops[i]->users, 1);
	vm_free(vm);
}

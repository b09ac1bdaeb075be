// SPDX-License-Identifier: BSD-3-Clause
/*
 * Ack notifiers.  Writers hold vm->irq_lock; readers RCU.
 */
#include <errno.h>
#include <stdlib.h>
#include "internal.h"
#include "rcu_array.h"

static void ack_set_changed(struct virq_vm *vm)
{
	struct virq_irqchip *chip = vm_chip(vm);

	if (chip->ops->ack_set_changed)
		chip->ops->ack_set_changed(chip);
}

int ack_add(struct virq_vm *vm, struct ack_notifier *notifier)
{
	int rc;

	/* Beyond the table no pin maps back to it: it is never acked. */
	if (notifier->gsi >= VIRQ_MAX_ROUTES)
		return 0;
	rc = rcu_array_add(&vm->acks[notifier->gsi], notifier);
	if (!rc)
		ack_set_changed(vm);
	return rc;
}

void ack_remove(struct virq_vm *vm, struct ack_notifier *notifier)
{
	if (notifier->gsi >= VIRQ_MAX_ROUTES)
		return;
	rcu_array_del(vm->acks[notifier->gsi], notifier);
	ack_set_changed(vm);
	rcu_synchronize();
}

/* Inside an RCU read-side section: the notifiers behind a pin, or NULL. */
static struct rcu_array *ack_lookup(struct virq_irqchip *chip, uint32_t chip_id,
				    uint32_t pin)
{
	struct virq_vm *vm = chip->vm;
	const struct route_table *table = rcu_load(vm->routes);
	int32_t gsi = route_table_gsi(table, chip_id, pin);

	return gsi < 0 ? NULL : rcu_load(vm->acks[gsi]);
}

bool virq_irqchip_ack(struct virq_irqchip *chip, uint32_t chip_id, uint32_t pin)
{
	struct ack_notifier *notifier;
	struct rcu_array *array;
	bool found = false;
	uint32_t i;

	rcu_lock();
	array = ack_lookup(chip, chip_id, pin);
	rcu_array_for_each(array, i, notifier) {
		if (notifier->acked) {
			notifier->acked(notifier);
			found = true;
		}
	}
	rcu_unlock();
	return found;
}

bool virq_irqchip_has_ack(struct virq_irqchip *chip, uint32_t chip_id,
			  uint32_t pin)
{
	struct ack_notifier *notifier;
	struct rcu_array *array;
	bool found = false;
	uint32_t i;

	rcu_lock();
	array = ack_lookup(chip, chip_id, pin);
	rcu_array_for_each(array, i, notifier)
		found |= !!notifier->acked;
	rcu_unlock();
	return found;
}

bool virq_irqchip_resample(struct virq_irqchip *chip, uint32_t chip_id,
			   uint32_t pin)
{
	struct ack_notifier *notifier;
	struct rcu_array *array;
	bool found = false;
	uint32_t i;

	rcu_lock();
	array = ack_lookup(chip, chip_id, pin);
	rcu_array_for_each(array, i, notifier) {
		if (notifier->unmasked) {
			notifier->unmasked(notifier);
			found = true;
		}
	}
	rcu_unlock();
	return found;
}

void virq_irqchip_unmasked(struct virq_irqchip *chip, uint32_t chip_id,
			   uint32_t pin)
{
	struct ack_notifier *notifier;
	struct rcu_array *array;
	uint32_t i;

	rcu_lock();
	array = ack_lookup(chip, chip_id, pin);
	rcu_array_for_each(array, i, notifier)
		if (notifier->opened)
			notifier->opened(notifier);
	rcu_unlock();
}

struct virq_ack_notifier {
	struct ack_notifier base;
	void (*fn)(void *opaque);
	void *opaque;
};

static void user_notify(struct ack_notifier *base)
{
	struct virq_ack_notifier *notifier =
		caa_container_of(base, struct virq_ack_notifier, base);

	notifier->fn(notifier->opaque);
}

static int user_add(struct virq_vm *vm, uint32_t gsi, bool on_ack,
		    void (*fn)(void *opaque), void *opaque,
		    struct virq_ack_notifier **out)
{
	struct virq_ack_notifier *notifier;
	int rc;

	if (!vm_chip(vm))
		return -EINVAL;
	notifier = calloc(1, sizeof(*notifier));
	if (!notifier)
		return -ENOMEM;
	notifier->base.gsi = gsi;
	if (on_ack)
		notifier->base.acked = user_notify;
	else
		notifier->base.opened = user_notify;
	notifier->fn = fn;
	notifier->opaque = opaque;
	pthread_mutex_lock(&vm->irq_lock);
	rc = ack_add(vm, &notifier->base);
	pthread_mutex_unlock(&vm->irq_lock);
	if (rc)
		free(notifier);
	else
		*out = notifier;
	return rc;
}

int virq_vm_add_ack_notifier(struct virq_vm *vm, uint32_t gsi,
			     void (*acked)(void *opaque), void *opaque,
			     struct virq_ack_notifier **notifier)
{
	return user_add(vm, gsi, true, acked, opaque, notifier);
}

int virq_vm_add_unmask_notifier(struct virq_vm *vm, uint32_t gsi,
				void (*unmasked)(void *opaque), void *opaque,
				struct virq_ack_notifier **notifier)
{
	return user_add(vm, gsi, false, unmasked, opaque, notifier);
}

void virq_vm_remove_ack_notifier(struct virq_vm *vm,
				 struct virq_ack_notifier *notifier)
{
	pthread_mutex_lock(&vm->irq_lock);
	ack_remove(vm, &notifier->base);
	pthread_mutex_unlock(&vm->irq_lock);
	free(notifier);
}

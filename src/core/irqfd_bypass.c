// SPDX-License-Identifier: BSD-3-Clause
/*
 * An irqfd as a consumer of the bypass manager.
 *
 * The callbacks run with the lock of the eventfd's bypass entry and take
 * vm->irq_lock, which keeps the routing table still; irqfds_lock is outside of
 * both and not needed here.  Who posts reads what is decided here under RCU.
 */
#include "irqfd.h"

static struct irqfd_core *to_core(struct virq_bypass_consumer *consumer)
{
	return caa_container_of(consumer, struct irqfd_core, consumer);
}

/* irq_lock held. */
static void set_state(struct virq_irqfd *irqfd, enum virq_bypass_state state,
		      enum virq_bypass_reason reason)
{
	irqfd->bypass = state;
	irqfd->reason = reason;
}

static int add_producer(struct virq_bypass_consumer *consumer,
			struct virq_bypass_producer *producer)
{
	struct irqfd_core *core = to_core(consumer);
	struct virq_irqfd *irqfd = core->irqfd;
	struct virq_vm *vm = irqfd->vm;
	struct virq_irqchip *chip = vm_chip(vm);
	int rc;

	pthread_mutex_lock(&vm->irq_lock);
	irqfd->producer = producer;
	/* What a back end that has nothing to say of it means. */
	set_state(irqfd, VIRQ_BYPASS_STATE_REMAPPED, VIRQ_BYPASS_REASON_NONE);
	rc = chip->ops->bypass_add_producer(
		chip, irqfd, route_table_only(vm->routes, irqfd->gsi));
	core->bypass_error = rc;
	core->was_connected = true;
	if (rc) {
		irqfd->producer = NULL;
		set_state(irqfd, VIRQ_BYPASS_STATE_WAITING,
			  VIRQ_BYPASS_REASON_FAILED);
	} else {
		cds_list_add_tail(&core->bypassed, &vm->bypassed);
	}
	pthread_mutex_unlock(&vm->irq_lock);
	return rc;
}

static void del_producer(struct virq_bypass_consumer *consumer,
			 struct virq_bypass_producer *producer)
{
	struct irqfd_core *core = to_core(consumer);
	struct virq_irqfd *irqfd = core->irqfd;
	struct virq_vm *vm = irqfd->vm;
	struct virq_irqchip *chip = vm_chip(vm);

	(void)producer;
	pthread_mutex_lock(&vm->irq_lock);
	cds_list_del_init(&core->bypassed);
	chip->ops->bypass_del_producer(chip, irqfd);
	irqfd->producer = NULL;
	set_state(irqfd, VIRQ_BYPASS_STATE_WAITING,
		  VIRQ_BYPASS_REASON_NO_PRODUCER);
	pthread_mutex_unlock(&vm->irq_lock);
}

static void stop(struct virq_bypass_consumer *consumer)
{
	struct virq_irqfd *irqfd = to_core(consumer)->irqfd;
	struct virq_irqchip *chip = vm_chip(irqfd->vm);

	chip->ops->bypass_stop(chip, irqfd);
}

static void start(struct virq_bypass_consumer *consumer)
{
	struct virq_irqfd *irqfd = to_core(consumer)->irqfd;
	struct virq_irqchip *chip = vm_chip(irqfd->vm);

	chip->ops->bypass_start(chip, irqfd);
}

/* Why this irqfd is no consumer, or VIRQ_BYPASS_REASON_NONE: it is one. */
static enum virq_bypass_reason why_not(const struct virq_irqfd *irqfd)
{
	if (irqfd->vm->bypass == VIRQ_BYPASS_OFF)
		return VIRQ_BYPASS_REASON_MODE;
	if (irqfd->no_bypass)
		return VIRQ_BYPASS_REASON_FLAG;
	if (!vm_chip(irqfd->vm)->ops->bypass_add_producer)
		return VIRQ_BYPASS_REASON_IRQCHIP;
	return VIRQ_BYPASS_REASON_NONE;
}

int irqfd_bypass_register(struct irqfd_core *core,
			  const struct virq_eventfd_info *info)
{
	struct virq_irqfd *irqfd = core->irqfd;
	struct virq_vm *vm = irqfd->vm;
	const struct virq_irqchip_ops *ops = vm_chip(vm)->ops;
	enum virq_bypass_reason reason = why_not(irqfd);
	int rc;

	/* Nobody else knows this irqfd yet. */
	if (reason != VIRQ_BYPASS_REASON_NONE) {
		set_state(irqfd, VIRQ_BYPASS_STATE_OFF, reason);
		return 0;
	}
	set_state(irqfd, VIRQ_BYPASS_STATE_WAITING,
		  VIRQ_BYPASS_REASON_NO_PRODUCER);
	core->consumer.add_producer = add_producer;
	core->consumer.del_producer = del_producer;
	core->consumer.stop = ops->bypass_stop ? stop : NULL;
	core->consumer.start = ops->bypass_start ? start : NULL;
	rc = virq_bypass_register_consumer(&core->consumer, info);
	if (!rc)
		return 0;
	/* It is no consumer, as in Linux: a later producer does not find it. */
	pthread_mutex_lock(&vm->irq_lock);
	core->bypass_error = rc;
	set_state(irqfd, VIRQ_BYPASS_STATE_OFF, VIRQ_BYPASS_REASON_FAILED);
	pthread_mutex_unlock(&vm->irq_lock);
	return vm->bypass == VIRQ_BYPASS_STRICT ? rc : 0;
}

bool irqfd_bypass_unregister(struct irqfd_core *core)
{
	bool was_connected;

	virq_bypass_unregister_consumer(&core->consumer);
	/*
	 * Not just "was it connected now": a producer that has gone before may
	 * leave a last post behind, on a thread that raises.  It is said once:
	 * nobody connects it any more.
	 */
	was_connected = core->was_connected;
	core->was_connected = false;
	return was_connected;
}

void irqfd_bypass_update(struct virq_vm *vm, const struct route_table *old,
			 const struct route_table *new_table)
{
	struct virq_irqchip *chip = vm_chip(vm);
	struct irqfd_core *core;

	cds_list_for_each_entry(core, &vm->bypassed, bypassed) {
		uint32_t gsi = core->irqfd->gsi;

		if (chip->ops->bypass_update)
			chip->ops->bypass_update(
				chip, core->irqfd, route_table_only(old, gsi),
				route_table_only(new_table, gsi));
	}
}

void irqfd_bypass_query(struct irqfd_core *core, struct virq_irqfd_info *info)
{
	struct virq_vm *vm = core->irqfd->vm;

	pthread_mutex_lock(&vm->irq_lock);
	info->bypass = core->irqfd->bypass;
	info->reason = core->irqfd->reason;
	info->bypass_error = core->bypass_error;
	pthread_mutex_unlock(&vm->irq_lock);
}

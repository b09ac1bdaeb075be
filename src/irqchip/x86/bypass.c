// SPDX-License-Identifier: BSD-3-Clause
/*
 * What may be posted, and where, as Linux decides it: an MSI with delivery mode
 * fixed or lowest priority that reaches exactly one vCPU.  A message is judged
 * when it is routed; that a guest moves its APICs about afterwards changes
 * nothing.  The trigger mode does not count: what is posted is an edge.
 *
 * The hooks run under the VM's routing mutex, which also guards the irqfd's
 * fields; inside it the destination table is read under RCU, and set_post
 * takes the producer's own locks.
 */
#include "bypass.h"
#include "apics.h"
#include "core/rcu.h"

#include <string.h>

/* Where @route can be posted; or NULL, and @reason says why not. */
static const struct virq_post *find_target(struct virq_irqchip *chip,
					   const struct virq_irqfd *irqfd,
					   const struct virq_route *route,
					   enum virq_bypass_reason *reason)
{
	const struct virq_post *target = NULL;
	struct lapic *apic;
	struct x86_msg msg;

	if (irqfd->resample)
		*reason = VIRQ_BYPASS_REASON_RESAMPLE;
	else if (!irqfd->producer->set_post)
		*reason = VIRQ_BYPASS_REASON_PRODUCER;
	else if (!route)
		*reason = VIRQ_BYPASS_REASON_NO_ROUTE;
	else if (route->type != KVM_IRQ_ROUTING_MSI)
		*reason = VIRQ_BYPASS_REASON_NOT_MSI;
	else
		*reason = VIRQ_BYPASS_REASON_NONE;
	if (*reason != VIRQ_BYPASS_REASON_NONE)
		return NULL;

	msg = apics_route_msg(route);
	if (msg.mode != X86_DM_FIXED && msg.mode != X86_DM_LOWEST) {
		*reason = VIRQ_BYPASS_REASON_DELIVERY_MODE;
		return NULL;
	}
	*reason = VIRQ_BYPASS_REASON_DESTINATION;
	rcu_lock();
	apic = apic_bus_single(apics_bus(chip), &msg);
	if (apic) {
		*reason = VIRQ_BYPASS_REASON_NONE;
		target = posted_target(apic, msg.vector);
	}
	rcu_unlock();
	return target;
}

/* A producer that signals its eventfd already is not told to. */
static int route_producer(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			  const struct virq_route *route)
{
	bool was_posted = irqfd->bypass == VIRQ_BYPASS_STATE_POSTED;
	enum virq_bypass_reason reason;
	const struct virq_post *target =
		find_target(chip, irqfd, route, &reason);
	int ret = 0;

	if (target || was_posted)
		ret = irqfd->producer->set_post(irqfd->producer, target);
	if (ret) {
		reason = VIRQ_BYPASS_REASON_FAILED;
		target = NULL;
		/* By the eventfd at least, not by a route that is gone. */
		if (was_posted)
			irqfd->producer->set_post(irqfd->producer, NULL);
	}
	irqfd->bypass =
		target ? VIRQ_BYPASS_STATE_POSTED : VIRQ_BYPASS_STATE_REMAPPED;
	irqfd->reason = reason;
	return ret;
}

int x86_bypass_add_producer(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			    const struct virq_route *route)
{
	irqfd->bypass = VIRQ_BYPASS_STATE_REMAPPED;
	return route_producer(chip, irqfd, route);
}

/* As written, not as read: what the bits mean is looked at when they change. */
static bool routes_alike(const struct virq_route *a, const struct virq_route *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	return a->type != KVM_IRQ_ROUTING_MSI ||
	       memcmp(&a->msi, &b->msi, sizeof(a->msi)) == 0;
}

void x86_bypass_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
		       const struct virq_route *old_route,
		       const struct virq_route *new_route)
{
	if (!routes_alike(old_route, new_route))
		route_producer(chip, irqfd, new_route);
}

void x86_bypass_del_producer(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd)
{
	(void)chip;
	if (irqfd->bypass == VIRQ_BYPASS_STATE_POSTED)
		irqfd->producer->set_post(irqfd->producer, NULL);
	irqfd->bypass = VIRQ_BYPASS_STATE_REMAPPED;
}

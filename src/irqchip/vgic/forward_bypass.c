// SPDX-License-Identifier: BSD-3-Clause
/*
 * The irqfd's side of a bypass: what is forwarded, what is posted, and why not.
 *
 * A post does what the loop would do for a signal of a plain irqfd, by the
 * routes of that moment; so it goes where the guest's GIC and ITS send it now,
 * and after a DISCARD nowhere.  What it saves is the eventfd and the loop.
 *
 * The hooks run under the VM's routing mutex, which guards the irqfd's fields
 * and the list of those that wait for an interrupt.
 */
#include "forward.h"
#include "core/rcu.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <urcu/compiler.h>
#include <virq/irqchip.h>

struct vgic_irqfd {
	struct virq_irqfd base;
	struct virq_post post;
	uint32_t intid; /* while it is forwarded, or waits to be */
	struct cds_list_head waiting; /* vgic->waiting, or empty */
};

static struct vgic_irqfd *to_vgic_irqfd(struct virq_irqfd *irqfd)
{
	return caa_container_of(irqfd, struct vgic_irqfd, base);
}

static int post(const struct virq_post *post)
{
	const struct vgic_irqfd *irqfd =
		caa_container_of(post, struct vgic_irqfd, post);
	struct virq_vm *vm = irqfd->base.vm;
	int rc = virq_vm_set_irq(vm, VIRQ_SOURCE_USERSPACE, irqfd->base.gsi, 1,
				 false);

	if (to_vgic(virq_vm_irqchip(vm))->config.pulse_levels)
		virq_vm_set_irq(vm, VIRQ_SOURCE_USERSPACE, irqfd->base.gsi, 0,
				false);
	return rc > 0;
}

struct virq_irqfd *vgic_irqfd_alloc(struct virq_irqchip *chip)
{
	struct vgic_irqfd *irqfd = calloc(1, sizeof(*irqfd));

	(void)chip;
	if (!irqfd)
		return NULL;
	/* No vCPU: where it goes is the guest's to change at any time. */
	irqfd->post.post = post;
	CDS_INIT_LIST_HEAD(&irqfd->waiting);
	return &irqfd->base;
}

void vgic_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	(void)chip;
	free(to_vgic_irqfd(irqfd));
}

static int refuse(struct virq_irqfd *irqfd, enum virq_bypass_reason reason)
{
	irqfd->bypass = VIRQ_BYPASS_STATE_REMAPPED;
	irqfd->reason = reason;
	return 0;
}

/* Somebody else's: until he leaves it. */
static int await_interrupt(struct vgic *vgic, struct virq_irqfd *irqfd,
			   uint32_t intid)
{
	struct vgic_irqfd *waiter = to_vgic_irqfd(irqfd);

	if (cds_list_empty(&waiter->waiting))
		cds_list_add_tail(&waiter->waiting, &vgic->waiting);
	waiter->intid = intid;
	return refuse(irqfd, VIRQ_BYPASS_REASON_OWNED);
}

static int forward(struct vgic *vgic, struct virq_irqfd *irqfd, uint32_t intid)
{
	struct virq_bypass_producer *producer = irqfd->producer;
	const struct virq_forward *target;
	int rc = vgic_forward_map(vgic, intid, producer->hwirq, producer,
				  &target);

	if (rc == -EEXIST)
		return await_interrupt(vgic, irqfd, intid);
	cds_list_del_init(&to_vgic_irqfd(irqfd)->waiting);
	if (rc == -EINVAL)
		return refuse(irqfd, VIRQ_BYPASS_REASON_NO_INTERRUPT);
	if (!rc) {
		rc = producer->set_forward(producer, target);
		if (rc)
			vgic_forward_unmap(vgic, intid, producer);
	}
	if (rc) {
		refuse(irqfd, VIRQ_BYPASS_REASON_FAILED);
		return rc;
	}
	to_vgic_irqfd(irqfd)->intid = intid;
	irqfd->bypass = VIRQ_BYPASS_STATE_FORWARDED;
	irqfd->reason = VIRQ_BYPASS_REASON_NONE;
	return 0;
}

static int set_post(struct virq_irqfd *irqfd)
{
	struct virq_bypass_producer *producer = irqfd->producer;
	int rc;

	if (irqfd->resample)
		return refuse(irqfd, VIRQ_BYPASS_REASON_RESAMPLE);
	if (!producer->set_post)
		return refuse(irqfd, VIRQ_BYPASS_REASON_PRODUCER);
	rc = producer->set_post(producer, &to_vgic_irqfd(irqfd)->post);
	if (rc) {
		refuse(irqfd, VIRQ_BYPASS_REASON_FAILED);
		return rc;
	}
	irqfd->bypass = VIRQ_BYPASS_STATE_POSTED;
	irqfd->reason = VIRQ_BYPASS_REASON_NONE;
	return 0;
}

/*
 * By the eventfd, from whatever it was.  True: it was forwarded, and the
 * producer must still be told where its level goes now.  It is told last, so
 * that it finds the line down when it tells a level that is up still.
 */
static bool undo(struct vgic *vgic, struct virq_irqfd *irqfd)
{
	struct virq_bypass_producer *producer = irqfd->producer;
	bool forwarded = irqfd->bypass == VIRQ_BYPASS_STATE_FORWARDED;

	cds_list_del_init(&to_vgic_irqfd(irqfd)->waiting);
	if (irqfd->bypass == VIRQ_BYPASS_STATE_POSTED)
		producer->set_post(producer, NULL);
	if (forwarded)
		vgic_forward_unmap(vgic, to_vgic_irqfd(irqfd)->intid, producer);
	irqfd->bypass = VIRQ_BYPASS_STATE_REMAPPED;
	return forwarded;
}

/* It goes by the eventfd: decide by @route. */
static int judge(struct vgic *vgic, struct virq_irqfd *irqfd,
		 const struct virq_route *route)
{
	if (!route)
		return refuse(irqfd, VIRQ_BYPASS_REASON_NO_ROUTE);
	if (irqfd->producer->set_forward && irqfd->producer->deactivated &&
	    route->type == KVM_IRQ_ROUTING_IRQCHIP)
		return forward(vgic, irqfd,
			       VGIC_NR_PRIVATE + route->irqchip.pin);
	return set_post(irqfd);
}

void vgic_bypass_retry(struct virq_irqchip *chip)
{
	struct vgic *vgic = to_vgic(chip);
	struct vgic_irqfd *waiter, *next;

	/* An error leaves it remapped, with the reason. */
	cds_list_for_each_entry_safe(waiter, next, &vgic->waiting, waiting)
		(void)forward(vgic, &waiter->base, waiter->intid);
}

int vgic_bypass_add_producer(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd,
			     const struct virq_route *route)
{
	return judge(to_vgic(chip), irqfd, route);
}

/* As written: where it leads inside the guest is looked at by each post. */
static bool routes_alike(const struct virq_route *a, const struct virq_route *b)
{
	if (!a || !b)
		return a == b;
	if (a->type != b->type)
		return false;
	if (a->type == KVM_IRQ_ROUTING_IRQCHIP)
		return a->irqchip.pin == b->irqchip.pin;
	return memcmp(&a->msi, &b->msi, sizeof(a->msi)) == 0;
}

void vgic_bypass_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			const struct virq_route *old_route,
			const struct virq_route *new_route)
{
	struct virq_bypass_producer *producer = irqfd->producer;
	struct vgic *vgic = to_vgic(chip);
	bool forwarded;

	if (routes_alike(old_route, new_route))
		return;
	forwarded = undo(vgic, irqfd);
	/* An error leaves it remapped, with the reason. */
	(void)judge(vgic, irqfd, new_route);
	/*
	 * From one interrupt to the next it goes at once: a signal in between
	 * would be one too many, and a plain irqfd's level nobody lowers.
	 */
	if (forwarded && irqfd->bypass != VIRQ_BYPASS_STATE_FORWARDED)
		producer->set_forward(producer, NULL);
}

void vgic_bypass_del_producer(struct virq_irqchip *chip,
			      struct virq_irqfd *irqfd)
{
	struct virq_bypass_producer *producer = irqfd->producer;

	if (!undo(to_vgic(chip), irqfd))
		return;
	producer->set_forward(producer, NULL);
	vgic_bypass_retry(chip);
}

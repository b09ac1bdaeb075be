/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the core's files share: the VM and its lock order.
 *
 *   vm->control_lock      irqchip and vCPU creation
 *   vm->irqfds_lock       assign, deassign: the list of irqfds; held over a
 *     |                   whole shutdown, so a second deassign waits for it
 *     +- eventfd's entry  what it is bound to (eventfd_table.h); held while
 *     |    |              bypass callbacks run, which take:
 *     |    +- vm->irq_lock     routing table, ack notifiers, resamplers, bypass
 *     |         |              of this VM's irqfds
 *     |         +- vm->watch_lock   irqfds that want route_update
 *     |         +- a source's lock, vCPU port lists (set_post)
 *     +- loop locks       (loop.h; leaf)
 *
 * These are mutexes of the control plane.  The delivery path takes none of
 * them: it reads vm->routes and vm->acks under RCU.
 */
#ifndef VIRQ_CORE_INTERNAL_H
#define VIRQ_CORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <urcu/list.h>
#include <virq/virq.h>
#include "ack.h"
#include "routing.h"

struct virq_vm {
	struct virq_loop **loops;
	uint32_t nr_loops;
	int fdinfo_dir; /* eventfd_open_dir() */
	enum virq_bypass_mode bypass;

	pthread_mutex_t control_lock;
	/* Set once, release; read with acquire. */
	struct virq_irqchip *chip;
	/* Indexed by id; each set once, release; read with acquire. */
	struct virq_vcpu *vcpus[VIRQ_MAX_VCPUS];

	pthread_mutex_t irqfds_lock;
	struct cds_list_head irqfds;
	struct virq_irqfd_info past; /* counts of irqfds that are gone */

	pthread_mutex_t irq_lock;
	struct route_table *routes; /* RCU */
	struct rcu_array *acks[VIRQ_MAX_ROUTES]; /* RCU */
	struct cds_list_head resamplers;
	struct cds_list_head bypassed; /* irqfds with a producer */

	pthread_mutex_t watch_lock;
	struct cds_list_head watched;
};

static inline struct virq_irqchip *vm_chip(const struct virq_vm *vm)
{
	/* Acquire: pairs with the release in virq_vm_create_irqchip(). */
	return __atomic_load_n(&vm->chip, __ATOMIC_ACQUIRE);
}

/* irqfd.c */
void irqfd_shutdown_all(struct virq_vm *vm);
/* The counts of all irqfds that the VM has and had. */
void irqfd_totals(struct virq_vm *vm, struct virq_irqfd_info *out);
void irqfd_update_routes(struct virq_vm *vm, const struct route_table *old,
			 const struct route_table *new_table);

/* vcpu.c */
int vcpu_attach(struct virq_vcpu *vcpu, struct virq_irqchip *chip);
void vcpu_detach(struct virq_vcpu *vcpu, struct virq_irqchip *chip);
void vcpu_free(struct virq_vcpu *vcpu);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * arm64: the kernel's routing table and the irqfds that follow it.
 *
 * With GICv4 the kernel maps a device's MSI to the virtual LPI that the
 * irqfd's route says.  In Linux 6.1 and 6.12 a new table leaves that mapping as
 * it was: the device goes on by the old route, even after a deassign, which
 * looks for the mapping by the new one.  So an irqfd whose message changes is
 * taken out of the kernel before the table is replaced, and put back after.
 *
 * What is signalled in between stays in the eventfd, and is injected when the
 * kernel has the irqfd again.
 */
#ifndef VIRQ_KVM_ARM64_ROUTES_H
#define VIRQ_KVM_ARM64_ROUTES_H

#include <pthread.h>
#include <urcu/list.h>
#include <virq/irqchip.h>
#include <virq/routing.h>
#include "kvm_irqfd.h"

struct kernel_routes;

struct arm64_routes {
	/* Inside the VM's locks; held over the kernel's ioctls. */
	pthread_mutex_t lock;
	struct cds_list_head irqfds; /* the kernel has them */
	struct kernel_routes *table; /* as the kernel's */
};

/* 0 or -ENOMEM; @entries are those of the kernel's default table. */
int arm64_routes_init(struct arm64_routes *routes,
		      const struct kvm_irq_routing_entry *entries, uint32_t nr);
void arm64_routes_fini(struct arm64_routes *routes);

/* 0, or a negative errno: then the old table is in force. */
int arm64_routes_commit(struct arm64_routes *routes, struct virq_irqchip *chip,
			const struct kvm_irq_routing *routing);

/* kvm_irqfd_alloc(), _init(), _free(), for irqfds that follow their routes. */
struct virq_irqfd *arm64_routes_irqfd_alloc(void);
int arm64_routes_irqfd_init(struct arm64_routes *routes,
			    struct virq_irqchip *chip,
			    struct virq_irqfd *irqfd);
void arm64_routes_irqfd_free(struct arm64_routes *routes,
			     struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd);

#endif

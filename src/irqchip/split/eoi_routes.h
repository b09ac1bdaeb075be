/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The EOIs that KVM shall report.
 *
 * With a split irqchip KVM learns which vectors belong to a user-space IOAPIC
 * from its routing table: GSI n of the reserved ones is pin n, an MSI route
 * there is what the pin's RTE sends, and if it says level the vCPUs that it
 * addresses exit with KVM_EXIT_IOAPIC_EOI when they complete the vector.
 * Nothing is delivered by these routes.
 */
#ifndef VIRQ_SPLIT_EOI_ROUTES_H
#define VIRQ_SPLIT_EOI_ROUTES_H

#include <pthread.h>
#include <virq/irqchip.h>
#include "irqchip/x86/ioapic.h"

struct eoi_routes {
	pthread_mutex_t lock;
	int vm_fd;
	/* What the kernel has for each pin; data 0: no route. */
	struct kvm_irq_routing_msi pins[IOAPIC_NR_PINS];
};

int eoi_routes_init(struct eoi_routes *routes, int vm_fd);
void eoi_routes_fini(struct eoi_routes *routes);

/*
 * Make the kernel's routes fit the RTEs of @ioapic and the ack notifiers of
 * @chip as they are now.  No system call if they do already.  May sleep, for
 * milliseconds.  0 or a negative errno, with the kernel's routes as before.
 */
int eoi_routes_update(struct eoi_routes *routes, struct virq_irqchip *chip,
		      struct ioapic *ioapic);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ack notifiers: who wants to know that the guest completed a GSI, or has
 * opened it.
 *
 * The ack path reads them under RCU and takes no lock.
 */
#ifndef VIRQ_CORE_ACK_H
#define VIRQ_CORE_ACK_H

#include <virq/irqchip.h>

struct ack_notifier {
	uint32_t gsi;
	/* Inside an RCU read-side section, on the vCPU's thread; or NULL. */
	void (*acked)(struct ack_notifier *notifier);
	/* The pin was unmasked with its request set; NULL: not interested. */
	void (*unmasked)(struct ack_notifier *notifier);
	/* The pin was unmasked, whatever its request; NULL: not interested. */
	void (*opened)(struct ack_notifier *notifier);
};

/*
 * Both with vm->irq_lock held; both wait for a grace period, so that after
 * ack_remove() the notifier may be freed.  ack_add: 0 or -ENOMEM; ack_remove
 * cannot fail.
 */
int ack_add(struct virq_vm *vm, struct ack_notifier *notifier);
void ack_remove(struct virq_vm *vm, struct ack_notifier *notifier);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * irqfd: what binds an eventfd to a GSI.
 *
 * Users assign and deassign with virq_vm_irqfd() (vm.h).  This struct is for
 * authors of back ends: irqfd_alloc may embed it in a larger one to carry the
 * back end's own state (Linux kvm_arch_irqfd_alloc()).
 */
#ifndef VIRQ_IRQFD_H
#define VIRQ_IRQFD_H

#include <virq/defs.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct irqfd_core;

struct virq_irqfd {
	struct virq_vm *vm;
	uint32_t gsi;
	bool resample;
	/*
	 * The caller's descriptors.  Valid only inside irqfd_init: the caller
	 * may close them when the assign call has returned.
	 */
	int fd;
	int resamplefd;
	/* Identity of the eventfd (virq_eventfd_query()). */
	uint64_t eventfd_id;
	/* Private to the core; NULL until the common set-up has been done. */
	struct irqfd_core *core;
};

/* What virq_vm_irqfd_query() tells of one irqfd. */
struct virq_irqfd_info {
	uint32_t gsi;
	bool resample;
	uint64_t signals; /* times the eventfd was found signalled */
	uint64_t delivered; /* of these, taken by at least one target */
	uint64_t coalesced; /* merged with an interrupt still pending */
	uint64_t ignored; /* masked, no route, or refused */
	uint64_t resamples; /* times resamplefd was signalled */
};

VIRQ_END_DECLS

#endif

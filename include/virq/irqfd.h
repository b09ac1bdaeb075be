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

#include <virq/bypass.h>
#include <virq/defs.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_vm;
struct irqfd_core;

/*
 * A flag of ours beside KVM_IRQFD_FLAG_*, assign only: this irqfd never
 * connects to a producer, its interrupts always come by the eventfd.  Back end
 * "kvm": -EOPNOTSUPP, since KVM_IRQFD has no such flag (kvm.h).
 */
#define VIRQ_IRQFD_FLAG_NO_BYPASS (1u << 2)

struct virq_irqfd {
	struct virq_vm *vm;
	uint32_t gsi;
	bool resample;
	bool no_bypass; /* by its flag, or the VM's mode */
	/*
	 * The caller's descriptors.  Valid only inside irqfd_init: the caller
	 * may close them when the assign call has returned.
	 */
	int fd;
	int resamplefd;
	/* Identity of the eventfd (virq_eventfd_query()). */
	uint64_t eventfd_id;
	/*
	 * Bypass, under the routing mutex: who it is connected to, and what
	 * the back end makes of that (irqchip.h, bypass_add_producer).
	 */
	struct virq_bypass_producer *producer;
	enum virq_bypass_state bypass;
	enum virq_bypass_reason reason;
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
	/*
	 * How interrupts come, and why not posted.  What is posted is not
	 * among the signals above: the source counts it.
	 */
	enum virq_bypass_state bypass;
	enum virq_bypass_reason reason;
	int bypass_error; /* REASON_FAILED: a negative errno */
};

VIRQ_END_DECLS

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GSI routing: from a global system interrupt number to the pins and messages
 * that it reaches.
 *
 * The table is replaced as a whole, as KVM_SET_GSI_ROUTING does; a table equal
 * to the present one costs a comparison and nothing else.
 */
#ifndef VIRQ_ROUTING_H
#define VIRQ_ROUTING_H

#include <virq/defs.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

/* GSIs are 0..VIRQ_MAX_ROUTES-1 (Linux KVM_MAX_IRQ_ROUTES). */
#define VIRQ_MAX_ROUTES 4096

/* Who drives a line: each is a bit in the OR of a pin (Linux source ids). */
enum virq_source_id {
	VIRQ_SOURCE_USERSPACE = 0, /* KVM_IRQ_LINE and plain irqfds */
	VIRQ_SOURCE_RESAMPLE = 1, /* all resample irqfds together */
	VIRQ_SOURCE_TIMER = 2, /* a PIT */
	VIRQ_NR_SOURCES = 8,
};

struct virq_irqchip;
struct virq_route;

/*
 * Deliver @level on @route.  <0: nothing took it (masked, or an error);
 * 0: coalesced with one still pending; >0: number of targets reached.
 */
typedef int virq_route_set_fn(struct virq_irqchip *chip,
			      const struct virq_route *route,
			      unsigned int source_id, int level,
			      bool line_status);

/*
 * One route, as the back end's route_init hook decoded it.  Immutable once it
 * is in a table.
 */
struct virq_route {
	uint32_t gsi;
	uint32_t type; /* KVM_IRQ_ROUTING_* */
	uint32_t index; /* among the routes of the GSI, from 0 */
	virq_route_set_fn *set; /* chosen by route_init */
	/*
	 * What a plain irqfd does: up and down in one step, @level unused.
	 * NULL: set 1, then set 0.
	 */
	virq_route_set_fn *pulse;
	union {
		struct {
			uint32_t chip;
			uint32_t pin; /* within the chip, after decoding */
		} irqchip;
		struct {
			uint32_t address_lo;
			uint32_t address_hi;
			uint32_t data;
			uint32_t flags; /* KVM_MSI_VALID_DEVID */
			uint32_t devid;
		} msi;
	};
	uint64_t decoded[2]; /* the back end's own, e.g. a decoded MSI */
};

VIRQ_END_DECLS

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What may be posted, and where: the bypass_* hooks (virq/irqchip.h) of the
 * back ends with local APICs of ours.
 */
#ifndef VIRQ_X86_BYPASS_H
#define VIRQ_X86_BYPASS_H

#include <virq/irqchip.h>

int x86_bypass_add_producer(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
			    const struct virq_route *route);
void x86_bypass_update(struct virq_irqchip *chip, struct virq_irqfd *irqfd,
		       const struct virq_route *old_route,
		       const struct virq_route *new_route);
void x86_bypass_del_producer(struct virq_irqchip *chip,
			     struct virq_irqfd *irqfd);

#endif

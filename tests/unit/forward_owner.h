/* SPDX-License-Identifier: BSD-3-Clause */
/* A producer that does nothing by itself, to own an interrupt. */
#ifndef TEST_FORWARD_OWNER_H
#define TEST_FORWARD_OWNER_H

#include "board.h"
#include <virq/vgic.h>
#include "irqchip/vgic/forward.h"

struct owner {
	struct virq_bypass_producer base;
	unsigned int completed;
	const struct virq_forward *forward;
	int rc;
};

static inline void owner_deactivated(struct virq_bypass_producer *producer)
{
	((struct owner *)producer)->completed++;
}

static inline int owner_set_forward(struct virq_bypass_producer *producer,
				    const struct virq_forward *forward)
{
	struct owner *owner = (struct owner *)producer;

	if (owner->rc && forward)
		return owner->rc;
	owner->forward = forward;
	return 0;
}

static inline struct owner new_owner(void)
{
	return (struct owner){.base = {.set_forward = owner_set_forward,
				       .deactivated = owner_deactivated}};
}

static inline struct vgic *vgic_of(struct board *board)
{
	return to_vgic(virq_vm_irqchip(board->vm));
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Any change of an interrupt's state word, as if a register had made it. */
#ifndef TEST_VGIC_IRQ_CHANGE_H
#define TEST_VGIC_IRQ_CHANGE_H

#include "irqchip/vgic/queue.h"

static inline void vgic_irq_change(struct vgic_irq *irq, unsigned int set,
				   unsigned int clear)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);

	irq_set_state(irq, (vgic_irq_state(irq) & ~clear) | set);
	vgic_irq_unlock(irq, home);
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The table of built-in back ends.  Those of x86's chips speak KVM's structs
 * of an x86 host, so they are there alone.
 */
#include "table.h"
#include <string.h>

static const struct virq_irqchip_ops *const irqchips[] = {
#ifdef __x86_64__
	&irqchip_x86,
	&irqchip_split,
#endif
	&irqchip_kvm,
	&irqchip_vgic,
};

#define NR_IRQCHIPS (sizeof(irqchips) / sizeof(irqchips[0]))

const struct virq_irqchip_ops *virq_irqchip_find(const char *name)
{
	for (size_t i = 0; i < NR_IRQCHIPS; i++)
		if (!strcmp(irqchips[i]->name, name))
			return irqchips[i];
	return NULL;
}

const struct virq_irqchip_ops *
virq_irqchip_next(const struct virq_irqchip_ops *ops)
{
	if (!ops)
		return irqchips[0];
	for (size_t i = 0; i + 1 < NR_IRQCHIPS; i++)
		if (irqchips[i] == ops)
			return irqchips[i + 1];
	return NULL;
}

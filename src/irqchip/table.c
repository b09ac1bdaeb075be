// SPDX-License-Identifier: BSD-3-Clause
/* The table of built-in back ends. */
#include "table.h"
#include <string.h>

static const struct virq_irqchip_ops *const irqchips[] = {
	&irqchip_x86,
	&irqchip_split,
	&irqchip_kvm,
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

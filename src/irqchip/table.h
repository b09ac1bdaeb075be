/* SPDX-License-Identifier: BSD-3-Clause */
/* The built-in back ends: a new one is a new folder and one line in table.c. */
#ifndef VIRQ_IRQCHIP_TABLE_H
#define VIRQ_IRQCHIP_TABLE_H

#include <virq/irqchip.h>

extern const struct virq_irqchip_ops irqchip_x86;
extern const struct virq_irqchip_ops irqchip_split;
extern const struct virq_irqchip_ops irqchip_kvm;
extern const struct virq_irqchip_ops irqchip_vgic;

#endif

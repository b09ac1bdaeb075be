// SPDX-License-Identifier: BSD-3-Clause
/* See routing_model.h. */
#include "routing_model.h"
#include <virq/routing.h>

#define NR_GSIS 32 /* that most inputs are about */
#define NR_CHIPS 3
#define MSI_BASE 0xfee00000u

/* Mostly among the few that are routed, now and then anything. */
uint32_t input_gsi(struct input *in)
{
	uint8_t gsi = input_u8(in);

	if (gsi < 0xf0)
		return gsi % NR_GSIS;
	return gsi < 0xf8 ? VIRQ_MAX_ROUTES - 0xf4u + gsi : input_u32(in);
}

static void read_entry(struct input *in, struct kvm_irq_routing_entry *entry)
{
	uint8_t how = input_u8(in);

	memset(entry, 0, sizeof(*entry));
	if (how >= 0xf8) {
		input_bytes(in, entry, sizeof(*entry));
		return;
	}
	entry->gsi = input_gsi(in);
	if (how & 1) {
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = (how >> 1 & 3) % (NR_CHIPS + 1);
		entry->u.irqchip.pin = input_u8(in) % 25;
	} else {
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->flags = how >> 1 & 1;
		entry->u.msi.address_lo =
			MSI_BASE | (uint32_t)input_u8(in) << 12 | (how & 12);
		entry->u.msi.address_hi = how & 0x40 ? input_u32(in) : 0;
		entry->u.msi.data = input_u16(in);
	}
}

static bool entry_valid(const struct kvm_irq_routing_entry *entry, bool ids32)
{
	const struct kvm_irq_routing_irqchip *pin = &entry->u.irqchip;

	if (entry->gsi >= VIRQ_MAX_ROUTES)
		return false;
	if (entry->type == KVM_IRQ_ROUTING_MSI)
		return entry->flags <= KVM_MSI_VALID_DEVID &&
		       !(ids32 && entry->u.msi.address_hi & 0xff);
	return entry->type == KVM_IRQ_ROUTING_IRQCHIP && !entry->flags &&
	       pin->irqchip < NR_CHIPS &&
	       pin->pin < (pin->irqchip == KVM_IRQCHIP_IOAPIC ? 24u : 8u);
}

static bool entries_share(const struct kvm_irq_routing_entry *a,
			  const struct kvm_irq_routing_entry *b)
{
	return a->gsi != b->gsi ||
	       (a->type == KVM_IRQ_ROUTING_IRQCHIP &&
		b->type == KVM_IRQ_ROUTING_IRQCHIP &&
		a->u.irqchip.irqchip != b->u.irqchip.irqchip);
}

bool routing_valid(const struct kvm_irq_routing *routing, bool ids32)
{
	if (routing->nr > ROUTING_MAX || routing->flags)
		return false;
	for (unsigned int i = 0; i < routing->nr; i++) {
		if (!entry_valid(&routing->entries[i], ids32))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (!entries_share(&routing->entries[i],
					   &routing->entries[j]))
				return false;
	}
	return true;
}

void input_routing(struct input *in, struct kvm_irq_routing *routing)
{
	uint8_t nr = input_u8(in);

	routing->flags = nr == 0xff;
	routing->nr = nr % (ROUTING_MAX + 1);
	for (unsigned int i = 0; i < routing->nr; i++)
		read_entry(in, &routing->entries[i]);
	if (nr == 0xfe)
		routing->nr = VIRQ_MAX_ROUTES + 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * GSI routing of a PC, common to the back ends: which entries are valid, how
 * they decode, and the table a new chip starts with.
 */
#ifndef VIRQ_X86_GSI_H
#define VIRQ_X86_GSI_H

#include <errno.h>
#include <virq/irqchip.h>

/* Shape of the reverse map: three chips; a slave's pins count from 8. */
#define X86_NR_CHIPS 3
#define X86_NR_PINS KVM_IOAPIC_NUM_PINS
#define X86_PIC_PINS 8

/*
 * Decode @entry into @route, all but route->set.  @ids32: the high address
 * word of an MSI is bits 31:8 of a destination (KVM_X2APIC_API_USE_32BIT_IDS),
 * so its low byte must be zero.  0 or -EINVAL.
 */
static inline int x86_route_decode(const struct kvm_irq_routing_entry *entry,
				   bool ids32, struct virq_route *route)
{
	const struct kvm_irq_routing_irqchip *pin = &entry->u.irqchip;
	const struct kvm_irq_routing_msi *msi = &entry->u.msi;
	bool slave = pin->irqchip == KVM_IRQCHIP_PIC_SLAVE;

	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		if (pin->irqchip >= X86_NR_CHIPS ||
		    pin->pin >= (pin->irqchip == KVM_IRQCHIP_IOAPIC
					 ? X86_NR_PINS
					 : X86_PIC_PINS))
			return -EINVAL;
		route->irqchip.chip = pin->irqchip;
		route->irqchip.pin = pin->pin + (slave ? X86_PIC_PINS : 0);
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		if (ids32 && (msi->address_hi & 0xff))
			return -EINVAL;
		route->msi.address_lo = msi->address_lo;
		route->msi.address_hi = msi->address_hi;
		route->msi.data = msi->data;
		route->msi.flags = entry->flags;
		route->msi.devid = msi->devid;
		return 0;
	default: return -EINVAL;
	}
}

/*
 * GSI 0..15: the 8259 pin and the IOAPIC pin of that number, in this order;
 * 16..23: the IOAPIC pin.  Fills at most @max, answers how many.
 */
static inline uint32_t x86_default_routes(struct kvm_irq_routing_entry *entries,
					  uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t gsi = 0; gsi < X86_NR_PINS; gsi++) {
		struct kvm_irq_routing_entry entry = {
			.gsi = gsi,
			.type = KVM_IRQ_ROUTING_IRQCHIP,
		};

		if (gsi < 2 * X86_PIC_PINS && n < max) {
			entry.u.irqchip.irqchip =
				gsi < X86_PIC_PINS ? KVM_IRQCHIP_PIC_MASTER
						   : KVM_IRQCHIP_PIC_SLAVE;
			entry.u.irqchip.pin = gsi % X86_PIC_PINS;
			entries[n++] = entry;
		}
		if (n < max) {
			entry.u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
			entry.u.irqchip.pin = gsi;
			entries[n++] = entry;
		}
	}
	return n;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What back ends with local APICs of ours have in common, with an 8259 and an
 * IOAPIC beside them ("x86") or without (lapic_only.h): MSIs, and the vCPU's
 * own registers and state.
 *
 * The chip begins with struct x86_irqchip, whose bus is set; a vCPU's private
 * part is its struct lapic.  Functions named as a hook have its rules.
 */
#ifndef VIRQ_X86_APICS_H
#define VIRQ_X86_APICS_H

#include <virq/x86.h>
#include "apic_map.h"
#include "state.h"

static inline struct apic_bus *apics_bus(const struct virq_irqchip *chip)
{
	return ((const struct x86_irqchip *)chip)->bus;
}

static inline struct lapic *vcpu_lapic(const struct virq_vcpu *vcpu)
{
	return virq_vcpu_priv(vcpu);
}

/* Set up @bus by @config.  0, or -EINVAL: half a clock. */
int apics_init(struct apic_bus *bus, const struct virq_x86_config *config,
	       apic_bus_eoi_fn *eoi);

int apics_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		      void **priv);
void apics_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			void *priv);

/* The MSI in @route, as x86_route_decode() left it: how to send it. */
int apics_route_msi(struct virq_irqchip *chip, struct virq_route *route);
/* What it decoded to. */
struct x86_msg apics_route_msg(const struct virq_route *route);
int apics_set_irq_inatomic(struct virq_irqchip *chip,
			   const struct virq_route *route,
			   unsigned int source_id, int level);
int apics_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi);

void apics_vcpu_notify(struct virq_vcpu *vcpu, enum virq_notify how);
int apics_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event);
int apics_msr(struct virq_vcpu *vcpu, struct virq_access *access);
void apics_eoi(struct virq_vcpu *vcpu, uint8_t vector);

/* For struct x86_state_ops. */
int apics_set_x2apic_api(struct virq_irqchip *chip, bool ids32,
			 bool broadcast_quirk);
int apics_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state);
int apics_set_lapic(struct virq_vcpu *vcpu,
		    const struct kvm_lapic_state *state);
uint8_t apics_get_cr8(struct virq_vcpu *vcpu);
void apics_set_cr8(struct virq_vcpu *vcpu, uint8_t cr8);

#endif

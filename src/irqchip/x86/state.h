/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the state calls of <virq/x86.h> need of a back end in the x86 family
 * ("x86", "split", "kvm").
 *
 * The chip of each begins with struct x86_irqchip, and its create hook sets
 * .state; the public calls check that the VM's back end is one of the family
 * and then go through it.  get_lapic, set_lapic and the CR8 pair run on the
 * vCPU's thread or while it is stopped; get_irqchip and set_irqchip on any.
 * Answers are those of the public calls; a NULL member answers -ENXIO, and
 * CR8 reads as 0.
 */
#ifndef VIRQ_X86_STATE_H
#define VIRQ_X86_STATE_H

#include <virq/irqchip.h>

struct x86_state_ops {
	/* By state->chip_id; -EINVAL for one there is not. */
	int (*get_irqchip)(struct virq_irqchip *chip,
			   struct kvm_irqchip *state);
	int (*set_irqchip)(struct virq_irqchip *chip,
			   const struct kvm_irqchip *state);
	int (*get_lapic)(struct virq_vcpu *vcpu, struct kvm_lapic_state *state);
	int (*set_lapic)(struct virq_vcpu *vcpu,
			 const struct kvm_lapic_state *state);
	/* x86_set_x2apic_api() below. */
	int (*set_x2apic_api)(struct virq_irqchip *chip, bool ids32,
			      bool broadcast_quirk);
	uint8_t (*get_cr8)(struct virq_vcpu *vcpu);
	void (*set_cr8)(struct virq_vcpu *vcpu, uint8_t cr8);
};

struct apic_bus;

struct x86_irqchip {
	struct virq_irqchip chip;
	const struct x86_state_ops *state;
	struct apic_bus *bus; /* local APICs of ours; NULL: the kernel's */
};

/*
 * KVM_CAP_X2APIC_API once the chip is there: the format of MSIs and what is a
 * broadcast.  Routes are read anew.  Any thread.  0, -ENOMEM, -EINVAL (a route
 * has address bits that the wide format reserves), -ENXIO (another back end).
 */
int x86_set_x2apic_api(struct virq_vm *vm, bool ids32, bool broadcast_quirk);

#endif

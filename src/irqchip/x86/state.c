// SPDX-License-Identifier: BSD-3-Clause
/* The state calls of <virq/x86.h>: to the back end that the VM has. */
#include "state.h"
#include "irqchip/table.h"
#include "lapic_only.h"

#include <errno.h>
#include <virq/x86.h>

static const struct x86_state_ops *state_ops(const struct virq_vm *vm)
{
	static const struct x86_state_ops none;
	const struct virq_irqchip *chip = virq_vm_irqchip(vm);

	if (!chip ||
	    (chip->ops != &irqchip_x86 && chip->ops != &irqchip_lapic_only &&
	     chip->ops != &irqchip_split && chip->ops != &irqchip_kvm))
		return &none;
	return ((const struct x86_irqchip *)chip)->state;
}

int virq_x86_get_irqchip(struct virq_vm *vm, struct kvm_irqchip *irqchip)
{
	const struct x86_state_ops *ops = state_ops(vm);

	if (!ops->get_irqchip)
		return -ENXIO;
	return ops->get_irqchip(virq_vm_irqchip(vm), irqchip);
}

int virq_x86_set_irqchip(struct virq_vm *vm, const struct kvm_irqchip *irqchip)
{
	const struct x86_state_ops *ops = state_ops(vm);

	if (!ops->set_irqchip)
		return -ENXIO;
	return ops->set_irqchip(virq_vm_irqchip(vm), irqchip);
}

int x86_set_x2apic_api(struct virq_vm *vm, bool ids32, bool broadcast_quirk)
{
	const struct x86_state_ops *ops = state_ops(vm);

	if (!ops->set_x2apic_api)
		return -ENXIO;
	return ops->set_x2apic_api(virq_vm_irqchip(vm), ids32, broadcast_quirk);
}

int virq_x86_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state)
{
	const struct x86_state_ops *ops = state_ops(virq_vcpu_vm(vcpu));

	return ops->get_lapic ? ops->get_lapic(vcpu, state) : -ENXIO;
}

int virq_x86_set_lapic(struct virq_vcpu *vcpu,
		       const struct kvm_lapic_state *state)
{
	const struct x86_state_ops *ops = state_ops(virq_vcpu_vm(vcpu));

	return ops->set_lapic ? ops->set_lapic(vcpu, state) : -ENXIO;
}

uint8_t virq_x86_get_cr8(struct virq_vcpu *vcpu)
{
	const struct x86_state_ops *ops = state_ops(virq_vcpu_vm(vcpu));

	return ops->get_cr8 ? ops->get_cr8(vcpu) : 0;
}

void virq_x86_set_cr8(struct virq_vcpu *vcpu, uint8_t cr8)
{
	const struct x86_state_ops *ops = state_ops(virq_vcpu_vm(vcpu));

	if (ops->set_cr8)
		ops->set_cr8(vcpu, cr8);
}

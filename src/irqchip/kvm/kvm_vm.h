/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the back ends over a KVM VM share on x86: the x2APIC format, and the
 * KVM vCPU behind each of our vCPUs with the state of its local APIC.
 */
#ifndef VIRQ_KVM_VM_H
#define VIRQ_KVM_VM_H

#include <virq/irqchip.h>
#include <virq/kvm.h>
#include "kvm_ioctl.h"

int kvm_enable_cap(int vm_fd, uint32_t cap, uint64_t arg);

/*
 * The KVM_X2APIC_API_* bits that @config asks for, or -EINVAL if the kernel
 * does not have them; when this has succeeded, enabling them will.
 */
int kvm_x2apic_flags(const struct virq_kvm_config *config);

/* The vcpu_create and vcpu_destroy operations of both back ends. */
int kvm_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		    void **priv);
void kvm_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		      void *priv);

/* KVM_GET_LAPIC, KVM_SET_LAPIC; -ENXIO before virq_kvm_set_vcpu_fd(). */
int kvm_vcpu_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state);
int kvm_vcpu_set_lapic(struct virq_vcpu *vcpu,
		       const struct kvm_lapic_state *state);

#endif

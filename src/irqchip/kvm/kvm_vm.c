// SPDX-License-Identifier: BSD-3-Clause
/* What the back ends over a KVM VM share on x86.  No locks. */
#include "kvm_vm.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <virq/vm.h>
#include "irqchip/table.h"

struct kvm_vcpu {
	atomic_int fd; /* -1: not told yet */
};

int kvm_enable_cap(int vm_fd, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = {.cap = cap, .args = {arg}};

	return kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &enable);
}

int kvm_x2apic_flags(const struct virq_kvm_config *config)
{
	unsigned int flags = 0;
	int have;

	if (config->x2apic_ids32)
		flags |= KVM_X2APIC_API_USE_32BIT_IDS;
	if (config->no_broadcast_quirk)
		flags |= KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK;
	if (!flags)
		return 0;
	have = ioctl(config->vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_X2APIC_API);
	if (have < 0)
		return -errno;
	return flags & ~(unsigned int)have ? -EINVAL : (int)flags;
}

int kvm_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		    void **priv)
{
	struct kvm_vcpu *kvm_vcpu = malloc(sizeof(*kvm_vcpu));

	(void)chip;
	(void)vcpu;
	if (!kvm_vcpu)
		return -ENOMEM;
	atomic_init(&kvm_vcpu->fd, -1);
	*priv = kvm_vcpu;
	return 0;
}

void kvm_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		      void *priv)
{
	(void)chip;
	(void)vcpu;
	free(priv);
}

int virq_kvm_set_vcpu_fd(struct virq_vcpu *vcpu, int vcpu_fd)
{
	struct virq_irqchip *chip = virq_vm_irqchip(virq_vcpu_vm(vcpu));
	struct kvm_vcpu *kvm_vcpu;

	if (!chip || (chip->ops != &irqchip_kvm && chip->ops != &irqchip_split))
		return -EINVAL;
	kvm_vcpu = virq_vcpu_priv(vcpu);
	/* Relaxed: the number is all there is; the file is the kernel's. */
	atomic_store_explicit(&kvm_vcpu->fd, vcpu_fd, memory_order_relaxed);
	return 0;
}

static int vcpu_fd(struct virq_vcpu *vcpu)
{
	struct kvm_vcpu *kvm_vcpu = virq_vcpu_priv(vcpu);

	/* Relaxed: see virq_kvm_set_vcpu_fd(). */
	return atomic_load_explicit(&kvm_vcpu->fd, memory_order_relaxed);
}

int kvm_vcpu_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state)
{
	int fd = vcpu_fd(vcpu);

	return fd < 0 ? -ENXIO : kvm_ioctl(fd, KVM_GET_LAPIC, state);
}

int kvm_vcpu_set_lapic(struct virq_vcpu *vcpu,
		       const struct kvm_lapic_state *state)
{
	int fd = vcpu_fd(vcpu);

	return fd < 0 ? -ENXIO : kvm_ioctl(fd, KVM_SET_LAPIC, state);
}

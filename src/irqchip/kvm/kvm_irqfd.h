/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the back end "kvm" does alike on every processor: eventfds by the
 * kernel's irqfd, and the kernel's routing table.  The chip itself is
 * kvm_x86.c's or kvm_arm64.c's.
 */
#ifndef VIRQ_KVM_IRQFD_H
#define VIRQ_KVM_IRQFD_H

#include <virq/irqchip.h>
#include <virq/irqfd.h>

struct kernel_irqfd {
	struct virq_irqfd base;
	/*
	 * A descriptor of the eventfd; -1 until the kernel has the irqfd.  KVM
	 * finds the irqfd to deassign by the eventfd behind a descriptor, and
	 * the caller's may be closed long before the VM is.  There is no other
	 * name for it, so this back end pays a descriptor for each irqfd.
	 */
	int fd;
};

/* KVM_IRQFD with @flags.  0 or a negative errno. */
int kernel_irqfd_set(const struct virq_irqchip *chip,
		     const struct kernel_irqfd *irqfd, uint32_t flags);

/* The KVM VM behind @chip: the processor's part tells. */
int kvm_chip_vm_fd(const struct virq_irqchip *chip);

/* Operations of struct virq_irqchip_ops; a back end may embed the object. */
struct virq_irqfd *kvm_irqfd_alloc(struct virq_irqchip *chip);
int kvm_irqfd_init(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
void kvm_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
int kvm_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi);

#endif

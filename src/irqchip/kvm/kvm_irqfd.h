/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the back end "kvm" does alike on every processor: eventfds by the
 * kernel's irqfd, and the kernel's routing table.  The chip itself is
 * kvm_x86.c's or kvm_arm64.c's.
 */
#ifndef VIRQ_KVM_IRQFD_H
#define VIRQ_KVM_IRQFD_H

#include <virq/irqchip.h>

/* The KVM VM behind @chip: the processor's part tells. */
int kvm_chip_vm_fd(const struct virq_irqchip *chip);

/* Operations of struct virq_irqchip_ops. */
struct virq_irqfd *kvm_irqfd_alloc(struct virq_irqchip *chip);
int kvm_irqfd_init(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
void kvm_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd);
int kvm_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi);

#endif

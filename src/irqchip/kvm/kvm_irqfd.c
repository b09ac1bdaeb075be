// SPDX-License-Identifier: BSD-3-Clause
/* The kernel's irqfd behind each of ours.  No locks. */
#include "kvm_irqfd.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "kvm_ioctl.h"

static struct kernel_irqfd *to_kernel_irqfd(struct virq_irqfd *irqfd)
{
	return (struct kernel_irqfd *)irqfd;
}

int kernel_irqfd_set(const struct virq_irqchip *chip,
		     const struct kernel_irqfd *irqfd, uint32_t flags)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)irqfd->fd,
		.gsi = irqfd->base.gsi,
		.flags = flags,
	};

	if (flags & KVM_IRQFD_FLAG_RESAMPLE)
		args.resamplefd = (uint32_t)irqfd->base.resamplefd;
	return kvm_ioctl(kvm_chip_vm_fd(chip), KVM_IRQFD, &args);
}

struct virq_irqfd *kvm_irqfd_alloc(struct virq_irqchip *chip)
{
	struct kernel_irqfd *irqfd = calloc(1, sizeof(*irqfd));

	(void)chip;
	if (!irqfd)
		return NULL;
	irqfd->fd = -1;
	return &irqfd->base;
}

int kvm_irqfd_init(struct virq_irqchip *chip, struct virq_irqfd *base)
{
	struct kernel_irqfd *irqfd = to_kernel_irqfd(base);
	int rc;

	/*
	 * The kernel connects an irqfd with VFIO's producer by itself, and
	 * Linux has no flag to keep it from that: one has been proposed, but
	 * no bit was ever assigned.  Ours is not tried on the kernel: one that
	 * takes the bit some day may mean another thing by it, and its yes
	 * would be a wrong yes that nobody notices.
	 */
	if (base->no_bypass)
		return -EOPNOTSUPP;
	irqfd->fd = fcntl(base->fd, F_DUPFD_CLOEXEC, 0);
	if (irqfd->fd < 0)
		return -errno;
	rc = kernel_irqfd_set(chip, irqfd,
			      base->resample ? KVM_IRQFD_FLAG_RESAMPLE : 0);
	if (rc) {
		close(irqfd->fd);
		irqfd->fd = -1;
	}
	return rc;
}

void kvm_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *base)
{
	struct kernel_irqfd *irqfd = to_kernel_irqfd(base);

	if (irqfd->fd >= 0) {
		/* Waits in the kernel until the last injection has ended. */
		kernel_irqfd_set(chip, irqfd, KVM_IRQFD_FLAG_DEASSIGN);
		close(irqfd->fd);
	}
	free(irqfd);
}

int kvm_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	return kvm_ioctl(kvm_chip_vm_fd(chip), KVM_SIGNAL_MSI, msi);
}

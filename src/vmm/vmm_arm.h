/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An Arm machine: what its parts share.
 *
 * vmm_arm.c		what its controller can take, its routes, its lines
 * vmm_arm_gic.c	the controller, ours or KVM's: the same attributes
 * vmm_arm_native.c	its native guest
 */
#ifndef VMM_ARM_H
#define VMM_ARM_H

#include "arm64/hw_arm.h"
#include "vmm_internal.h"
#include <virq/device.h>
#include <virq/vgic.h>

#define VMM_ARM_NR_IRQS 256
#define VMM_ARM_NR_SPIS (VMM_ARM_NR_IRQS - 32)

/* A device of the VM, in the library or in KVM. */
struct vmm_arm_device {
	struct virq_device *virq;
	int fd; /* where virq is NULL; -1: none */
};

struct vmm_arm_board {
	unsigned int gic; /* 2, 3 */
	bool split_eoi;
	struct vmm_arm_device controller;
	struct vmm_arm_device its; /* GICv3 */
	struct virq_vgic_config config; /* ours */
};

static inline struct vmm_arm_board *vmm_arm_board(const struct vmm *vmm)
{
	return vmm->board;
}

/* Is the controller KVM's? */
static inline bool vmm_arm_in_kernel(const struct vmm *vmm)
{
	return vmm->irqchip->flags & VIRQ_IRQCHIP_OWN_IRQFD;
}

/*
 * Every vCPU is there: make the controller and initialise it.  In KVM @vm_fd,
 * or in the library (-1).  0, or a negative errno that was told.
 */
int vmm_arm_gic_setup(struct vmm *vmm, int vm_fd);
void vmm_arm_gic_cleanup(struct vmm_arm_board *board);
/* The lines of 32 interrupts from @intid on; on KVM no vCPU is in the guest. */
int vmm_arm_gic_lines(struct vmm *vmm, uint32_t intid, uint32_t *lines);

extern const struct vmm_guest_ops vmm_arm_native_ops, vmm_kvm_arm64_ops;

#endif

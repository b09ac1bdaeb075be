/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ARM cases are held against: a VM whose interrupt controller is a
 * vGIC, the kernel's ("kvm", on arm64) or this library's ("vgic", anywhere).
 *
 * Every call answers 0 or a non-negative value, or a negative errno.
 */
#ifndef CONFORM_ARM_PORT_H
#define CONFORM_ARM_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <virq/arm64.h>

struct arm_vm;

/* What guests of every port have, by guest physical address. */
#define ARM_RAM_GPA 0x40000000u
#define ARM_RAM_SIZE 0x00400000u
/* The last 64 KiB are the exec guest's own; tables and queues go below. */

/* One access that a vCPU makes at EL1, with interrupts masked. */
struct arm_access {
	bool sysreg; /* addr is an encoding (SYSREG_INSTR_MASK), else a gpa */
	bool write;
	uint8_t len; /* 1, 2, 4, 8; system registers: 8 */
	uint64_t addr;
	uint64_t data;
};

struct arm_port {
	const char *name;
	/* NULL where it can be used, else one phrase that says why not. */
	const char *(*unusable)(void);
	int (*vm_create)(struct arm_vm **vm);
	void (*vm_destroy)(struct arm_vm *vm);
	int (*vcpu_create)(struct arm_vm *vm, uint32_t id);
	/* KVM_CREATE_DEVICE: a handle for the attribute calls. */
	int (*device_create)(struct arm_vm *vm, uint32_t type, uint32_t flags);
	int (*set_attr)(struct arm_vm *vm, int device,
			const struct kvm_device_attr *attr);
	int (*get_attr)(struct arm_vm *vm, int device,
			const struct kvm_device_attr *attr);
	int (*has_attr)(struct arm_vm *vm, int device,
			const struct kvm_device_attr *attr);
	int (*irqfd)(struct arm_vm *vm, const struct kvm_irqfd *args);
	int (*irq_line)(struct arm_vm *vm, const struct kvm_irq_level *level);
	int (*set_gsi_routing)(struct arm_vm *vm,
			       const struct kvm_irq_routing *routing);
	int (*signal_msi)(struct arm_vm *vm, const struct kvm_msi *msi);
	/* What has been signalled so far has arrived in the controller. */
	int (*settle)(struct arm_vm *vm);
	/* Let vCPU @id make these accesses, in order.  -EFAULT: it faulted. */
	int (*guest)(struct arm_vm *vm, uint32_t id, struct arm_access *access,
		     size_t nr);
	/* The host's view of guest memory at @gpa. */
	void *(*memory)(struct arm_vm *vm, uint64_t gpa, size_t size);
};

extern const struct arm_port arm_port_kvm, arm_port_vgic;

#endif

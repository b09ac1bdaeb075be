/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the port "kvm": a VM of the kernel's, and its guest.
 *
 *   port_kvm.c        vm, vcpu, devices, attributes, lines, irqfds, routing
 *   port_kvm_guest.c  accesses made by the executor of guest/arm64/exec.h
 *
 * A struct arm_vm of this port is a struct arm_kvm_vm.
 */
#ifndef CONFORM_ARM_PORT_KVM_H
#define CONFORM_ARM_PORT_KVM_H

#include <linux/kvm.h>
#include "port.h"

#define ARM_KVM_MAX_VCPUS 512
#define ARM_KVM_MAX_DEVICES 16

struct arm_kvm_vcpu {
	uint32_t id;
	int fd;
	struct kvm_run *run;
	bool entered; /* it has been at the executor's entry */
};

struct arm_kvm_vm {
	int kvm; /* /dev/kvm */
	int fd;
	size_t run_size;
	uint8_t *memory; /* ARM_RAM_SIZE bytes, at ARM_RAM_GPA for the guest */
	unsigned int nr_vcpus;
	struct arm_kvm_vcpu vcpu[ARM_KVM_MAX_VCPUS]; /* in order of creation */
	unsigned int nr_devices;
	int device[ARM_KVM_MAX_DEVICES]; /* a device's handle is its fd */
};

/* The vCPU with this id, or NULL. */
struct arm_kvm_vcpu *arm_kvm_vcpu(struct arm_kvm_vm *vm, uint32_t id);

/* port_kvm_guest.c: put the executor into @vm->memory; arm_port.guest. */
void arm_kvm_guest_load(struct arm_kvm_vm *vm);
int arm_kvm_guest(struct arm_vm *vm, uint32_t id, struct arm_access *access,
		  size_t nr);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of a VM share: MSR exits and the end of a vCPU. */
#ifndef VIRQ_UAPI_VM_H
#define VIRQ_UAPI_VM_H

#include "uapi.h"

/*
 * Our local APICs' MSRs come out of the host by its MSR filter (vm_msr.c).
 *
 * uapi_vm_take_msrs: once the local APICs are ours; with vm->lock held.
 * uapi_vm_set_msr_filter: the client's filter, with ours added.
 * uapi_vm_set_msr_exits: the client's KVM_CAP_X86_USER_SPACE_MSR, likewise.
 */
int uapi_vm_take_msrs(struct uapi_vm *vm);
int uapi_vm_set_msr_filter(struct uapi_vm *vm, uintptr_t arg);
int uapi_vm_set_msr_exits(struct uapi_vm *vm, struct kvm_enable_cap *cap);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest on KVM: what is the same on every host.  A host's own structs have
 * these as their first members.
 */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include "vmm_internal.h"
#include "vmm_time.h"
#include <linux/kvm.h>
#include <sys/types.h>

struct kvm_guest {
	int vm_fd;
	size_t run_size;
	struct virq_kvm_config config;
};

struct kvm_vcpu {
	struct vmm_vcpu *vcpu;
	struct virq_vcpu *virq;
	pid_t tid; /* its thread, once that runs */
	int fd;
	struct kvm_run *run;
	struct vmm_time time;
	struct vmm_time_pair time_now; /* as of the last clock_sync */
};

/* KVM_CREATE_VM; the descriptor or a negative errno. */
int kvm_vm_open(int kvm_fd);
/*
 * A VM with the guest's memory at @memory_gpa; @kvm is zeroed memory and owned
 * by the VMM from now on.  *@kvm_fd is /dev/kvm, for the caller to close.  0,
 * or a negative errno that was told.
 */
int kvm_guest_open(struct vmm *vmm, struct kvm_guest *kvm, uint64_t memory_gpa,
		   int *kvm_fd);
/* Frees @vmm->kvm. */
void kvm_guest_close(struct vmm *vmm);

/* A vCPU and its run area; @v as above.  0 or a negative errno. */
int kvm_vcpu_open(struct vmm_vcpu *vcpu, struct kvm_vcpu *v);
/* And the one of the library.  0 or a negative errno. */
int kvm_vcpu_connect(struct kvm_vcpu *v);
void kvm_vcpu_close(struct vmm_vcpu *vcpu);

/* Before the first kvm_vcpu_enter(), on the vCPU's thread. */
void kvm_vcpu_begin(struct kvm_vcpu *v);
/*
 * Into the guest, unless something is pending or a kick came.  True: it came
 * out with an exit to handle.
 */
bool kvm_vcpu_enter(struct kvm_vcpu *v);
/* The vCPU cannot go on. */
void kvm_vcpu_fail(struct kvm_vcpu *v, const char *what, int error);
/* An exit from which there is no going on: what it is, and KVM's detail. */
const char *kvm_exit_failure(const struct kvm_run *run, uint64_t *detail);

/* For struct vmm_guest_ops. */
void kvm_clock_sync(struct vmm_vcpu *vcpu);
uint64_t kvm_clock_ns(const struct vmm_vcpu *vcpu, uint64_t time);
uint64_t kvm_clock_accuracy_ns(const struct vmm_vcpu *vcpu);

#endif

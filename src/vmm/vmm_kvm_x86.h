/* SPDX-License-Identifier: BSD-3-Clause */
/* A PC on KVM: what vmm_kvm_x86.c sets up and vmm_kvm_x86_run.c runs. */
#ifndef VMM_KVM_X86_H
#define VMM_KVM_X86_H

#include "vmm_kvm.h"
#include "vmm_pc.h"

struct kvm_x86_guest {
	struct kvm_guest kvm;
	struct kvm_cpuid2 *cpuid;
};

struct kvm_x86_vcpu {
	struct kvm_vcpu kvm;
	/* The local APIC is ours; HLT, CR8, INIT, SIPI are the run loop's. */
	bool user_apic;
	bool halted;
	bool wait_for_sipi;
	/* What INIT goes back to. */
	struct kvm_regs reset_regs;
	struct kvm_sregs reset_sregs;
	struct kvm_vcpu_events reset_events;
};

static inline struct kvm_x86_guest *to_x86_guest(struct vmm *vmm)
{
	return (struct kvm_x86_guest *)vmm->kvm;
}

/* Real mode at @page << 12, as after SIPI.  0 or a negative errno. */
int kvm_x86_vcpu_start(struct kvm_x86_vcpu *v, uint8_t page);
void kvm_x86_vcpu_run(struct vmm_vcpu *vcpu);

#endif

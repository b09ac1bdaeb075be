/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest on KVM: what vmm_kvm.c sets up and vmm_kvm_run.c runs. */
#ifndef VMM_KVM_H
#define VMM_KVM_H

#include "vmm_internal.h"
#include "vmm_time.h"
#include <linux/kvm.h>
#include <sys/types.h>

struct kvm_guest {
	int vm_fd;
	size_t run_size;
	struct kvm_cpuid2 *cpuid;
	struct virq_kvm_config config;
};

struct kvm_vcpu {
	struct vmm_vcpu *vcpu;
	struct virq_vcpu *virq;
	pid_t tid; /* its thread, once that runs */
	int fd;
	struct kvm_run *run;
	/* The local APIC is ours: HLT, CR8, INIT and SIPI are the run loop's. */
	bool user_apic;
	bool halted;
	bool wait_for_sipi;
	/* What INIT goes back to. */
	struct kvm_regs reset_regs;
	struct kvm_sregs reset_sregs;
	struct kvm_vcpu_events reset_events;
	struct vmm_time time;
	struct vmm_time_pair time_now; /* as of the last clock_sync */
};

/* The signal that takes a thread out of KVM_RUN, made ready for this process. */
int kvm_kick_init(void);
/* struct virq_vcpu_ops of a KVM vCPU; opaque is its struct kvm_vcpu. */
extern const struct virq_vcpu_ops kvm_vcpu_ops;

/* Real mode at @page << 12, as after SIPI.  0 or a negative errno. */
int kvm_vcpu_start(struct kvm_vcpu *v, uint8_t page);
void kvm_vcpu_run(struct vmm_vcpu *vcpu);

#endif

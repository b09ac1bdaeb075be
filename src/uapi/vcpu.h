/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside a front-door vCPU.
 *
 * vcpu.c		life, requests that are the same wherever the APIC is
 * vcpu_requests.c	requests of a vCPU whose local APIC is ours
 * vcpu_msr.c		KVM_GET_MSRS, KVM_SET_MSRS, and the guest's own accesses
 * vcpu_regs.c		registers where there is no host
 * vcpu_run.c		KVM_RUN
 * vcpu_events.c	what goes in: INIT, SIPI, NMI, SMI, interrupts
 * vcpu_exit.c		what comes out: I/O, MMIO, MSRs, HLT
 * vcpu_signal.c	the kick, the client's signals, sleeping
 * vcpu_tsc.c		the guest's TSC, for the APIC timers
 *
 * All fields are the lock's unless they say otherwise; KVM_RUN holds it
 * throughout.
 */
#ifndef VIRQ_UAPI_VCPU_H
#define VIRQ_UAPI_VCPU_H

#include "core/spinlock.h"
#include "uapi.h"

/* Whose the interrupt controllers of this vCPU are; never changes. */
enum vcpu_kind {
	/* The client's, or none: everything is the host's business. */
	VCPU_PLAIN,
	/* Ours, the local APIC included: the host's vCPU has none. */
	VCPU_OUR_APIC,
	/* Our 8259s and IOAPIC over the host's local APIC ("split"). */
	VCPU_HOST_APIC,
};

/* What the host has still to do for the exit that it made last. */
enum vcpu_unfinished {
	UNFINISHED_NOTHING,
	/* Cannot fault, nor touch the interrupt flag or an interrupt shadow. */
	UNFINISHED_HARMLESS,
	UNFINISHED_ANYTHING,
};

/* The guest's TSC is `guest` + the clock's ticks since `clock`. */
struct vcpu_tsc {
	bool scaled; /* the clock is CLOCK_MONOTONIC, not the host's TSC */
	uint32_t khz; /* of the guest's TSC */
	uint64_t clock, guest;
};

struct vcpu_regs;

struct uapi_vcpu {
	struct uapi_vm *vm;
	struct virq_vcpu *virq;
	uint32_t id;
	enum vcpu_kind kind;
	int host_fd; /* or -1 */
	struct vcpu_regs *regs; /* without a host */
	struct kvm_run *run; /* shared with the client */
	bool opened; /* its descriptor was given to the client */
	pthread_mutex_t lock;

	/* What INIT goes back to. */
	struct kvm_regs reset_regs;
	struct kvm_sregs reset_sregs;
	struct kvm_debugregs reset_debugregs;
	struct kvm_vcpu_events reset_events;

	/* Where the local APIC is ours. */
	uint32_t mp_state; /* KVM_MP_STATE_* */
	uint8_t sipi_page; /* KVM_SET_VCPU_EVENTS's */
	bool in_smm;
	int eoi_vector; /* KVM_EXIT_IOAPIC_EOI to make, or -1 */

	/*
	 * What is known of the host's vCPU.  `stale`: the client has made a
	 * request since, so ask.  The client can write struct kvm_run, so that
	 * is not the place to keep it.
	 */
	bool stale;
	bool ready; /* takes an interrupt now */
	bool if_flag;
	/*
	 * An NMI or SMI came since it last ran: wakes it even if it is masked.
	 * Linux asks for one before it looks at the mask.
	 */
	bool requested;
	bool events_waiting; /* an NMI or SMI may be pending below */
	enum vcpu_unfinished unfinished;

	/* vcpu_signal.c */
	_Atomic(pid_t) tid; /* of KVM_RUN's thread; read by kicks */
	int signal_fd;
	bool has_client_mask;
	uint64_t client_mask; /* KVM_SET_SIGNAL_MASK */
	uint64_t thread_mask; /* the thread's own, as KVM_RUN found it */
	uint64_t run_mask; /* blocked while the guest runs */
	uint64_t signal_fd_mask;
	bool has_host_mask;
	uint64_t host_mask;

	/* vcpu_tsc.c */
	struct spinlock tsc_lock; /* a leaf; guards tsc */
	struct vcpu_tsc tsc;

	struct uapi_vcpu_counts counts;
};

/*
 * A request as the machine below takes it: the host's vCPU, or where there is
 * none the registers that we keep.
 */
int vcpu_lower(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg);
static inline int vcpu_lower_ptr(struct uapi_vcpu *vcpu, unsigned int request,
				 void *arg)
{
	return vcpu_lower(vcpu, request, (uintptr_t)arg);
}

/* vcpu_requests.c */
int vcpu_request(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg);
int vcpu_host_apic_request(struct uapi_vcpu *vcpu, unsigned int request,
			   uintptr_t arg);
/* KVM_SET_SREGS for the APIC's part, the rest being done.  0 or -EINVAL. */
int vcpu_sregs_set(struct uapi_vcpu *vcpu, const struct kvm_sregs *sregs);

/* vcpu_msr.c */
uint64_t vcpu_apic_base(struct uapi_vcpu *vcpu);
int vcpu_msrs(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg);
/* One MSR of the vCPU below: 0, or -EINVAL. */
int vcpu_lower_msr(struct uapi_vcpu *vcpu, unsigned int request, uint32_t index,
		   uint64_t *data);
/* IA32_APICBASE as the hypervisor sets it, here and below: 0, -EINVAL. */
int vcpu_set_apic_base(struct uapi_vcpu *vcpu, uint64_t base);
bool vcpu_msr_is_ours(uint32_t index);
/* The guest's access to an MSR that is ours: 0, or -EPERM for #GP. */
int vcpu_guest_msr(struct uapi_vcpu *vcpu, struct virq_access *access);

/* vcpu_regs.c */
int vcpu_regs_create(struct uapi_vcpu *vcpu);
void vcpu_regs_free(struct vcpu_regs *regs);
int vcpu_regs_ioctl(struct uapi_vcpu *vcpu, unsigned int request,
		    uintptr_t arg);

/* vcpu_run.c: KVM_RUN.  0 or -errno. */
int vcpu_run(struct uapi_vcpu *vcpu);

/* vcpu_events.c */
/*
 * Take INIT, SIPI, NMI and SMI.  Without @startup the first two stay.  0 or
 * -errno.
 */
int vcpu_take_events(struct uapi_vcpu *vcpu, bool startup);
/* A halted vCPU: does anything that is pending wake it? */
bool vcpu_has_event(struct uapi_vcpu *vcpu);
/*
 * Give the vCPU its interrupt, or else ask to be told when it can have it.
 * @window: the client, too, asks.  0 or -errno.
 */
int vcpu_inject(struct uapi_vcpu *vcpu, bool window);
/* Ask the vCPU below what may have changed, if it may have. */
void vcpu_refresh(struct uapi_vcpu *vcpu);

/* vcpu_exit.c: why the host's vCPU came out.  True: go on with the loop. */
bool vcpu_handle_exit(struct uapi_vcpu *vcpu, bool window);
/* The same for a vCPU whose controllers are the client's. */
bool vcpu_handle_plain_exit(struct uapi_vcpu *vcpu);

/* vcpu_signal.c */
extern const struct virq_vcpu_ops uapi_vcpu_kick_ops;
int vcpu_signal_init(struct uapi_vcpu *vcpu);
void vcpu_signal_free(struct uapi_vcpu *vcpu);
/* Around KVM_RUN: every signal is blocked between them.  0 or -errno. */
int vcpu_signal_enter(struct uapi_vcpu *vcpu);
void vcpu_signal_leave(struct uapi_vcpu *vcpu);
/* Take kicks.  True if the client has a signal that ends KVM_RUN. */
bool vcpu_signal_pending(struct uapi_vcpu *vcpu);
/* Make the next KVM_RUN of the host finish what it has begun, and no more. */
void vcpu_signal_self(struct uapi_vcpu *vcpu);
/* KVM_SET_SIGNAL_MASK. */
int vcpu_set_signal_mask(struct uapi_vcpu *vcpu, unsigned int request,
			 uintptr_t arg);
/* Sleep until a delivery or signal.  0, or -EINTR for the client's signal. */
int vcpu_sleep(struct uapi_vcpu *vcpu);

/* vcpu_tsc.c */
void vcpu_tsc_init(struct uapi_vcpu *vcpu);
/* The guest's TSC may have jumped.  vCPU thread. */
void vcpu_tsc_refresh(struct uapi_vcpu *vcpu);

#endif

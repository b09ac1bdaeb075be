// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_RUN: Linux's loop around the guest, over a host's vCPU that knows
 * nothing of our interrupt controllers.
 *
 * The host finishes the access that it exited with when it runs again, before
 * the guest goes on.  An interrupt that was queued meanwhile is injected after
 * it, which is right unless finishing changes whether the guest takes
 * interrupts at all; and finishing after an INIT would undo it.  For these the
 * host is made to finish, and no more: its KVM_RUN does so even if a signal is
 * pending, and then returns.  (QEMU without an irqchip in the kernel queues its
 * interrupt first, always.)
 *
 * Of kvm_run the client's fields are left alone: immediate_exit is only read,
 * request_interrupt_window is put back.
 */
#include <virq/x86.h>
#include "irqchip/x86/lapic_only.h"
#include "vcpu.h"

#define RUN_AGAIN 1 /* go round the loop; 0 and -errno end it */
#define CR8_MASK 15u

static bool immediate_exit(const struct uapi_vcpu *vcpu)
{
	/* Relaxed: whoever sets it from another thread sends a signal, too. */
	return __atomic_load_n(&vcpu->run->immediate_exit, __ATOMIC_RELAXED);
}

static int interrupted(struct uapi_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

/* ---- The host's vCPU ---- */

/* What its KVM_RUN has left in kvm_run about the processor. */
static void learn(struct uapi_vcpu *vcpu, uint8_t old_cr8)
{
	const struct kvm_run *run = vcpu->run;

	vcpu->stale = false;
	vcpu->requested = false;
	vcpu->ready = run->ready_for_interrupt_injection;
	vcpu->if_flag = run->if_flag;
	if (vcpu->kind != VCPU_OUR_APIC)
		return;
	vcpu->in_smm = run->flags & KVM_RUN_X86_SMM;
	if (run->cr8 != old_cr8)
		virq_x86_set_cr8(vcpu->virq, run->cr8 & CR8_MASK);
}

/* @finish: only what the last exit has left to do. */
static int host_run(struct uapi_vcpu *vcpu, bool window, bool finish)
{
	bool our_apic = vcpu->kind == VCPU_OUR_APIC;
	uint8_t cr8 = our_apic ? virq_x86_get_cr8(vcpu->virq) : 0;
	int ret;

	if (vcpu->host_fd < 0)
		return immediate_exit(vcpu) ? -EINTR : -EOPNOTSUPP;
	if (our_apic)
		vcpu->run->cr8 = cr8;
	if (finish)
		vcpu_signal_self(vcpu);
	else if (!virq_vcpu_enter(vcpu->virq))
		return RUN_AGAIN;
	ret = uapi_host_ioctl(vcpu->host_fd, KVM_RUN, 0);
	if (!finish)
		virq_vcpu_exit(vcpu->virq);
	learn(vcpu, cr8);
	if (!ret) {
		if (!vcpu_handle_exit(vcpu, window))
			return 0;
		/* Ours: the client must not see it if a signal ends the run. */
		vcpu->run->exit_reason = KVM_EXIT_INTR;
		return RUN_AGAIN;
	}
	vcpu->unfinished = UNFINISHED_NOTHING;
	if (ret != -EINTR)
		return ret;
	return vcpu_signal_pending(vcpu) || immediate_exit(vcpu) ? -EINTR
								 : RUN_AGAIN;
}

/* ---- A local APIC of ours ---- */

static int report_eoi(struct uapi_vcpu *vcpu)
{
	vcpu->run->exit_reason = KVM_EXIT_IOAPIC_EOI;
	vcpu->run->eoi.vector = (uint8_t)vcpu->eoi_vector;
	vcpu->eoi_vector = -1;
	return 0;
}

/* Must the last exit be finished before we go on? */
static bool finish_first(struct uapi_vcpu *vcpu)
{
	unsigned int events = virq_vcpu_pending(vcpu->virq);

	switch (vcpu->unfinished) {
	case UNFINISHED_ANYTHING:
		return vcpu->eoi_vector >= 0 ||
		       events & (VIRQ_EVENT_INIT | VIRQ_EVENT_SIPI |
				 VIRQ_EVENT_INTR);
	case UNFINISHED_HARMLESS:
		return events & (VIRQ_EVENT_INIT | VIRQ_EVENT_SIPI);
	default: return false;
	}
}

/* Waits for its INIT; then the client is to call again, as with Linux. */
static int wait_for_init(struct uapi_vcpu *vcpu)
{
	const unsigned int wake =
		VIRQ_EVENT_INIT | VIRQ_EVENT_NMI | VIRQ_EVENT_SMI;
	int ret = 0;

	while (!ret && !(virq_vcpu_pending(vcpu->virq) & wake))
		ret = vcpu_sleep(vcpu);
	if (ret == -EINTR)
		return interrupted(vcpu);
	if (!ret)
		ret = vcpu_take_events(vcpu, true);
	return ret ? ret : -EAGAIN;
}

/* Halted, or waiting for a SIPI.  RUN_AGAIN when there is something to do. */
static int wait_for_event(struct uapi_vcpu *vcpu)
{
	int ret;

	if (vcpu->mp_state != KVM_MP_STATE_INIT_RECEIVED &&
	    vcpu_has_event(vcpu)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		return RUN_AGAIN;
	}
	ret = vcpu_sleep(vcpu);
	if (ret == -EINTR)
		return interrupted(vcpu);
	return ret ? ret : RUN_AGAIN;
}

static int our_apic_step(struct uapi_vcpu *vcpu, bool window)
{
	int ret;

	if (immediate_exit(vcpu)) {
		/* The host answers, when it has finished what it must. */
		if (vcpu->mp_state == KVM_MP_STATE_RUNNABLE)
			return host_run(vcpu, window, false);
		return -EINTR;
	}
	if (vcpu->mp_state == KVM_MP_STATE_UNINITIALIZED)
		return wait_for_init(vcpu);
	if (finish_first(vcpu))
		return host_run(vcpu, window, true);
	if (vcpu->eoi_vector >= 0)
		return report_eoi(vcpu);
	ret = vcpu_take_events(vcpu, true);
	if (ret)
		return ret;
	if (vcpu->mp_state != KVM_MP_STATE_RUNNABLE)
		return wait_for_event(vcpu);
	ret = vcpu_inject(vcpu, window);
	return ret ? ret : host_run(vcpu, window, false);
}

/*
 * The client may put registers in kvm_run instead of setting them.  The host
 * takes them when it runs; till then what is known of it does not hold.
 */
static void take_dirty_sregs(struct uapi_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (!run->kvm_dirty_regs)
		return;
	vcpu->unfinished = UNFINISHED_ANYTHING;
	vcpu->events_waiting = true;
	if (run->kvm_dirty_regs & KVM_SYNC_X86_SREGS &&
	    !(run->kvm_dirty_regs & ~KVM_SYNC_X86_VALID_FIELDS) &&
	    vcpu->mp_state != KVM_MP_STATE_UNINITIALIZED)
		vcpu_sregs_set(vcpu, &run->s.regs.sregs);
}

/* kvm_run as Linux leaves it, with an irqchip in the kernel. */
static void tell_client(struct uapi_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	bool takes = true;

	vcpu_refresh(vcpu);
	run->if_flag = vcpu->if_flag;
	run->cr8 = virq_x86_get_cr8(vcpu->virq);
	run->apic_base = vcpu_apic_base(vcpu);
	if (atomic_load(&vcpu->vm->irqchip) == UAPI_IRQCHIP_SPLIT)
		takes = vcpu->ready && lapic_only_takes_extint(vcpu->virq);
	run->ready_for_interrupt_injection = takes;
	if (run->kvm_valid_regs & KVM_SYNC_X86_SREGS) {
		run->s.regs.sregs.cr8 = run->cr8;
		run->s.regs.sregs.apic_base = run->apic_base;
	}
}

/* ---- The host's local APICs under our 8259s and IOAPIC ---- */

static int host_apic_step(struct uapi_vcpu *vcpu)
{
	int ret;

	if (vcpu->unfinished == UNFINISHED_ANYTHING &&
	    virq_vcpu_pending(vcpu->virq) && !immediate_exit(vcpu))
		return host_run(vcpu, false, true);
	ret = vcpu_inject(vcpu, false);
	return ret ? ret : host_run(vcpu, false, false);
}

/* ---- KVM_RUN ---- */

static int run_loop(struct uapi_vcpu *vcpu)
{
	bool our_apic = vcpu->kind == VCPU_OUR_APIC;
	uint8_t asked = vcpu->run->request_interrupt_window;
	bool window = our_apic && asked &&
		      atomic_load(&vcpu->vm->irqchip) == UAPI_IRQCHIP_SPLIT;
	int ret = vcpu_signal_enter(vcpu);

	if (ret)
		return ret;
	if (our_apic)
		take_dirty_sregs(vcpu);
	do {
		ret = our_apic ? our_apic_step(vcpu, window)
			       : host_apic_step(vcpu);
	} while (ret == RUN_AGAIN);
	vcpu->run->request_interrupt_window = asked;
	if (our_apic)
		tell_client(vcpu);
	else
		vcpu->run->ready_for_interrupt_injection = 1;
	vcpu_signal_leave(vcpu);
	return ret;
}

int vcpu_run(struct uapi_vcpu *vcpu)
{
	int ret;

	if (vcpu->kind != VCPU_PLAIN)
		return run_loop(vcpu);
	if (vcpu->host_fd < 0)
		return immediate_exit(vcpu) ? -EINTR : -EOPNOTSUPP;
	do {
		ret = uapi_host_ioctl(vcpu->host_fd, KVM_RUN, 0);
	} while (!ret && vcpu_handle_plain_exit(vcpu));
	return ret;
}

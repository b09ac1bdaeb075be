// SPDX-License-Identifier: BSD-3-Clause
/*
 * What goes into a vCPU: INIT and SIPI, NMI and SMI, interrupts.
 *
 * An interrupt is acknowledged only when the vCPU takes it at once; otherwise
 * the host is asked to say when (request_interrupt_window).
 */
#include <virq/x86.h>
#include "irqchip/x86/lapic_host.h"
#include "irqchip/x86/lapic_only.h"
#include "vcpu.h"

#define RFLAGS_IF (1u << 9)
#define CR0_CD_NW 0x60000000u
#define APIC_BASE_BSP (1u << 8)

/* ---- INIT and SIPI ---- */

/* INIT spares the cache bits of CR0, the APIC base and the FPU. */
static int reset(struct uapi_vcpu *vcpu)
{
	struct kvm_sregs sregs, old;
	int ret = vcpu_lower_ptr(vcpu, KVM_GET_SREGS, &old);

	if (ret)
		return ret;
	sregs = vcpu->reset_sregs;
	sregs.cr0 = (sregs.cr0 & ~(uint64_t)CR0_CD_NW) | (old.cr0 & CR0_CD_NW);
	sregs.apic_base = old.apic_base;
	ret = vcpu_lower_ptr(vcpu, KVM_SET_SREGS, &sregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_SET_REGS, &vcpu->reset_regs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_SET_DEBUGREGS,
				     &vcpu->reset_debugregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_SET_VCPU_EVENTS,
				     &vcpu->reset_events);
	vcpu->stale = true;
	return ret;
}

static int take_init(struct uapi_vcpu *vcpu)
{
	if (virq_vcpu_take(vcpu->virq, VIRQ_EVENT_INIT))
		return 0;
	vcpu->mp_state = vcpu_apic_base(vcpu) & APIC_BASE_BSP
				 ? KVM_MP_STATE_RUNNABLE
				 : KVM_MP_STATE_INIT_RECEIVED;
	return reset(vcpu);
}

static int take_sipi(struct uapi_vcpu *vcpu)
{
	int page = virq_vcpu_take(vcpu->virq, VIRQ_EVENT_SIPI);
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ret;

	if (page < 0)
		return 0;
	ret = vcpu_lower_ptr(vcpu, KVM_GET_SREGS, &sregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_GET_REGS, &regs);
	if (ret)
		return ret;
	sregs.cs.selector = (uint16_t)(page << 8);
	sregs.cs.base = (uint64_t)page << 12;
	regs.rip = 0;
	ret = vcpu_lower_ptr(vcpu, KVM_SET_SREGS, &sregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_SET_REGS, &regs);
	vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
	vcpu->stale = true;
	return ret;
}

/* ---- NMI and SMI ---- */

/* The processor keeps it, until it may take it. */
static void pass_on(struct uapi_vcpu *vcpu, enum virq_event event,
		    unsigned int request)
{
	if (virq_vcpu_take(vcpu->virq, event))
		return;
	/* A host without system management mode has no use for an SMI. */
	if (vcpu_lower(vcpu, request, 0))
		return;
	vcpu->events_waiting = true;
	vcpu->requested = true;
}

int vcpu_take_events(struct uapi_vcpu *vcpu, bool startup)
{
	unsigned int nmis = lapic_host_take_nmis(vcpu->virq);
	unsigned int events = virq_vcpu_pending(vcpu->virq);
	int ret = 0;

	/* Also while the APIC waits for a SIPI: then the host keeps them. */
	for (; nmis; nmis--) {
		vcpu_lower(vcpu, KVM_NMI, 0);
		vcpu->events_waiting = true;
	}
	if (events & VIRQ_EVENT_SMI)
		pass_on(vcpu, VIRQ_EVENT_SMI, KVM_SMI);
	if (!startup || vcpu->in_smm)
		return 0;
	if (events & VIRQ_EVENT_INIT) {
		ret = take_init(vcpu);
		/* Its SIPI may be here by now, and shows only now. */
		events = virq_vcpu_pending(vcpu->virq);
	}
	if (!ret && events & VIRQ_EVENT_SIPI)
		ret = take_sipi(vcpu);
	lapic_host_drop_sipi(vcpu->virq);
	return ret;
}

/* ---- Is there a reason to wake up? ---- */

/*
 * Linux's rule for ready_for_interrupt_injection, from the registers: the
 * client may have changed them since the host told.
 */
void vcpu_refresh(struct uapi_vcpu *vcpu)
{
	struct kvm_vcpu_events events;
	struct kvm_regs regs;

	if (!vcpu->stale || vcpu_lower_ptr(vcpu, KVM_GET_REGS, &regs) ||
	    vcpu_lower_ptr(vcpu, KVM_GET_VCPU_EVENTS, &events))
		return;
	vcpu->stale = false;
	vcpu->if_flag = regs.rflags & RFLAGS_IF;
	vcpu->ready = vcpu->if_flag && !events.interrupt.shadow &&
		      !events.interrupt.injected && !events.nmi.injected &&
		      !events.exception.injected && !events.exception.pending;
	vcpu->events_waiting = events.nmi.pending || events.smi.pending ||
			       events.exception.pending;
}

/* Is an NMI or SMI pending in the vCPU below that it takes at once? */
static bool lower_has_event(struct uapi_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	vcpu_refresh(vcpu);
	if (!vcpu->events_waiting ||
	    vcpu_lower_ptr(vcpu, KVM_GET_VCPU_EVENTS, &events))
		return false;
	vcpu->events_waiting = events.nmi.pending || events.smi.pending ||
			       events.exception.pending;
	return (events.nmi.pending && !events.nmi.masked) ||
	       (events.smi.pending && !events.smi.smm) ||
	       events.exception.pending;
}

bool vcpu_has_event(struct uapi_vcpu *vcpu)
{
	if (vcpu->requested)
		return true;
	vcpu_refresh(vcpu);
	if (virq_vcpu_pending(vcpu->virq) & VIRQ_EVENT_INTR && vcpu->if_flag)
		return true;
	return lower_has_event(vcpu);
}

/* ---- Interrupts ---- */

static bool interrupt_pending(struct uapi_vcpu *vcpu)
{
	return virq_vcpu_pending(vcpu->virq) & VIRQ_EVENT_INTR;
}

int vcpu_inject(struct uapi_vcpu *vcpu, bool window)
{
	struct kvm_interrupt interrupt;
	int vector, ret;

	if (interrupt_pending(vcpu))
		vcpu_refresh(vcpu);
	if (interrupt_pending(vcpu) && vcpu->ready) {
		vector = virq_vcpu_ack(vcpu->virq);
		if (vector >= 0) {
			interrupt.irq = (uint32_t)vector;
			ret = vcpu_lower_ptr(vcpu, KVM_INTERRUPT, &interrupt);
			if (ret)
				return ret;
			uapi_count(&vcpu->counts.taken[vector]);
			/* One at a time; the host says when for the next. */
			vcpu->ready = false;
		}
	}
	vcpu->run->request_interrupt_window =
		interrupt_pending(vcpu) ||
		(window && lapic_only_takes_extint(vcpu->virq));
	return 0;
}

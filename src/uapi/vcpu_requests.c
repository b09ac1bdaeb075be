// SPDX-License-Identifier: BSD-3-Clause
/*
 * Requests of a vCPU whose local APIC is ours: what concerns the APIC is
 * answered here, what concerns the processor goes below, and some is in both.
 *
 * Linux's rules for each are those of a VM with an irqchip in the kernel.
 */
#include <virq/x86.h>
#include "irqchip/x86/lapic_host.h"
#include "irqchip/x86/lapic_only.h"
#include "vcpu.h"

#define CR0_PE 1u
#define CR8_MAX 15u
#define APIC_BASE_BSP (1u << 8)
#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define MAX_CPUID_ENTRIES 256u
#define RDX_RESET 0x600u /* until the CPUID is known */

/* ---- The local APIC ---- */

static int get_lapic(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	struct kvm_lapic_state state;
	int ret = virq_x86_get_lapic(vcpu->virq, &state);

	(void)request;
	return ret ? ret : user_copy_out(arg, &state, sizeof(state));
}

static int set_lapic(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	struct kvm_lapic_state state;
	int ret = user_copy_in(&state, arg, sizeof(state));

	(void)request;
	return ret ? ret : virq_x86_set_lapic(vcpu->virq, &state);
}

static int interrupt(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	struct kvm_interrupt interrupt;
	int ret = user_copy_in(&interrupt, arg, sizeof(interrupt));

	(void)request;
	if (ret)
		return ret;
	if (interrupt.irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	/* With the 8259 here, nobody else may speak for it. */
	if (atomic_load(&vcpu->vm->irqchip) == UAPI_IRQCHIP_FULL)
		return -ENXIO;
	return lapic_only_set_extint(vcpu->virq, (uint8_t)interrupt.irq);
}

/*
 * A processor that need not exit for the task priority never makes
 * KVM_EXIT_TPR_ACCESS, so the client must do without; ours never does.
 */
static int tpr_access_reporting(struct uapi_vcpu *vcpu, unsigned int request,
				uintptr_t arg)
{
	struct kvm_tpr_access_ctl ctl;
	int ret = user_copy_in(&ctl, arg, sizeof(ctl));

	(void)vcpu;
	(void)request;
	if (ret)
		return ret;
	if (ctl.flags)
		return -EINVAL;
	return user_copy_out(arg, &ctl, sizeof(ctl));
}

/* The page that goes with it: nobody will have been told to use it. */
static int set_vapic_addr(struct uapi_vcpu *vcpu, unsigned int request,
			  uintptr_t arg)
{
	struct kvm_vapic_addr addr;

	(void)vcpu;
	(void)request;
	return user_copy_in(&addr, arg, sizeof(addr));
}

/* ---- What the vCPU is doing ---- */

static int get_mp_state(struct uapi_vcpu *vcpu, unsigned int request,
			uintptr_t arg)
{
	struct kvm_mp_state state;
	int ret;

	(void)request;
	/* With an access not finished, finishing it would undo the reset. */
	ret = vcpu_take_events(vcpu, vcpu->unfinished == UNFINISHED_NOTHING);
	if (ret)
		return ret;
	state.mp_state = vcpu->mp_state;
	return user_copy_out(arg, &state, sizeof(state));
}

/* In system management mode INIT has to wait. */
static bool blocks_init(struct uapi_vcpu *vcpu)
{
	struct kvm_vcpu_events events;

	return vcpu_lower_ptr(vcpu, KVM_GET_VCPU_EVENTS, &events) ||
	       events.smi.smm || events.smi.pending;
}

static int set_mp_state(struct uapi_vcpu *vcpu, unsigned int request,
			uintptr_t arg)
{
	struct kvm_mp_state state;
	int ret = user_copy_in(&state, arg, sizeof(state));
	bool sipi;

	(void)request;
	if (ret)
		return ret;
	switch (state.mp_state) {
	case KVM_MP_STATE_RUNNABLE:
	case KVM_MP_STATE_UNINITIALIZED:
	case KVM_MP_STATE_HALTED:
	case KVM_MP_STATE_AP_RESET_HOLD: break;
	case KVM_MP_STATE_INIT_RECEIVED:
	case KVM_MP_STATE_SIPI_RECEIVED:
		if (blocks_init(vcpu))
			return -EINVAL;
		break;
	default: return -EINVAL;
	}
	/* Not a state in itself: an INIT was taken and a SIPI is pending. */
	sipi = state.mp_state == KVM_MP_STATE_SIPI_RECEIVED;
	if (sipi)
		state.mp_state = KVM_MP_STATE_INIT_RECEIVED;
	vcpu->mp_state = state.mp_state;
	lapic_host_set_wait_sipi(vcpu->virq,
				 state.mp_state == KVM_MP_STATE_INIT_RECEIVED);
	if (sipi)
		lapic_host_send_sipi(vcpu->virq, vcpu->sipi_page);
	return 0;
}

/* The processor keeps it; it also wakes a halted one, as Linux's does. */
static int nmi_or_smi(struct uapi_vcpu *vcpu, unsigned int request,
		      uintptr_t arg)
{
	int ret = vcpu_lower(vcpu, request, arg);

	if (!ret)
		vcpu->requested = true;
	return ret;
}

static int get_events(struct uapi_vcpu *vcpu, unsigned int request,
		      uintptr_t arg)
{
	struct kvm_vcpu_events events;
	int ret = vcpu_take_events(vcpu, false);

	if (!ret)
		ret = vcpu_lower_ptr(vcpu, request, &events);
	if (ret)
		return ret;
	events.smi.latched_init =
		!!(virq_vcpu_pending(vcpu->virq) & VIRQ_EVENT_INIT);
	return user_copy_out(arg, &events, sizeof(events));
}

static int set_events(struct uapi_vcpu *vcpu, unsigned int request,
		      uintptr_t arg)
{
	struct kvm_vcpu_events events;
	int ret = user_copy_in(&events, arg, sizeof(events));

	/* What the APIC has had before is replaced with the rest. */
	if (!ret)
		ret = vcpu_take_events(vcpu, false);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, request, &events);
	if (ret)
		return ret;
	if (events.flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR)
		vcpu->sipi_page = (uint8_t)events.sipi_vector;
	if (events.flags & KVM_VCPUEVENT_VALID_SMM) {
		vcpu->in_smm = events.smi.smm;
		lapic_host_set_init(vcpu->virq, events.smi.latched_init);
	}
	return 0;
}

/* ---- Registers that are the APIC's too ---- */

/* Both structs begin alike, as far as the APIC is concerned. */
union any_sregs {
	struct kvm_sregs sregs;
	struct kvm_sregs2 sregs2;
};

_Static_assert(offsetof(struct kvm_sregs, cr8) ==
			       offsetof(struct kvm_sregs2, cr8) &&
		       offsetof(struct kvm_sregs, apic_base) ==
			       offsetof(struct kvm_sregs2, apic_base),
	       "the structs begin alike");

static int get_sregs(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	union any_sregs any;
	int ret = vcpu_lower_ptr(vcpu, request, &any);

	if (ret)
		return ret;
	any.sregs.cr8 = virq_x86_get_cr8(vcpu->virq);
	any.sregs.apic_base = vcpu_apic_base(vcpu);
	return user_copy_out(arg, &any, _IOC_SIZE(request));
}

/* A VMM from before KVM_SET_MP_STATE wakes the processor by resetting it. */
static bool is_reset(const struct kvm_sregs *sregs, const struct kvm_regs *regs)
{
	return sregs->apic_base & APIC_BASE_BSP && regs->rip == 0xfff0 &&
	       sregs->cs.selector == 0xf000 && sregs->cs.base == 0xffff0000 &&
	       !(sregs->cr0 & CR0_PE);
}

int vcpu_sregs_set(struct uapi_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	struct kvm_regs regs;
	int ret = lapic_host_set_base(vcpu->virq, sregs->apic_base);

	if (ret)
		return ret;
	if (sregs->cr8 <= CR8_MAX)
		virq_x86_set_cr8(vcpu->virq, (uint8_t)sregs->cr8);
	if (!vcpu_lower_ptr(vcpu, KVM_GET_REGS, &regs) &&
	    is_reset(sregs, &regs)) {
		vcpu->mp_state = KVM_MP_STATE_RUNNABLE;
		lapic_host_set_wait_sipi(vcpu->virq, false);
	}
	return 0;
}

static int set_sregs(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	union any_sregs any;
	int ret = user_copy_in(&any, arg, _IOC_SIZE(request));

	/* It knows what is valid, and changes nothing if it is not. */
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, request, &any);
	return ret ? ret : vcpu_sregs_set(vcpu, &any.sregs);
}

/* What of the CPUID the APIC and INIT need, as the vCPU below has it. */
static int set_cpuid(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	union {
		struct kvm_cpuid2 cpuid;
		char space[sizeof(struct kvm_cpuid2) +
			   MAX_CPUID_ENTRIES * sizeof(struct kvm_cpuid_entry2)];
	} all = {.cpuid.nent = MAX_CPUID_ENTRIES};
	const struct kvm_cpuid_entry2 *entry = all.cpuid.entries;
	uint32_t ecx = 0;
	int ret = vcpu_lower(vcpu, request, arg);

	if (ret)
		return ret;
	ret = vcpu_lower_ptr(vcpu, KVM_GET_CPUID2, &all);
	if (ret)
		return ret;
	vcpu->reset_regs.rdx = RDX_RESET;
	for (uint32_t i = 0; i < all.cpuid.nent; i++, entry++) {
		if (entry->function != 1)
			continue;
		vcpu->reset_regs.rdx = entry->eax;
		ecx = entry->ecx;
		break;
	}
	lapic_host_set_tsc_deadline(vcpu->virq, ecx & CPUID_1_ECX_TSC_DEADLINE);
	if (atomic_load(&vcpu->vm->irqchip) == UAPI_IRQCHIP_SPLIT)
		lapic_only_set_x2apic(vcpu->virq, ecx & CPUID_1_ECX_X2APIC);
	return 0;
}

/* A request of the processor that may move its TSC. */
static int moves_tsc(struct uapi_vcpu *vcpu, unsigned int request,
		     uintptr_t arg)
{
	int ret = vcpu_lower(vcpu, request, arg);

	vcpu_tsc_refresh(vcpu);
	return ret;
}

/* ---- The table ---- */

static const struct {
	unsigned int request;
	int (*handler)(struct uapi_vcpu *vcpu, unsigned int request,
		       uintptr_t arg);
} rows[] = {
	{KVM_SET_SIGNAL_MASK, vcpu_set_signal_mask},
	{KVM_GET_LAPIC, get_lapic},
	{KVM_SET_LAPIC, set_lapic},
	{KVM_INTERRUPT, interrupt},
	{KVM_NMI, nmi_or_smi},
	{KVM_SMI, nmi_or_smi},
	{KVM_TPR_ACCESS_REPORTING, tpr_access_reporting},
	{KVM_SET_VAPIC_ADDR, set_vapic_addr},
	{KVM_GET_MP_STATE, get_mp_state},
	{KVM_SET_MP_STATE, set_mp_state},
	{KVM_GET_VCPU_EVENTS, get_events},
	{KVM_SET_VCPU_EVENTS, set_events},
	{KVM_GET_SREGS, get_sregs},
	{KVM_SET_SREGS, set_sregs},
	{KVM_GET_SREGS2, get_sregs},
	{KVM_SET_SREGS2, set_sregs},
	{KVM_GET_MSRS, vcpu_msrs},
	{KVM_SET_MSRS, vcpu_msrs},
	{KVM_SET_CPUID, set_cpuid},
	{KVM_SET_CPUID2, set_cpuid},
	{KVM_SET_TSC_KHZ, moves_tsc},
	{KVM_SET_DEVICE_ATTR, moves_tsc},
};

int vcpu_request(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].request == request)
			return rows[i].handler(vcpu, request, arg);
	}
	return vcpu_lower(vcpu, request, arg);
}

/* The host has the APIC; only the 8259 and KVM_RUN's thread are ours. */
int vcpu_host_apic_request(struct uapi_vcpu *vcpu, unsigned int request,
			   uintptr_t arg)
{
	switch (request) {
	case KVM_INTERRUPT: return interrupt(vcpu, request, arg);
	case KVM_SET_SIGNAL_MASK:
		return vcpu_set_signal_mask(vcpu, request, arg);
	default: return vcpu_lower(vcpu, request, arg);
	}
}

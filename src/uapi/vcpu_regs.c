// SPDX-License-Identifier: BSD-3-Clause
/*
 * The registers of a vCPU that has no host: a processor that can be looked at
 * and set, but not run.  It takes the requests that a host's vCPU would, and
 * checks what Linux checks.
 *
 * Most requests move one struct, which the table says where to find; a hook
 * sees what is to be set before it is.
 */
#include <stdlib.h>
#include <string.h>
#include "core/clock.h"
#include "vcpu.h"

#define MSR_IA32_TSC 0x10u
#define MSR_IA32_APICBASE 0x1bu

#define RFLAGS_FIXED 2u
#define CR0_PE (1u << 0)
#define CR0_ET (1u << 4)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)
#define CR4_PAE (1u << 5)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define XCR0_X87 1u
#define MXCSR_RESET 0x1f80u
#define FCW_RESET 0x37fu
#define DR6_RESET 0xffff0ff0u
#define DR7_RESET 0x400u

#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
/* A processor with 40-bit physical addresses. */
#define APIC_BASE_ADDRESS 0xfffffff000u
#define CPUID_1_ECX_X2APIC (1u << 21)

#define MAX_CPUID_ENTRIES 256u /* Linux KVM_MAX_CPUID_ENTRIES */
#define EVENTS_GET                                                             \
	(KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW |        \
	 KVM_VCPUEVENT_VALID_SMM)
#define EVENTS_SET (EVENTS_GET | KVM_VCPUEVENT_VALID_SIPI_VECTOR)
/* struct kvm_xsave, and FXSAVE's FCW and MXCSR in it, in words. */
#define XSAVE_WORDS 1024
#define XSAVE_FCW 0
#define XSAVE_MXCSR 6

#define NR_MSRS 32u

struct vcpu_regs {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_fpu fpu;
	uint32_t xsave[XSAVE_WORDS];
	struct kvm_xcrs xcrs;
	struct kvm_debugregs debugregs;
	struct kvm_vcpu_events events;
	uint64_t tsc_offset; /* from CLOCK_MONOTONIC */
	/* MSRs that were set; others are 0. */
	struct kvm_msr_entry msrs[NR_MSRS];
	uint32_t nr_msrs;
	struct kvm_cpuid_entry2 *cpuid;
	uint32_t nr_cpuid;
};

/* ---- Reset ---- */

static struct kvm_segment segment(uint16_t selector, uint64_t base,
				  uint8_t type, bool system)
{
	return (struct kvm_segment){
		.selector = selector,
		.base = base,
		.limit = 0xffff,
		.type = type,
		.present = 1,
		.s = !system,
	};
}

static void reset_sregs(struct kvm_sregs *sregs)
{
	const struct kvm_segment data = segment(0, 0, 3, false);

	sregs->cs = segment(0xf000, 0xffff0000, 0xb, false);
	sregs->ds = data;
	sregs->es = data;
	sregs->fs = data;
	sregs->gs = data;
	sregs->ss = data;
	sregs->tr = segment(0, 0, 0xb, true);
	sregs->ldt = segment(0, 0, 2, true);
	sregs->gdt.limit = 0xffff;
	sregs->idt.limit = 0xffff;
	sregs->cr0 = CR0_CD | CR0_NW | CR0_ET;
}

int vcpu_regs_create(struct uapi_vcpu *vcpu)
{
	struct vcpu_regs *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->regs.rip = 0xfff0;
	r->regs.rflags = RFLAGS_FIXED;
	r->regs.rdx = 0x600;
	reset_sregs(&r->sregs);
	r->fpu.fcw = FCW_RESET;
	r->xsave[XSAVE_FCW] = FCW_RESET;
	r->xsave[XSAVE_MXCSR] = MXCSR_RESET;
	r->xcrs.nr_xcrs = 1;
	r->xcrs.xcrs[0].value = XCR0_X87;
	r->debugregs.dr6 = DR6_RESET;
	r->debugregs.dr7 = DR7_RESET;
	r->events.flags = EVENTS_GET;
	vcpu->regs = r;
	return 0;
}

void vcpu_regs_free(struct vcpu_regs *r)
{
	if (!r)
		return;
	free(r->cpuid);
	free(r);
}

/* ---- What may be set ---- */

static bool has_x2apic(const struct vcpu_regs *r)
{
	for (uint32_t i = 0; i < r->nr_cpuid; i++) {
		if (r->cpuid[i].function == 1)
			return r->cpuid[i].ecx & CPUID_1_ECX_X2APIC;
	}
	return false;
}

static bool apic_base_valid(const struct vcpu_regs *r, uint64_t base)
{
	uint64_t valid = APIC_BASE_ADDRESS | APIC_BASE_BSP | APIC_BASE_ENABLE;

	if (has_x2apic(r))
		valid |= APIC_BASE_X2APIC;
	return !(base & ~valid) &&
	       (!(base & APIC_BASE_X2APIC) || base & APIC_BASE_ENABLE);
}

static int check_regs(struct vcpu_regs *r, void *data)
{
	struct kvm_regs *regs = data;

	(void)r;
	regs->rflags |= RFLAGS_FIXED;
	return 0;
}

/* Long mode is on or off in all the places that say so. */
static bool long_mode_valid(const struct kvm_sregs *sregs)
{
	if (sregs->efer & EFER_LME && sregs->cr0 & CR0_PG)
		return sregs->cr4 & CR4_PAE && sregs->efer & EFER_LMA;
	return !(sregs->efer & EFER_LMA) && !sregs->cs.l;
}

static int check_sregs(struct vcpu_regs *r, void *data)
{
	struct kvm_sregs *sregs = data;

	if (!long_mode_valid(sregs) || sregs->cr0 >> 32 ||
	    (sregs->cr0 & CR0_NW && !(sregs->cr0 & CR0_CD)) ||
	    (sregs->cr0 & CR0_PG && !(sregs->cr0 & CR0_PE)) ||
	    !apic_base_valid(r, sregs->apic_base))
		return -EINVAL;
	sregs->cr0 |= CR0_ET;
	return 0;
}

/* Linux neither shows nor takes MXCSR here, but in struct kvm_xsave. */
static int check_fpu(struct vcpu_regs *r, void *data)
{
	struct kvm_fpu *fpu = data;

	(void)r;
	fpu->mxcsr = 0;
	return 0;
}

static int check_debugregs(struct vcpu_regs *r, void *data)
{
	const struct kvm_debugregs *debugregs = data;

	(void)r;
	return debugregs->flags || debugregs->dr6 >> 32 || debugregs->dr7 >> 32
		       ? -EINVAL
		       : 0;
}

static int check_xcrs(struct vcpu_regs *r, void *data)
{
	const struct kvm_xcrs *xcrs = data;

	(void)r;
	if (xcrs->nr_xcrs > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	for (uint32_t i = 0; i < xcrs->nr_xcrs; i++) {
		if (!xcrs->xcrs[i].xcr && !(xcrs->xcrs[i].value & XCR0_X87))
			return -EINVAL;
	}
	return 0;
}

/* Fields whose flag is clear keep their value. */
static int check_events(struct vcpu_regs *r, void *data)
{
	struct kvm_vcpu_events *events = data;
	const struct kvm_vcpu_events *old = &r->events;

	if (events->flags & ~EVENTS_SET)
		return -EINVAL;
	if (!(events->flags & KVM_VCPUEVENT_VALID_NMI_PENDING))
		events->nmi.pending = old->nmi.pending;
	if (!(events->flags & KVM_VCPUEVENT_VALID_SHADOW))
		events->interrupt.shadow = old->interrupt.shadow;
	if (!(events->flags & KVM_VCPUEVENT_VALID_SMM))
		events->smi = old->smi;
	events->sipi_vector = 0; /* the APIC's */
	events->flags = EVENTS_GET;
	return 0;
}

/* ---- CPUID ---- */

static int set_cpuid2(struct uapi_vcpu *vcpu, uintptr_t arg)
{
	struct vcpu_regs *r = vcpu->regs;
	struct kvm_cpuid_entry2 *entries;
	struct kvm_cpuid2 header;
	size_t size;
	int ret = user_copy_in(&header, arg, sizeof(header));

	if (ret)
		return ret;
	if (header.nent > MAX_CPUID_ENTRIES)
		return -E2BIG;
	size = header.nent * sizeof(*entries);
	entries = malloc(size ? size : 1);
	if (!entries)
		return -ENOMEM;
	ret = user_copy_in(entries, arg + sizeof(header), size);
	if (ret) {
		free(entries);
		return ret;
	}
	free(r->cpuid);
	r->cpuid = entries;
	r->nr_cpuid = header.nent;
	return 0;
}

static int get_cpuid2(struct uapi_vcpu *vcpu, uintptr_t arg)
{
	const struct vcpu_regs *r = vcpu->regs;
	struct kvm_cpuid2 header;
	int ret = user_copy_in(&header, arg, sizeof(header));

	if (ret)
		return ret;
	if (header.nent < r->nr_cpuid)
		return -E2BIG;
	header.nent = r->nr_cpuid;
	ret = user_copy_out(arg + sizeof(header), r->cpuid,
			    r->nr_cpuid * sizeof(r->cpuid[0]));
	return ret ? ret : user_copy_out(arg, &header, sizeof(header));
}

/* ---- MSRs ---- */

static struct kvm_msr_entry *find_msr(struct vcpu_regs *r, uint32_t index)
{
	for (uint32_t i = 0; i < r->nr_msrs; i++) {
		if (r->msrs[i].index == index)
			return &r->msrs[i];
	}
	return NULL;
}

static bool get_msr(struct vcpu_regs *r, struct kvm_msr_entry *entry)
{
	const struct kvm_msr_entry *msr;

	switch (entry->index) {
	case MSR_IA32_TSC: entry->data = now_ns() + r->tsc_offset; return true;
	case MSR_IA32_APICBASE: entry->data = r->sregs.apic_base; return true;
	}
	msr = find_msr(r, entry->index);
	entry->data = msr ? msr->data : 0;
	return msr;
}

static bool set_msr(struct vcpu_regs *r, const struct kvm_msr_entry *entry)
{
	struct kvm_msr_entry *msr;

	switch (entry->index) {
	case MSR_IA32_TSC: r->tsc_offset = entry->data - now_ns(); return true;
	case MSR_IA32_APICBASE:
		if (!apic_base_valid(r, entry->data))
			return false;
		r->sregs.apic_base = entry->data;
		return true;
	}
	msr = find_msr(r, entry->index);
	if (!msr) {
		if (r->nr_msrs == NR_MSRS)
			return false;
		msr = &r->msrs[r->nr_msrs++];
	}
	*msr = *entry;
	return true;
}

/* One at a time, as vcpu_msr.c would otherwise have to sort them out. */
static int do_msrs(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg)
{
	struct kvm_msr_entry entry;
	struct kvm_msrs header;
	uint32_t i;
	int ret = user_copy_in(&header, arg, sizeof(header));

	if (ret)
		return ret;
	if (header.nmsrs >= 256)
		return -E2BIG;
	for (i = 0; i < header.nmsrs; i++) {
		uintptr_t at = arg + sizeof(header) + i * sizeof(entry);

		ret = user_copy_in(&entry, at, sizeof(entry));
		if (ret)
			return ret;
		if (request == KVM_SET_MSRS ? !set_msr(vcpu->regs, &entry)
					    : !get_msr(vcpu->regs, &entry))
			break;
		if (request == KVM_GET_MSRS)
			ret = user_copy_out(at, &entry, sizeof(entry));
		if (ret)
			return ret;
	}
	return (int)i;
}

/* ---- Events, and what a VM without an irqchip answers ---- */

static int interrupt(struct uapi_vcpu *vcpu, uintptr_t arg)
{
	struct kvm_interrupt interrupt;
	int ret = user_copy_in(&interrupt, arg, sizeof(interrupt));

	if (ret)
		return ret;
	if (interrupt.irq >= KVM_NR_INTERRUPTS)
		return -EINVAL;
	vcpu->regs->events.interrupt.injected = 1;
	vcpu->regs->events.interrupt.nr = (uint8_t)interrupt.irq;
	return 0;
}

static int tpr_access_reporting(uintptr_t arg)
{
	struct kvm_tpr_access_ctl ctl;
	int ret = user_copy_in(&ctl, arg, sizeof(ctl));

	if (ret)
		return ret;
	return ctl.flags ? -EINVAL : user_copy_out(arg, &ctl, sizeof(ctl));
}

static int mp_state(unsigned int request, uintptr_t arg)
{
	struct kvm_mp_state state = {.mp_state = KVM_MP_STATE_RUNNABLE};
	int ret;

	if (request == KVM_GET_MP_STATE)
		return user_copy_out(arg, &state, sizeof(state));
	ret = user_copy_in(&state, arg, sizeof(state));
	if (ret)
		return ret;
	return state.mp_state == KVM_MP_STATE_RUNNABLE ? 0 : -EINVAL;
}

/* ---- The table ---- */

#define ROW(get, set, field, check)                                            \
	{                                                                      \
		get, set, offsetof(struct vcpu_regs, field),                   \
			sizeof(((struct vcpu_regs *)0)->field), check          \
	}

static const struct regs_row {
	unsigned int get, set;
	size_t offset, size;
	int (*check)(struct vcpu_regs *r, void *data);
} rows[] = {
	ROW(KVM_GET_REGS, KVM_SET_REGS, regs, check_regs),
	ROW(KVM_GET_SREGS, KVM_SET_SREGS, sregs, check_sregs),
	ROW(KVM_GET_FPU, KVM_SET_FPU, fpu, check_fpu),
	ROW(KVM_GET_XSAVE, KVM_SET_XSAVE, xsave, NULL),
	ROW(KVM_GET_XCRS, KVM_SET_XCRS, xcrs, check_xcrs),
	ROW(KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, debugregs, check_debugregs),
	ROW(KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, events, check_events),
};

static int set_row(struct vcpu_regs *r, const struct regs_row *row,
		   uintptr_t arg)
{
	union {
		struct kvm_sregs sregs;
		uint32_t xsave[XSAVE_WORDS];
	} largest;
	int ret = user_copy_in(&largest, arg, row->size);

	if (!ret && row->check)
		ret = row->check(r, &largest);
	if (!ret)
		memcpy((char *)r + row->offset, &largest, row->size);
	return ret;
}

int vcpu_regs_ioctl(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg)
{
	struct vcpu_regs *r = vcpu->regs;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].get == request)
			return user_copy_out(arg, (char *)r + rows[i].offset,
					     rows[i].size);
		if (rows[i].set == request)
			return set_row(r, &rows[i], arg);
	}
	switch (request) {
	case KVM_SET_CPUID2: return set_cpuid2(vcpu, arg);
	case KVM_GET_CPUID2: return get_cpuid2(vcpu, arg);
	case KVM_GET_MSRS:
	case KVM_SET_MSRS: return do_msrs(vcpu, request, arg);
	case KVM_GET_MP_STATE:
	case KVM_SET_MP_STATE: return mp_state(request, arg);
	case KVM_INTERRUPT: return interrupt(vcpu, arg);
	case KVM_NMI: r->events.nmi.pending = 1; return 0;
	case KVM_TPR_ACCESS_REPORTING: return tpr_access_reporting(arg);
	case KVM_SET_SIGNAL_MASK:
		return vcpu_set_signal_mask(vcpu, request, arg);
	case KVM_SMI: return -ENOTTY; /* as a Linux without the mode */
	default: return -EINVAL; /* as Linux on this descriptor */
	}
}

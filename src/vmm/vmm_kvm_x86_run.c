// SPDX-License-Identifier: BSD-3-Clause
/*
 * The run loop of a PC's KVM vCPU, one for all three places of the controllers.
 * It is also the example of how a VMM uses a struct virq_vcpu:
 *
 *   irqchip	what comes out of KVM_RUN		who handles HLT
 *   "kvm"	nothing of interest			KVM
 *   "split"	8259 ports, IOAPIC MMIO, EOIs		KVM
 *   "x86"	these but EOIs, APIC MMIO and MSRs, CR8	this file
 *
 * and with "split" (the 8259's output) and "x86" (everything), what goes in is
 * what virq_vcpu_pending() says.  Where KVM does it all, nothing is ever
 * pending here and the same loop serves.
 */
#include "vmm_kvm_x86.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define MSR_IA32_APICBASE 0x1b
#define GUEST_PORT_SIZE 4

/* What a vCPU can stop at for good, with the place. */
static void vcpu_fail_at(struct kvm_x86_vcpu *v, const char *what,
			 uint64_t detail)
{
	struct kvm_regs regs = {0};

	ioctl(v->kvm.fd, KVM_GET_REGS, &regs);
	vmm_fail(v->kvm.vcpu->vmm, -EIO, "vCPU %u: %s (0x%llx) at rip 0x%llx",
		 v->kvm.vcpu->id, what, (unsigned long long)detail,
		 (unsigned long long)regs.rip);
}

/* ---- INIT and SIPI, where the local APIC is ours ---- */

static int vcpu_reset(struct kvm_x86_vcpu *v)
{
	/* INIT leaves the APIC base alone. */
	if (ioctl(v->kvm.fd, KVM_SET_REGS, &v->reset_regs) ||
	    ioctl(v->kvm.fd, KVM_SET_SREGS, &v->reset_sregs) ||
	    ioctl(v->kvm.fd, KVM_SET_VCPU_EVENTS, &v->reset_events))
		return -errno;
	v->halted = false;
	v->wait_for_sipi = true;
	return 0;
}

int kvm_x86_vcpu_start(struct kvm_x86_vcpu *v, uint8_t page)
{
	struct kvm_regs regs = v->reset_regs;
	struct kvm_sregs sregs = v->reset_sregs;

	sregs.cs.selector = (uint16_t)(page << 8);
	sregs.cs.base = (uint64_t)page << 12;
	regs.rip = 0;
	if (ioctl(v->kvm.fd, KVM_SET_SREGS, &sregs) ||
	    ioctl(v->kvm.fd, KVM_SET_REGS, &regs))
		return -errno;
	v->wait_for_sipi = false;
	return 0;
}

static void take_init_sipi(struct kvm_x86_vcpu *v, unsigned int events)
{
	int ret = 0;

	if (events & VIRQ_EVENT_INIT) {
		if (!virq_vcpu_take(v->kvm.virq, VIRQ_EVENT_INIT))
			ret = vcpu_reset(v);
	} else {
		int page = virq_vcpu_take(v->kvm.virq, VIRQ_EVENT_SIPI);

		/* A vCPU that runs ignores it. */
		if (page >= 0 && v->wait_for_sipi)
			ret = kvm_x86_vcpu_start(v, (uint8_t)page);
	}
	if (ret)
		kvm_vcpu_fail(&v->kvm, "INIT or SIPI", -ret);
}

/* ---- In: what is pending ---- */

static void inject_simple(struct kvm_x86_vcpu *v, enum virq_event event,
			  unsigned long request, const char *name)
{
	if (virq_vcpu_take(v->kvm.virq, event))
		return;
	if (ioctl(v->kvm.fd, request))
		kvm_vcpu_fail(&v->kvm, name, errno);
	v->halted = false;
}

static void inject_interrupt(struct kvm_x86_vcpu *v)
{
	struct kvm_interrupt interrupt;
	int vector;

	/* INTACK only when the guest takes it at once; else ask to be told. */
	if (!v->kvm.run->ready_for_interrupt_injection) {
		v->kvm.run->request_interrupt_window = 1;
		v->halted = false;
		return;
	}
	vector = virq_vcpu_ack(v->kvm.virq);
	if (vector < 0)
		return;
	interrupt.irq = (uint32_t)vector;
	if (ioctl(v->kvm.fd, KVM_INTERRUPT, &interrupt))
		kvm_vcpu_fail(&v->kvm, "KVM_INTERRUPT", errno);
	/* One at a time: KVM says when it is ready for the next. */
	v->kvm.run->ready_for_interrupt_injection = 0;
	v->halted = false;
	if (virq_vcpu_pending(v->kvm.virq) & VIRQ_EVENT_INTR)
		v->kvm.run->request_interrupt_window = 1;
}

static void inject(struct kvm_x86_vcpu *v)
{
	unsigned int events = virq_vcpu_pending(v->kvm.virq);

	v->kvm.run->request_interrupt_window = 0;
	if (!events)
		return;
	if (events & (VIRQ_EVENT_INIT | VIRQ_EVENT_SIPI)) {
		take_init_sipi(v, events);
		return;
	}
	if (v->wait_for_sipi)
		return;
	if (events & VIRQ_EVENT_SMI)
		inject_simple(v, VIRQ_EVENT_SMI, KVM_SMI, "KVM_SMI");
	if (events & VIRQ_EVENT_NMI)
		inject_simple(v, VIRQ_EVENT_NMI, KVM_NMI, "KVM_NMI");
	if (events & VIRQ_EVENT_INTR)
		inject_interrupt(v);
}

/* ---- Out: why KVM_RUN came back ---- */

static void exit_io(struct kvm_x86_vcpu *v)
{
	struct kvm_run *run = v->kvm.run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		struct virq_access access = {
			.addr = run->io.port,
			.len = run->io.size,
			.write = run->io.direction == KVM_EXIT_IO_OUT,
		};

		if (access.write)
			memcpy(&access.data, data, access.len);
		if (access.write && access.len == GUEST_PORT_SIZE &&
		    vmm_guest_out(v->kvm.vcpu, run->io.port,
				  (uint32_t)access.data))
			continue;
		/* A port that nobody has reads as all ones. */
		if (virq_vcpu_pio(v->kvm.virq, &access))
			access.data = UINT64_MAX;
		if (!access.write)
			memcpy(data, &access.data, access.len);
	}
}

static void exit_mmio(struct kvm_x86_vcpu *v)
{
	struct kvm_run *run = v->kvm.run;
	struct virq_access access = {
		.addr = run->mmio.phys_addr,
		.len = (uint8_t)run->mmio.len,
		.write = run->mmio.is_write,
	};

	if (access.write)
		memcpy(&access.data, run->mmio.data, access.len);
	if (virq_vcpu_mmio(v->kvm.virq, &access))
		access.data = UINT64_MAX;
	if (!access.write)
		memcpy(run->mmio.data, &access.data, access.len);
}

/*
 * KVM keeps a copy of the APIC base for CPUID's sake.  What KVM refuses of it
 * the guest may not have either.
 */
static int mirror_apic_base(struct kvm_x86_vcpu *v, uint64_t base)
{
	struct kvm_sregs sregs;

	if (ioctl(v->kvm.fd, KVM_GET_SREGS, &sregs))
		return -errno;
	sregs.apic_base = base;
	if (ioctl(v->kvm.fd, KVM_SET_SREGS, &sregs))
		return -errno;
	v->reset_sregs.apic_base = base;
	return 0;
}

static void exit_msr(struct kvm_x86_vcpu *v, bool write)
{
	struct kvm_run *run = v->kvm.run;
	struct virq_access access = {
		.addr = run->msr.index,
		.len = 8,
		.write = write,
		.data = write ? run->msr.data : 0,
	};
	int ret = virq_vcpu_msr(v->kvm.virq, &access);

	if (!ret && write && run->msr.index == MSR_IA32_APICBASE)
		ret = mirror_apic_base(v, access.data);
	run->msr.error = ret ? 1 : 0; /* #GP */
	if (!write)
		run->msr.data = access.data;
}

static void exit_hlt(struct kvm_x86_vcpu *v)
{
	if (v->kvm.run->if_flag)
		v->halted = true;
	else
		vcpu_fail_at(v, "halted with interrupts off", 0);
}

static void handle_exit(struct kvm_x86_vcpu *v)
{
	struct kvm_run *run = v->kvm.run;
	const char *what;
	uint64_t detail;

	switch (run->exit_reason) {
	case KVM_EXIT_IO: exit_io(v); break;
	case KVM_EXIT_MMIO: exit_mmio(v); break;
	case KVM_EXIT_X86_RDMSR: exit_msr(v, false); break;
	case KVM_EXIT_X86_WRMSR: exit_msr(v, true); break;
	case KVM_EXIT_IOAPIC_EOI:
		virq_vcpu_eoi(v->kvm.virq, run->eoi.vector);
		break;
	case KVM_EXIT_HLT: exit_hlt(v); break;
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN: /* inject() is next */
	case KVM_EXIT_SET_TPR: /* CR8 was read already */ break;
	case KVM_EXIT_SHUTDOWN: vcpu_fail_at(v, "triple fault", 0); break;
	default:
		what = kvm_exit_failure(run, &detail);
		vcpu_fail_at(v, what, detail);
		break;
	}
}

/* ---- The loop ---- */

static void run_once(struct kvm_x86_vcpu *v)
{
	struct kvm_run *run = v->kvm.run;
	uint8_t cr8 = v->user_apic ? virq_x86_get_cr8(v->kvm.virq) : 0;
	bool exited;

	run->cr8 = cr8;
	exited = kvm_vcpu_enter(&v->kvm);
	/* With KVM's own APIC the field is KVM's to tell, not ours to use. */
	if (v->user_apic && run->cr8 != cr8)
		virq_x86_set_cr8(v->kvm.virq, (uint8_t)run->cr8);
	if (exited)
		handle_exit(v);
}

/*
 * Halted in the kernel, with nothing on its way?  A request that arrived
 * after the kick is in the APIC or the 8259 and not yet in mp_state.
 */
static bool kernel_idle(struct kvm_x86_vcpu *v)
{
	struct vmm *vmm = v->kvm.vcpu->vmm;
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_PIC_MASTER};
	struct kvm_mp_state mp;
	struct kvm_lapic_state apic;
	const char *irr = apic.regs + 0x200;

	if (virq_vcpu_pending(v->kvm.virq))
		return false;
	if (ioctl(v->kvm.fd, KVM_GET_MP_STATE, &mp) ||
	    ioctl(v->kvm.fd, KVM_GET_LAPIC, &apic))
		return false;
	if (mp.mp_state != KVM_MP_STATE_HALTED)
		return false;
	for (int i = 0; i < 8; i++) {
		uint32_t word;

		memcpy(&word, irr + i * 16, sizeof(word));
		if (word)
			return false;
	}
	/* Of the 8259s, the master's output is what counts; its vCPU is 0. */
	if (vmm_pc_board(vmm)->program != VMM_PROGRAM_PIC)
		return true;
	if (virq_x86_get_irqchip(vmm->vm, &chip))
		return false;
	return !(chip.chip.pic.irr & ~chip.chip.pic.imr);
}

void kvm_x86_vcpu_run(struct vmm_vcpu *vcpu)
{
	struct kvm_x86_vcpu *v = (struct kvm_x86_vcpu *)vcpu->kvm;

	kvm_vcpu_begin(&v->kvm);
	while (!vmm_stopping(vcpu->vmm)) {
		inject(v);
		if (v->halted || v->wait_for_sipi)
			vmm_vcpu_block(vcpu);
		else
			run_once(v);
		if (vmm_probe_asked(vcpu))
			vmm_probe_answer(vcpu, kernel_idle(v));
	}
}

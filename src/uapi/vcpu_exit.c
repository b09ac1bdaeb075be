// SPDX-License-Identifier: BSD-3-Clause
/*
 * What comes out of the host's vCPU.
 *
 * Accesses to our chips, the PIT's and the ioeventfds' are done here, and the
 * guest goes on; what is nobody's is left in kvm_run, as the host filled it,
 * for the client.
 */
#include <string.h>
#include "irqchip/x86/lapic_only.h"
#include "irqchip/x86/pit.h"
#include "vcpu.h"

/* ---- I/O ports ---- */

static int pit_access(struct uapi_vm *vm, struct virq_access *access)
{
	/* Acquire: pairs with the release where it is created. */
	struct pit *pit = __atomic_load_n(&vm->pit, __ATOMIC_ACQUIRE);

	return pit ? pit_pio(pit, access) : -ENODEV;
}

/* Is the port anybody's here?  @chips: ask ours, not only the ioeventfds. */
static bool port_access(struct uapi_vcpu *vcpu, struct virq_access *access,
			bool chips)
{
	if (chips && (!virq_vcpu_pio(vcpu->virq, access) ||
		      !pit_access(vcpu->vm, access)))
		return true;
	return access->write &&
	       uapi_ioeventfd_write(vcpu->vm, true, access->addr, access->len,
				    access->data);
}

/*
 * A string instruction brings many at once, all to the same port.  Whose it is
 * shows at the first; what is not taken later is lost, or reads as ones.
 */
static bool handle_io(struct uapi_vcpu *vcpu, bool chips)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;

	for (uint32_t i = 0; i < run->io.count; i++, data += run->io.size) {
		struct virq_access access = {
			.addr = run->io.port,
			.len = run->io.size,
			.write = run->io.direction == KVM_EXIT_IO_OUT,
		};

		if (access.write)
			memcpy(&access.data, data, access.len);
		if (!port_access(vcpu, &access, chips)) {
			if (!i)
				return false;
			access.data = UINT64_MAX;
		}
		if (!access.write)
			memcpy(data, &access.data, access.len);
	}
	return true;
}

/* ---- Memory ---- */

static bool handle_mmio(struct uapi_vcpu *vcpu, bool chips)
{
	struct kvm_run *run = vcpu->run;
	struct virq_access access = {
		.addr = run->mmio.phys_addr,
		.len = (uint8_t)run->mmio.len,
		.write = run->mmio.is_write,
	};

	if (access.write)
		memcpy(&access.data, run->mmio.data, access.len);
	if (chips && !virq_vcpu_mmio(vcpu->virq, &access)) {
		if (!access.write)
			memcpy(run->mmio.data, &access.data, access.len);
		return true;
	}
	return access.write &&
	       uapi_ioeventfd_write(vcpu->vm, false, access.addr, access.len,
				    access.data);
}

/* ---- MSRs ---- */

/*
 * Ours are those that the filter and the host's refusal bring out.  Others come
 * because the client has asked for them, or as refusals, which it may not have
 * asked for: then the guest gets its fault.
 */
static bool handle_msr(struct uapi_vcpu *vcpu, bool write)
{
	struct kvm_run *run = vcpu->run;
	struct virq_access access = {
		.addr = run->msr.index,
		.len = 8,
		.write = write,
		.data = write ? run->msr.data : 0,
	};
	int ret;

	if (!vcpu_msr_is_ours(run->msr.index)) {
		if (atomic_load(&vcpu->vm->client_msr_exits) & run->msr.reason)
			return false;
		run->msr.error = 1;
		return true;
	}
	ret = vcpu_guest_msr(vcpu, &access);
	run->msr.error = ret ? 1 : 0; /* #GP */
	if (!write && !ret)
		run->msr.data = access.data;
	if (!ret)
		vcpu->unfinished = UNFINISHED_HARMLESS;
	return true;
}

/*
 * The client's IOAPIC must hear of this EOI.  The exit's fields overlay what
 * the host reads to finish an MSR access, so that has to be first.
 */
static void note_eoi(struct uapi_vcpu *vcpu, bool msr)
{
	if (atomic_load(&vcpu->vm->irqchip) != UAPI_IRQCHIP_SPLIT)
		return;
	vcpu->eoi_vector = lapic_only_take_eoi(vcpu->virq);
	if (vcpu->eoi_vector >= 0 && msr)
		vcpu->unfinished = UNFINISHED_ANYTHING;
}

/* ---- HLT and windows ---- */

/* Can the client have its interrupt now, and is there none of ours? */
static bool window_is_open(struct uapi_vcpu *vcpu, bool window)
{
	return window && vcpu->ready &&
	       !(virq_vcpu_pending(vcpu->virq) & VIRQ_EVENT_INTR) &&
	       lapic_only_takes_extint(vcpu->virq);
}

static bool handle_hlt(struct uapi_vcpu *vcpu, bool window)
{
	/* If an NMI or an interrupt is there already, the loop finds it. */
	vcpu->mp_state = KVM_MP_STATE_HALTED;
	if (!window_is_open(vcpu, window))
		return true;
	vcpu->run->exit_reason = KVM_EXIT_IRQ_WINDOW_OPEN;
	return false;
}

/* ---- All ---- */

/*
 * What the host does first when it runs again.  A write has been done when it
 * exits, but for stepping over the instruction; so has an access to an MSR
 * that does not fault.  A read goes on in the emulator, which may do anything:
 * MOV SS, POPF, a fault.
 */
static enum vcpu_unfinished unfinished(const struct kvm_run *run)
{
	switch (run->exit_reason) {
	case KVM_EXIT_HLT:
	case KVM_EXIT_INTR:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
	case KVM_EXIT_IOAPIC_EOI: return UNFINISHED_NOTHING;
	case KVM_EXIT_MMIO:
		return run->mmio.is_write ? UNFINISHED_HARMLESS
					  : UNFINISHED_ANYTHING;
	case KVM_EXIT_IO:
		return run->io.direction == KVM_EXIT_IO_OUT
			       ? UNFINISHED_HARMLESS
			       : UNFINISHED_ANYTHING;
	default: return UNFINISHED_ANYTHING;
	}
}

static bool handle_our_apic_exit(struct uapi_vcpu *vcpu, bool window)
{
	struct kvm_run *run = vcpu->run;
	bool handled;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO:
		handled = handle_mmio(vcpu, true);
		note_eoi(vcpu, false);
		return handled;
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		handled = handle_msr(vcpu,
				     run->exit_reason == KVM_EXIT_X86_WRMSR);
		note_eoi(vcpu, true);
		return handled;
	case KVM_EXIT_HLT: return handle_hlt(vcpu, window);
	case KVM_EXIT_IRQ_WINDOW_OPEN: return !window_is_open(vcpu, window);
	case KVM_EXIT_SET_TPR: return true; /* CR8 was read already */
	default: return false;
	}
}

bool vcpu_handle_exit(struct uapi_vcpu *vcpu, bool window)
{
	struct kvm_run *run = vcpu->run;

	vcpu->unfinished = unfinished(run);
	switch (run->exit_reason) {
	case KVM_EXIT_IO: return handle_io(vcpu, true);
	case KVM_EXIT_INTR: return true;
	}
	if (vcpu->kind == VCPU_OUR_APIC)
		return handle_our_apic_exit(vcpu, window);
	switch (run->exit_reason) {
	case KVM_EXIT_MMIO: return handle_mmio(vcpu, true);
	case KVM_EXIT_IRQ_WINDOW_OPEN: return true;
	case KVM_EXIT_IOAPIC_EOI:
		virq_vcpu_eoi(vcpu->virq, run->eoi.vector);
		return true;
	default: return false;
	}
}

bool vcpu_handle_plain_exit(struct uapi_vcpu *vcpu)
{
	switch (vcpu->run->exit_reason) {
	case KVM_EXIT_IO: return handle_io(vcpu, false);
	case KVM_EXIT_MMIO: return handle_mmio(vcpu, false);
	default: return false;
	}
}

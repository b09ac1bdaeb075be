// SPDX-License-Identifier: BSD-3-Clause
/* What a vCPU's descriptor is asked for, but its APIC's state. */
#include "random_exec.h"

#include <string.h>

#define X2APIC_EOI 0x80b
#define X2APIC_SVR 0x80f
#define SVR_DIRECTED_EOI UINT64_C(0x1000)
#define X2APIC_ICR 0x830
#define APIC_ISR 0x100
#define APIC_VECTOR_WORDS 8

/* ---- vCPUs ---- */

struct answer exec_mp_state(struct world *w, const struct op *op)
{
	struct kvm_mp_state mp;

	mp.mp_state = (uint32_t)op->arg[MP_STATE_VALUE];
	if ((mp.mp_state == KVM_MP_STATE_HALTED ||
	     mp.mp_state == KVM_MP_STATE_AP_RESET_HOLD) &&
	    op->arg[ARG_VM] != HALTING_VM)
		mp.mp_state = KVM_MP_STATE_RUNNABLE;
	return world_request(w, op_vcpu(w, op), KVM_SET_MP_STATE,
			     op->arg[MP_STATE_PTR], &mp, sizeof(mp));
}

struct answer exec_get_mp_state(struct world *w, const struct op *op)
{
	struct kvm_mp_state mp = {0};

	return world_request(w, op_vcpu(w, op), KVM_GET_MP_STATE,
			     op->arg[MP_STATE_PTR], &mp, sizeof(mp));
}

static struct answer msr(struct world *w, const struct op *op, unsigned long nr,
			 uint64_t value)
{
	uint32_t index = (uint32_t)op->arg[MSR_INDEX];
	struct answer answer =
		answer_of(world_msr(w, op_vcpu(w, op), nr, index, &value));

	if (answer.result == 1)
		answer.value = value;
	return answer;
}

/* The vector that an EOI would complete, or -1. */
static int vector_in_service(const struct world *w, const struct op *op)
{
	struct kvm_lapic_state lapic;

	if (w->port->ioctl(op_vcpu(w, op), KVM_GET_LAPIC, (uintptr_t)&lapic))
		return -1;
	for (int i = APIC_VECTOR_WORDS - 1; i >= 0; i--) {
		uint32_t word;

		memcpy(&word, lapic.regs + APIC_ISR + 0x10 * i, sizeof(word));
		if (word)
			return 32 * i + 31 - __builtin_clz(word);
	}
	return -1;
}

static bool ioapic_has_vector(const struct world *w, const struct op *op,
			      int vector)
{
	struct kvm_irqchip chip = {.chip_id = KVM_IRQCHIP_IOAPIC};

	if (w->port->ioctl(world_vm_fd(w, op->arg[ARG_VM]), KVM_GET_IRQCHIP,
			   (uintptr_t)&chip))
		return false;
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		if (chip.chip.ioapic.redirtbl[i].fields.vector == vector)
			return true;
	return false;
}

struct answer exec_wrmsr(struct world *w, const struct op *op)
{
	uint64_t value = op->arg[MSR_VALUE];

	if (op->arg[MSR_INDEX] == X2APIC_EOI &&
	    ioapic_has_vector(w, op, vector_in_service(w, op))) {
		known_count(KNOWN_EOI);
		return answer_of(0);
	}
	if (op->arg[MSR_INDEX] == X2APIC_SVR && w->rules.host_apics)
		value &= ~SVR_DIRECTED_EOI;
	if (op->arg[MSR_INDEX] == X2APIC_ICR)
		value = world_message(w, op, value);
	return msr(w, op, KVM_SET_MSRS, value);
}

struct answer exec_rdmsr(struct world *w, const struct op *op)
{
	return msr(w, op, KVM_GET_MSRS, 0);
}

struct answer exec_nmi(struct world *w, const struct op *op)
{
	return answer_of(w->port->ioctl(op_vcpu(w, op), KVM_NMI, 0));
}

struct answer exec_interrupt(struct world *w, const struct op *op)
{
	struct kvm_interrupt irq = {.irq = (uint32_t)op->arg[INTERRUPT_VECTOR]};

	return world_request(w, op_vcpu(w, op), KVM_INTERRUPT, PTR_GOOD, &irq,
			     sizeof(irq));
}

/* Of the registers, the two that are the APIC's too. */
struct answer exec_sregs(struct world *w, const struct op *op)
{
	struct kvm_sregs sregs = {0};
	struct answer answer = answer_of(w->port->ioctl(
		op_vcpu(w, op), KVM_GET_SREGS, (uintptr_t)&sregs));

	if (answer.result)
		return answer;
	sregs.apic_base = op->arg[SREGS_APIC_BASE];
	sregs.cr8 = op->arg[SREGS_CR8];
	return world_request(w, op_vcpu(w, op), KVM_SET_SREGS, PTR_GOOD, &sregs,
			     sizeof(sregs));
}

struct answer exec_events(struct world *w, const struct op *op)
{
	struct kvm_vcpu_events events = {0};
	struct answer answer = answer_of(w->port->ioctl(
		op_vcpu(w, op), KVM_GET_VCPU_EVENTS, (uintptr_t)&events));

	if (answer.result)
		return answer;
	events.flags = (uint32_t)op->arg[EVENTS_FLAGS];
	events.nmi.pending = (uint8_t)op->arg[EVENTS_NMI_PENDING];
	events.nmi.masked = (uint8_t)op->arg[EVENTS_NMI_MASKED];
	events.sipi_vector = (uint32_t)op->arg[EVENTS_SIPI_VECTOR];
	events.smi.latched_init = (uint8_t)op->arg[EVENTS_LATCHED_INIT];
	return world_request(w, op_vcpu(w, op), KVM_SET_VCPU_EVENTS,
			     op->arg[EVENTS_PTR], &events, sizeof(events));
}

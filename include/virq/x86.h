/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The x86 back end, "x86": an 8259 pair, an IOAPIC and a local APIC per vCPU,
 * all in user space; and the register state of these chips in KVM's own
 * structs, so that a guest can move between KVM's chips and these.
 *
 * Guest accesses come in by virq_vcpu_mmio(), _pio() and _msr().
 */
#ifndef VIRQ_X86_H
#define VIRQ_X86_H

#include <virq/defs.h>
#include <virq/vcpu.h>
#include <virq/vm.h>
#include <linux/kvm.h>

VIRQ_BEGIN_DECLS

struct virq_x86_config {
	/* KVM_X2APIC_API_USE_32BIT_IDS: 32-bit destinations in MSIs. */
	bool x2apic_ids32;
	/* KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK. */
	bool no_broadcast_quirk;
	/* Lowest priority by arbitration, not by vector hashing. */
	bool no_vector_hashing;
	/*
	 * Local APICs alone, as with KVM_CAP_SPLIT_IRQCHIP: the 8259 and the
	 * IOAPIC are the VMM's own.  Routes are MSIs only, there are none at
	 * first, and no irqfd may have a resamplefd.
	 */
	bool lapic_only;
	/*
	 * With lapic_only: of GSIs below this (at most 4096) an MSI route is
	 * what a pin of the VMM's IOAPIC sends.  If it is level-triggered, its
	 * EOI is reported by the vCPUs that it addresses.
	 */
	uint32_t reserved_routes;
	/*
	 * The guest's TSC, for the TSC-deadline timer: its rate, and how to
	 * read it for a vCPU.  NULL and 0: CLOCK_MONOTONIC at 1 GHz.
	 */
	uint64_t (*tsc_read)(void *opaque, uint32_t vcpu_id);
	uint32_t tsc_khz;
	void *opaque;
};

/*
 * virq_x86_get_irqchip, virq_x86_set_irqchip - KVM_GET_IRQCHIP and
 * KVM_SET_IRQCHIP for irqchip->chip_id KVM_IRQCHIP_PIC_MASTER, _PIC_SLAVE or
 * _IOAPIC.  For the back ends "x86", "split" and "kvm".  Any thread; stop the
 * vCPUs for a consistent picture.
 * 0, -EINVAL (chip_id), -ENXIO (the VM has no such chip).
 */
VIRQ_API int virq_x86_get_irqchip(struct virq_vm *vm,
				  struct kvm_irqchip *irqchip);
VIRQ_API int virq_x86_set_irqchip(struct virq_vm *vm,
				  const struct kvm_irqchip *irqchip);

/*
 * virq_x86_get_lapic, virq_x86_set_lapic - KVM_GET_LAPIC and KVM_SET_LAPIC.
 * vCPU thread, or any while the vCPU is stopped and nothing is delivered to it.
 * Restore MSR 0x1b (APIC_BASE) first: it decides the format; MSR 0x6e0 (TSC
 * deadline) last: it is ignored unless the timer is in that mode.
 * 0, -EINVAL (state that no APIC can have), -ENXIO (no local APIC of ours).
 */
VIRQ_API int virq_x86_get_lapic(struct virq_vcpu *vcpu,
				struct kvm_lapic_state *state);
VIRQ_API int virq_x86_set_lapic(struct virq_vcpu *vcpu,
				const struct kvm_lapic_state *state);

/* CR8 is bits 7:4 of the task priority.  vCPU thread. */
VIRQ_API uint8_t virq_x86_get_cr8(struct virq_vcpu *vcpu);
VIRQ_API void virq_x86_set_cr8(struct virq_vcpu *vcpu, uint8_t cr8);

VIRQ_END_DECLS

#endif

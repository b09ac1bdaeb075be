/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local APICs alone: what Linux's KVM_CAP_SPLIT_IRQCHIP gives a VMM that has
 * its own 8259 and IOAPIC.
 *
 * The back end is "x86" with virq_x86_config.lapic_only: there are no pins, no
 * routes at first, none but MSI routes ever, and no resamplefd.  The VMM drives
 * the APICs by MSIs and by the 8259's vector, and is told of the EOIs of
 * level-triggered interrupts that an IOAPIC of its own may have sent.
 *
 * The calls below are for such a VM's vCPUs only.
 */
#ifndef VIRQ_X86_LAPIC_ONLY_H
#define VIRQ_X86_LAPIC_ONLY_H

#include <virq/irqchip.h>
#include <virq/vcpu.h>

/* What "x86" with lapic_only creates; not in the table of back ends. */
extern const struct virq_irqchip_ops irqchip_lapic_only;

/*
 * lapic_only_take_eoi - the vector of the EOI that the VMM's IOAPIC must hear
 * of (KVM_EXIT_IOAPIC_EOI), or -EAGAIN.  There is one at most: ask before each
 * entry to guest code.  vCPU thread.
 */
int lapic_only_take_eoi(struct virq_vcpu *vcpu);

/*
 * lapic_only_set_extint - the VMM's 8259 gives @vector (KVM_INTERRUPT).
 * virq_vcpu_ack() takes it, before what the APIC has, once the vCPU accepts
 * such interrupts.  0, or -EEXIST when one is waiting.  Any thread.
 */
int lapic_only_set_extint(struct virq_vcpu *vcpu, uint8_t vector);

/*
 * lapic_only_takes_extint - does the vCPU accept a vector of the 8259, and is
 * none waiting?  The APIC's part of ready_for_interrupt_injection.  Any thread.
 */
bool lapic_only_takes_extint(struct virq_vcpu *vcpu);

/*
 * lapic_only_set_x2apic - does the guest's CPUID say x2APIC (KVM_SET_CPUID2)?
 * If so the APIC's version register says that it can leave EOIs undirected,
 * which an IOAPIC with an EOI register needs.  No until told.  vCPU thread.
 */
void lapic_only_set_x2apic(struct virq_vcpu *vcpu, bool x2apic);

#endif

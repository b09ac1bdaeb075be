/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Back ends over a KVM VM:
 *  "kvm"    the kernel's interrupt controller and its own irqfd: on x86 its
 *           8259, IOAPIC and local APICs, on arm64 its vGIC;
 *  "split"  our 8259 and IOAPIC over KVM's in-kernel local APICs
 *           (KVM_CAP_SPLIT_IRQCHIP), resamplefd included, which the kernel
 *           itself refuses there; x86 only.
 * On x86 both make the irqchip in KVM when they are created, so create the KVM
 * vCPUs after virq_vm_create_irqchip().
 *
 * On arm64 the vGIC and the ITS are the VMM's: it makes them by
 * KVM_CREATE_DEVICE, before or after virq_vm_create_irqchip(), with addresses
 * and numbers of its choice.  Until the vGIC is initialised
 * (KVM_DEV_ARM_VGIC_CTRL_INIT) virq_vm_irqfd() is -EAGAIN, as KVM_IRQFD is, and
 * so is virq_vm_set_gsi_routing(), whose table initialising would replace.
 * GSI n is SPI n, interrupt 32+n, until a table says otherwise.  Messages
 * need KVM_MSI_VALID_DEVID and the ITS's doorbell address.  virq_vm_irq_line()
 * is KVM_IRQ_LINE, which takes interrupt numbers and not GSIs there; and a
 * line has one level, whichever source sets it.  Let a VM's first KVM_RUN end
 * before the second begins (immediate_exit makes it short): it registers the
 * distributor, which Linux 6.1 takes for done before it is, and a vCPU that
 * runs meanwhile has none.
 *
 * With "kvm" the kernel's own bypass connects an irqfd with the device whose
 * interrupt VFIO signals by the same eventfd.  No kernel can be told not to,
 * for one irqfd: VIRQ_IRQFD_FLAG_NO_BYPASS is -EOPNOTSUPP, and so is every
 * assign in a VM with VIRQ_BYPASS_OFF.
 *
 * What the kernel does with "kvm", this library does not see: irqfds have no
 * counters (virq_vm_irqfd_query()), and ack notifiers of user space
 * (virq_vm_add_ack_notifier()) are never called.  Each irqfd costs a second
 * descriptor there: -EMFILE and -ENFILE are answers of assign.  On x86 all
 * lines that user space drives are one source to the kernel; the library ORs
 * its sources for each GSI, so do not drive the same GSI by KVM_IRQ_LINE, too.
 *
 * With "split" a run loop has three things to do beside KVM_RUN:
 *  - KVM_EXIT_IOAPIC_EOI: virq_vcpu_eoi();
 *  - KVM_EXIT_MMIO and KVM_EXIT_IO: virq_vcpu_mmio() and virq_vcpu_pio();
 *  - the 8259 interrupts vCPU 0 (ExtINT).  While virq_vcpu_pending() says
 *    VIRQ_EVENT_INTR: if kvm_run->ready_for_interrupt_injection, KVM_INTERRUPT
 *    with the vector of virq_vcpu_ack(); else set request_interrupt_window.
 *    The kernel owns LVT LINT0 and reports readiness only when it lets ExtINT
 *    through.
 * GSIs of "split" are numbers of this library's table.  KVM's own table holds
 * the IOAPIC's 24 reserved routes and nothing else: use virq_vm_irqfd() and
 * virq_vm_signal_msi(), not KVM_IRQFD and KVM_SET_GSI_ROUTING.
 */
#ifndef VIRQ_KVM_H
#define VIRQ_KVM_H

#include <virq/defs.h>
#include <virq/vcpu.h>

VIRQ_BEGIN_DECLS

struct virq_kvm_config {
	int vm_fd; /* a KVM VM; stays the caller's, must outlive the VM */
	/*
	 * Two formats of x86's, -EINVAL elsewhere.
	 * KVM_X2APIC_API_USE_32BIT_IDS: the high address word of an MSI is
	 * bits 31:8 of its destination, so APIC ids above 255 can be reached.
	 */
	bool x2apic_ids32;
	/* KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK. */
	bool no_broadcast_quirk;
};

#ifdef __x86_64__
/*
 * virq_kvm_set_vcpu_fd - tell the back end the KVM vCPU behind @vcpu; needed
 * for the state calls of x86.h.  Stays the caller's.  Any thread.  0, or
 * -EINVAL when the VM's irqchip is neither "kvm" nor "split".
 */
VIRQ_API int virq_kvm_set_vcpu_fd(struct virq_vcpu *vcpu, int vcpu_fd);
#endif

VIRQ_END_DECLS

#endif

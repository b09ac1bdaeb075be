/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a hypervisor does to a local APIC of ours and its guest cannot: the
 * part of KVM_SET_SREGS, KVM_SET_MSRS, KVM_SET_MP_STATE and
 * KVM_SET_VCPU_EVENTS that is the APIC's.
 *
 * The back end is "x86", with lapic_only or without.  vCPU thread, or any
 * while the vCPU is stopped.
 */
#ifndef VIRQ_X86_LAPIC_HOST_H
#define VIRQ_X86_LAPIC_HOST_H

#include <virq/vcpu.h>

/*
 * IA32_APICBASE without the guest's rules: from any mode to any other.  0, or
 * -EINVAL for what is no mode.
 */
int lapic_host_set_base(struct virq_vcpu *vcpu, uint64_t base);
/*
 * Reset a new vCPU's APIC as that of the bootstrap processor, or not.  Before,
 * vCPU 0 is it.
 */
void lapic_host_set_boot(struct virq_vcpu *vcpu, bool boot);
/* Has INIT been taken, so that the APIC waits for its SIPI? */
void lapic_host_set_wait_sipi(struct virq_vcpu *vcpu, bool wait);
/* Is an INIT waiting to be taken? */
void lapic_host_set_init(struct virq_vcpu *vcpu, bool pending);
/* Take the NMIs, also those that a waiting APIC keeps: so many, at most 2. */
unsigned int lapic_host_take_nmis(struct virq_vcpu *vcpu);
/* A SIPI that finds nobody waiting for it is lost. */
void lapic_host_drop_sipi(struct virq_vcpu *vcpu);
/* A SIPI that begins at @page. */
void lapic_host_send_sipi(struct virq_vcpu *vcpu, uint8_t page);

/*
 * Does the guest's CPUID say that the timer has a TSC-deadline mode?  An APIC
 * that was never told has it.
 */
void lapic_host_set_tsc_deadline(struct virq_vcpu *vcpu, bool available);

#endif

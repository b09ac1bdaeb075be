/* SPDX-License-Identifier: BSD-3-Clause */
/* A vCPU's mode of its local APIC, and other MSRs. */
#ifndef CONFORM_X2APIC_H
#define CONFORM_X2APIC_H

#include "env.h"

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2 (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define APIC_BASE_DEFAULT 0xfee00000u

/* KVM_SET_MSRS, KVM_GET_MSRS of one: how many were done, or -errno. */
int msr_set(struct conform *c, int vcpu, uint32_t index, uint64_t value);
int msr_get(struct conform *c, int vcpu, uint32_t index, uint64_t *value);

/* A CPUID that has an x2APIC and TSC deadline. */
void cpuid_set(struct conform *c, int vcpu);
/* The same, and the mode itself. */
void x2apic_enable(struct conform *c, int vcpu);

#endif

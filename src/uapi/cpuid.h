/* SPDX-License-Identifier: BSD-3-Clause */
/* What CPUID and MSRs the front door offers. */
#ifndef VIRQ_UAPI_CPUID_H
#define VIRQ_UAPI_CPUID_H

#include "uapi.h"

/* KVM_GET_SUPPORTED_CPUID: the host's, less what needs its local APIC. */
int uapi_get_host_cpuid(struct uapi_system *system, uintptr_t arg);
/* KVM_GET_SUPPORTED_CPUID, _EMULATED_CPUID and the MSRs without a host. */
int uapi_get_supported_cpuid(unsigned int request, uintptr_t arg);
int uapi_get_msr_index_list(uintptr_t arg);

#endif

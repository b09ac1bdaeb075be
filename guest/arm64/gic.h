/* SPDX-License-Identifier: BSD-3-Clause */
/* How the guest of abi.h reaches registers. */
#ifndef VIRQ_GUEST_ARM64_GIC_H
#define VIRQ_GUEST_ARM64_GIC_H

#include <stdint.h>
#include "abi.h"
#include "gic_regs.h"

static inline void mmio_write32(uint64_t gpa, uint32_t value)
{
	*(volatile uint32_t *)gpa = value;
}

static inline void mmio_write64(uint64_t gpa, uint64_t value)
{
	*(volatile uint64_t *)gpa = value;
}

static inline uint64_t mmio_read64(uint64_t gpa)
{
	return *(volatile uint64_t *)gpa;
}

/* The CPU interface's registers, as gic_regs.h has them. */
#define ICC_PMR_EL1 "S3_0_C4_C6_0"
#define ICC_IAR1_EL1 "S3_0_C12_C12_0"
#define ICC_EOIR1_EL1 "S3_0_C12_C12_1"
#define ICC_CTLR_EL1 "S3_0_C12_C12_4"
#define ICC_SRE_EL1 "S3_0_C12_C12_5"
#define ICC_IGRPEN1_EL1 "S3_0_C12_C12_7"

#define sysreg_write(name, value)                                              \
	__asm__ volatile("msr " name ", %0"                                    \
			 :                                                     \
			 : "r"((uint64_t)(value))                              \
			 : "memory")
#define sysreg_read(name)                                                      \
	({                                                                     \
		uint64_t value_;                                               \
		__asm__ volatile("mrs %0, " name : "=r"(value_) : : "memory"); \
		value_;                                                        \
	})

#endif

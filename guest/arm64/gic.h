/* SPDX-License-Identifier: BSD-3-Clause */
/* GICv3 and ITS: the registers, fields and commands that the guest uses. */
#ifndef VIRQ_GUEST_ARM64_GIC_H
#define VIRQ_GUEST_ARM64_GIC_H

#include <stdint.h>
#include "abi.h"

#define GICD_CTLR 0x0000
#define GICD_CTLR_ENABLE_GRP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_ISENABLER 0x0100
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR 0x0c00

#define GICR_CTLR 0x0000
#define GICR_CTLR_ENABLE_LPIS (1u << 0)
#define GICR_PROPBASER 0x0070
#define GICR_PROPBASER_ID_BITS 15 /* 16 bits, less one */
#define GICR_PENDBASER 0x0078

#define GITS_CTLR 0x0000
#define GITS_CTLR_ENABLED (1u << 0)
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER_DEVICES 0x0100
#define GITS_BASER_COLLECTIONS 0x0108
#define GITS_VALID (UINT64_C(1) << 63)
#define GITS_BASER_PAGE_64K (UINT64_C(2) << 8)

#define ITS_CMD_SYNC 0x05
#define ITS_CMD_MAPD 0x08
#define ITS_CMD_MAPC 0x09
#define ITS_CMD_MAPTI 0x0a
#define ITS_CMD_INV 0x0c

#define LPI_PRIORITY 0xa0
#define LPI_ENABLED (1u << 0)
#define SPI_PRIORITY 0xa0

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

/* The CPU interface's registers by encoding: assemblers differ in names. */
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

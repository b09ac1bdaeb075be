/* SPDX-License-Identifier: BSD-3-Clause */
/* GICv2, GICv3 and ITS: the registers, fields and commands that guests use. */
#ifndef VIRQ_GUEST_ARM64_GIC_REGS_H
#define VIRQ_GUEST_ARM64_GIC_REGS_H

#include <stdint.h>

/* The distributor: of both, or as said. */
#define GICD_CTLR 0x0000
#define GICD_CTLR_ENABLE_GRP0 (1u << 0) /* v2: the only enable */
#define GICD_CTLR_ENABLE_GRP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_RWP (1u << 31)
#define GICD_IGROUPR 0x0080 /* a bit an interrupt */
#define GICD_ISENABLER 0x0100 /* a bit */
#define GICD_IPRIORITYR 0x0400 /* a byte */
#define GICD_ITARGETSR 0x0800 /* a byte; v2 */
#define GICD_ICFGR 0x0c00 /* two bits: 2 edge, 0 level */
#define GICD_IROUTER 0x6000 /* eight bytes; v3 */

/* The CPU interface of v2. */
#define GICC_CTLR 0x0000
#define GICC_CTLR_ENABLE_GRP0 (1u << 0)
#define GICC_CTLR_EOIMODE (1u << 9)
#define GICC_PMR 0x0004
#define GICC_BPR 0x0008
#define GICC_IAR 0x000c
#define GICC_EOIR 0x0010
#define GICC_DIR 0x1000
#define GICC_IAR_INTID 0x3ffu

/* The redistributor: RD_base, and SGI_base after it. */
#define GICR_STRIDE 0x20000
#define GICR_CTLR 0x0000
#define GICR_CTLR_ENABLE_LPIS (1u << 0)
#define GICR_TYPER 0x0008
#define GICR_TYPER_LAST (1u << 4)
#define GICR_TYPER_NUMBER_SHIFT 8 /* sixteen bits */
#define GICR_TYPER_AFFINITY_SHIFT 32
#define GICR_WAKER 0x0014
#define GICR_WAKER_PROCESSOR_SLEEP (1u << 1)
#define GICR_WAKER_CHILDREN_ASLEEP (1u << 2)
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
#define GITS_TARGET_SHIFT 16 /* a processor's number, in MAPC and SYNC */

#define ITS_CMD_SYNC 0x05
#define ITS_CMD_MAPD 0x08
#define ITS_CMD_MAPC 0x09
#define ITS_CMD_MAPTI 0x0a
#define ITS_CMD_INV 0x0c

#define LPI_PRIORITY 0xa0
#define LPI_ENABLED (1u << 0)
#define SPI_PRIORITY 0xa0
#define IDLE_PRIORITY 0xf0 /* of GICC_PMR, ICC_PMR_EL1: lets both through */
#define INTID_SPECIAL 1020u /* up to 1023: nothing to take */

/*
 * System registers as their encodings, op0, op1, CRn, CRm, op2: assemblers
 * differ in names.
 */
#define SYS_ICC_PMR_EL1 3, 0, 4, 6, 0
#define SYS_ICC_DIR_EL1 3, 0, 12, 11, 1
#define SYS_ICC_IAR1_EL1 3, 0, 12, 12, 0
#define SYS_ICC_EOIR1_EL1 3, 0, 12, 12, 1
#define SYS_ICC_BPR1_EL1 3, 0, 12, 12, 3
#define SYS_ICC_CTLR_EL1 3, 0, 12, 12, 4
#define SYS_ICC_SRE_EL1 3, 0, 12, 12, 5
#define SYS_ICC_IGRPEN1_EL1 3, 0, 12, 12, 7
#define ICC_CTLR_EL1_EOIMODE (1u << 1)
#define ICC_SRE_EL1_SRE (1u << 0)

#endif

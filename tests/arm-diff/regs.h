/* SPDX-License-Identifier: BSD-3-Clause */
/* Registers of GICv2, GICv3 and ITS, by the architecture's names. */
#ifndef ARM_DIFF_REGS_H
#define ARM_DIFF_REGS_H

#define GICD_CTLR 0x0000
#define GICD_TYPER 0x0004
#define GICD_IIDR 0x0008
#define GICD_IGROUPR 0x0080
#define GICD_ISENABLER 0x0100
#define GICD_ICENABLER 0x0180
#define GICD_ISPENDR 0x0200
#define GICD_ICPENDR 0x0280
#define GICD_ISACTIVER 0x0300
#define GICD_ICACTIVER 0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR 0x0800 /* v2 */
#define GICD_ICFGR 0x0c00
#define GICD_SGIR 0x0f00 /* v2 */
#define GICD_CPENDSGIR 0x0f10 /* v2 */
#define GICD_SPENDSGIR 0x0f20 /* v2 */
#define GICD_IROUTER 0x6000 /* v3 */

#define GICR_CTLR 0x0000
#define GICR_IIDR 0x0004
#define GICR_TYPER 0x0008
#define GICR_WAKER 0x0014
#define GICR_PROPBASER 0x0070
#define GICR_PENDBASER 0x0078
#define GICR_INVLPIR 0x00a0
#define GICR_INVALLR 0x00b0
#define GICR_SYNCR 0x00c0
#define GICR_SGI_FRAME 0x10000 /* the distributor's offsets, on top */

#define GITS_CTLR 0x0000
#define GITS_IIDR 0x0004
#define GITS_TYPER 0x0008
#define GITS_CBASER 0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR 0x0090
#define GITS_BASER0 0x0100
#define GITS_BASER1 0x0108

/* Commands, and V of those that have it. */
#define ITS_MOVI 0x01
#define ITS_INT 0x03
#define ITS_CLEAR 0x04
#define ITS_SYNC 0x05
#define ITS_MAPD 0x08
#define ITS_MAPC 0x09
#define ITS_MAPTI 0x0a
#define ITS_MAPI 0x0b
#define ITS_INV 0x0c
#define ITS_INVALL 0x0d
#define ITS_MOVALL 0x0e
#define ITS_DISCARD 0x0f
#define ITS_VALID (UINT64_C(1) << 63)

#define GICC_CTLR 0x00
#define GICC_PMR 0x04
#define GICC_BPR 0x08
#define GICC_IAR 0x0c
#define GICC_EOIR 0x10
#define GICC_RPR 0x14
#define GICC_HPPIR 0x18
#define GICC_ABPR 0x1c
#define GICC_AIAR 0x20
#define GICC_AEOIR 0x24
#define GICC_AHPPIR 0x28
#define GICC_APR 0xd0
#define GICC_IIDR 0xfc
#define GICC_DIR 0x1000

/* KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK; all have op0 3 and op1 0. */
#define ICC(crn, crm, op2) (0xc000u | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR ICC(4, 6, 0)
#define ICC_IAR0 ICC(12, 8, 0)
#define ICC_EOIR0 ICC(12, 8, 1)
#define ICC_HPPIR0 ICC(12, 8, 2)
#define ICC_BPR0 ICC(12, 8, 3)
#define ICC_AP0R0 ICC(12, 8, 4)
#define ICC_AP1R0 ICC(12, 9, 0)
#define ICC_DIR ICC(12, 11, 1)
#define ICC_RPR ICC(12, 11, 3)
#define ICC_SGI1R ICC(12, 11, 5)
#define ICC_ASGI1R ICC(12, 11, 6)
#define ICC_SGI0R ICC(12, 11, 7)
#define ICC_IAR1 ICC(12, 12, 0)
#define ICC_EOIR1 ICC(12, 12, 1)
#define ICC_HPPIR1 ICC(12, 12, 2)
#define ICC_BPR1 ICC(12, 12, 3)
#define ICC_CTLR ICC(12, 12, 4)
#define ICC_SRE ICC(12, 12, 5)
#define ICC_IGRPEN0 ICC(12, 12, 6)
#define ICC_IGRPEN1 ICC(12, 12, 7)

#endif

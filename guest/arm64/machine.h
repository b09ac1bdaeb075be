/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The Arm machine of gicv2.c and gicv3.c: guest memory with abi.h's layout at
 * its beginning, and the frames of a GIC.
 *
 *	0x40000000	guest memory; the program is entered at its
 *			GUEST_LOAD_GPA, vCPU n with n in x0
 *	  + 0x100000	tables of the LPIs and the ITS (GICv3)
 *
 * Assembly uses these numbers, too.
 */
#ifndef VIRQ_GUEST_ARM64_MACHINE_H
#define VIRQ_GUEST_ARM64_MACHINE_H

#define ARM_GICD_GPA 0x08000000
#define ARM_GICC_GPA 0x08010000 /* GICv2 */
#define ARM_ITS_GPA 0x08080000
#define ARM_GICR_GPA 0x080a0000 /* GICv3; a frame pair a vCPU */
/* abi.h's GUEST_PORT_* are 32-bit registers at this plus their number. */
#define ARM_PORTS_GPA 0x09000000
#define ARM_RAM_GPA 0x40000000
#define ARM_RAM_SIZE 0x00200000

/* Where a device sends its event to (GITS_TRANSLATER). */
#define ARM_DOORBELL_GPA (ARM_ITS_GPA + 0x10040)

/* Device n of abi.h, an MSI, has this device id, one event, and one LPI. */
#define ARM_DEVICE_ID(n) ((n) + 8)
#define ARM_EVENT 0
#define ARM_SPI(n) ((n) + 32)
#define ARM_LPI(n) ((n) + 8192)

/* In guest memory: what software gives to the GIC. */
#define ARM_TABLE_SIZE 0x10000 /* each; and so are they aligned */
#define ARM_LPI_PROPERTIES 0x100000
#define ARM_ITS_DEVICES 0x110000
#define ARM_ITS_COLLECTIONS 0x120000
#define ARM_ITS_COMMANDS 0x130000
#define ARM_ITS_ITTS 0x140000 /* device n: + n * ARM_ITT_SIZE */
#define ARM_ITT_SIZE 0x100
#define ARM_LPI_PENDING 0x150000 /* vCPU n: + n * ARM_TABLE_SIZE */

#endif

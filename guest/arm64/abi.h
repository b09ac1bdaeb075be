/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between the bare-metal arm64 guest and the program that runs it: where
 * things are, and what the guest tells.
 *
 * It has one vCPU, a GICv3 and an ITS.  It enables some SPIs and maps the
 * events of one device to LPIs; then it waits, and reports each interrupt it
 * takes by stores to a page that nothing is behind.
 */
#ifndef VIRQ_GUEST_ARM64_ABI_H
#define VIRQ_GUEST_ARM64_ABI_H

#define GUEST_GICD_GPA 0x08000000
#define GUEST_ITS_GPA 0x08080000
#define GUEST_GICR_GPA 0x080a0000
#define GUEST_REPORT_GPA 0x09000000
#define GUEST_RAM_GPA 0x40000000 /* loaded and entered here */
#define GUEST_RAM_SIZE 0x00200000

/* Where a device sends its event numbers to (GITS_TRANSLATER). */
#define GUEST_DOORBELL_GPA (GUEST_ITS_GPA + 0x10040)

/* Enabled SPIs, by interrupt number: four edges, four levels. */
#define GUEST_SPI_EDGE 32
#define GUEST_SPI_LEVEL 36
#define GUEST_NR_SPIS 8

/* Event n of the device is LPI GUEST_LPI + n. */
#define GUEST_DEVICE_ID 8
#define GUEST_NR_EVENTS 4
#define GUEST_LPI 8192

/* Bits of x0 at entry. */
#define GUEST_WAIT_WFI 1 /* wait by WFI, not in a loop */

/* 32-bit stores to the report page, by offset. */
#define GUEST_REPORT_READY 0x0 /* interrupts are taken from now on */
#define GUEST_REPORT_TAKEN 0x4 /* an interrupt number, acknowledged */
#define GUEST_REPORT_DONE 0x8 /* the same, after its EOI */
#define GUEST_REPORT_FAULT 0xc /* ESR_EL1 of an exception; the end */

#endif

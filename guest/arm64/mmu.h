/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For assembly: the MMU and the caches on, by a table that the program comes
 * with.
 *
 * Two blocks of 1 GiB: devices, and memory that is cached as the host's own
 * view of it is, so that both see the same.  The host cleans what it loads, so
 * the walk, cached too, sees the table.
 */
/* This is not C: */
/* clang-format off */
#ifndef VIRQ_GUEST_ARM64_MMU_H
#define VIRQ_GUEST_ARM64_MMU_H

#define BLOCK 1
#define ACCESSED (1 << 10)
#define INNER_SHAREABLE (3 << 8)
#define MEMORY (1 << 2) /* the second byte of MAIR */
#define NO_EXECUTE (3 << 53)

	/* Changes @tmp. */
	.macro	mmu_enable tmp
	ldr	\tmp, =0xff04
	msr	mair_el1, \tmp
	/* 39 bits in 4 KiB pages, walked cached; no upper half; 40 bits out. */
	ldr	\tmp, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)
	msr	tcr_el1, \tmp
	ldr	\tmp, =page_table
	msr	ttbr0_el1, \tmp
	isb
	tlbi	vmalle1
	dsb	sy
	isb
	/* MMU, data cache, instruction cache. */
	mrs	\tmp, sctlr_el1
	orr	\tmp, \tmp, #(1 << 0)
	orr	\tmp, \tmp, #(1 << 2)
	orr	\tmp, \tmp, #(1 << 12)
	msr	sctlr_el1, \tmp
	isb
	.endm

	.macro	mmu_table
	.data
	.balign	4096
page_table:
	.quad	BLOCK | ACCESSED | NO_EXECUTE
	.quad	0x40000000 | BLOCK | ACCESSED | INNER_SHAREABLE | MEMORY
	.fill	510, 8, 0
	.endm

#endif

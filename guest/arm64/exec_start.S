/* SPDX-License-Identifier: BSD-3-Clause */
/* The executor's entry, translation table and exception vectors. */
#include "exec.h"

#define BLOCK 1
#define ACCESSED (1 << 10)
#define INNER_SHAREABLE (3 << 8)
#define MEMORY (1 << 2) /* the second byte of MAIR */
#define NO_EXECUTE (3 << 53)

	.section .text.start, "ax"
	.globl	start
	/* x0: this vCPU's box.  Its stack ends with the slice. */
start:
	add	x1, x0, #EXEC_SLICE_SIZE
	mov	sp, x1
	msr	tpidr_el1, x0
	adr	x1, vectors
	msr	vbar_el1, x1
	ldr	x1, =0xff04
	msr	mair_el1, x1
	/* 39 bits in 4 KiB pages, walked cached; no upper half; 40 bits out. */
	ldr	x1, =(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2 << 32)
	msr	tcr_el1, x1
	ldr	x1, =page_table
	msr	ttbr0_el1, x1
	isb
	tlbi	vmalle1
	dsb	sy
	isb
	/* MMU, data cache, instruction cache. */
	mrs	x1, sctlr_el1
	orr	x1, x1, #(1 << 0)
	orr	x1, x1, #(1 << 2)
	orr	x1, x1, #(1 << 12)
	msr	sctlr_el1, x1
	isb
	bl	exec_main

	.text
	/* Sixteen entries; the fifth is a synchronous one of this level. */
	.balign	2048
vectors:
	.rept	4
	.balign	128
	b	lost
	.endr
	.balign	128
	b	fault
	.rept	11
	.balign	128
	b	lost
	.endr

	/* An access that was asked for: say so, and go on behind it. */
fault:
	stp	x0, x1, [sp, #-16]!
	mrs	x0, tpidr_el1
	ldr	w1, [x0, #EXEC_BOX_BUSY]
	cbz	w1, lost
	str	w1, [x0, #EXEC_BOX_FAULTED]
	mrs	x0, elr_el1
	add	x0, x0, #4
	msr	elr_el1, x0
	ldp	x0, x1, [sp], #16
	eret

lost:
	mrs	x0, esr_el1
	ldr	x1, =(EXEC_REPORT_GPA + EXEC_REPORT_LOST)
	str	w0, [x1]
	b	lost

	/*
	 * Two blocks of 1 GiB: devices, and memory that is cached as the host's
	 * own view of it is, so that both see the same.  It comes filled: the
	 * host cleans what it loads, so the walk, cached too, sees it.
	 */
	.data
	.balign	4096
page_table:
	.quad	BLOCK | ACCESSED | NO_EXECUTE
	.quad	0x40000000 | BLOCK | ACCESSED | INNER_SHAREABLE | MEMORY
	.fill	510, 8, 0

/* SPDX-License-Identifier: BSD-3-Clause */
/* The exception vectors, which call guest_interrupt() and guest_fault(). */

	.text
	/* Sixteen entries; the sixth is an interrupt of this level's own. */
	.globl	vectors
	.balign	2048
vectors:
	.rept	5
	.balign	128
	b	fault
	.endr
	.balign	128
	b	interrupt
	.rept	10
	.balign	128
	b	fault
	.endr

fault:
	mrs	x0, esr_el1
	bl	guest_fault

	/* What a C function may change. */
interrupt:
	sub	sp, sp, #176
	stp	x0, x1, [sp, #0]
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x29, [sp, #144]
	str	x30, [sp, #160]
	bl	guest_interrupt
	ldp	x0, x1, [sp, #0]
	ldp	x2, x3, [sp, #16]
	ldp	x4, x5, [sp, #32]
	ldp	x6, x7, [sp, #48]
	ldp	x8, x9, [sp, #64]
	ldp	x10, x11, [sp, #80]
	ldp	x12, x13, [sp, #96]
	ldp	x14, x15, [sp, #112]
	ldp	x16, x17, [sp, #128]
	ldp	x18, x29, [sp, #144]
	ldr	x30, [sp, #160]
	add	sp, sp, #176
	eret

/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry at EL1 with interrupts masked. */
#include "abi.h"

	.section .text.start, "ax"
	.globl start
start:
	ldr	x1, =GUEST_RAM_GPA + GUEST_RAM_SIZE
	mov	sp, x1
	adr	x1, vectors
	msr	vbar_el1, x1
	isb
	bl	guest_main

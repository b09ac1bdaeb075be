/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry of every vCPU of the GIC program, at EL1 with interrupts masked, its
 * number in x0: to a stack of its own, to C.
 */
#include "../abi.h"
#include "machine.h"
#include "mmu.h"

	.section .text.start, "ax"
	.globl	start
start:
	mmu_enable x1
	adr	x1, vectors
	msr	vbar_el1, x1
	msr	tpidr_el1, x0
	ldr	x1, =(ARM_RAM_GPA + GUEST_STACK_GPA)
	add	x1, x1, x0, lsl #GUEST_SLICE_SHIFT
	mov	sp, x1
	isb
	bl	bare_main

	mmu_table

/* SPDX-License-Identifier: BSD-3-Clause */
/* Entry and interrupt stubs of a real-mode program; all segments are 0. */
#include "abi.h"

	.code16
	.section .text.start, "ax"
	.globl start
start:
	cli
	cld
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$GUEST_STACK_GPA, %esp
	calll	bare_main
1:	cli
	hlt
	jmp	1b

	.text
	.globl stubs
	.balign	STUB_SIZE
stubs:
	.set	vector, 0
	.rept	NR_STUBS
	.balign	STUB_SIZE
	pushl	$vector
	jmp	common
	.set	vector, vector + 1
	.endr

	/* C wants 32-bit registers and returns; the frame is real mode's. */
common:
	pushal
	cld
	movl	32(%esp), %eax
	pushl	%eax
	calll	bare_interrupt
	addl	$4, %esp
	popal
	addl	$4, %esp
	iretw

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The executor's assembly: the entry of every vCPU, in long mode with its stack
 * at the end of its slice, and the interrupt stubs.
 */
#include "exec.h"

	.section .text.start, "ax"
	.globl start
start:
	cld
	leaq	-1(%rsp), %rdi
	andq	$-EXEC_SLICE_SIZE, %rdi
	call	exec_main

	.org	EXEC_STUBS_GPA - EXEC_LOAD_GPA
stubs:
	.set	vector, 0
	.rept	256
	.balign	EXEC_STUB_SIZE
	pushq	$vector
	jmp	common
	.set	vector, vector + 1
	.endr

	/*
	 * A vector may be an exception with an error code or, an 8259's base
	 * being anything, an interrupt without.  Where there is none, CS is
	 * the second word above the vector.
	 */
	.balign	16
common:
	cmpq	$EXEC_CODE_SELECTOR, 16(%rsp)
	je	1f
	orq	$EXEC_FAULT, (%rsp)
	popq	(%rsp)		/* over the error code */
1:	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbp
	movq	%rsp, %rbp
	cld
	leaq	80(%rbp), %rdi
	movq	%rsp, %rsi
	andq	$-EXEC_SLICE_SIZE, %rsi
	andq	$-16, %rsp
	call	exec_interrupt
	movq	%rbp, %rsp
	popq	%rbp
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rax
	addq	$8, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits

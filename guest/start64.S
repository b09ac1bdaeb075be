/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry of every vCPU of a 64-bit program, in real mode as after SIPI: to long
 * mode, to a stack of its own, to C.  And the interrupt stubs.
 */
#include "abi.h"

#define CR0_PE_PG 0x80000001
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define CODE_SELECTOR 8
#define DATA_SELECTOR 16
#define APIC_ID_GPA 0xfee00020
#define APIC_ID_SHIFT 24

	.code16
	.section .text.start, "ax"
	.globl start
start:
	cli
	cld
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	gdt_pointer
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	movl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PE_PG, %eax
	movl	%eax, %cr0
	ljmpl	$CODE_SELECTOR, $long_mode

	.code64
long_mode:
	movl	$DATA_SELECTOR, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$APIC_ID_GPA, %eax
	movl	(%rax), %edi
	shrl	$APIC_ID_SHIFT, %edi
	movl	%edi, %esp
	shll	$GUEST_SLICE_SHIFT, %esp
	addl	$GUEST_STACK_GPA, %esp
	call	bare_main
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
	pushq	$vector
	jmp	common
	.set	vector, vector + 1
	.endr

	/*
	 * Exceptions that push an error code come here with one word more; it
	 * does not matter, as none returns.
	 */
common:
	pushq	%rax
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
	movq	%rsp, %rdi
	shrq	$GUEST_SLICE_SHIFT, %rdi
	movl	80(%rbp), %esi
	andq	$-16, %rsp
	call	bare_interrupt
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

	.section .rodata
	.balign	8
gdt:
	.quad	0
	.quad	0x00af9b000000ffff	/* 64-bit code */
	.quad	0x00cf93000000ffff	/* data */
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	gdt

	/*
	 * Identity map in 2 MiB pages of the first 2 MiB and, uncached, of
	 * the IOAPIC's and the local APIC's.  In .data: the processor writes
	 * the accessed bits.
	 */
	.set	TABLE, 0x3
	.set	PAGE, 0x83
	.set	PAGE_UNCACHED, 0x9b

	.data
	.balign	4096
pml4:	.quad	pdpt + TABLE
	.balign	4096
pdpt:	.quad	pd_low + TABLE
	.quad	0
	.quad	0
	.quad	pd_high + TABLE
	.balign	4096
pd_low:	.quad	PAGE
	.balign	4096
pd_high:
	.fill	502, 8, 0
	.quad	0xfec00000 + PAGE_UNCACHED
	.quad	0xfee00000 + PAGE_UNCACHED
	.balign	4096

	.section .note.GNU-stack, "", @progbits

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A boot sector that a PC's firmware loads, the loader of what follows it on
 * the disk, and the interrupt stubs of boot.c.  Real mode; all segments are 0
 * but %fs, whose limit is 4 GiB, for registers in high memory.
 */
	.code16
	.section .text.boot, "ax"
	.globl start
start:
	cli
	cld
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$start, %esp
	movw	$packet, %si
	movb	$0x42, %ah	/* extended read; %dl is the firmware's */
	int	$0x13
	jc	fail

	/* The limit of %fs outlives protected mode. */
	cli
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	jmp	1f
1:	movw	$8, %bx
	movw	%bx, %fs
	andb	$0xfe, %al
	movl	%eax, %cr0
	ljmp	$0, $1f
1:	xorw	%ax, %ax
	movw	%ax, %fs
	calll	boot_main
fail:	cli
	hlt
	jmp	fail

	.balign	4
packet:	.byte	16, 0
	.word	BOOT_SECTORS - 1
	.word	start + 512, 0	/* offset, segment */
	.quad	1		/* from the second sector */
gdt:	.quad	0
	.quad	0x00cf92000000ffff	/* data, 4 GiB */
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55

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
	calll	boot_interrupt
	addl	$4, %esp
	popal
	addl	$4, %esp
	iretw

	.section .note.GNU-stack, "", @progbits

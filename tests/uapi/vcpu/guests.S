/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Little real-mode guests, each loaded at GUEST_LOAD with all segments 0 and
 * limits of 4 GiB.  They speak by a byte to port GUEST_SAY.
 */
#include "guests.h"

	.code16
	.section .rodata

	.macro	guest name
	.globl	guest_\name
guest_\name:
8888:	/* where this guest begins, for vector */
	.endm

	.macro	endguest name
	.globl	guest_\name\()_end
guest_\name\()_end:
	.endm

	.macro	say byte
	movb	$\byte, %al
	outb	%al, $GUEST_SAY
	.endm

	/* Interrupt @vector goes to @label. */
	.macro	vector vector, label
	movw	$(GUEST_LOAD + \label - 8888b), \vector * 4
	movw	$0, \vector * 4 + 2
	.endm

	.macro	apic_write offset, value
	movl	$(0xfee00000 + \offset), %ebx
	movl	$\value, (%ebx)
	.endm

	/* Takes interrupts in HLT only; says each, and that it goes on after. */
guest halt
	vector	GUEST_VECTOR, halt_isr
	vector	2, halt_nmi
	apic_write 0xf0, 0x1ff
	say	GUEST_READY
1:	sti
	hlt
	cli
	say	GUEST_RESUMED
	jmp	1b
halt_isr:
	say	GUEST_VECTOR
	apic_write 0xb0, 0
	iretw
halt_nmi:
	say	GUEST_NMI
	iretw
endguest halt

	/* Neither halts nor exits. */
guest spin
	apic_write 0xf0, 0x1ff
	say	GUEST_READY
1:	jmp	1b
endguest spin

	/* Halts with interrupts off. */
guest dead
	cli
	hlt
	say	GUEST_RESUMED
endguest dead

	/* Ports and memory of the client's. */
guest ports
	movw	$0x1234, %ax
	movw	$0x510, %dx
	outw	%ax, %dx
	inl	%dx, %eax
	outb	%al, $GUEST_SAY
	movl	$0xd0000000, %ebx
	movl	$0x55667788, (%ebx)
	movl	(%ebx), %eax
	outb	%al, $GUEST_SAY
	/* Two ioeventfds, then one that does not match. */
	movw	$0x520, %dx
	movb	$7, %al
	outb	%al, %dx
	movl	$9, 0x100(%ebx)
	movb	$8, %al
	outb	%al, %dx
	say	GUEST_READY
endguest ports

	/* The 8259 and the timer: ten ticks by IRQ 0. */
guest timer
	vector	GUEST_VECTOR, timer_isr
	movb	$0x11, %al
	outb	%al, $0x20
	movb	$GUEST_VECTOR, %al
	outb	%al, $0x21
	movb	$4, %al
	outb	%al, $0x21
	movb	$1, %al
	outb	%al, $0x21
	movb	$0xfe, %al
	outb	%al, $0x21
	movb	$0x34, %al
	outb	%al, $0x43
	movb	$0xa9, %al	/* 1193 counts: a millisecond */
	outb	%al, $0x40
	movb	$4, %al
	outb	%al, $0x40
	xorw	%cx, %cx
1:	sti
	hlt
	cli
	cmpw	$10, %cx
	jb	1b
	say	GUEST_READY
timer_isr:
	incw	%cx
	movb	$0x20, %al
	outb	%al, $0x20
	iretw
endguest timer

	/* Starts vCPU 1 at its own last lines by INIT and SIPI, and waits. */
guest startup
	apic_write 0xf0, 0x1ff
	movl	$0xfee00310, %ebx
	movl	$(1 << 24), (%ebx)
	apic_write 0x300, 0x4500
	apic_write 0x300, (0x4600 | (GUEST_STARTUP >> 12))
1:	cmpb	$1, GUEST_FLAG
	jne	1b
	say	GUEST_READY
endguest startup
	apic_write 0xf0, 0x1ff

	/* At GUEST_STARTUP, on vCPU 1. */
guest started
	xorw	%ax, %ax
	movw	%ax, %ds
	movb	$1, GUEST_FLAG
	movw	%cs, %ax
	movb	%ah, %al
	outb	%al, $GUEST_SAY
1:	cli
	hlt
	jmp	1b
endguest started

	/* TSC-deadline: a million cycles from now, by the APIC timer. */
guest deadline
	vector	GUEST_VECTOR, deadline_isr
	apic_write 0xf0, 0x1ff
	apic_write 0x320, ((2 << 17) | GUEST_VECTOR)
	movl	$0x10, %ecx	/* the TSC itself jumps first */
	movl	$0x100000, %edx
	xorl	%eax, %eax
	wrmsr
	rdtsc
	addl	$1000000, %eax
	adcl	$0, %edx
	movl	%eax, %esi
	movl	%edx, %edi
	movl	$0x6e0, %ecx
	wrmsr
1:	sti
	hlt
	jmp	1b
deadline_isr:
	rdtsc
	subl	%esi, %eax
	sbbl	%edi, %edx
	js	2f
	say	GUEST_READY
2:	say	GUEST_EARLY
endguest deadline

	/* x2APIC by its MSRs; a bad one faults. */
guest x2apic
	vector	GUEST_VECTOR, x2apic_isr
	vector	13, x2apic_gp
	movl	$0x1b, %ecx
	rdmsr
	orl	$0xc00, %eax
	wrmsr
	movl	$0x80f, %ecx
	movl	$0x1ff, %eax
	xorl	%edx, %edx
	wrmsr
	movl	$0x83f, %ecx	/* self IPI */
	movl	$GUEST_VECTOR, %eax
	xorw	%si, %si
	sti
	wrmsr
1:	testw	%si, %si
	jz	1b
	say	GUEST_RESUMED
	movl	$0x802, %ecx	/* the id cannot be written */
	wrmsr
x2apic_isr:
	say	GUEST_VECTOR
	movl	$0x80b, %ecx
	xorl	%eax, %eax
	wrmsr
	incw	%si
	iretw
x2apic_gp:
	say	GUEST_FAULT
endguest x2apic

	/* Three bytes in one instruction, with interrupts on. */
guest string
	vector	GUEST_VECTOR, string_isr
	apic_write 0xf0, 0x1ff
	xorw	%si, %si
	movw	$GUEST_FLAG, %di
	movw	$3, %cx
	movw	$0x510, %dx
	sti
	rep insb
	say	GUEST_READY
1:	testw	%si, %si
	jz	1b
	cli
	movb	GUEST_FLAG, %al
	outb	%al, $GUEST_SAY
	movb	GUEST_FLAG + 1, %al
	outb	%al, $GUEST_SAY
	movb	GUEST_FLAG + 2, %al
	outb	%al, $GUEST_SAY
	movw	%si, %ax
	outb	%al, $GUEST_SAY
string_isr:
	incw	%si
	pushl	%ebx
	apic_write 0xb0, 0
	popl	%ebx
	iretw
endguest string

	/* A read of the client's memory. */
guest read
	movl	$0xd0000000, %ebx
	movl	(%ebx), %eax
	say	GUEST_READY
endguest read

	/* A MSR's value that is none. */
guest badmsr
	vector	13, badmsr_gp
	movl	$0xc0000080, %ecx
	movl	$2, %eax
	xorl	%edx, %edx
	wrmsr
	say	GUEST_READY
badmsr_gp:
	say	GUEST_FAULT
endguest badmsr

	/* x2APIC: an INIT to vCPU 1, which is the one that sends it. */
guest selfinit
	movl	$0x1b, %ecx
	rdmsr
	orl	$0xc00, %eax
	wrmsr
	movl	$0x830, %ecx
	movl	$0x4500, %eax
	movl	$1, %edx
	wrmsr
	say	GUEST_RESUMED
endguest selfinit

	/* Halts at once after it has spoken. */
guest nap
	vector	2, nap_nmi
	say	GUEST_READY
	hlt
	say	GUEST_RESUMED
nap_nmi:
	say	GUEST_NMI
endguest nap

	.code64
	/* In long mode: the task priority as CR8. */
guest cr8
	movl	$5, %eax
	movq	%rax, %cr8
	say	GUEST_READY
	movq	%cr8, %rax
	outb	%al, $GUEST_SAY
endguest cr8
	.code16

	.section .note.GNU-stack, "", @progbits

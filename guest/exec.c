// SPDX-License-Identifier: BSD-3-Clause
/* The executor's C: one operation after the other.  See exec.h. */
#include "exec.h"

#define RFLAGS_IF 0x200u
#define VECTOR_NMI 2
#define VECTOR_GP 13
#define INSN_HLT 0xf4
#define MSR_INSN_SIZE 2 /* of rdmsr and of wrmsr */

/* What the stubs leave on the stack; see `common` in exec64.S. */
struct exec_frame {
	uint64_t vector;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
};

void exec_main(struct exec_box *box);
/*
 * An interrupt may not come between STI and HLT.  Emulators of a processor that
 * forget so when an interrupt of the machine's comes there deliver it, and the
 * HLT after it would be for good.
 */
static void step_over_hlt(struct exec_frame *frame)
{
	if (*(const uint8_t *)(uintptr_t)frame->rip == INSN_HLT)
		frame->rip++;
}

void exec_interrupt(struct exec_frame *frame, struct exec_box *box);

/* The host reads memory when it sees this: nothing may be late. */
static void tell(uint16_t port)
{
	__asm__ volatile("outb %0, %1"
			 :
			 : "a"((uint8_t)0), "Nd"(port)
			 : "memory");
}

void exec_interrupt(struct exec_frame *frame, struct exec_box *box)
{
	struct exec_op *op = &box->op[box->next];

	if (frame->vector == (VECTOR_GP | EXEC_FAULT) && op->what == EXEC_MSR) {
		op->faulted = 1;
		frame->rip += MSR_INSN_SIZE;
	} else if (!(frame->vector & EXEC_FAULT) && box->left) {
		op->taken[op->nr_taken++] = (uint8_t)frame->vector;
		step_over_hlt(frame);
		if (!--box->left)
			frame->rflags &= ~(uint64_t)RFLAGS_IF;
	} else if (frame->vector == VECTOR_NMI) {
		box->nmis++;
	} else {
		box->lost_vector = frame->vector;
		box->lost_rip = frame->rip;
		tell(EXEC_PORT_LOST);
	}
}

/*
 * One plain mov each, which every hypervisor's decoder knows.  "memory" here
 * and below: an NMI's handler may look at the box.
 */
static void memory(struct exec_op *op)
{
	void *at = (void *)(uintptr_t)op->addr;
	uint64_t data = op->write ? op->data : 0;

	switch (op->len | op->write << 8) {
	case 1:
		__asm__ volatile("movb (%1), %b0"
				 : "+q"(data)
				 : "r"(at)
				 : "memory");
		break;
	case 2:
		__asm__ volatile("movw (%1), %w0"
				 : "+r"(data)
				 : "r"(at)
				 : "memory");
		break;
	case 4:
		__asm__ volatile("movl (%1), %k0"
				 : "+r"(data)
				 : "r"(at)
				 : "memory");
		break;
	case 8:
		__asm__ volatile("movq (%1), %0"
				 : "+r"(data)
				 : "r"(at)
				 : "memory");
		break;
	case 0x101:
		__asm__ volatile("movb %b0, (%1)"
				 :
				 : "q"(data), "r"(at)
				 : "memory");
		break;
	case 0x102:
		__asm__ volatile("movw %w0, (%1)"
				 :
				 : "r"(data), "r"(at)
				 : "memory");
		break;
	case 0x104:
		__asm__ volatile("movl %k0, (%1)"
				 :
				 : "r"(data), "r"(at)
				 : "memory");
		break;
	case 0x108:
		__asm__ volatile("movq %0, (%1)"
				 :
				 : "r"(data), "r"(at)
				 : "memory");
		break;
	default: break;
	}
	if (!op->write)
		op->data = data;
}

static void port(struct exec_op *op)
{
	uint16_t at = (uint16_t)op->addr;
	uint32_t data = op->write ? (uint32_t)op->data : 0;

	switch (op->len | op->write << 8) {
	case 1:
		__asm__ volatile("inb %1, %b0"
				 : "+a"(data)
				 : "d"(at)
				 : "memory");
		break;
	case 2:
		__asm__ volatile("inw %1, %w0"
				 : "+a"(data)
				 : "d"(at)
				 : "memory");
		break;
	case 4:
		__asm__ volatile("inl %1, %0"
				 : "+a"(data)
				 : "d"(at)
				 : "memory");
		break;
	case 0x101:
		__asm__ volatile("outb %b0, %1"
				 :
				 : "a"(data), "d"(at)
				 : "memory");
		break;
	case 0x102:
		__asm__ volatile("outw %w0, %1"
				 :
				 : "a"(data), "d"(at)
				 : "memory");
		break;
	case 0x104:
		__asm__ volatile("outl %0, %1"
				 :
				 : "a"(data), "d"(at)
				 : "memory");
		break;
	default: break;
	}
	if (!op->write)
		op->data = data;
}

/* exec_interrupt() steps over the instruction if it faults. */
static void msr(struct exec_op *op)
{
	uint32_t low = op->write ? (uint32_t)op->data : 0;
	uint32_t high = op->write ? (uint32_t)(op->data >> 32) : 0;

	if (op->write) {
		__asm__ volatile("wrmsr"
				 :
				 : "c"((uint32_t)op->addr), "a"(low), "d"(high)
				 : "memory");
		return;
	}
	__asm__ volatile("rdmsr"
			 : "+a"(low), "+d"(high)
			 : "c"((uint32_t)op->addr)
			 : "memory");
	op->data = (uint64_t)high << 32 | low;
}

static void cr8(struct exec_op *op)
{
	if (op->write)
		__asm__ volatile("movq %0, %%cr8" : : "r"(op->data) : "memory");
	else
		__asm__ volatile("movq %%cr8, %0"
				 : "=r"(op->data)
				 :
				 : "memory");
}

/*
 * The processor may take an interrupt after the instruction that follows STI.
 * A hypervisor that runs the guest by software looks at what is pending only
 * when it enters the guest, which it does anew after OUT.
 */
static void open_window(void)
{
	__asm__ volatile("sti; nop; outb %0, %1; nop; cli"
			 :
			 : "a"((uint8_t)0), "d"((uint16_t)EXEC_PORT_WINDOW)
			 : "memory");
}

static void window(struct exec_box *box, struct exec_op *op)
{
	uint8_t before;

	if (!op->data)
		return;
	box->left =
		op->data < EXEC_MAX_TAKEN ? (uint32_t)op->data : EXEC_MAX_TAKEN;
	if (op->what == EXEC_HALT)
		__asm__ volatile("sti; hlt; cli" : : : "memory");
	do {
		before = op->nr_taken;
		if (box->left)
			open_window();
	} while (op->nr_taken != before);
	box->left = 0;
}

static void execute(struct exec_box *box, struct exec_op *op)
{
	switch (op->what) {
	case EXEC_MMIO: memory(op); break;
	case EXEC_PIO: port(op); break;
	case EXEC_MSR: msr(op); break;
	case EXEC_CR8: cr8(op); break;
	default: window(box, op); break;
	}
}

void exec_main(struct exec_box *box)
{
	for (;;) {
		for (box->next = 0; box->next < box->nr; box->next++)
			execute(box, &box->op[box->next]);
		tell(EXEC_PORT_DONE);
		/* The host has filled the box anew. */
	}
}

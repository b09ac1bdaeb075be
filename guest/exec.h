/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The executor: a guest program that makes register accesses on command, and
 * what it and its host agree on.
 *
 * The host fills a vCPU's box with a batch of operations and lets the vCPU run;
 * the guest carries them out and writes EXEC_PORT_DONE.  Interrupts are off but
 * in an operation that asks for them, so what a guest takes, and when, is a
 * function of the operations.
 *
 *	0x01000	descriptor table; 0x02000 interrupt descriptor table
 *	0x03000	page tables, four pages
 *	0x08000	the program; its interrupt stubs at 0x09000
 *	0x10000	slice of vCPU 0: struct exec_box; the stack ends with the slice
 *	0x20000	slice of vCPU 1, and so on
 *
 * The host makes the tables and starts vCPUs in long mode.  Plain fixed-width
 * types only; assembly uses the numbers.
 */
#ifndef VIRQ_GUEST_EXEC_H
#define VIRQ_GUEST_EXEC_H

#define EXEC_GDT_GPA 0x1000
#define EXEC_IDT_GPA 0x2000
#define EXEC_PAGES_GPA 0x3000
#define EXEC_LOAD_GPA 0x8000
#define EXEC_STUBS_GPA 0x9000
#define EXEC_STUB_SIZE 16
#define EXEC_SLICE_SIZE 0x10000
#define EXEC_SLICE_GPA(vcpu) (EXEC_SLICE_SIZE * (1 + (vcpu)))
#define EXEC_MAX_VCPUS 4
#define EXEC_MEMORY_SIZE EXEC_SLICE_GPA(EXEC_MAX_VCPUS)
#define EXEC_CODE_SELECTOR 8
#define EXEC_DATA_SELECTOR 16
/* In the vector of a frame: an exception that pushed an error code. */
#define EXEC_FAULT 0x100

/* Ports the guest writes, a byte wide; nobody has them. */
#define EXEC_PORT_DONE 0x5100 /* the batch is done */
#define EXEC_PORT_WINDOW 0x5102 /* interrupts are on: nothing to do */
#define EXEC_PORT_LOST 0x5101 /* an exception nobody asked for: box->lost */

#ifndef __ASSEMBLER__

#include <stdint.h>

enum exec_what {
	EXEC_MMIO,
	EXEC_PIO,
	EXEC_MSR,
	EXEC_CR8,
	/*
	 * Interrupts on: take what is pending, at most `data` of it, with no
	 * EOI, so that one of a higher class nests; and off again.
	 */
	EXEC_WINDOW,
	/* The same, halted until there is one. */
	EXEC_HALT,
};

#define EXEC_MAX_TAKEN 16
#define EXEC_MAX_OPS 256

struct exec_op {
	uint8_t what;
	uint8_t len; /* 1, 2, 4; in memory also 8 */
	uint8_t write;
	/* Out. */
	uint8_t faulted; /* the MSR access raised #GP */
	uint8_t unclaimed; /* set by the host: the access came to the VMM */
	uint8_t nr_taken;
	uint8_t taken[EXEC_MAX_TAKEN]; /* vectors of a window, in order */
	uint64_t addr;
	uint64_t data; /* in for a write, out for a read */
};

struct exec_box {
	uint32_t nr; /* operations in this batch */
	uint32_t next; /* the one in progress */
	uint32_t left; /* interrupts that the window still takes; 0: closed */
	uint32_t nmis; /* taken since the host looked */
	uint64_t lost_vector; /* with EXEC_FAULT if there was an error code */
	uint64_t lost_rip;
	struct exec_op op[EXEC_MAX_OPS];
};

_Static_assert(sizeof(struct exec_box) + 0x1000 <= EXEC_SLICE_SIZE,
	       "at least 4 KiB of stack");

#endif
#endif

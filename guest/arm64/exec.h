/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The executor: a guest program at EL1 that makes register accesses on command,
 * and what it and its host agree on.
 *
 * It has the last EXEC_SIZE bytes of guest memory, whatever GIC the machine
 * has.  The host fills a vCPU's box with accesses and lets the vCPU run; the
 * guest makes them, interrupts masked, and stores to EXEC_REPORT_DONE: one exit
 * a batch, but for what the accesses themselves lead to.
 *
 *	EXEC_GPA	the program, entered here with the box in x0
 *	EXEC_BOX_GPA(n)	vCPU n's slice: struct exec_box, its stack at the end
 *
 * Plain fixed-width types only; assembly uses the numbers.
 */
#ifndef VIRQ_GUEST_ARM64_EXEC_H
#define VIRQ_GUEST_ARM64_EXEC_H

#define EXEC_SIZE 0x10000
#define EXEC_GPA 0x403f0000
#define EXEC_PROGRAM_SIZE 0x4000
#define EXEC_SLICE_SIZE 0x1000
#define EXEC_MAX_VCPUS 12
#define EXEC_BOX_GPA(vcpu)                                                     \
	(EXEC_GPA + EXEC_PROGRAM_SIZE + (vcpu)*EXEC_SLICE_SIZE)

/* 32-bit stores that the host sees; nothing is behind. */
#define EXEC_REPORT_GPA 0x3fff0000
#define EXEC_REPORT_DONE 0x0 /* the batch is done, or ended by a fault */
#define EXEC_REPORT_LOST 0x4 /* ESR_EL1 of an exception nobody asked for */

/* For the assembly: struct exec_box. */
#define EXEC_BOX_BUSY 8
#define EXEC_BOX_FAULTED 12

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

struct exec_access {
	uint64_t addr; /* guest physical, or a system register's encoding */
	uint64_t data; /* in for a write, out for a read */
	uint8_t sysreg;
	uint8_t write;
	uint8_t len; /* 1, 2, 4, 8 */
	uint8_t unused[5];
};

#define EXEC_MAX_ACCESSES 144

struct exec_box {
	uint32_t nr; /* accesses in this batch; the host may cut it short */
	uint32_t next; /* the one in progress */
	uint32_t busy; /* an access may fault now */
	uint32_t faulted; /* the one in progress did, which ends the batch */
	struct exec_access access[EXEC_MAX_ACCESSES];
};

_Static_assert(offsetof(struct exec_box, busy) == EXEC_BOX_BUSY &&
		       offsetof(struct exec_box, faulted) == EXEC_BOX_FAULTED,
	       "the assembly's offsets");
_Static_assert(sizeof(struct exec_box) + 512 <= EXEC_SLICE_SIZE,
	       "at least 512 bytes of stack");
_Static_assert(EXEC_BOX_GPA(EXEC_MAX_VCPUS) <= EXEC_GPA + EXEC_SIZE,
	       "the slices end where memory does");

#endif
#endif

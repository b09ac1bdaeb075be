/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script: what happens to a machine, one operation after the other.
 *
 * As text it has one operation a line ('#' begins a comment; numbers as in C):
 *
 *	mmio VCPU r LEN ADDRESS		mmio VCPU w LEN ADDRESS VALUE
 *	pio VCPU r LEN PORT		pio VCPU w LEN PORT VALUE
 *	msr VCPU r 8 INDEX		msr VCPU w 8 INDEX VALUE
 *	cr8 VCPU r 8			cr8 VCPU w 8 VALUE
 *	window VCPU MAX			take at most MAX pending interrupts
 *	halt VCPU MAX			the same, halted, if there is one
 *	line GSI LEVEL			KVM_IRQ_LINE_STATUS
 *	msi ADDRESS DATA		KVM_SIGNAL_MSI; ADDRESS is 64 bits
 */
#ifndef GUEST_DIFF_SCRIPT_H
#define GUEST_DIFF_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NR_VCPUS 2

enum op_kind {
	OP_MMIO,
	OP_PIO,
	OP_MSR,
	OP_CR8,
	OP_WINDOW,
	OP_HALT,
	OP_LINE,
	OP_MSI,
};

struct op {
	uint8_t kind;
	uint8_t vcpu;
	uint8_t len;
	bool write;
	uint64_t addr; /* also the GSI */
	uint64_t data; /* also MAX and LEVEL */
};

struct script {
	struct op *ops;
	size_t nr;
};

/* One line, with its end. */
void op_print(const struct op *op, FILE *file);
/*
 * script_read - 0, -ENOMEM, or -EINVAL with *line the number of a line that is
 * no operation.
 */
int script_read(struct script *script, FILE *file, unsigned int *line);
void script_free(struct script *script);

/*
 * script_generate - @nr operations that follow from @seed alone.
 * 0 or -ENOMEM.
 */
int script_generate(struct script *script, size_t nr, uint64_t seed);

#endif

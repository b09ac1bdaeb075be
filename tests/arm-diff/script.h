/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens to a machine with a vGIC: setup, then one operation after the
 * other.  As text each is a line of its name and its arguments ('#' begins a
 * comment; numbers as in C; what is 0 may be left out):
 *
 *	setup gic=3 vcpus=2 irqs=64
 *	mmio vcpu=1 write=1 len=4 addr=0x8000100 value=0xffff
 *
 * An operation names what it works on by number, and means something after
 * any other: dropping operations leaves a valid script.
 */
#ifndef ARM_DIFF_SCRIPT_H
#define ARM_DIFF_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MAX_VCPUS 4
#define MAX_IRQS 256
#define NR_SLOTS 6 /* eventfds, each with a resamplefd */
#define NR_GSIS 64
#define OP_ARGS 5

enum op_kind {
	/* The guest's; those of one vCPU that follow each other are a batch. */
	OP_MMIO,
	OP_SYSREG,
	OP_IAR, /* of the model's CPU interface */
	OP_EOI, /* of what IAR gave last and was not completed yet */
	OP_DIR, /* the same */
	/* The host's. */
	OP_SET,
	OP_GET,
	OP_HAS,
	OP_LINE,
	OP_IRQFD,
	OP_SIGNAL,
	OP_ROUTE,
	OP_MSI,
	OP_POKE, /* guest memory */
	OP_COMMAND, /* to the ITS: written to its queue, CWRITER moved */
	OP_MIGRATE,
	NR_OP_KINDS,
};

/* The arguments by their place; script.c names them. */
enum {
	ARG_VCPU = 0, /* the guest's, and COMMAND's */
	ACCESS_WRITE = 1,
	ACCESS_LEN,
	ACCESS_ADDR,
	ACCESS_VALUE,
	IAR_GROUP = 1, /* EOI too */
	ATTR_DEVICE = 0, /* enum device */
	ATTR_GROUP,
	ATTR_ATTR,
	ATTR_VALUE,
	LINE_IRQ = 0,
	LINE_LEVEL,
	IRQFD_SLOT = 0,
	IRQFD_GSI,
	IRQFD_FLAGS,
	SIGNAL_SLOT = 0,
	ROUTE_GSI = 0,
	ROUTE_KIND, /* enum route_kind */
	ROUTE_A, /* pin, or device id */
	ROUTE_B, /* chip, or event */
	MSI_FLAGS = 0,
	MSI_DEVICE,
	MSI_DATA,
	MSI_ADDRESS,
	POKE_ADDR = 0,
	POKE_LEN,
	POKE_VALUE,
	COMMAND_WORD = 1, /* four of them */
	MIGRATE_FROM = 0, /* 0: the reference's state, 1: the subject's */
};

enum device { DEVICE_GIC, DEVICE_ITS };

enum route_kind {
	ROUTE_NONE,
	ROUTE_PIN,
	ROUTE_MSI, /* KVM_MSI_VALID_DEVID */
	ROUTE_MSI_PLAIN,
	NR_ROUTE_KINDS,
};

struct op {
	enum op_kind kind;
	uint64_t arg[OP_ARGS];
};

struct setup {
	unsigned int gic; /* 2, 3 */
	unsigned int vcpus;
	unsigned int irqs;
};

struct script {
	struct setup setup;
	struct op *ops;
	size_t nr;
};

static inline bool op_is_guest(const struct op *op)
{
	return op->kind <= OP_DIR;
}

/* One line, with its end. */
void op_print(FILE *file, const struct op *op);
void script_print(FILE *file, const struct script *script);
/*
 * script_read - 0, -ENOMEM, or -EINVAL with *line the number of a line that is
 * no operation.
 */
int script_read(struct script *script, FILE *file, unsigned int *line);
void script_free(struct script *script);

/*
 * script_generate - @nr operations that follow from @seed alone, for @gic.
 * 0 or -ENOMEM.
 */
int script_generate(struct script *script, unsigned int gic, size_t nr,
		    uint64_t seed);

#endif

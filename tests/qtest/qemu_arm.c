// SPDX-License-Identifier: BSD-3-Clause
/*
 * QEMU's GICs: their inputs, what they tell the first processor, and the system
 * registers of its CPU interface, which no memory access reaches.  For these
 * the processor runs a loop that does what its mailbox asks for; between two
 * accesses it stands still.
 */
#include "qemu_impl.h"
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* ---- Where the chips are ---- */

/* {"name": "device[1]", "type": "child<arm_gic>"} */
static bool find_device(const char *text, const char *type, char *path)
{
	const char *name = strstr(text, type);
	unsigned int number;

	if (!name)
		return false;
	/* Back to its name, which is the string before "type". */
	while (name > text && strncmp(name, "\"name\": \"device[", 16) != 0)
		name--;
	if (sscanf(name, "\"name\": \"device[%u]", &number) != 1)
		return false;
	snprintf(path, PATH_SIZE, "/machine/unattached/device[%u]", number);
	return true;
}

bool qemu_find_gic(struct qemu *qemu, const char *text)
{
	if (!find_device(text, "\"child<arm_gic>\"", qemu->gic) &&
	    !find_device(text, "\"child<arm-gicv3>\"", qemu->gic))
		return false;
	if (!find_device(text, "-arm-cpu>\"", qemu->cpu))
		return false;
	qemu_ask(qemu, "irq_intercept_in %s", qemu->cpu);
	return true;
}

/* ---- Lines ---- */

void qemu_gic_line(struct qemu *qemu, unsigned int pin, bool level)
{
	qemu_line(qemu, qemu->gic, pin, level);
}

unsigned int qemu_gic_outputs(struct qemu *qemu)
{
	/* The last answer was behind all that changed before it. */
	return qemu->outputs & (QEMU_GIC_IRQ | QEMU_GIC_FIQ);
}

/* ---- System registers ---- */

#define MAILBOX 0x40000000u
#define MAILBOX_GO MAILBOX
#define MAILBOX_DATA(slot) (MAILBOX + 8 + 8 * (slot))
#define PROGRAM 0x40001000u
#define PATIENCE_MS 60000

/*
 *    mov x0, #MAILBOX; mov x3, #UART
 * 1: ldr w1, [x0]; cbz w1, 1b; the slots
 *    isb; str wzr, [x0]; str w1, [x3]; b 1b
 * Each slot: ldr x2, [x0, #DATA]; the access; str x2, [x0, #DATA]
 */
#define MOV_X0_MAILBOX 0xd2a80000u
#define MOV_X3_UART 0xd2a12003u /* 0x09000000 */
#define LDR_GO 0xb9400001u
#define CBZ_BACK 0x34ffffe1u
#define LDR_X2(slot) (0xf9400002u | (1 + (slot)) << 10)
#define STR_X2(slot) (0xf9000002u | (1 + (slot)) << 10)
#define NOP 0xd503201fu
#define ISB 0xd5033fdfu
#define STR_DONE 0xb900001fu
#define STR_UART 0xb9000061u
#define BRANCH(words) (0x14000000u | ((uint32_t)(words)&0x3ffffffu))
#define SLOT_WORDS 3
#define FIRST_SLOT 4 /* a word; behind it is the access of the first */

static void write_word(struct qemu *qemu, uint32_t word, uint32_t insn)
{
	qemu_write(qemu, PROGRAM + 4 * word, 4, insn);
}

static void write_access(struct qemu *qemu, uint32_t slot, uint32_t insn)
{
	if (qemu->access[slot] == insn)
		return;
	write_word(qemu, FIRST_SLOT + SLOT_WORDS * slot + 1, insn);
	qemu->access[slot] = insn;
}

static void write_program(struct qemu *qemu)
{
	uint32_t word = FIRST_SLOT;

	write_word(qemu, 0, MOV_X0_MAILBOX);
	write_word(qemu, 1, MOV_X3_UART);
	write_word(qemu, 2, LDR_GO);
	write_word(qemu, 3, CBZ_BACK);
	for (uint32_t slot = 0; slot < QEMU_SYSREGS; slot++) {
		write_word(qemu, word++, LDR_X2(slot));
		word++;
		write_word(qemu, word++, STR_X2(slot));
	}
	write_word(qemu, word++, ISB);
	write_word(qemu, word++, STR_DONE);
	write_word(qemu, word++, STR_UART);
	write_word(qemu, word, BRANCH(2 - (int)word));
	qemu->program_there = true;
}

static void must_qmp(struct qemu *qemu, const char *command)
{
	if (!qemu_qmp(qemu, command))
		qemu_give_up(qemu, "does not run or stop its processor");
}

/* It says one character. */
static void wait_done(struct qemu *qemu)
{
	struct pollfd uart = {.fd = qemu->uart, .events = POLLIN};
	char said;

	if (poll(&uart, 1, PATIENCE_MS) != 1 || read(qemu->uart, &said, 1) != 1)
		qemu_give_up(qemu, "does not execute system registers");
}

/* MRS or MSR, and x2. */
static uint32_t access_of(const struct qemu_sysreg *reg)
{
	return 0xd5000002 | (uint32_t)reg->read << 21 | reg->encoding << 5;
}

void qemu_sysregs(struct qemu *qemu, struct qemu_sysreg *regs, unsigned int nr)
{
	if (!qemu->program_there)
		write_program(qemu);
	for (unsigned int i = 0; i < QEMU_SYSREGS; i++)
		write_access(qemu, i, i < nr ? access_of(&regs[i]) : NOP);
	for (unsigned int i = 0; i < nr; i++)
		if (!regs[i].read)
			qemu_write(qemu, MAILBOX_DATA(i), 8, regs[i].value);
	qemu_write(qemu, MAILBOX_GO, 4, 1);
	must_qmp(qemu, "{\"execute\":\"cont\"}");
	wait_done(qemu);
	must_qmp(qemu, "{\"execute\":\"stop\"}");
	/* With an answer come all changes of lines before it. */
	qemu_read(qemu, MAILBOX_GO, 4);
	for (unsigned int i = 0; i < nr; i++)
		if (regs[i].read)
			regs[i].value = qemu_read(qemu, MAILBOX_DATA(i), 8);
}

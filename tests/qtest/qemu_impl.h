/* SPDX-License-Identifier: BSD-3-Clause */
/* What qemu.c and qemu_arm.c share. */
#ifndef QTEST_QEMU_IMPL_H
#define QTEST_QEMU_IMPL_H

#include "qemu.h"
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define NR_PICS 2
#define PATH_SIZE 64
/* Where the processor of Arm's machine begins: in memory, behind a page. */
#define QEMU_ARM_ENTRY "0x40001000"

struct qemu {
	pid_t pid;
	FILE *in, *out; /* qtest */
	FILE *qmp_in, *qmp_out;
	int uart; /* what a processor says */
	char *answer; /* the last one of QMP */
	size_t answer_size;
	char pic[NR_PICS][PATH_SIZE]; /* the master first */
	char ioapic[PATH_SIZE];
	char gic[PATH_SIZE];
	char cpu[PATH_SIZE]; /* Arm's first */
	uint32_t outputs; /* what that is told, a bit a line */
	bool program_there;
	uint32_t access[QEMU_SYSREGS]; /* instructions in the program */
};

_Noreturn void qemu_give_up(struct qemu *qemu, const char *why);
/* qtest: the value that is answered. */
__attribute__((format(printf, 2, 3))) uint64_t
qemu_ask(struct qemu *qemu, const char *format, ...);
void qemu_line(struct qemu *qemu, const char *path, unsigned int pin,
	       bool level);
/* QMP: the answer, after any events, until the next; NULL: an error. */
const char *qemu_qmp(struct qemu *qemu, const char *command);
/* In the text of what is in /machine/unattached. */
bool qemu_find_gic(struct qemu *qemu, const char *text);

#endif

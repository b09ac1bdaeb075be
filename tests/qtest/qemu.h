/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A QEMU whose processor stands still, for what its interrupt controllers do:
 * its qtest protocol, one line a question and one an answer, by a socket pair.
 */
#ifndef QTEST_QEMU_H
#define QTEST_QEMU_H

#include <stdbool.h>
#include <stdint.h>

struct qemu;

/*
 * qemu_start - @machine is "pc" or "q35", or Arm's "virt" with options.  QEMU
 * dies with the thread that calls.  NULL with *reason: there is none, or it
 * does not speak.
 */
struct qemu *qemu_start(const char *machine, const char **reason);
void qemu_stop(struct qemu *qemu);

/* What fails here ends the program: without QEMU there is nothing to say. */
uint8_t qemu_inb(struct qemu *qemu, uint16_t port);
void qemu_outb(struct qemu *qemu, uint16_t port, uint8_t value);
uint64_t qemu_read(struct qemu *qemu, uint64_t addr, unsigned int len);
void qemu_write(struct qemu *qemu, uint64_t addr, unsigned int len,
		uint64_t value);

/* Inputs of the pair (0..15) and of the IOAPIC (0..23), each on its own. */
void qemu_pic_line(struct qemu *qemu, unsigned int pin, bool level);
void qemu_ioapic_line(struct qemu *qemu, unsigned int pin, bool level);
/* Inputs of the GIC: SPIs from 0 on, then each CPU's 32 private interrupts. */
void qemu_gic_line(struct qemu *qemu, unsigned int pin, bool level);

/* What the GIC tells the first processor. */
#define QEMU_GIC_IRQ (1u << 0)
#define QEMU_GIC_FIQ (1u << 1)
unsigned int qemu_gic_outputs(struct qemu *qemu);

/*
 * That processor executes MRS, or MSR, of system registers (op0 in bits 15:14,
 * op1 13:11, CRn 10:7, CRm 6:3, op2 2:0) that must not be undefined, in this
 * order: the values are written, or what is read.
 */
#define QEMU_SYSREGS 16
struct qemu_sysreg {
	uint32_t encoding;
	bool read;
	uint64_t value;
};
void qemu_sysregs(struct qemu *qemu, struct qemu_sysreg *regs, unsigned int nr);

#endif

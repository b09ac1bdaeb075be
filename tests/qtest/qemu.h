/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A QEMU whose processor stands still, for what its 8259s and IOAPIC do: its
 * qtest protocol, one line a question and one an answer, over a socket pair.
 */
#ifndef QTEST_QEMU_H
#define QTEST_QEMU_H

#include <stdbool.h>
#include <stdint.h>

struct qemu;

/*
 * qemu_start - @machine is "pc" or "q35".  QEMU dies with the thread that
 * calls.  NULL with *reason: there is none, or it does not speak.
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

#endif

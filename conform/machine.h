/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM whose guest makes register accesses, for cases that need its EOI. */
#ifndef CONFORM_MACHINE_H
#define CONFORM_MACHINE_H

#include "env.h"
#include "guest.h"

#define PIC_BASE 0x20 /* vectors of the master; the slave's follow */
#define PIC_PIN 5
#define PIC_VECTOR (PIC_BASE + PIC_PIN)
#define IOAPIC_PIN 20
#define VECTOR 0x61
#define APIC_BASE 0xfee00000u
#define APIC_EOI 0xb0
#define APIC_ICR 0x300

#define OCW2_EOI 0x20
#define OCW2_SPECIFIC_EOI 0x60
#define OCW3_POLL 0x0c

struct machine {
	struct conform *c;
	struct conform_guest *guest;
	struct pc pc; /* the guest's */
	int fd, resamplefd;
};

struct machine machine_new(struct conform *c);
void machine_free(struct machine *m);
/* One operation, with its outcome in @op. */
void machine_run(struct machine *m, struct exec_op *op);
/* Ports. */
void machine_out(struct machine *m, uint16_t port, uint8_t value);
uint8_t machine_in(struct machine *m, uint16_t port);
/* Registers of the local APIC, redirection entries. */
void apic_store(struct machine *m, uint32_t reg, uint32_t value);
void rte_store(struct machine *m, unsigned int pin, uint32_t low);
/* The vector that the guest takes when interrupts are on, or -1. */
int machine_take(struct machine *m);
/*
 * Both 8259s at their bases, pins 5 and 11 level.  @icw4: 1, or 3 with
 * automatic EOI.
 */
void machine_pic_init(struct machine *m, uint8_t icw4);

#endif

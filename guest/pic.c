// SPDX-License-Identifier: BSD-3-Clause
/* Guest program for the 8259 pair: one vCPU, vector = base + line. */
#include "hw_pc.h"
#include <stddef.h>

#define MASTER_COMMAND 0x20
#define MASTER_DATA 0x21
#define SLAVE_COMMAND 0xa0
#define SLAVE_DATA 0xa1
#define MASTER_ELCR 0x4d0
#define SLAVE_ELCR 0x4d1

#define ICW1_INIT_ICW4 0x11
#define ICW3_MASTER_CASCADE 0x04 /* the slave is on line 2 */
#define ICW3_SLAVE_ID 0x02
#define ICW4_8086 0x01
#define OCW2_EOI 0x20
#define OCW2_SPECIFIC_EOI 0x60
#define OCW3_READ_ISR 0x0b
#define CASCADE_LINE 2u
#define NR_LINES 16u

static const struct guest_device *find(const struct guest_params *params,
				       uint32_t vector, uint32_t *index)
{
	for (uint32_t i = 0; i < params->nr_devices; i++) {
		if (params->device[i].vector == vector) {
			*index = i;
			return &params->device[i];
		}
	}
	return NULL;
}

/*
 * A level line that went down before INTACK, or nothing at all: the chip then
 * answers with its line 7, which is not in service.
 */
static bool spurious(struct hw *hw, uint32_t line)
{
	uint16_t command = line < 8 ? MASTER_COMMAND : SLAVE_COMMAND;

	if (line % 8 != 7)
		return false;
	hw_outb(hw, command, OCW3_READ_ISR);
	return !(hw_inb(hw, command) & 0x80);
}

/*
 * Level lines end with a specific EOI, edges with a non-specific one: both
 * are in use out there.
 */
static void eoi(struct hw *hw, uint32_t line, bool specific)
{
	uint8_t end = specific ? OCW2_SPECIFIC_EOI : OCW2_EOI;

	if (line >= 8) {
		hw_outb(hw, SLAVE_COMMAND,
			(uint8_t)(specific ? end | (line - 8) : end));
		line = CASCADE_LINE;
	}
	hw_outb(hw, MASTER_COMMAND, (uint8_t)(specific ? end | line : end));
}

void pic_interrupt(struct hw *hw, uint32_t vector)
{
	const struct guest_params *params = guest_params(hw);
	uint32_t base = params->device[0].vector - params->device[0].pin;
	uint32_t line = vector - base, i;
	const struct guest_device *device;

	if (line >= NR_LINES) {
		guest_unexpected(hw, vector);
		return;
	}
	if (spurious(hw, line)) {
		/* The master does hold the cascade line in service. */
		if (line >= 8)
			hw_outb(hw, MASTER_COMMAND, OCW2_EOI);
		return;
	}
	device = find(params, vector, &i);
	if (!device) {
		guest_unexpected(hw, vector);
		return;
	}
	guest_record(hw, i, vector);
	hw_out32(hw, GUEST_PORT_ACK, i);
	eoi(hw, line, device->kind == GUEST_LEVEL);
}

void pic_main(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);
	uint32_t base = params->device[0].vector - params->device[0].pin;
	uint32_t level = 0, enable = 1u << CASCADE_LINE;

	if (params->magic != GUEST_MAGIC) {
		guest_unexpected(hw, 0);
		return;
	}
	for (uint32_t i = 0; i < params->nr_devices; i++) {
		enable |= 1u << params->device[i].pin;
		if (params->device[i].kind == GUEST_LEVEL)
			level |= 1u << params->device[i].pin;
	}

	hw_outb(hw, MASTER_COMMAND, ICW1_INIT_ICW4);
	hw_outb(hw, SLAVE_COMMAND, ICW1_INIT_ICW4);
	hw_outb(hw, MASTER_DATA, (uint8_t)base);
	hw_outb(hw, SLAVE_DATA, (uint8_t)(base + 8));
	hw_outb(hw, MASTER_DATA, ICW3_MASTER_CASCADE);
	hw_outb(hw, SLAVE_DATA, ICW3_SLAVE_ID);
	hw_outb(hw, MASTER_DATA, ICW4_8086);
	hw_outb(hw, SLAVE_DATA, ICW4_8086);
	hw_outb(hw, MASTER_ELCR, (uint8_t)level);
	hw_outb(hw, SLAVE_ELCR, (uint8_t)(level >> 8));
	hw_outb(hw, MASTER_DATA, (uint8_t)~enable);
	hw_outb(hw, SLAVE_DATA, (uint8_t)(~enable >> 8));

	hw_out32(hw, GUEST_PORT_READY, hw->cpu);
	while (hw_halt_wait(hw))
		;
}

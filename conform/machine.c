// SPDX-License-Identifier: BSD-3-Clause
/* See machine.h. */
#include "machine.h"
#include <errno.h>

#define IOAPIC_BASE 0xfec00000u

void machine_run(struct machine *m, struct exec_op *op)
{
	struct conform *c = m->c;

	if (conform_guest_run(m->guest, 0, op, 1))
		conform_fail(c, __FILE__, __LINE__, "the guest", "carries on",
			     conform_guest_error(m->guest));
}

void machine_out(struct machine *m, uint16_t port, uint8_t value)
{
	struct exec_op op = {
		.what = EXEC_PIO,
		.len = 1,
		.write = 1,
		.addr = port,
		.data = value,
	};

	machine_run(m, &op);
}

uint8_t machine_in(struct machine *m, uint16_t port)
{
	struct exec_op op = {.what = EXEC_PIO, .len = 1, .addr = port};

	machine_run(m, &op);
	return (uint8_t)op.data;
}

static void machine_store(struct machine *m, uint32_t addr, uint32_t value)
{
	struct exec_op op = {
		.what = EXEC_MMIO,
		.len = 4,
		.write = 1,
		.addr = addr,
		.data = value,
	};

	machine_run(m, &op);
}

void apic_store(struct machine *m, uint32_t reg, uint32_t value)
{
	machine_store(m, APIC_BASE + reg, value);
}

void rte_store(struct machine *m, unsigned int pin, uint32_t low)
{
	machine_store(m, IOAPIC_BASE, 0x10 + 2 * pin);
	machine_store(m, IOAPIC_BASE + 0x10, low);
}

/* The vector that the guest takes when interrupts are on, or -1. */
int machine_take(struct machine *m)
{
	struct exec_op op = {.what = EXEC_WINDOW, .data = 1};

	machine_run(m, &op);
	return op.nr_taken ? op.taken[0] : -1;
}

/* Both 8259s at their bases; @icw4: 1, or 3 with automatic EOI. */
void machine_pic_init(struct machine *m, uint8_t icw4)
{
	for (uint8_t slave = 0; slave < 2; slave++) {
		uint16_t port = slave ? 0xa0 : 0x20;

		machine_out(m, port, 0x11);
		machine_out(m, port + 1, (uint8_t)(PIC_BASE + 8 * slave));
		machine_out(m, port + 1, slave ? 2 : 4);
		machine_out(m, port + 1, icw4);
		machine_out(m, port + 1, 0);
	}
	/* Pins 5 and 11 are level. */
	machine_out(m, 0x4d0, 1u << PIC_PIN);
	machine_out(m, 0x4d1, 1u << 3);
}

struct machine machine_new(struct conform *c)
{
	struct machine m = {
		.c = c,
		.fd = event_open(c, 0),
		.resamplefd = event_open(c, 0),
	};
	int ret = conform_guest_create(c->port, 1, &m.guest);

	if (ret == -EOPNOTSUPP)
		conform_skip(c, "no guest runs here");
	CHECK_RET(c, ret, 0);
	m.pc.vm = conform_guest_vm_fd(m.guest);
	m.pc.vcpu = conform_guest_vcpu_fd(m.guest, 0);
	return m;
}

void machine_free(struct machine *m)
{
	conform_guest_destroy(m->guest);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random scripts that a guest could have written: registers that exist and some
 * that do not, in sizes that fit and some that do not, with values that mean
 * something more often than not.
 *
 * What is left out, and why:
 *  - INIT, SIPI and SMI: they take the vCPU away from the executor;
 *  - counts of the APIC timer that end, and unmasked ones of any: time is not
 *    the same on both sides.
 *
 * A seed means the same script only to the same build: the order of draws in an
 * expression is the compiler's.  What a script does is in its text.
 */
#include "generate.h"
#include <errno.h>
#include <stdlib.h>

#define IOAPIC_GPA 0xfec00000u
#define IOAPIC_WINDOW 0x10
#define OCW2_EOI 0x20u

uint32_t gen_draw(struct generator *g, uint32_t n)
{
	/* xorshift64*; the high half. */
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return (uint32_t)((g->state * 0x2545f4914f6cdd1dull) >> 32) % n;
}

uint32_t gen_draw32(struct generator *g)
{
	return gen_draw(g, 0x10000) << 16 | gen_draw(g, 0x10000);
}

uint32_t gen_pick(struct generator *g, const uint32_t *values, uint32_t nr)
{
	return values[gen_draw(g, nr)];
}
#define PICK(g, ...)                                                           \
	gen_pick(g, (const uint32_t[]){__VA_ARGS__},                           \
		 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Beyond the script's end it draws on and drops what it makes. */
static void emit(struct generator *g, struct op op)
{
	if (g->script->nr < g->room)
		g->script->ops[g->script->nr++] = op;
}

static void pio(struct generator *g, uint8_t vcpu, bool write, uint8_t len,
		uint16_t port, uint32_t value)
{
	emit(g, (struct op){OP_PIO, vcpu, len, write, port, value});
}

/* Whatever is written to the IOAPIC may be an RTE: no mode that is left out. */
static uint64_t allowed_rte(uint64_t value)
{
	static const bool allowed[8] = {[0] = true,
					[MODE_REMOTE_READ] = true,
					[MODE_LOWEST] = true,
					[MODE_NMI] = true,
					[MODE_EXTINT] = true};

	return allowed[value >> 8 & 7] ? value : value & ~0x700ull;
}

void gen_mmio(struct generator *g, uint8_t vcpu, bool write, uint8_t len,
	      uint64_t addr, uint64_t value)
{
	if (addr - IOAPIC_GPA < 0x100)
		value = allowed_rte(value);
	emit(g, (struct op){OP_MMIO, vcpu, len, write, addr, value});
}

void gen_msr(struct generator *g, uint8_t vcpu, bool write, uint32_t index,
	     uint64_t value)
{
	emit(g, (struct op){OP_MSR, vcpu, 8, write, index, value});
}

uint8_t gen_len(struct generator *g, uint32_t shifts)
{
	return (uint8_t)(1u << gen_draw(g, shifts));
}

uint8_t gen_vcpu(struct generator *g)
{
	return (uint8_t)gen_draw(g, NR_VCPUS);
}

/* ---- 8259s ---- */

static void pic_init(struct generator *g, uint8_t vcpu)
{
	uint16_t chip = gen_draw(g, 2) ? 0x20 : 0xa0;
	uint32_t icw1 = 0x10 | PICK(g, 1, 1, 1, 0, 3, 9);

	pio(g, vcpu, true, 1, chip, icw1);
	pio(g, vcpu, true, 1, chip + 1u,
	    gen_draw(g, 6) ? 0x20 + (chip & 0x80u) / 16 : gen_draw(g, 256));
	pio(g, vcpu, true, 1, chip + 1u, gen_draw(g, 256));
	if (icw1 & 1)
		pio(g, vcpu, true, 1, chip + 1u,
		    PICK(g, 0x01, 0x01, 0x01, 0x03, 0x11, 0x13,
			 gen_draw(g, 256)));
}

static uint32_t ocw2(struct generator *g)
{
	return PICK(g, 0x20, 0x20, 0x20, 0x60, 0xa0, 0xe0, 0xc0, 0x00, 0x80,
		    0x80, 0x40) |
	       (gen_draw(g, 2) ? gen_draw(g, 8) : 0);
}

static uint32_t ocw3(struct generator *g)
{
	return 0x08 | PICK(g, 0x02, 0x03, 0x04, 0x06, 0x07, 0x60, 0x40, 0x00);
}

static void op_pic(struct generator *g)
{
	static const uint32_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	uint16_t port = (uint16_t)gen_pick(g, ports, gen_draw(g, 4) ? 4 : 6);
	uint8_t vcpu = gen_vcpu(g);
	uint32_t value;

	if (gen_draw(g, 24) == 0) {
		/* Beside the ports, or not a byte. */
		port = (uint16_t)(port - 1 + gen_draw(g, 3));
		pio(g, vcpu, gen_draw(g, 2), gen_len(g, 3), port,
		    gen_draw32(g));
		return;
	}
	if (gen_draw(g, 3) == 0) {
		pio(g, vcpu, false, 1, port, 0);
		return;
	}
	switch (port) {
	case 0x20:
	case 0xa0:
		if (gen_draw(g, 8) == 0) {
			pic_init(g, vcpu);
			return;
		}
		value = gen_draw(g, 10) == 0 ? gen_draw(g, 256)
			: gen_draw(g, 3)     ? ocw2(g)
					     : ocw3(g);
		break;
	case 0x21:
	case 0xa1:
		value = gen_draw(g, 2) ? 0
				       : gen_draw(g, 256) & gen_draw(g, 256);
		break;
	default: value = gen_draw(g, 256); break;
	}
	pio(g, vcpu, true, 1, port, value);
}

/* ---- Messages ---- */

uint32_t gen_mode(struct generator *g)
{
	return gen_draw(g, 3) ? 0
			      : PICK(g, MODE_LOWEST, MODE_LOWEST, MODE_NMI,
				     MODE_EXTINT, MODE_REMOTE_READ);
}

/* Few vectors, so that they meet. */
uint32_t gen_vector(struct generator *g)
{
	return gen_draw(g, 8) ? 0x30 + 0x11 * gen_draw(g, 8) : gen_draw(g, 256);
}

/* For 8 bits, physical or logical. */
uint32_t gen_dest(struct generator *g)
{
	return gen_draw(g, 6)
		       ? gen_draw(g, 4)
		       : PICK(g, 0xff, 0x11, 0x12, 0x1f, gen_draw(g, 256));
}

static void op_msi(struct generator *g)
{
	uint64_t addr = 0xfee00000u | gen_dest(g) << 12 |
			(gen_draw(g, 3) ? 0 : 4) | (gen_draw(g, 4) ? 0 : 8);
	uint32_t data = gen_vector(g) | gen_mode(g) << 8 |
			gen_draw(g, 2) << 14 | (gen_draw(g, 4) ? 0 : 1u << 15);

	emit(g, (struct op){.kind = OP_MSI, .addr = addr, .data = data});
}

static void op_line(struct generator *g)
{
	uint32_t gsi = gen_draw(g, gen_draw(g, 3) ? 16 : 24);

	/* More often than not the other level, also where it was. */
	if (gen_draw(g, 8))
		g->line_up[gsi] = !g->line_up[gsi];
	emit(g, (struct op){
			.kind = OP_LINE, .addr = gsi, .data = g->line_up[gsi]});
}

/* ---- IOAPIC ---- */

static uint32_t any_rte_low(struct generator *g)
{
	return gen_vector(g) | gen_mode(g) << 8 | gen_draw(g, 2) << 11 |
	       gen_draw(g, 4) << 12 | gen_draw(g, 2) << 14 |
	       gen_draw(g, 2) << 15 | (gen_draw(g, 4) ? 0 : 1u << 16);
}

static void ioapic_reg(struct generator *g, uint8_t vcpu, uint32_t reg,
		       bool write, uint32_t value)
{
	gen_mmio(g, vcpu, true, 4, IOAPIC_GPA, reg);
	gen_mmio(g, vcpu, write, 4, IOAPIC_GPA + IOAPIC_WINDOW, value);
}

static void op_ioapic(struct generator *g)
{
	uint32_t pin = gen_draw(g, gen_draw(g, 3) ? 16 : 24);
	uint8_t vcpu = gen_vcpu(g);

	switch (gen_draw(g, 8)) {
	case 0:
		/* Not a register's place, or not its size. */
		gen_mmio(g, vcpu, gen_draw(g, 3) == 0, gen_len(g, 4),
			 IOAPIC_GPA + gen_draw(g, 0x104), gen_draw32(g));
		break;
	case 1:
		gen_mmio(g, vcpu, true, gen_len(g, 4), IOAPIC_GPA,
			 gen_draw(g, 2) ? gen_draw(g, 0x42) : gen_draw32(g));
		break;
	case 2:
		gen_mmio(g, vcpu, false, gen_len(g, 4),
			 IOAPIC_GPA + IOAPIC_WINDOW, 0);
		break;
	case 3:
		ioapic_reg(g, vcpu, gen_draw(g, 0x44), gen_draw(g, 4) == 0,
			   any_rte_low(g));
		break;
	case 4:
		ioapic_reg(g, vcpu, 0x11 + 2 * pin, true, gen_dest(g) << 24);
		break;
	default:
		ioapic_reg(g, vcpu, 0x10 + 2 * pin, true, any_rte_low(g));
		break;
	}
}

/* ---- Windows ---- */

/* The 8259s interrupt vCPU 0, where a window is twice as likely. */
static void op_window(struct generator *g)
{
	emit(g, (struct op){.kind = gen_draw(g, 5) ? OP_WINDOW : OP_HALT,
			    .vcpu = gen_draw(g, 3) ? 0 : gen_vcpu(g),
			    .data = PICK(g, 1, 1, 2, 3, 8)});
}

/* As handlers do: an interrupt completed lets the next one through. */
static void op_eoi(struct generator *g)
{
	uint8_t vcpu = gen_draw(g, 3) ? 0 : gen_vcpu(g);

	switch (gen_draw(g, 3)) {
	case 0:
		pio(g, vcpu, true, 1, 0xa0, OCW2_EOI);
		pio(g, vcpu, true, 1, 0x20, OCW2_EOI);
		break;
	case 1: pio(g, vcpu, true, 1, 0x20, OCW2_EOI); break;
	default:
		if (g->base[vcpu] & APIC_BASE_X2APIC)
			gen_msr(g, vcpu, true, MSR_X2APIC + EOI, 0);
		else
			gen_mmio(g, vcpu, true, 4, LAPIC_GPA + EOI * 16, 0);
		break;
	}
}

/* Something new, and somebody who takes it. */
static void op_raise_and_take(struct generator *g)
{
	if (gen_draw(g, 3))
		op_line(g);
	else
		op_msi(g);
	op_window(g);
	if (gen_draw(g, 2))
		op_eoi(g);
}

static void op_cr8(struct generator *g)
{
	emit(g, (struct op){.kind = OP_CR8,
			    .vcpu = gen_vcpu(g),
			    .len = 8,
			    .write = gen_draw(g, 2),
			    .data = gen_draw(g, 16)});
}

/* ---- All together ---- */

/* What firmware would have done: chips that let something through. */
static void prologue(struct generator *g)
{
	for (uint8_t vcpu = 0; vcpu < NR_VCPUS; vcpu++) {
		if (gen_draw(g, 4))
			gen_mmio(g, vcpu, true, 4, LAPIC_GPA + SPIV * 16,
				 0x1ff);
		if (gen_draw(g, 2))
			gen_mmio(g, vcpu, true, 4, LAPIC_GPA + LDR * 16,
				 1u << (24 + vcpu));
	}
	for (uint32_t pin = 0; pin < 24; pin += 1 + gen_draw(g, 8))
		ioapic_reg(g, 0, 0x10 + 2 * pin, true, any_rte_low(g));
	if (gen_draw(g, 8)) {
		pio(g, 0, true, 1, 0x20, 0x11);
		pio(g, 0, true, 1, 0x21, 0x20);
		pio(g, 0, true, 1, 0x21, 0x04);
		pio(g, 0, true, 1, 0x21, PICK(g, 0x01, 0x01, 0x01, 0x03));
		pio(g, 0, true, 1, 0xa0, 0x11);
		pio(g, 0, true, 1, 0xa1, 0x28);
		pio(g, 0, true, 1, 0xa1, 0x02);
		pio(g, 0, true, 1, 0xa1, 0x01);
	}
	/* How much the 8259's interrupts get in the way of the others. */
	if (gen_draw(g, 3) == 0)
		gen_mmio(g, 0, true, 4, LAPIC_GPA + LINT0 * 16, LVT_MASKED);
}

static const struct {
	void (*make)(struct generator *g);
	uint32_t weight;
} makers[] = {
	{op_raise_and_take, 24}, {op_eoi, 10},
	{gen_lapic, 30},	 {op_pic, 22},
	{op_ioapic, 16},	 {op_line, 16},
	{op_window, 6},		 {op_msi, 6},
	{gen_apic_base, 3},	 {op_cr8, 2},
	{gen_tsc_deadline, 1},
};

#define NR_MAKERS (sizeof(makers) / sizeof(makers[0]))

int script_generate(struct script *script, size_t nr, uint64_t seed)
{
	struct generator g = {
		.state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1,
		.script = script,
		.room = nr,
	};
	uint32_t total = 0;

	*script = (struct script){.ops = calloc(nr, sizeof(*script->ops))};
	if (!script->ops)
		return -ENOMEM;
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		g.base[i] = APIC_BASE_ENABLE;
	for (size_t i = 0; i < NR_MAKERS; i++)
		total += makers[i].weight;
	/* The first draws of neighbouring seeds are alike. */
	for (int i = 0; i < 16; i++)
		gen_draw(&g, 2);
	g.timer = gen_draw(&g, 4) == 0;
	prologue(&g);
	while (script->nr < nr) {
		uint32_t at = gen_draw(&g, total);
		size_t i = 0;

		while (at >= makers[i].weight)
			at -= makers[i++].weight;
		makers[i].make(&g);
	}
	return 0;
}

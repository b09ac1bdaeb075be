// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random scripts that a guest could have written: registers that exist and some
 * that do not, in sizes that fit and some that do not, with values that mean
 * something more often than not.
 *
 * What is left out, and why:
 *  - INIT, SIPI and SMI: they take the vCPU away from the executor;
 *  - delivery mode 3, which is reserved and which Linux uses for itself;
 *  - counts of the APIC timer that end, and unmasked ones of any: time is not
 *    the same on both sides.
 *
 * A seed means the same script only to the same build: the order of draws in an
 * expression is the compiler's.  What a script does is in its text.
 */
#include "script.h"
#include <errno.h>
#include <stdlib.h>

#define IOAPIC_GPA 0xfec00000u
#define IOAPIC_WINDOW 0x10
#define LAPIC_GPA 0xfee00000u
#define MSR_APIC_BASE 0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC 0x800u
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
#define LVT_MASKED (1u << 16)
#define OCW2_EOI 0x20u
#define FAR_TSC (1ull << 40)
#define MODE_LOWEST 1u
#define MODE_NMI 4u
#define MODE_EXTINT 7u

enum {
	ID = 0x2,
	TPR = 0x8,
	EOI = 0xb,
	LDR = 0xd,
	DFR = 0xe,
	SPIV = 0xf,
	ESR = 0x28,
	ICR = 0x30,
	ICR2 = 0x31,
	LVTT = 0x32,
	LINT0 = 0x35,
	LVTERR = 0x37,
	TMICT = 0x38,
	TDCR = 0x3e,
	SELF_IPI = 0x3f,
};

struct generator {
	uint64_t state;
	struct script *script;
	size_t room;
	bool timer; /* the timer counts here, and stays masked */
	unsigned int line_up[24];
	uint32_t base[NR_VCPUS]; /* APIC_BASE's mode bits, if all went well */
};

static uint32_t draw(struct generator *g, uint32_t n)
{
	/* xorshift64*; the high half. */
	g->state ^= g->state >> 12;
	g->state ^= g->state << 25;
	g->state ^= g->state >> 27;
	return (uint32_t)((g->state * 0x2545f4914f6cdd1dull) >> 32) % n;
}

static uint32_t draw32(struct generator *g)
{
	return draw(g, 0x10000) << 16 | draw(g, 0x10000);
}

static uint32_t pick(struct generator *g, const uint32_t *values, uint32_t nr)
{
	return values[draw(g, nr)];
}
#define PICK(g, ...)                                                           \
	pick(g, (const uint32_t[]){__VA_ARGS__},                               \
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
					[MODE_LOWEST] = true,
					[MODE_NMI] = true,
					[MODE_EXTINT] = true};

	return allowed[value >> 8 & 7] ? value : value & ~0x700ull;
}

static void mmio(struct generator *g, uint8_t vcpu, bool write, uint8_t len,
		 uint64_t addr, uint64_t value)
{
	if (addr - IOAPIC_GPA < 0x100)
		value = allowed_rte(value);
	emit(g, (struct op){OP_MMIO, vcpu, len, write, addr, value});
}

static void msr(struct generator *g, uint8_t vcpu, bool write, uint32_t index,
		uint64_t value)
{
	emit(g, (struct op){OP_MSR, vcpu, 8, write, index, value});
}

static uint8_t any_len(struct generator *g, uint32_t shifts)
{
	return (uint8_t)(1u << draw(g, shifts));
}

static uint8_t any_vcpu(struct generator *g)
{
	return (uint8_t)draw(g, NR_VCPUS);
}

/* ---- 8259s ---- */

static void pic_init(struct generator *g, uint8_t vcpu)
{
	uint16_t chip = draw(g, 2) ? 0x20 : 0xa0;
	uint32_t icw1 = 0x10 | PICK(g, 1, 1, 1, 0, 3, 9);

	pio(g, vcpu, true, 1, chip, icw1);
	pio(g, vcpu, true, 1, chip + 1u,
	    draw(g, 6) ? 0x20 + (chip & 0x80u) / 16 : draw(g, 256));
	pio(g, vcpu, true, 1, chip + 1u, draw(g, 256));
	if (icw1 & 1)
		pio(g, vcpu, true, 1, chip + 1u,
		    PICK(g, 0x01, 0x01, 0x01, 0x03, 0x11, 0x13, draw(g, 256)));
}

static uint32_t ocw2(struct generator *g)
{
	return PICK(g, 0x20, 0x20, 0x20, 0x60, 0xa0, 0xe0, 0xc0, 0x00, 0x80,
		    0x80, 0x40) |
	       (draw(g, 2) ? draw(g, 8) : 0);
}

static uint32_t ocw3(struct generator *g)
{
	return 0x08 | PICK(g, 0x02, 0x03, 0x04, 0x06, 0x07, 0x60, 0x40, 0x00);
}

static void op_pic(struct generator *g)
{
	static const uint32_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	uint16_t port = (uint16_t)pick(g, ports, draw(g, 4) ? 4 : 6);
	uint8_t vcpu = any_vcpu(g);
	uint32_t value;

	if (draw(g, 24) == 0) {
		/* Beside the ports, or not a byte. */
		port = (uint16_t)(port - 1 + draw(g, 3));
		pio(g, vcpu, draw(g, 2), any_len(g, 3), port, draw32(g));
		return;
	}
	if (draw(g, 3) == 0) {
		pio(g, vcpu, false, 1, port, 0);
		return;
	}
	switch (port) {
	case 0x20:
	case 0xa0:
		if (draw(g, 8) == 0) {
			pic_init(g, vcpu);
			return;
		}
		value = draw(g, 10) == 0 ? draw(g, 256)
			: draw(g, 3)	 ? ocw2(g)
					 : ocw3(g);
		break;
	case 0x21:
	case 0xa1: value = draw(g, 2) ? 0 : draw(g, 256) & draw(g, 256); break;
	default: value = draw(g, 256); break;
	}
	pio(g, vcpu, true, 1, port, value);
}

/* ---- Messages ---- */

static uint32_t any_mode(struct generator *g)
{
	return PICK(g, 0, 0, 0, 0, 0, MODE_LOWEST, MODE_LOWEST, MODE_NMI,
		    MODE_EXTINT);
}

/* Few vectors, so that they meet. */
static uint32_t any_vector(struct generator *g)
{
	return draw(g, 8) ? 0x30 + 0x11 * draw(g, 8) : draw(g, 256);
}

/* For 8 bits, physical or logical. */
static uint32_t any_dest(struct generator *g)
{
	return draw(g, 6) ? draw(g, 4)
			  : PICK(g, 0xff, 0x11, 0x12, 0x1f, draw(g, 256));
}

static void op_msi(struct generator *g)
{
	uint64_t addr = 0xfee00000u | any_dest(g) << 12 | (draw(g, 3) ? 0 : 4) |
			(draw(g, 4) ? 0 : 8);
	uint32_t data = any_vector(g) | any_mode(g) << 8 | draw(g, 2) << 14 |
			(draw(g, 4) ? 0 : 1u << 15);

	emit(g, (struct op){.kind = OP_MSI, .addr = addr, .data = data});
}

static void op_line(struct generator *g)
{
	uint32_t gsi = draw(g, draw(g, 3) ? 16 : 24);

	/* More often than not the other level, also where it was. */
	if (draw(g, 8))
		g->line_up[gsi] = !g->line_up[gsi];
	emit(g, (struct op){
			.kind = OP_LINE, .addr = gsi, .data = g->line_up[gsi]});
}

/* ---- IOAPIC ---- */

static uint32_t any_rte_low(struct generator *g)
{
	return any_vector(g) | any_mode(g) << 8 | draw(g, 2) << 11 |
	       draw(g, 4) << 12 | draw(g, 2) << 14 | draw(g, 2) << 15 |
	       (draw(g, 4) ? 0 : 1u << 16);
}

static void ioapic_reg(struct generator *g, uint8_t vcpu, uint32_t reg,
		       bool write, uint32_t value)
{
	mmio(g, vcpu, true, 4, IOAPIC_GPA, reg);
	mmio(g, vcpu, write, 4, IOAPIC_GPA + IOAPIC_WINDOW, value);
}

static void op_ioapic(struct generator *g)
{
	uint32_t pin = draw(g, draw(g, 3) ? 16 : 24);
	uint8_t vcpu = any_vcpu(g);

	switch (draw(g, 8)) {
	case 0:
		/* Not a register's place, or not its size. */
		mmio(g, vcpu, draw(g, 3) == 0, any_len(g, 4),
		     IOAPIC_GPA + draw(g, 0x104), draw32(g));
		break;
	case 1:
		mmio(g, vcpu, true, any_len(g, 4), IOAPIC_GPA,
		     draw(g, 2) ? draw(g, 0x42) : draw32(g));
		break;
	case 2:
		mmio(g, vcpu, false, any_len(g, 4), IOAPIC_GPA + IOAPIC_WINDOW,
		     0);
		break;
	case 3:
		ioapic_reg(g, vcpu, draw(g, 0x44), draw(g, 4) == 0,
			   any_rte_low(g));
		break;
	case 4:
		ioapic_reg(g, vcpu, 0x11 + 2 * pin, true, any_dest(g) << 24);
		break;
	default:
		ioapic_reg(g, vcpu, 0x10 + 2 * pin, true, any_rte_low(g));
		break;
	}
}

/* ---- Local APIC ---- */

static uint32_t any_lvt(struct generator *g, uint32_t reg)
{
	uint32_t value;

	if (reg == LINT0)
		return PICK(g, 0x700, 0x700, 0x10700, 0x400, 0x10000, 0x700,
			    draw32(g));
	value = draw(g, 3) ? any_vector(g) | draw(g, 4) << 16 : draw32(g);
	if (reg == LVTT && g->timer)
		value |= LVT_MASKED;
	return value;
}

static uint32_t any_icr(struct generator *g)
{
	return any_vector(g) | any_mode(g) << 8 | draw(g, 2) << 11 |
	       (draw(g, 8) ? 0 : 1u << 12) | 1u << 14 |
	       (draw(g, 6) ? 0 : draw(g, 4) << 14) | draw(g, 4) << 18;
}

static uint32_t any_value(struct generator *g, uint32_t reg)
{
	switch (reg) {
	case ID: return PICK(g, 0, 1, 2, 3, 0xff) << 24;
	case TPR: return draw(g, 3) ? draw(g, 5) << 4 | draw(g, 16) : draw32(g);
	case EOI: return draw(g, 8) ? 0 : draw32(g);
	case LDR:
		return draw(g, 8) ? PICK(g, 0, 1, 2, 3, 0x11, 0x12, 0x21) << 24
				  : draw32(g);
	case DFR: return PICK(g, ~0u, ~0u, ~0u, 0x0fffffff, draw32(g));
	case SPIV: return draw(g, 6) ? 0x1ff : draw32(g);
	case ESR: return draw(g, 2) ? 0 : draw32(g);
	case ICR: return any_icr(g);
	case ICR2: return any_dest(g) << 24 | (draw(g, 4) ? 0 : draw(g, 256));
	case LVTT ... LVTERR: return any_lvt(g, reg);
	case TMICT: return g->timer ? 0xf0000000 | draw32(g) : 0;
	default: return draw32(g);
	}
}

static uint32_t any_reg(struct generator *g, bool write)
{
	if (draw(g, 4) == 0)
		return draw(g, 0x40);
	if (!write)
		return PICK(g, TPR, 0xa, LDR, SPIV, 0x11, 0x13, 0x19, 0x21,
			    0x23, ICR, ICR2, LINT0, TMICT, 0x39, TDCR);
	return PICK(g, EOI, EOI, EOI, TPR, TPR, SPIV, ICR, ICR, ICR, ICR2, ICR2,
		    LDR, DFR, ID, LVTT, LINT0, LINT0, 0x36, TMICT, TDCR, ESR);
}

static void op_xapic(struct generator *g, uint8_t vcpu)
{
	bool write = draw(g, 2);
	uint32_t reg = any_reg(g, write);
	uint64_t value = any_value(g, reg);

	if (draw(g, 8) == 0) {
		/* Off the place or the size, within the page. */
		uint8_t len = any_len(g, 4);
		uint32_t offset =
			draw(g, 3) ? reg * 16 + draw(g, 16) : draw(g, 0x1000);

		if (offset > 0x1000u - len)
			offset = 0x1000u - len;
		mmio(g, vcpu, write, len, LAPIC_GPA + offset, value);
		return;
	}
	mmio(g, vcpu, write, 4, LAPIC_GPA + reg * 16, value);
}

static void op_x2apic(struct generator *g, uint8_t vcpu)
{
	bool write = draw(g, 2);
	uint32_t reg = any_reg(g, write);
	uint64_t value = any_value(g, reg);

	if (write && draw(g, 8) == 0)
		reg = SELF_IPI;
	if (draw(g, 12) == 0)
		reg = 0x40 + draw(g, 0xc0);
	switch (reg) {
	case ICR:
		/* Bits that are not reserved, mostly. */
		value = any_icr(g) & (draw(g, 10) ? 0xccfffu : ~0u);
		value |= (uint64_t)(draw(g, 3)
					    ? any_dest(g)
					    : PICK(g, ~0u, 0x10001, draw32(g)))
			 << 32;
		break;
	case SELF_IPI: value = draw(g, 8) ? any_vector(g) : draw32(g); break;
	case ESR: value = draw(g, 4) ? 0 : value; break;
	default:
		if (draw(g, 16) == 0)
			value |= 1ull << (32 + draw(g, 32));
		break;
	}
	msr(g, vcpu, write, MSR_X2APIC + reg, value);
}

static void op_lapic(struct generator *g)
{
	uint8_t vcpu = any_vcpu(g);
	bool x2apic = g->base[vcpu] & APIC_BASE_X2APIC;

	/* Sometimes by the way that the mode does not have. */
	if (draw(g, 16) == 0)
		x2apic = !x2apic;
	if (x2apic)
		op_x2apic(g, vcpu);
	else
		op_xapic(g, vcpu);
}

/* Follow the modes that can be had from where it is. */
static void op_base(struct generator *g)
{
	uint8_t vcpu = any_vcpu(g);
	uint32_t modes =
		PICK(g, APIC_BASE_ENABLE, APIC_BASE_ENABLE,
		     APIC_BASE_ENABLE | APIC_BASE_X2APIC,
		     APIC_BASE_ENABLE | APIC_BASE_X2APIC, APIC_BASE_X2APIC, 0);
	uint32_t from = g->base[vcpu];
	uint64_t value = LAPIC_GPA | modes | (vcpu ? 0 : APIC_BASE_BSP);

	if (draw(g, 8) == 0) {
		msr(g, vcpu, false, MSR_APIC_BASE, 0);
		return;
	}
	if (draw(g, 12) == 0) {
		/* Reserved: all of these are faults. */
		value |= draw(g, 2) ? 1ull << draw(g, 8)
				    : 1ull << (52 + draw(g, 12));
	} else if (modes != APIC_BASE_X2APIC &&
		   !(from & APIC_BASE_X2APIC && modes == APIC_BASE_ENABLE) &&
		   (from || !(modes & APIC_BASE_X2APIC))) {
		g->base[vcpu] = modes;
	}
	msr(g, vcpu, true, MSR_APIC_BASE, value);
}

static void op_deadline(struct generator *g)
{
	bool write = draw(g, 2);

	msr(g, any_vcpu(g), write, MSR_TSC_DEADLINE,
	    g->timer && write ? FAR_TSC + draw(g, 100) : 0);
}

/* ---- Windows ---- */

/* The 8259s interrupt vCPU 0, where a window is twice as likely. */
static void op_window(struct generator *g)
{
	emit(g, (struct op){.kind = draw(g, 5) ? OP_WINDOW : OP_HALT,
			    .vcpu = draw(g, 3) ? 0 : any_vcpu(g),
			    .data = PICK(g, 1, 1, 2, 3, 8)});
}

/* As handlers do: an interrupt completed lets the next one through. */
static void op_eoi(struct generator *g)
{
	uint8_t vcpu = draw(g, 3) ? 0 : any_vcpu(g);

	switch (draw(g, 3)) {
	case 0:
		pio(g, vcpu, true, 1, 0xa0, OCW2_EOI);
		pio(g, vcpu, true, 1, 0x20, OCW2_EOI);
		break;
	case 1: pio(g, vcpu, true, 1, 0x20, OCW2_EOI); break;
	default:
		if (g->base[vcpu] & APIC_BASE_X2APIC)
			msr(g, vcpu, true, MSR_X2APIC + EOI, 0);
		else
			mmio(g, vcpu, true, 4, LAPIC_GPA + EOI * 16, 0);
		break;
	}
}

/* Something new, and somebody who takes it. */
static void op_raise_and_take(struct generator *g)
{
	if (draw(g, 3))
		op_line(g);
	else
		op_msi(g);
	op_window(g);
	if (draw(g, 2))
		op_eoi(g);
}

static void op_cr8(struct generator *g)
{
	emit(g, (struct op){.kind = OP_CR8,
			    .vcpu = any_vcpu(g),
			    .len = 8,
			    .write = draw(g, 2),
			    .data = draw(g, 16)});
}

/* ---- All together ---- */

/* What firmware would have done: chips that let something through. */
static void prologue(struct generator *g)
{
	for (uint8_t vcpu = 0; vcpu < NR_VCPUS; vcpu++) {
		if (draw(g, 4))
			mmio(g, vcpu, true, 4, LAPIC_GPA + SPIV * 16, 0x1ff);
		if (draw(g, 2))
			mmio(g, vcpu, true, 4, LAPIC_GPA + LDR * 16,
			     1u << (24 + vcpu));
	}
	for (uint32_t pin = 0; pin < 24; pin += 1 + draw(g, 8))
		ioapic_reg(g, 0, 0x10 + 2 * pin, true, any_rte_low(g));
	if (draw(g, 8)) {
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
	if (draw(g, 3) == 0)
		mmio(g, 0, true, 4, LAPIC_GPA + LINT0 * 16, LVT_MASKED);
}

static const struct {
	void (*make)(struct generator *g);
	uint32_t weight;
} makers[] = {
	{op_raise_and_take, 24},
	{op_eoi, 10},
	{op_lapic, 30},
	{op_pic, 22},
	{op_ioapic, 16},
	{op_line, 16},
	{op_window, 6},
	{op_msi, 6},
	{op_base, 3},
	{op_cr8, 2},
	{op_deadline, 1},
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
		draw(&g, 2);
	g.timer = draw(&g, 4) == 0;
	prologue(&g);
	while (script->nr < nr) {
		uint32_t at = draw(&g, total);
		size_t i = 0;

		while (at >= makers[i].weight)
			at -= makers[i++].weight;
		makers[i].make(&g);
	}
	return 0;
}

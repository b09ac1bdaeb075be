// SPDX-License-Identifier: BSD-3-Clause
/* Random accesses to a local APIC.  See generate.c. */
#include "generate.h"

#define MSR_TSC_DEADLINE 0x6e0u
#define FAR_TSC (1ull << 40)

static uint32_t any_lvt(struct generator *g, uint32_t reg)
{
	uint32_t value;

	if (reg == LINT0)
		return PICK(g, 0x700, 0x700, 0x10700, 0x400, 0x10000, 0x700,
			    gen_draw32(g));
	value = gen_draw(g, 3) ? gen_vector(g) | gen_draw(g, 4) << 16
			       : gen_draw32(g);
	if (reg == LVTT && g->timer)
		value |= LVT_MASKED;
	return value;
}

static uint32_t any_icr(struct generator *g)
{
	return gen_vector(g) | gen_mode(g) << 8 | gen_draw(g, 2) << 11 |
	       (gen_draw(g, 8) ? 0 : 1u << 12) | 1u << 14 |
	       (gen_draw(g, 6) ? 0 : gen_draw(g, 4) << 14) |
	       gen_draw(g, 4) << 18;
}

static uint32_t any_value(struct generator *g, uint32_t reg)
{
	switch (reg) {
	case ID: return PICK(g, 0, 1, 2, 3, 0xff) << 24;
	case TPR:
		return gen_draw(g, 3) ? gen_draw(g, 5) << 4 | gen_draw(g, 16)
				      : gen_draw32(g);
	case EOI: return gen_draw(g, 8) ? 0 : gen_draw32(g);
	case LDR:
		return gen_draw(g, 8)
			       ? PICK(g, 0, 1, 2, 3, 0x11, 0x12, 0x21) << 24
			       : gen_draw32(g);
	case DFR: return PICK(g, ~0u, ~0u, ~0u, 0x0fffffff, gen_draw32(g));
	case SPIV: return gen_draw(g, 6) ? 0x1ff : gen_draw32(g);
	case ESR: return gen_draw(g, 2) ? 0 : gen_draw32(g);
	case ICR: return any_icr(g);
	case ICR2:
		return gen_dest(g) << 24 |
		       (gen_draw(g, 4) ? 0 : gen_draw(g, 256));
	case LVTT ... LVTERR: return any_lvt(g, reg);
	case TMICT: return g->timer ? 0xf0000000 | gen_draw32(g) : 0;
	default: return gen_draw32(g);
	}
}

static uint32_t any_reg(struct generator *g, bool write)
{
	if (gen_draw(g, 4) == 0)
		return gen_draw(g, 0x40);
	if (!write)
		return PICK(g, TPR, 0xa, LDR, SPIV, 0x11, 0x13, 0x19, 0x21,
			    0x23, ICR, ICR2, LINT0, TMICT, 0x39, TDCR);
	return PICK(g, EOI, EOI, EOI, TPR, TPR, SPIV, ICR, ICR, ICR, ICR2, ICR2,
		    LDR, DFR, ID, LVTT, LINT0, LINT0, 0x36, TMICT, TDCR, ESR);
}

static void op_xapic(struct generator *g, uint8_t vcpu)
{
	bool write = gen_draw(g, 2);
	uint32_t reg = any_reg(g, write);
	uint64_t value = any_value(g, reg);

	if (gen_draw(g, 8) == 0) {
		/* Off the place or the size, within the page. */
		uint8_t len = gen_len(g, 4);
		uint32_t offset = gen_draw(g, 3) ? reg * 16 + gen_draw(g, 16)
						 : gen_draw(g, 0x1000);

		if (offset > 0x1000u - len)
			offset = 0x1000u - len;
		gen_mmio(g, vcpu, write, len, LAPIC_GPA + offset, value);
		return;
	}
	gen_mmio(g, vcpu, write, 4, LAPIC_GPA + reg * 16, value);
}

static void op_x2apic(struct generator *g, uint8_t vcpu)
{
	bool write = gen_draw(g, 2);
	uint32_t reg = any_reg(g, write);
	uint64_t value = any_value(g, reg);

	if (write && gen_draw(g, 8) == 0)
		reg = SELF_IPI;
	if (gen_draw(g, 12) == 0)
		reg = 0x40 + gen_draw(g, 0xc0);
	switch (reg) {
	case ICR:
		/* Bits that are not reserved, mostly. */
		value = any_icr(g) & (gen_draw(g, 10) ? 0xccfffu : ~0u);
		value |= (uint64_t)(gen_draw(g, 3) ? gen_dest(g)
						   : PICK(g, ~0u, 0x10001,
							  gen_draw32(g)))
			 << 32;
		break;
	case SELF_IPI:
		value = gen_draw(g, 8) ? gen_vector(g) : gen_draw32(g);
		break;
	case ESR: value = gen_draw(g, 4) ? 0 : value; break;
	default:
		if (gen_draw(g, 16) == 0)
			value |= 1ull << (32 + gen_draw(g, 32));
		break;
	}
	gen_msr(g, vcpu, write, MSR_X2APIC + reg, value);
}

void gen_lapic(struct generator *g)
{
	uint8_t vcpu = gen_vcpu(g);
	bool x2apic = g->base[vcpu] & APIC_BASE_X2APIC;

	/* Sometimes by the way that the mode does not have. */
	if (gen_draw(g, 16) == 0)
		x2apic = !x2apic;
	if (x2apic)
		op_x2apic(g, vcpu);
	else
		op_xapic(g, vcpu);
}

/* Follow the modes that can be had from where it is. */
void gen_apic_base(struct generator *g)
{
	uint8_t vcpu = gen_vcpu(g);
	uint32_t modes =
		PICK(g, APIC_BASE_ENABLE, APIC_BASE_ENABLE,
		     APIC_BASE_ENABLE | APIC_BASE_X2APIC,
		     APIC_BASE_ENABLE | APIC_BASE_X2APIC, APIC_BASE_X2APIC, 0);
	uint32_t from = g->base[vcpu];
	uint64_t value = LAPIC_GPA | modes | (vcpu ? 0 : APIC_BASE_BSP);

	if (gen_draw(g, 8) == 0) {
		gen_msr(g, vcpu, false, MSR_APIC_BASE, 0);
		return;
	}
	if (gen_draw(g, 12) == 0) {
		/* Reserved: all of these are faults. */
		value |= gen_draw(g, 2) ? 1ull << gen_draw(g, 8)
					: 1ull << (52 + gen_draw(g, 12));
	} else if (modes != APIC_BASE_X2APIC &&
		   !(from & APIC_BASE_X2APIC && modes == APIC_BASE_ENABLE) &&
		   (from || !(modes & APIC_BASE_X2APIC))) {
		g->base[vcpu] = modes;
	}
	gen_msr(g, vcpu, true, MSR_APIC_BASE, value);
}

void gen_tsc_deadline(struct generator *g)
{
	bool write = gen_draw(g, 2);

	gen_msr(g, gen_vcpu(g), write, MSR_TSC_DEADLINE,
		g->timer && write ? FAR_TSC + gen_draw(g, 100) : 0);
}

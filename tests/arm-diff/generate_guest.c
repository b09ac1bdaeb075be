// SPDX-License-Identifier: BSD-3-Clause
/* A guest that takes interrupts and uses its registers.  See generate.h. */
#include "generate.h"

static void mmio(struct generator *g, unsigned int vcpu, bool write,
		 uint32_t len, uint64_t addr, uint64_t value)
{
	/* What the bus has; a processor faults on others. */
	addr &= ~(uint64_t)(len - 1);
	gen_emit(g, OP_MMIO, vcpu, write, len, addr, write ? value : 0);
}

static void sysreg(struct generator *g, unsigned int vcpu, bool write,
		   uint32_t reg, uint64_t value)
{
	gen_emit(g, OP_SYSREG, vcpu, write, 8, reg, write ? value : 0);
}

/* A register of the CPU interface, of either model. */
static void cpu_reg(struct generator *g, unsigned int vcpu, bool write,
		    uint32_t v2, uint32_t v3, uint32_t value)
{
	if (gen_is_v3(g))
		sysreg(g, vcpu, write, v3, value);
	else
		mmio(g, vcpu, write, 4, GICC_GPA + v2, value);
}

static void set_control(struct generator *g, unsigned int vcpu)
{
	if (gen_is_v3(g)) {
		sysreg(g, vcpu, true, ICC_CTLR, gen_draw(g, 4));
		return;
	}
	mmio(g, vcpu, true, 4, GICC_GPA + GICC_CTLR,
	     gen_chance(g, 95)
		     ? PICK(g, 3, 3, 7, 7, 7, 0x17, 0x207, 0x207, 0x203)
		     : PICK(g, 0, 1, 2, 0x201, 0x202));
}

void gen_guest_boot(struct generator *g)
{
	for (unsigned int vcpu = 0; vcpu < g->script->setup.vcpus; vcpu++) {
		cpu_reg(g, vcpu, true, GICC_PMR, ICC_PMR, 0xff);
		set_control(g, vcpu);
		if (!gen_is_v3(g))
			continue;
		sysreg(g, vcpu, true, ICC_IGRPEN0, gen_draw(g, 2));
		sysreg(g, vcpu, true, ICC_IGRPEN1, 1);
	}
}

static uint32_t group(struct generator *g)
{
	return gen_is_v3(g) ? !gen_chance(g, 15) : gen_chance(g, 1);
}

static void gen_dist(struct generator *g, unsigned int vcpu)
{
	struct reg_choice reg = gen_dist_reg(g);
	uint64_t addr = GICD_GPA + reg.offset;
	uint32_t len = 4;

	if (gen_is_v3(g) && reg.of_vcpu)
		addr = GICR_GPA + gen_vcpu(g) * GICR_SIZE + GICR_SGI_FRAME +
		       reg.offset;
	if (gen_chance(g, 10))
		len = PICK(g, 1, 1, 2, 8);
	if (!gen_is_v3(g) && reg.offset >= 0x1000)
		return;
	mmio(g, vcpu, gen_chance(g, 50), len, addr, reg.value);
}

static void gen_redist(struct generator *g, unsigned int vcpu)
{
	uint32_t offset =
		PICK(g, GICR_CTLR, GICR_IIDR, GICR_TYPER, GICR_WAKER,
		     GICR_PROPBASER, GICR_PENDBASER, GICR_SYNCR, 0xffe8, 0x10);
	uint32_t len = PICK(g, 4, 4, 8);

	mmio(g, vcpu, gen_chance(g, 10) && offset == GICR_WAKER, len,
	     GICR_GPA + gen_vcpu(g) * GICR_SIZE + offset, gen_draw32(g));
}

static void gen_sgi(struct generator *g, unsigned int vcpu)
{
	uint32_t sgi =
		gen_chance(g, 90) ? gen_draw(g, HOT_SGIS) : gen_draw(g, 16);
	uint32_t targets =
		gen_chance(g, 80) ? 1u << gen_vcpu(g) : gen_draw(g, 256);
	uint64_t value;

	if (!gen_is_v3(g)) {
		mmio(g, vcpu, true, 4, GICD_GPA + GICD_SGIR,
		     PICK(g, 0, 0, 0, 0, 1, 2, 3) << 24 | targets << 16 | sgi |
			     gen_chance(g, 5) << 15);
		return;
	}
	value = (uint64_t)sgi << 24 | targets;
	if (gen_chance(g, 10))
		value |= UINT64_C(1) << 40; /* all but this one */
	if (gen_chance(g, 3))
		value |= UINT64_C(1) << PICK(g, 16, 32, 44, 48);
	sysreg(g, vcpu, true,
	       PICK(g, ICC_SGI1R, ICC_SGI1R, ICC_SGI1R, ICC_SGI1R, ICC_SGI0R,
		    ICC_ASGI1R),
	       value);
}

static void gen_cpu(struct generator *g, unsigned int vcpu)
{
	uint32_t value = gen_chance(g, 60) ? gen_draw(g, 4) : gen_draw(g, 8);

	switch (gen_draw(g, 12)) {
	case 0:
		cpu_reg(g, vcpu, true, GICC_PMR, ICC_PMR,
			PICK(g, 0xff, 0xff, 0xff, 0xf0, 0x80,
			     gen_draw(g, 256)));
		break;
	case 1: cpu_reg(g, vcpu, true, GICC_BPR, ICC_BPR0, value); break;
	case 2: cpu_reg(g, vcpu, true, GICC_ABPR, ICC_BPR1, value); break;
	case 3: set_control(g, vcpu); break;
	case 4:
		if (gen_is_v3(g))
			sysreg(g, vcpu, true, PICK(g, ICC_IGRPEN0, ICC_IGRPEN1),
			       gen_draw(g, 12) != 0);
		break;
	case 5: cpu_reg(g, vcpu, false, GICC_PMR, ICC_PMR, 0); break;
	case 6: cpu_reg(g, vcpu, false, GICC_BPR, ICC_BPR0, 0); break;
	case 7: cpu_reg(g, vcpu, false, GICC_ABPR, ICC_BPR1, 0); break;
	case 8: cpu_reg(g, vcpu, false, GICC_CTLR, ICC_CTLR, 0); break;
	case 9: cpu_reg(g, vcpu, false, GICC_APR, ICC_AP0R0, 0); break;
	case 10:
		if (gen_is_v3(g))
			sysreg(g, vcpu, false,
			       PICK(g, ICC_AP1R0, ICC_SRE, ICC_IGRPEN0,
				    ICC_IGRPEN1),
			       0);
		else
			mmio(g, vcpu, false, 4, GICC_GPA + GICC_IIDR, 0);
		break;
	default:
		/* Of something that may not be active here, or at all. */
		cpu_reg(g, vcpu, true, PICK(g, GICC_EOIR, GICC_DIR),
			PICK(g, ICC_EOIR0, ICC_EOIR1, ICC_DIR),
			PICK(g, gen_hot_irq(g), FIRST_LPI + gen_draw(g, 4),
			     1023, 1020, 500));
	}
}

static void gen_one(struct generator *g, unsigned int vcpu)
{
	uint32_t n = gen_draw(g, 100);

	if (n < 34)
		gen_emit(g, OP_IAR, vcpu, group(g), 0, 0, 0);
	else if (n < 58)
		gen_emit(g, OP_EOI, vcpu, group(g), 0, 0, 0);
	else if (n < 66)
		gen_emit(g, OP_DIR, vcpu, 0, 0, 0, 0);
	else if (n < 70)
		cpu_reg(g, vcpu, false, GICC_RPR, ICC_RPR, 0);
	else if (n < 77)
		cpu_reg(g, vcpu, false, GICC_HPPIR,
			PICK(g, ICC_HPPIR0, ICC_HPPIR1), 0);
	else if (n < 80)
		gen_sgi(g, vcpu);
	else if (n < 90)
		gen_cpu(g, vcpu);
	else if (n < 91 && gen_is_v3(g))
		gen_redist(g, vcpu);
	else
		gen_dist(g, vcpu);
}

/* What it has taken is to go elsewhere: not before it has completed it. */
static void gen_retarget(struct generator *g, unsigned int vcpu)
{
	struct reg_choice reg;

	gen_target(g, &reg);
	mmio(g, vcpu, true, 4, GICD_GPA + reg.offset, reg.value);
}

/* What it has taken it completes, more often than not. */
void gen_guest(struct generator *g)
{
	unsigned int vcpu = gen_vcpu(g);
	unsigned int nr = 12 + gen_draw(g, 40);

	for (unsigned int i = 0; i < nr; i++)
		gen_one(g, vcpu);
	for (unsigned int i = 0; i < 2 && gen_chance(g, 30); i++)
		gen_retarget(g, vcpu);
	if (gen_chance(g, 15))
		return;
	for (unsigned int i = 0; i < 8; i++) {
		gen_emit(g, OP_EOI, vcpu, gen_is_v3(g) && i < 6, 0, 0, 0);
		gen_emit(g, OP_DIR, vcpu, 0, 0, 0, 0);
	}
}

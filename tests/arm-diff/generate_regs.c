// SPDX-License-Identifier: BSD-3-Clause
/* Registers of interrupts, and what is written to them.  See generate.h. */
#include "generate.h"

uint32_t gen_bits(struct generator *g, uint32_t first)
{
	uint32_t bits;

	switch (gen_draw(g, 24)) {
	case 0: bits = gen_draw32(g); break;
	case 1: bits = UINT32_MAX; break;
	case 2: bits = gen_draw32(g) & gen_draw32(g) & gen_draw32(g); break;
	default:
		bits = 1u << gen_hot_irq(g) % 32;
		if (gen_chance(g, 40))
			bits |= 1u << gen_hot_irq(g) % 32;
	}
	return first < FIRST_SPI ? bits & ~TIMER_PPIS : bits;
}

/* The word of @bits bits an interrupt that @intid is in. */
static uint32_t word_of(uint32_t intid, uint32_t bits)
{
	return intid * bits / 32 * 4;
}

static uint32_t some_irq(struct generator *g)
{
	return gen_chance(g, 80) ? gen_hot_irq(g)
				 : gen_draw(g, g->script->setup.irqs + 16);
}

static uint32_t four_priorities(struct generator *g, uint32_t intid)
{
	uint32_t word = 0;

	for (uint32_t i = 0; i < 4; i++)
		word |= (uint32_t)gen_priority(g, (intid & ~3u) + i) << (8 * i);
	return gen_chance(g, 97) ? word : gen_draw32(g);
}

static void set_bits(struct generator *g, uint32_t intid,
		     struct reg_choice *choice)
{
	uint32_t reg =
		PICK(g, GICD_ISENABLER, GICD_ISENABLER, GICD_ISENABLER,
		     GICD_ICENABLER, GICD_ISPENDR, GICD_ISPENDR, GICD_ICPENDR,
		     GICD_ICPENDR, GICD_ICPENDR, GICD_ICACTIVER, GICD_ICACTIVER,
		     GICD_ICACTIVER, GICD_ISACTIVER, GICD_IGROUPR);

	choice->offset = reg + word_of(intid, 1);
	choice->value = gen_bits(g, intid & ~31u);
	/* More active ones than list registers leave little to compare. */
	if (reg == GICD_ISACTIVER && gen_chance(g, 90))
		choice->value = 1u << intid % 32;
}

void gen_target(struct generator *g, struct reg_choice *choice)
{
	uint32_t intid = gen_chance(g, 80) ? FIRST_SPI + gen_draw(g, HOT_SPIS)
					   : some_irq(g);

	choice->of_vcpu = false;
	if (!gen_is_v3(g)) {
		choice->offset = GICD_ITARGETSR + word_of(intid, 8);
		choice->value = gen_draw32(g) & 0x0f0f0f0f;
		return;
	}
	choice->offset = GICD_IROUTER + intid * 8;
	choice->value = gen_vcpu(g);
	if (gen_chance(g, 40)) {
		choice->offset += PICK(g, 0, 4);
		choice->value = PICK(g, 3, 4, 0x100, 0x80000000, gen_draw32(g));
	}
}

/* Sources of SGIs, of GICv2: those that may be pending, or any. */
static void set_sources(struct generator *g, struct reg_choice *choice)
{
	uint32_t all = (1u << g->script->setup.vcpus) - 1;

	choice->of_vcpu = false;
	choice->offset = PICK(g, GICD_CPENDSGIR, GICD_SPENDSGIR) +
			 gen_draw(g, HOT_SGIS / 4) * 4;
	switch (gen_draw(g, 4)) {
	case 0: choice->value = gen_draw32(g); break;
	case 1: choice->value = 1u << gen_draw(g, 32); break;
	default: choice->value = all << 8 * gen_draw(g, 4);
	}
}

struct reg_choice gen_dist_reg(struct generator *g)
{
	uint32_t intid = some_irq(g);
	struct reg_choice choice = {.of_vcpu = intid < FIRST_SPI};
	uint32_t n = gen_draw(g, 40);

	if (n == 10 && gen_is_v3(g))
		n++;
	switch (n) {
	case 0:
	case 1:
	case 2:
	case 3:
		choice.offset = GICD_IPRIORITYR + word_of(intid, 8);
		choice.value = four_priorities(g, intid);
		break;
	case 4:
	case 5:
		choice.offset = GICD_ICFGR + word_of(intid, 2);
		choice.value = gen_draw32(g);
		break;
	case 6:
	case 7: gen_target(g, &choice); break;
	case 8:
		choice.of_vcpu = false;
		choice.offset = GICD_CTLR;
		choice.value =
			PICK(g, 0, 1, 2, 3, 3, 3, 3, 0x52, 0x53, 0xffffffff);
		break;
	case 10: set_sources(g, &choice); break;
	case 9:
		choice.of_vcpu = false;
		/* What is there and what is not, of all sorts. */
		choice.offset =
			gen_draw(g, gen_chance(g, 80) ? 0x1000 : 0x10000) & ~3u;
		/* No IIDR: a revision's rules are chosen once. */
		if (choice.offset == GICD_IIDR || choice.offset == GICD_SGIR)
			choice.offset = GICD_TYPER;
		choice.value = gen_draw32(g);
		break;
	default: set_bits(g, intid, &choice);
	}
	/* Private words, with the timers' in them. */
	if (choice.offset >= GICD_IGROUPR && choice.offset < GICD_IPRIORITYR &&
	    choice.offset % 0x80 == 0)
		choice.value &= ~TIMER_PPIS;
	return choice;
}

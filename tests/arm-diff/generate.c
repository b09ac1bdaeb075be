// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random scripts: a GIC that is set up, with interrupts that come and are
 * taken, and registers of all sorts read and written by guest and host, with
 * values that mean something more often than not.
 *
 * A seed means the same script only to the same build: the order of draws in an
 * expression is the compiler's.  What a script does is in its text.
 */
#include "generate.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Draws ---- */

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

bool gen_chance(struct generator *g, uint32_t percent)
{
	return gen_draw(g, 100) < percent;
}

uint32_t gen_pick(struct generator *g, const uint32_t *values, size_t nr)
{
	return values[gen_draw(g, (uint32_t)nr)];
}

/* Beyond the script's end it draws on and drops what it makes. */
void gen_emit(struct generator *g, enum op_kind kind, uint64_t a, uint64_t b,
	      uint64_t c, uint64_t d, uint64_t e)
{
	if (g->script->nr < g->room)
		g->script->ops[g->script->nr++] =
			(struct op){kind, {a, b, c, d, e}};
}

unsigned int gen_vcpu(struct generator *g)
{
	return gen_draw(g, g->script->setup.vcpus);
}

bool gen_is_v3(const struct generator *g)
{
	return g->script->setup.gic == 3;
}

uint32_t gen_hot_irq(struct generator *g)
{
	uint32_t n = gen_draw(g, HOT_SGIS + HOT_PPIS + HOT_SPIS);

	if (n < HOT_SGIS)
		return n;
	n -= HOT_SGIS;
	return n < HOT_PPIS ? FIRST_PPI + n : FIRST_SPI + n - HOT_PPIS;
}

static int hot_index(uint32_t intid)
{
	if (intid < HOT_SGIS)
		return (int)intid;
	if (intid - FIRST_PPI < HOT_PPIS)
		return (int)(intid - FIRST_PPI + HOT_SGIS);
	if (intid - FIRST_SPI < HOT_SPIS)
		return (int)(intid - FIRST_SPI + HOT_SGIS + HOT_PPIS);
	if (intid - FIRST_LPI < HOT_LPIS)
		return (int)(intid - FIRST_LPI + HOT_SGIS + HOT_PPIS +
			     HOT_SPIS);
	return -1;
}

uint8_t gen_priority(struct generator *g, uint32_t intid)
{
	int i = hot_index(intid);

	return i < 0 ? (uint8_t)gen_draw(g, 256) : g->priority[i];
}

/* ---- The whole ---- */

static void draw_priorities(struct generator *g)
{
	uint8_t level[NR_LEVELS];

	for (uint8_t i = 0; i < NR_LEVELS; i++)
		level[i] = i;
	for (unsigned int i = NR_LEVELS; i-- > 1;) {
		unsigned int other = gen_draw(g, i + 1);
		uint8_t swap = level[i];

		level[i] = level[other];
		level[other] = swap;
	}
	for (unsigned int i = 0; i < NR_HOT; i++)
		g->priority[i] = (uint8_t)(level[i] << 3);
}

static void set_word(struct generator *g, uint32_t offset, uint32_t value)
{
	gen_emit(g, OP_SET, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, offset,
		 value, 0);
}

/* A word of private interrupts, at every vCPU. */
static void set_private(struct generator *g, uint32_t offset, uint32_t value)
{
	bool v3 = gen_is_v3(g);

	for (uint64_t vcpu = 0; vcpu < g->script->setup.vcpus; vcpu++)
		gen_emit(g, OP_SET, DEVICE_GIC,
			 v3 ? KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
			    : KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
			 vcpu << 32 | (offset + (v3 ? GICR_SGI_FRAME : 0)),
			 value, 0);
}

static void set_priorities(struct generator *g)
{
	for (uint32_t intid = 0; intid < FIRST_SPI + HOT_SPIS; intid += 4) {
		uint32_t value = 0;

		for (uint32_t i = 0; i < 4; i++)
			value |= (uint32_t)gen_priority(g, intid + i)
				 << (8 * i);
		if (intid < FIRST_SPI)
			set_private(g, GICD_IPRIORITYR + intid, value);
		else
			set_word(g, GICD_IPRIORITYR + intid, value);
	}
}

/*
 * What random writes leave behind adds up to a GIC that gives nothing: now and
 * then order is made.
 */
static void gen_order(struct generator *g)
{
	bool v3 = gen_is_v3(g);

	set_private(g, GICD_ICACTIVER, ~TIMER_PPIS);
	set_private(g, GICD_ICENABLER, ~TIMER_PPIS);
	set_private(g, GICD_ISENABLER,
		    ((1u << HOT_PPIS) - 1) << FIRST_PPI | 0xffff);
	for (uint32_t irq = FIRST_SPI; irq < g->script->setup.irqs; irq += 32) {
		set_word(g, GICD_ICACTIVER + irq / 8, UINT32_MAX);
		set_word(g, GICD_ICENABLER + irq / 8, UINT32_MAX);
	}
	set_word(g, GICD_ISENABLER + FIRST_SPI / 8, (1u << HOT_SPIS) - 1);
	/* More levels than edges. */
	set_word(g, GICD_ICFGR + FIRST_SPI / 4, gen_draw32(g) & gen_draw32(g));
	set_priorities(g);
	set_word(g, GICD_CTLR, v3 ? 2 : 1);
	for (uint32_t i = 0; i < HOT_SPIS; i += v3 ? 1 : 4)
		set_word(g,
			 v3 ? GICD_IROUTER + (FIRST_SPI + i) * 8
			    : GICD_ITARGETSR + FIRST_SPI + i,
			 v3 ? gen_vcpu(g) : gen_draw32(g));
	gen_guest_boot(g);
}

static void gen_boot(struct generator *g)
{
	if (!gen_is_v3(g) && gen_chance(g, 50))
		set_word(g, GICD_IIDR, 0x4b00243b | gen_draw(g, 2) << 12);
	gen_order(g);
	if (gen_is_v3(g))
		gen_its_boot(g);
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		gen_emit(g, OP_IRQFD, i, gen_draw(g, HOT_SPIS),
			 PICK(g, 0, KVM_IRQFD_FLAG_RESAMPLE,
			      KVM_IRQFD_FLAG_RESAMPLE),
			 0, 0);
}

/*
 * Of two thousand.  What makes the kernel wait (assign, routing, a new machine)
 * comes seldom, so that there is time for the rest.
 */
static void gen_event_of_any_sort(struct generator *g)
{
	uint32_t n = gen_draw(g, 2000);

	if (n < 1 && gen_chance(g, 50))
		gen_emit(g, OP_MIGRATE, gen_draw(g, 2), 0, 0, 0, 0);
	else if (n < 10)
		gen_irqfd(g);
	else if (n < 14)
		gen_route(g);
	else if (n < 34)
		gen_order(g);
	else if (n < 200)
		gen_guest(g);
	else if (n < 760)
		gen_line(g);
	else if (n < 860)
		gen_emit(g, OP_SIGNAL, gen_draw(g, NR_SLOTS), 0, 0, 0, 0);
	else if (n < 1400)
		gen_attr(g);
	else if (n < 1600)
		gen_cpu_attr(g);
	else if (n < 1660)
		gen_other_attr(g);
	else if (!gen_is_v3(g))
		gen_attr(g);
	else if (n < 1860)
		gen_msi(g);
	else
		gen_its(g);
}

int script_generate(struct script *script, unsigned int gic, size_t nr,
		    uint64_t seed)
{
	struct generator g = {
		.state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1,
		.script = script,
		.room = nr,
	};

	*script = (struct script){.ops = calloc(nr, sizeof(*script->ops))};
	if (!script->ops)
		return -ENOMEM;
	for (int i = 0; i < 8; i++)
		gen_draw(&g, 2);
	script->setup = (struct setup){
		.gic = gic,
		.vcpus = 1 + gen_draw(&g, MAX_VCPUS),
		.irqs = PICK(&g, 64, 64, 96),
	};
	draw_priorities(&g);
	gen_boot(&g);
	while (script->nr < nr)
		gen_event_of_any_sort(&g);
	return 0;
}

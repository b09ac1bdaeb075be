// SPDX-License-Identifier: BSD-3-Clause
/*
 * Rows: registers to restore, and routing entries.  A restore changes some
 * registers of the state that the chip is in.
 */
#include "random_impl.h"

#define PIT_MODE 9
#define PIC_ELCR 14
#define PIC_ELCR_MASK 15
#define APIC_ID 0x20
#define APIC_TPR 0x80
#define APIC_PPR 0xa0
#define APIC_LDR 0xd0
#define APIC_DFR 0xe0
#define APIC_SVR 0xf0
#define APIC_ISR 0x100
#define APIC_TMR 0x180
#define APIC_IRR 0x200
#define APIC_LVTT 0x320
#define APIC_LINT0 0x350
#define APIC_TMICT 0x380
#define APIC_TMCCT 0x390

static void add(struct op *op, uint64_t reg, uint64_t value)
{
	struct op_row *row = op_add_row(op);

	if (!row)
		return;
	row->word[ROW_REG] = reg;
	row->word[ROW_VALUE] = value;
}

static bool one_in(struct gen *g, uint32_t n)
{
	return rng_below(&g->rng, n) == 0;
}

void gen_pic(struct gen *g, struct op *op)
{
	/* The values that a field can have. */
	static const uint8_t masks[NR_PIC_REGS] = {
		0xff, 0xff, 0xff, 0xff, 7, 0xf8, 1, 1, 1, 3, 1, 1, 1, 1, 0, 0,
	};
	uint32_t chip = rng_below(&g->rng, 2);
	unsigned int nr = 1 + rng_below(&g->rng, 5);

	op->arg[IRQCHIP_ID] = chip;
	for (unsigned int i = 0; i < nr; i++) {
		unsigned int reg = rng_below(&g->rng, NR_PIC_REGS - 1);
		uint32_t value = rng_next(&g->rng);

		if (reg == PIC_ELCR)
			value &= chip ? 0xde : 0xf8;
		else
			value &= one_in(g, 50) ? 0xff : masks[reg];
		if (reg < 4 && one_in(g, 2))
			value &= rng_next(&g->rng);
		add(op, reg, value);
	}
}

static uint64_t gen_rte(struct gen *g, unsigned int vm)
{
	uint64_t rte = 0;

	rte |= one_in(g, 8) ? rng_below(&g->rng, 256)
			    : HOT_RTE_VECTOR(rng_below(&g->rng, 11));
	rte |= (one_in(g, 3) ? rng_below(&g->rng, 8) : one_in(g, 3)) << 8;
	rte |= rng_below(&g->rng, 2) << 11;
	rte |= (uint64_t)one_in(g, 8) << 12;
	rte |= (uint64_t)one_in(g, 4) << 13;
	rte |= (uint64_t)one_in(g, 8) << 14;
	rte |= rng_below(&g->rng, 2) << 15;
	rte |= (uint64_t)one_in(g, 4) << 16;
	if (one_in(g, 10))
		rte |= (uint64_t)rng_next(&g->rng) << 17;
	return (rte & ~(UINT64_C(0xff) << 56)) | (uint64_t)gen_dest(g, vm)
							 << 56;
}

void gen_ioapic(struct gen *g, struct op *op)
{
	unsigned int nr = 1 + rng_below(&g->rng, 6);

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int pin =
			one_in(g, 3)
				? rng_below(&g->rng, KVM_IOAPIC_NUM_PINS)
				: g->hot_gsi[rng_below(&g->rng, NR_HOT_GSIS)];

		add(op, IOAPIC_STATE_RTE + pin,
		    gen_rte(g, (unsigned int)op->arg[ARG_VM]));
	}
	if (one_in(g, 4))
		add(op, 3, rng_next(&g->rng) & rng_next(&g->rng) & 0xffffff);
	if (one_in(g, 6))
		add(op, 2, rng_below(&g->rng, 16));
	if (one_in(g, 6))
		add(op, 1, rng_below(&g->rng, 256));
	if (one_in(g, 20))
		add(op, 0, 0xfec00000 + (rng_below(&g->rng, 4) << 10));
}

/*
 * Never a mode that counts for channel 0: it would interrupt at a time of its
 * own.
 */
void gen_pit(struct gen *g, struct op *op)
{
	unsigned int nr = rng_below(&g->rng, 6);

	op->arg[PIT_REQUEST] = one_in(g, 3)
				       ? PIT_CREATE2
				       : rng_below(&g->rng, NR_PIT_REQUESTS);
	op->arg[PIT_FLAGS] =
		one_in(g, 8) ? rng_next(&g->rng) : rng_below(&g->rng, 2);
	op->arg[PIT_PTR] =
		one_in(g, 20) ? rng_below(&g->rng, NR_PTR_SORTS) : PTR_GOOD;
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t channel = rng_below(&g->rng, 3);
		uint64_t reg = rng_below(&g->rng, 12);
		uint64_t value = one_in(g, 2) ? rng_next(&g->rng)
					      : rng_below(&g->rng, 4);

		if (reg == PIT_MODE && channel == 0)
			value = PICK(&g->rng, 5, 0xff);
		add(op, channel * PIT_CHANNEL_REGS + reg, value);
	}
}

static void gen_vectors(struct gen *g, struct op *op, unsigned int reg)
{
	bool hot = one_in(g, 2);

	for (unsigned int i = 0; i < 8; i++) {
		uint32_t set = 0;

		/* Those that redirection entries and MSIs like. */
		for (unsigned int n = 0; hot && n < 11; n++) {
			unsigned int vector = one_in(g, 2)
						      ? HOT_RTE_VECTOR(n)
						      : HOT_MSI_VECTOR(n % 8);

			if (vector / 32 == i && one_in(g, 3))
				set |= 1u << vector % 32;
		}

		if (!hot && one_in(g, 3))
			set = rng_next(&g->rng) & rng_next(&g->rng) &
			      rng_next(&g->rng);
		add(op, reg + 0x10 * i, set);
	}
}

void gen_lapic(struct gen *g, struct op *op)
{
	unsigned int vm = (unsigned int)op->arg[ARG_VM];
	unsigned int vcpu = (unsigned int)op->arg[ARG_VCPU];

	if (!one_in(g, 5))
		add(op, APIC_SVR,
		    one_in(g, 6) ? rng_below(&g->rng, 0x400) : 0x1ff);
	if (one_in(g, 2)) {
		add(op, APIC_LDR,
		    one_in(g, 4) ? rng_next(&g->rng) & 0xff000000
				 : 1u << (24 + vcpu));
		add(op, APIC_DFR,
		    PICK(&g->rng, 0xffffffff, 0xffffffff, 0xffffffff,
			 0x0fffffff, 0x5fffffff));
	}
	if (one_in(g, 12))
		add(op, APIC_ID,
		    PICK(&g->rng, 0, 1, 2, 3, 0x77, 0xff, (uint32_t)g->id1[vm])
			    << (one_in(g, 4) ? 0 : 24));
	if (one_in(g, 4))
		add(op, APIC_TPR, rng_below(&g->rng, 256));
	if (one_in(g, 5))
		gen_vectors(g, op, APIC_IRR);
	if (one_in(g, 5))
		gen_vectors(g, op, APIC_ISR);
	if (one_in(g, 5))
		gen_vectors(g, op, APIC_TMR);
	if (one_in(g, 4)) {
		unsigned int lvt = APIC_LVTT + 0x10 * rng_below(&g->rng, 6);

		add(op, lvt, rng_next(&g->rng) & 0x7f7ff);
	}
	if (one_in(g, 4))
		add(op, APIC_LINT0, PICK(&g->rng, 0x700, 0x10700, 0x400));
	/* What no guest could have made; but no clock is started. */
	if (one_in(g, 8)) {
		unsigned int reg = rng_below(&g->rng, APIC_STATE_REGS) << 4;

		if (reg != APIC_TMICT && reg != APIC_TMCCT)
			add(op, reg, rng_next(&g->rng));
	}
}

static void gen_msi_route(struct gen *g, unsigned int vm, struct op_row *row)
{
	row->word[ROUTE_TYPE] = KVM_IRQ_ROUTING_MSI;
	row->word[ROUTE_A] = 0xfee00000 | gen_dest(g, vm) << 12 |
			     (one_in(g, 2) ? 4 : 0) | (one_in(g, 4) ? 8 : 0);
	row->word[ROUTE_C] = gen_msi_data(g);
	if (one_in(g, 20))
		row->word[ROUTE_B] = PICK(&g->rng, 0x100, 1, 0xffffff00);
	if (one_in(g, 20))
		row->word[ROUTE_FLAGS] = PICK(&g->rng, 1, 1, 2, 0xffffffff);
}

static void gen_pin_route(struct gen *g, struct op_row *row)
{
	uint64_t chip = rng_below(&g->rng, 3);

	row->word[ROUTE_TYPE] = KVM_IRQ_ROUTING_IRQCHIP;
	row->word[ROUTE_A] = chip;
	row->word[ROUTE_B] = rng_below(&g->rng, chip == 2 ? 24 : 8);
	/* The pin of the GSI's number, as in real tables. */
	if (one_in(g, 2) && row->word[ROUTE_GSI] < 24) {
		row->word[ROUTE_A] = KVM_IRQCHIP_IOAPIC;
		row->word[ROUTE_B] = row->word[ROUTE_GSI];
		if (one_in(g, 2) && row->word[ROUTE_GSI] < 16) {
			row->word[ROUTE_A] = row->word[ROUTE_GSI] / 8;
			row->word[ROUTE_B] = row->word[ROUTE_GSI] % 8;
		}
	}
}

void gen_routing(struct gen *g, struct op *op)
{
	unsigned int vm = (unsigned int)op->arg[ARG_VM];
	unsigned int nr = rng_below(&g->rng, 10);

	if (one_in(g, 25))
		op->arg[ROUTING_FLAGS] = rng_next(&g->rng);
	if (one_in(g, 25))
		op->arg[ROUTING_FILL] =
			PICK(&g->rng, 1, 100, 4095, 4096, 4097, 8192);
	if (one_in(g, 30))
		op->arg[ROUTING_EXTRA] = PICK(&g->rng, 1, 2, 4096, 0xffffff00);
	if (one_in(g, 40))
		op->arg[ROUTING_PTR] = rng_below(&g->rng, NR_PTR_SORTS);
	for (unsigned int i = 0; i < nr; i++) {
		struct op_row *row = op_add_row(op);

		if (!row)
			return;
		/* Mostly without repetition, which is mostly invalid. */
		row->word[ROUTE_GSI] = one_in(g, 12)
					       ? gen_gsi(g) & 0xfff
					       : g->hot_gsi[i % NR_HOT_GSIS] +
							 24 * (i / NR_HOT_GSIS);
		if (one_in(g, 80))
			row->word[ROUTE_GSI] = gen_gsi(g);
		/* Without chips of the kernel's, pins are invalid. */
		if (one_in(g, g->irqchip[vm] == IRQCHIP_FULL ? 2 : 30))
			gen_pin_route(g, row);
		else
			gen_msi_route(g, vm, row);
		if (one_in(g, 80))
			row->word[ROUTE_TYPE] = PICK(&g->rng, 0, 3, 6, 100);
		if (one_in(g, 80))
			row->word[ROUTE_B] =
				PICK(&g->rng, 8, 24, 255, 0xffffffff);
		if (one_in(g, 80))
			row->word[ROUTE_FLAGS] = 1u << rng_below(&g->rng, 32);
	}
}

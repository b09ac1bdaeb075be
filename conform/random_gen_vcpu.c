// SPDX-License-Identifier: BSD-3-Clause
/* What a vCPU is asked for, but its APIC's state. */
#include "random_impl.h"

static bool one_in(struct gen *g, uint32_t n)
{
	return rng_below(&g->rng, n) == 0;
}

void gen_get_lapic(struct gen *g, struct op *op)
{
	op->arg[LAPIC_PTR] = rng_below(&g->rng, NR_PTR_SORTS);
}

void gen_mp_state(struct gen *g, struct op *op)
{
	op->arg[MP_STATE_VALUE] =
		one_in(g, 8) ? PICK(&g->rng, 5, 9, 10, 11, 0xffffffff)
			     : rng_below(&g->rng, 5);
	op->arg[MP_STATE_PTR] = gen_ptr(g);
}

void gen_get_mp_state(struct gen *g, struct op *op)
{
	op->arg[MP_STATE_PTR] = rng_below(&g->rng, NR_PTR_SORTS);
}

#define MSR_APIC_BASE 0x1b
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC 0x800
#define X2APIC_ICR 0x830
#define X2APIC_TMICT 0x838

static uint32_t gen_msr_index(struct gen *g)
{
	switch (rng_below(&g->rng, 8)) {
	case 0:
	case 1: return MSR_APIC_BASE;
	case 2: return MSR_TSC_DEADLINE;
	case 3: return MSR_X2APIC + rng_below(&g->rng, 0x48);
	default:
		return PICK(&g->rng, 0x802, 0x808, 0x80b, 0x80b, 0x80b, 0x80d,
			    0x80f, X2APIC_ICR, X2APIC_ICR, 0x832, 0x835, 0x83f,
			    0x83f);
	}
}

static uint64_t gen_apic_base(struct gen *g, const struct op *op)
{
	uint64_t base = 0xfee00000 |
			PICK(&g->rng, 0x800, 0x800, 0xc00, 0xc00, 0x400, 0);

	if (op->arg[ARG_VCPU] == 0)
		base |= 0x100;
	if (one_in(g, 10))
		base |= 1u << rng_below(&g->rng, 12);
	if (one_in(g, 30))
		base |= UINT64_C(1) << (36 + rng_below(&g->rng, 28));
	return base;
}

void gen_sregs(struct gen *g, struct op *op)
{
	op->arg[SREGS_APIC_BASE] = gen_apic_base(g, op);
	op->arg[SREGS_CR8] = rng_below(&g->rng, one_in(g, 10) ? 32 : 16);
}

void gen_events(struct gen *g, struct op *op)
{
	/* NMI, SIPI vector, shadow, SMM: each asks for its field. */
	op->arg[EVENTS_FLAGS] =
		one_in(g, 10) ? rng_next(&g->rng) : rng_below(&g->rng, 8);
	op->arg[EVENTS_NMI_PENDING] = rng_below(&g->rng, 3);
	op->arg[EVENTS_NMI_MASKED] = rng_below(&g->rng, 2);
	op->arg[EVENTS_SIPI_VECTOR] = rng_below(&g->rng, 256);
	op->arg[EVENTS_LATCHED_INIT] = rng_below(&g->rng, 2);
	op->arg[EVENTS_PTR] = gen_ptr(g);
}

void gen_wrmsr(struct gen *g, struct op *op)
{
	uint32_t index = gen_msr_index(g);
	uint64_t value =
		one_in(g, 3) ? rng_next(&g->rng) : rng_below(&g->rng, 0x200);

	switch (index) {
	case MSR_APIC_BASE: value = gen_apic_base(g, op); break;
	/* Nothing that would expire: the clocks are not in lock step. */
	case MSR_TSC_DEADLINE:
	case X2APIC_TMICT: value = 0; break;
	case X2APIC_ICR:
		value = (uint64_t)gen_dest(g, (unsigned int)op->arg[ARG_VM])
				<< 32 |
			0x30 | rng_below(&g->rng, 256) |
			(one_in(g, 2) ? rng_below(&g->rng, 8) << 8 : 0) |
			rng_below(&g->rng, 2) << 11 |
			rng_below(&g->rng, 4) << 14 |
			rng_below(&g->rng, 4) << 18;
		if (one_in(g, 10))
			value |= 1u << rng_below(&g->rng, 32);
		break;
	case 0x80b: value = one_in(g, 10); break;
	default: break;
	}
	if (one_in(g, 30))
		value |= UINT64_C(1) << (32 + rng_below(&g->rng, 32));
	op->arg[MSR_INDEX] = index;
	op->arg[MSR_VALUE] = value;
}

void gen_rdmsr(struct gen *g, struct op *op)
{
	op->arg[MSR_INDEX] = gen_msr_index(g);
}

void gen_interrupt(struct gen *g, struct op *op)
{
	op->arg[INTERRUPT_VECTOR] =
		one_in(g, 4) ? rng_next(&g->rng) : rng_below(&g->rng, 256);
}

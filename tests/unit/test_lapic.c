// SPDX-License-Identifier: BSD-3-Clause
/* The local APIC alone: registers, acceptance, priority, IPIs, events. */
#include "lapic_fixture.h"

static int setup(void **state)
{
	struct plane *p = plane_create(plane_config(), 2);

	wr(p->apic[0], APIC_SVR, SW_ENABLE);
	wr(p->apic[1], APIC_SVR, SW_ENABLE);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	plane_destroy(*state);
	return 0;
}

static struct lapic *raw(struct plane *p)
{
	lapic_reset(p->apic[1], false);
	return p->apic[1];
}

/* Reset: SVR 0xff (off), DFR all ones, LDR 0, LVT masked, id = vCPU << 24. */
static void reset_state(void **state)
{
	struct lapic *apic = raw(*state);

	assert_int_equal(rd(apic, APIC_ID), 1 << 24);
	assert_int_equal(rd(apic, APIC_VERSION), 0x00050014);
	assert_int_equal(rd(apic, APIC_SVR), 0xff);
	assert_int_equal(rd(apic, APIC_DFR), 0xffffffff);
	assert_int_equal(rd(apic, APIC_LDR), 0);
	assert_int_equal(rd(apic, APIC_TPR), 0);
	for (unsigned int lvt = APIC_LVT_TIMER; lvt <= APIC_LVT_ERROR;
	     lvt += 16)
		assert_int_equal(rd(apic, lvt), APIC_LVT_MASKED);
}

/* The BSP's LINT0 is ExtINT and open at reset, and it has the BSP bit. */
static void bsp_lint0_takes_the_8259_at_reset(void **state)
{
	struct plane *p = *state;
	uint64_t base;

	lapic_reset(p->apic[0], false);
	assert_int_equal(rd(p->apic[0], APIC_LVT_LINT0), 0x700);
	assert_true(lapic_flags(p->apic[0]) & LAPIC_TAKES_PIC);
	assert_false(lapic_flags(p->apic[1]) & LAPIC_TAKES_PIC);
	assert_int_equal(rdmsr(p->apic[0], MSR_IA32_APICBASE, &base), 0);
	assert_int_equal(base, XAPIC_ON | APIC_BASE_BSP);
	assert_int_equal(rdmsr(p->apic[1], MSR_IA32_APICBASE, &base), 0);
	assert_int_equal(base, XAPIC_ON);
}

/* Writes are 4 bytes at a multiple of 16; others are ignored. */
static void mmio_odd_writes_are_ignored(void **state)
{
	struct plane *p = *state;
	struct virq_access access = {
		.addr = APIC_DEFAULT_BASE + APIC_TPR,
		.len = 1,
		.write = true,
		.data = 0x33,
	};

	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	access.len = 8;
	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	access.len = 4;
	access.addr += 4;
	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	assert_int_equal(rd(p->apic[0], APIC_TPR), 0);
}

/* Reads of any size inside one register; across its end they give nothing. */
static void mmio_partial_reads(void **state)
{
	struct plane *p = *state;
	struct virq_access access = {
		.addr = APIC_DEFAULT_BASE + APIC_VERSION + 2,
		.len = 1,
	};

	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	assert_int_equal(access.data & 0xff, 5);
	access.len = 4;
	access.data = 0x55;
	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	assert_int_equal(access.data, 0);
}

/* Every offset in the page may be read and written; none is a fault. */
static void mmio_any_offset_any_value(void **state)
{
	struct plane *p = *state;

	for (unsigned int offset = 0; offset < 0x1000; offset += 16)
		for (unsigned int bit = 0; bit < 32; bit += 5) {
			rd(p->apic[1], offset);
			wr(p->apic[1], offset, 1u << bit);
			wr(p->apic[1], offset, ~0u);
		}
}

/* Outside the page it is somebody else's access. */
static void mmio_outside_is_not_ours(void **state)
{
	struct plane *p = *state;
	struct virq_access access = {.addr = APIC_DEFAULT_BASE - 4, .len = 4};

	assert_int_equal(lapic_mmio(p->apic[0], &access), -ENODEV);
	access.addr = APIC_DEFAULT_BASE + 0x1000;
	assert_int_equal(lapic_mmio(p->apic[0], &access), -ENODEV);
}

/* The page follows APICBASE; where it was there is nothing. */
static void mmio_page_moves(void **state)
{
	struct plane *p = *state;
	struct virq_access access = {.addr = APIC_DEFAULT_BASE, .len = 4};

	assert_int_equal(wrmsr(p->apic[0], MSR_IA32_APICBASE,
			       0xfec10000 | APIC_BASE_ENABLE),
			 0);
	assert_int_equal(lapic_mmio(p->apic[0], &access), -ENODEV);
	access.addr = 0xfec10000 + APIC_VERSION;
	assert_int_equal(lapic_mmio(p->apic[0], &access), 0);
	assert_int_equal(access.data, 0x00050014);
}

/* Off, or in x2APIC mode, the page reads as ones and writes go nowhere. */
static void mmio_hole(void **state)
{
	struct plane *p = *state;

	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	wr(p->apic[1], APIC_TPR, 0x40);
	assert_int_equal(rd(p->apic[1], APIC_VERSION), 0xffffffff);
	assert_int_equal(lapic_reg(p->apic[1], APIC_TPR), 0);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	assert_int_equal(rd(p->apic[1], APIC_VERSION), 0xffffffff);
}

/* APR and ESR read 0, TMCCT and the vector registers cannot be written. */
static void read_only_registers(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	wr(apic, APIC_ESR, ~0u);
	assert_int_equal(rd(apic, APIC_ESR), 0);
	assert_int_equal(rd(apic, APIC_APR), 0);
	for (unsigned int i = 0; i < 8; i++) {
		wr(apic, APIC_ISR + 16 * i, ~0u);
		wr(apic, APIC_IRR + 16 * i, ~0u);
		wr(apic, APIC_TMR + 16 * i, ~0u);
		assert_int_equal(rd(apic, APIC_ISR + 16 * i), 0);
		assert_int_equal(rd(apic, APIC_IRR + 16 * i), 0);
		assert_int_equal(rd(apic, APIC_TMR + 16 * i), 0);
	}
	wr(apic, APIC_TMCCT, 77);
	assert_int_equal(rd(apic, APIC_TMCCT), 0);
	wr(apic, APIC_VERSION, 0);
	assert_int_equal(rd(apic, APIC_VERSION), 0x00050014);
}

/* Which bits of each register a guest can set. */
static void write_masks(void **state)
{
	static const struct {
		unsigned int offset;
		uint32_t kept;
	} regs[] = {
		{APIC_ID, 0xff000000},	   {APIC_TPR, 0xff},
		{APIC_LDR, 0xff000000},	   {APIC_DFR, 0xffffffff},
		{APIC_SVR, 0x3ff},	   {APIC_ICR2, 0xff000000},
		{APIC_LVT_TIMER, 0x710ff}, {APIC_LVT_THERMAL, 0x117ff},
		{APIC_LVT_PERF, 0x117ff},  {APIC_LVT_LINT0, 0x1f7ff},
		{APIC_LVT_LINT1, 0x1f7ff}, {APIC_LVT_ERROR, 0x110ff},
		{APIC_TDCR, 0xb},
	};
	struct plane *p = *state;

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++) {
		wr(p->apic[1], regs[i].offset, ~0u);
		assert_int_equal(rd(p->apic[1], regs[i].offset), regs[i].kept);
	}
}

/* DFR keeps only the model; the low 28 bits read as ones. */
static void dfr_low_bits_are_ones(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_DFR, 0);
	assert_int_equal(rd(p->apic[0], APIC_DFR), 0x0fffffff);
}

/* Clearing SVR bit 8 masks the LVT, and it stays so until it is set again. */
static void sw_disable_masks_lvt(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	wr(apic, APIC_LVT_LINT1, 0x400);
	wr(apic, APIC_SVR, 0xff);
	assert_int_equal(rd(apic, APIC_LVT_LINT1), 0x400 | APIC_LVT_MASKED);
	assert_int_equal(rd(apic, APIC_LVT_LINT0), 0x700 | APIC_LVT_MASKED);
	assert_false(lapic_flags(apic) & LAPIC_TAKES_PIC);
	wr(apic, APIC_LVT_LINT1, 0x400);
	assert_int_equal(rd(apic, APIC_LVT_LINT1), 0x400 | APIC_LVT_MASKED);
	wr(apic, APIC_SVR, SW_ENABLE);
	wr(apic, APIC_LVT_LINT1, 0x400);
	assert_int_equal(rd(apic, APIC_LVT_LINT1), 0x400);
}

/* A disabled APIC drops Fixed and Lowest, but takes NMI, SMI, INIT, SIPI. */
static void sw_disabled_takes_only_events(void **state)
{
	struct plane *p = *state;
	struct x86_msg msg = {.vector = 0x40, .assert_level = true};

	wr(p->apic[0], APIC_SVR, 0xff);
	assert_int_equal(lapic_accept(p->apic[0], &msg), 0);
	msg.mode = X86_DM_LOWEST;
	assert_int_equal(lapic_accept(p->apic[0], &msg), 0);
	assert_false(irr(p->apic[0], 0x40));
	assert_int_equal(p->vcpu[0].kicks, 0);
	msg.mode = X86_DM_NMI;
	assert_int_equal(lapic_accept(p->apic[0], &msg), 1);
	msg.mode = X86_DM_SMI;
	assert_int_equal(lapic_accept(p->apic[0], &msg), 1);
	msg.mode = X86_DM_INIT;
	assert_int_equal(lapic_accept(p->apic[0], &msg), 1);
	assert_int_equal(lapic_pending(p->apic[0]),
			 VIRQ_EVENT_NMI | VIRQ_EVENT_SMI | VIRQ_EVENT_INIT);
}

/* A vector pending before the APIC was disabled is still delivered. */
static void sw_disable_keeps_pending(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x40);
	wr(p->apic[0], APIC_SVR, 0xff);
	assert_int_equal(lapic_ack(p->apic[0]), 0x40);
}

/* An APIC switched off in APICBASE hears nothing and delivers nothing. */
static void hw_disabled_is_deaf(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x40);
	wrmsr(p->apic[0], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	assert_int_equal(fixed(p, 0, 0x41), 0);
	assert_int_equal(
		deliver(p, (struct x86_msg){.dest = 0, .mode = X86_DM_NMI}), 0);
	assert_int_equal(lapic_pending(p->apic[0]), 0);
	assert_int_equal(lapic_ack(p->apic[0]), -EAGAIN);
	assert_true(lapic_flags(p->apic[0]) & LAPIC_TAKES_PIC);
}

/* Only the first of several equal vectors wakes the vCPU; all count. */
static void accept_coalesces_and_kicks_once(void **state)
{
	struct plane *p = *state;

	assert_int_equal(fixed(p, 1, 0x40), 1);
	assert_int_equal(fixed(p, 1, 0x40), 1);
	assert_int_equal(p->vcpu[1].kicks, 1);
	assert_int_equal(fixed(p, 1, 0x41), 1);
	assert_int_equal(p->vcpu[1].kicks, 2);
}

/* TMR follows the trigger mode of the last message of a vector. */
static void accept_sets_and_clears_tmr(void **state)
{
	struct plane *p = *state;
	struct x86_msg msg = {.dest = 1, .vector = 0x51};

	msg.level_triggered = true;
	assert_int_equal(deliver(p, msg), 1);
	assert_true(tmr(p->apic[1], 0x51));
	msg.level_triggered = false;
	assert_int_equal(deliver(p, msg), 1);
	assert_false(tmr(p->apic[1], 0x51));
}

/* A level message that is not asserted is dropped. */
static void accept_drops_level_deassert(void **state)
{
	struct plane *p = *state;
	struct x86_msg msg = {.vector = 0x51, .level_triggered = true};

	assert_int_equal(lapic_accept(p->apic[0], &msg), 0);
	assert_false(irr(p->apic[0], 0x51));
}

/*
 * ExtINT is a wire, not a message.  The reserved mode 3 (remote read) counts as
 * taken and wakes the vCPU, as in Linux, and leaves nothing pending.
 */
static void accept_ignores_extint_and_reserved(void **state)
{
	struct plane *p = *state;
	struct x86_msg msg = {.vector = 0x51, .mode = X86_DM_EXTINT};

	assert_int_equal(lapic_accept(p->apic[0], &msg), 0);
	assert_int_equal(p->vcpu[0].kicks, 0);
	msg.mode = X86_DM_REMOTE_READ;
	assert_int_equal(lapic_accept(p->apic[0], &msg), 1);
	assert_int_equal(lapic_pending(p->apic[0]), 0);
	assert_int_equal(p->vcpu[0].kicks, 1);
}

/* The highest vector goes first; vectors are taken in order of priority. */
static void ack_highest_first(void **state)
{
	static const uint8_t vectors[] = {0x10, 0x3f, 0x40, 0x7f,
					  0x80, 0xbf, 0xc0, 0xff};
	struct plane *p = *state;

	for (size_t i = 0; i < sizeof(vectors); i++)
		fixed(p, 0, vectors[i]);
	for (size_t i = sizeof(vectors); i-- > 0;) {
		assert_int_equal(lapic_pending(p->apic[0]), VIRQ_EVENT_INTR);
		assert_int_equal(lapic_ack(p->apic[0]), vectors[i]);
		assert_false(irr(p->apic[0], vectors[i]));
		assert_true(isr(p->apic[0], vectors[i]));
		wr(p->apic[0], APIC_EOI, 0);
	}
	assert_int_equal(lapic_ack(p->apic[0]), -EAGAIN);
}

/* Only a higher class interrupts one in service; the same class waits. */
static void ack_nests_by_class(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x45);
	assert_int_equal(lapic_ack(p->apic[0]), 0x45);
	fixed(p, 0, 0x4f);
	assert_int_equal(lapic_pending(p->apic[0]), 0);
	assert_int_equal(lapic_ack(p->apic[0]), -EAGAIN);
	fixed(p, 0, 0x50);
	assert_int_equal(lapic_ack(p->apic[0]), 0x50);
	wr(p->apic[0], APIC_EOI, 0);
	assert_int_equal(lapic_ack(p->apic[0]), -EAGAIN);
	wr(p->apic[0], APIC_EOI, 0);
	assert_int_equal(lapic_ack(p->apic[0]), 0x4f);
}

/* PPR is TPR if its class is not below that in service, else that class. */
static void ppr_follows_tpr_and_isr(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	wr(apic, APIC_TPR, 0x23);
	assert_int_equal(rd(apic, APIC_PPR), 0x23);
	fixed(p, 0, 0x45);
	lapic_ack(apic);
	assert_int_equal(rd(apic, APIC_PPR), 0x40);
	wr(apic, APIC_TPR, 0x41);
	assert_int_equal(rd(apic, APIC_PPR), 0x41);
	wr(apic, APIC_TPR, 0x3f);
	assert_int_equal(rd(apic, APIC_PPR), 0x40);
	wr(apic, APIC_EOI, 0);
	assert_int_equal(rd(apic, APIC_PPR), 0x3f);
}

/* TPR holds back its own class and those below; lowering it lets them go. */
static void tpr_masks(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_TPR, 0x40);
	fixed(p, 0, 0x4f);
	assert_int_equal(lapic_pending(p->apic[0]), 0);
	fixed(p, 0, 0x50);
	assert_int_equal(lapic_ack(p->apic[0]), 0x50);
	wr(p->apic[0], APIC_EOI, 0);
	wr(p->apic[0], APIC_TPR, 0x3f);
	assert_int_equal(lapic_ack(p->apic[0]), 0x4f);
}

/* EOI ends the highest in service and reports it with its trigger mode. */
static void eoi_reports_vector_and_trigger(void **state)
{
	struct plane *p = *state;

	deliver(p, (struct x86_msg){.vector = 0x61, .level_triggered = true});
	fixed(p, 0, 0x31);
	assert_int_equal(lapic_ack(p->apic[0]), 0x61);
	wr(p->apic[0], APIC_EOI, 0xdead);
	assert_int_equal(p->eoi_vector, 0x61);
	assert_true(p->eoi_level);
	assert_false(p->eoi_directed);
	assert_int_equal(lapic_ack(p->apic[0]), 0x31);
	wr(p->apic[0], APIC_EOI, 0);
	assert_int_equal(p->eoi_vector, 0x31);
	assert_false(p->eoi_level);
	assert_int_equal(p->eois, 2);
}

/* With nothing in service EOI does nothing. */
static void eoi_of_nothing(void **state)
{
	struct plane *p = *state;

	wr(p->apic[0], APIC_EOI, 0);
	assert_int_equal(p->eois, 0);
}

/* A reported EOI of one vector ends that one, not the highest. */
static void eoi_of_one_vector(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x31);
	lapic_ack(p->apic[0]);
	fixed(p, 0, 0x61);
	lapic_ack(p->apic[0]);
	lapic_eoi_vector(p->apic[0], 0x31);
	assert_int_equal(p->eoi_vector, 0x31);
	assert_true(isr(p->apic[0], 0x61));
	lapic_eoi_vector(p->apic[0], 0x31);
	assert_int_equal(p->eois, 1);
}

/* SVR bit 12 exists only where the version register says so. */
static void directed_eoi_only_if_offered(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[0];

	wr(apic, APIC_SVR, SW_ENABLE | APIC_SVR_DIRECTED_EOI);
	assert_int_equal(rd(apic, APIC_SVR), SW_ENABLE);
	lapic_set_reg(apic, APIC_VERSION,
		      LAPIC_VERSION_VALUE | APIC_VERSION_DIRECTED_EOI);
	wr(apic, APIC_SVR, SW_ENABLE | APIC_SVR_DIRECTED_EOI);
	fixed(p, 0, 0x61);
	lapic_ack(apic);
	wr(apic, APIC_EOI, 0);
	assert_true(p->eoi_directed);
}

/* The same vector may be pending again while it is in service. */
static void irr_and_isr_of_one_vector(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x61);
	lapic_ack(p->apic[0]);
	fixed(p, 0, 0x61);
	assert_true(irr(p->apic[0], 0x61) && isr(p->apic[0], 0x61));
	assert_int_equal(p->vcpu[0].kicks, 2);
	wr(p->apic[0], APIC_EOI, 0);
	assert_int_equal(lapic_ack(p->apic[0]), 0x61);
}

/* Two NMIs wait, one SMI; each is taken once. */
static void nmi_smi_latch(void **state)
{
	struct plane *p = *state;
	struct x86_msg msg = {.mode = X86_DM_NMI};

	for (int i = 0; i < 3; i++)
		assert_int_equal(deliver(p, msg), 1);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_NMI), 0);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_NMI), 0);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_NMI), -EAGAIN);
	msg.mode = X86_DM_SMI;
	assert_int_equal(deliver(p, msg), 1);
	assert_int_equal(deliver(p, msg), 1);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_NMI), -EAGAIN);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_SMI), 0);
}

/* INTR is acknowledged, not taken. */
static void take_refuses_intr(void **state)
{
	struct plane *p = *state;

	fixed(p, 0, 0x40);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_INTR), -EAGAIN);
	assert_true(irr(p->apic[0], 0x40));
}

static void ipi(struct lapic *apic, uint32_t dest, uint32_t icr)
{
	wr(apic, APIC_ICR2, dest << 24);
	wr(apic, APIC_ICR, icr);
}

/* INIT resets the APIC but not its id, base or mode; then it waits. */
static void init_resets_and_waits_for_sipi(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[1];

	wr(apic, APIC_ID, 7u << 24);
	wr(apic, APIC_TPR, 0x20);
	fixed(p, 7, 0x40);
	deliver(p, (struct x86_msg){.dest = 7, .mode = X86_DM_NMI});
	deliver(p, (struct x86_msg){.dest = 7, .mode = X86_DM_NMI});
	deliver(p, (struct x86_msg){.dest = 7, .mode = X86_DM_SMI});
	ipi(p->apic[0], 7, 0x4500);
	assert_int_equal(lapic_take(apic, VIRQ_EVENT_INIT), 0);
	assert_int_equal(rd(apic, APIC_ID), 7u << 24);
	assert_int_equal(rd(apic, APIC_TPR), 0);
	assert_int_equal(rd(apic, APIC_SVR), 0xff);
	assert_false(irr(apic, 0x40));
	/* Those from before are gone; NMI and SMI from now on are kept. */
	deliver(p, (struct x86_msg){.dest = 7, .mode = X86_DM_NMI});
	assert_int_equal(lapic_pending(apic), 0);
	ipi(p->apic[0], 7, 0x4600 | 0x9a);
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_SIPI);
	assert_int_equal(lapic_take(apic, VIRQ_EVENT_SIPI), 0x9a);
	assert_int_equal(lapic_take(apic, VIRQ_EVENT_SIPI), -EAGAIN);
	assert_int_equal(lapic_pending(apic), VIRQ_EVENT_NMI);
}

/* A SIPI counts only after an INIT; a running vCPU does not see it. */
static void sipi_without_init_is_ignored(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0x4600 | 0x10);
	assert_int_equal(lapic_pending(p->apic[1]), 0);
	assert_int_equal(lapic_take(p->apic[1], VIRQ_EVENT_SIPI), -EAGAIN);
	/* Nor does the old one start it after the INIT. */
	ipi(p->apic[0], 1, 0x4500);
	lapic_take(p->apic[1], VIRQ_EVENT_INIT);
	assert_int_equal(lapic_pending(p->apic[1]), 0);
}

/* A SIPI that comes before the INIT was taken waits for it. */
static void sipi_after_init_not_yet_taken(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0x4500);
	ipi(p->apic[0], 1, 0x4600 | 0x12);
	assert_int_equal(lapic_pending(p->apic[1]), VIRQ_EVENT_INIT);
	lapic_take(p->apic[1], VIRQ_EVENT_INIT);
	assert_int_equal(lapic_take(p->apic[1], VIRQ_EVENT_SIPI), 0x12);
}

/* While it waits, INIT goes before the SIPI that belongs to it. */
static void init_again_before_sipi(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0x4500);
	lapic_take(p->apic[1], VIRQ_EVENT_INIT);
	ipi(p->apic[0], 1, 0x4500);
	ipi(p->apic[0], 1, 0x4600 | 0x13);
	assert_int_equal(lapic_take(p->apic[1], VIRQ_EVENT_SIPI), -EAGAIN);
	assert_int_equal(lapic_take(p->apic[1], VIRQ_EVENT_INIT), 0);
	assert_int_equal(lapic_take(p->apic[1], VIRQ_EVENT_SIPI), 0x13);
}

/* INIT of the bootstrap processor: it runs again, without a SIPI. */
static void init_of_bsp_does_not_wait(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[1], 0, 0x4500);
	assert_int_equal(lapic_take(p->apic[0], VIRQ_EVENT_INIT), 0);
	assert_false(lapic_flags(p->apic[0]) & LAPIC_WAIT_SIPI);
	assert_true(lapic_flags(p->apic[0]) & LAPIC_TAKES_PIC);
}

/* INIT level de-assert (trigger level, level 0) is nothing. */
static void init_deassert_is_nothing(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0x8500);
	assert_int_equal(lapic_pending(p->apic[1]), 0);
	ipi(p->apic[0], 1, 0xc500);
	assert_int_equal(lapic_pending(p->apic[1]), VIRQ_EVENT_INIT);
}

/* ICR by destination field, physical. */
static void icr_physical(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0x4040);
	assert_true(irr(p->apic[1], 0x40));
	assert_false(irr(p->apic[0], 0x40));
	/* Delivery status always reads idle. */
	wr(p->apic[0], APIC_ICR, 0x5041);
	assert_int_equal(rd(p->apic[0], APIC_ICR), 0x4041);
}

/* Shorthands: self, all, all but self. */
static void icr_shorthands(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 1u << 18 | 0x41);
	assert_true(irr(p->apic[0], 0x41) && !irr(p->apic[1], 0x41));
	ipi(p->apic[0], 0x55, 2u << 18 | 0x42);
	assert_true(irr(p->apic[0], 0x42) && irr(p->apic[1], 0x42));
	ipi(p->apic[0], 0, 3u << 18 | 0x43);
	assert_true(!irr(p->apic[0], 0x43) && irr(p->apic[1], 0x43));
	ipi(p->apic[0], 0, 3u << 18 | 0x400);
	assert_int_equal(lapic_pending(p->apic[0]) & VIRQ_EVENT_NMI, 0);
	assert_true(lapic_pending(p->apic[1]) & VIRQ_EVENT_NMI);
}

/* A level IPI sets TMR; without the assert bit it is dropped. */
static void icr_level(void **state)
{
	struct plane *p = *state;

	ipi(p->apic[0], 1, 0xc044);
	assert_true(irr(p->apic[1], 0x44) && tmr(p->apic[1], 0x44));
	ipi(p->apic[0], 1, 0x8045);
	assert_false(irr(p->apic[1], 0x45));
}

/* x2APIC: id and LDR follow from the vCPU's number and are read-only. */
static void x2apic_identity(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	plane_add(p, 0x123);
	assert_int_equal(wrmsr(p->apic[0x123], MSR_IA32_APICBASE, X2APIC_ON),
			 0);
	assert_int_equal(rdmsr(p->apic[0x123], X2(APIC_ID), &value), 0);
	assert_int_equal(value, 0x123);
	assert_int_equal(rdmsr(p->apic[0x123], X2(APIC_LDR), &value), 0);
	assert_int_equal(value, 0x12u << 16 | 1u << 3);
	assert_int_equal(wrmsr(p->apic[0x123], X2(APIC_ID), 1), -EPERM);
	assert_int_equal(wrmsr(p->apic[0x123], X2(APIC_LDR), 1), -EPERM);
}

/* #GP: what is no x2APIC register, or only readable, or only writable. */
static void x2apic_faults(void **state)
{
	static const uint32_t unreadable[] = {0x800, 0x801, 0x804, 0x809,
					      0x80b, 0x80e, 0x82f, 0x831,
					      0x83a, 0x83f, 0x840, 0x8ff};
	static const uint32_t unwritable[] = {0x800, 0x802, 0x803, 0x80a, 0x80d,
					      0x80e, 0x810, 0x818, 0x820, 0x82f,
					      0x831, 0x839, 0x840, 0x8ff};
	struct plane *p = *state;
	uint64_t value;

	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	for (size_t i = 0; i < sizeof(unreadable) / 4; i++)
		assert_int_equal(rdmsr(p->apic[1], unreadable[i], &value),
				 -EPERM);
	for (size_t i = 0; i < sizeof(unwritable) / 4; i++)
		assert_int_equal(wrmsr(p->apic[1], unwritable[i], 0), -EPERM);
	/* In xAPIC mode all of them. */
	for (uint32_t msr = 0x800; msr <= 0x8ff; msr++) {
		assert_int_equal(rdmsr(p->apic[0], msr, &value), -EPERM);
		assert_int_equal(wrmsr(p->apic[0], msr, 0), -EPERM);
	}
	assert_int_equal(rdmsr(p->apic[0], 0x900, &value), -ENODEV);
}

/* #GP: the high half of any but ICR; ESR and SELF_IPI with reserved bits. */
static void x2apic_reserved_bits(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[1];

	wrmsr(apic, MSR_IA32_APICBASE, X2APIC_ON);
	assert_int_equal(wrmsr(apic, X2(APIC_TPR), 1ull << 32), -EPERM);
	assert_int_equal(wrmsr(apic, X2(APIC_ESR), 1), -EPERM);
	assert_int_equal(wrmsr(apic, X2(APIC_ESR), 0), 0);
	assert_int_equal(wrmsr(apic, X2(APIC_SELF_IPI), 0x100), -EPERM);
	for (unsigned int bit = 0; bit < 32; bit++) {
		bool reserved =
			bit >= 20 || bit == 17 || bit == 16 || bit == 13;

		assert_int_equal(
			wrmsr(apic, X2(APIC_ICR), 5ull << 32 | 1u << bit),
			reserved ? -EPERM : 0);
	}
}

/* x2APIC: ICR is one 64-bit register with a 32-bit destination. */
static void x2apic_icr(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	plane_add(p, 0x123);
	wrmsr(p->apic[0x123], MSR_IA32_APICBASE, X2APIC_ON);
	wrmsr(p->apic[0x123], X2(APIC_SVR), SW_ENABLE);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	assert_int_equal(wrmsr(p->apic[1], X2(APIC_ICR), 0x123ull << 32 | 0x66),
			 0);
	assert_true(irr(p->apic[0x123], 0x66));
	assert_int_equal(rdmsr(p->apic[1], X2(APIC_ICR), &value), 0);
	assert_int_equal(value, 0x123ull << 32 | 0x66);
	/* Everybody is 32 ones there; 0xff is an id that nobody has. */
	wrmsr(p->apic[1], X2(APIC_ICR), 0xffull << 32 | 0x67);
	assert_false(irr(p->apic[0], 0x67) || irr(p->apic[0x123], 0x67));
	wrmsr(p->apic[1], X2(APIC_ICR), 0xffffffffull << 32 | 0x68);
	assert_true(irr(p->apic[1], 0x68) && irr(p->apic[0x123], 0x68));
}

static uint32_t state_word(const struct kvm_lapic_state *state,
			   unsigned int offset)
{
	uint32_t value;

	memcpy(&value, &state->regs[offset], 4);
	return value;
}

/* The xAPIC's ICR2 is not the high half of x2APIC's ICR, nor the reverse. */
static void change_of_mode_keeps_icr2_apart(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;
	uint64_t value;

	wr(p->apic[1], APIC_ICR2, 5u << 24);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	assert_int_equal(rdmsr(p->apic[1], X2(APIC_ICR), &value), 0);
	assert_int_equal(value >> 32, 0);
	wrmsr(p->apic[1], X2(APIC_ICR), 0x77ull << 32 | 0x66);
	lapic_get_state(p->apic[1], &saved);
	assert_int_equal(state_word(&saved, APIC_ICR2), 0x77);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, XAPIC_ON);
	assert_int_equal(rd(p->apic[1], APIC_ICR2), 5u << 24);
}

/* SELF_IPI is an edge to oneself; in xAPIC mode there is no such register. */
static void x2apic_self_ipi(void **state)
{
	struct plane *p = *state;

	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	assert_int_equal(wrmsr(p->apic[1], X2(APIC_SELF_IPI), 0x71), 0);
	assert_true(irr(p->apic[1], 0x71) && !tmr(p->apic[1], 0x71));
	wr(p->apic[0], APIC_SELF_IPI, 0x71);
	assert_false(irr(p->apic[0], 0x71));
}

/* x2APIC is entered from xAPIC and left through off only; else #GP. */
static void apic_base_transitions(void **state)
{
	struct plane *p = *state;
	struct lapic *apic = p->apic[1];

	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE,
			       APIC_DEFAULT_BASE | APIC_BASE_X2APIC),
			 -EPERM);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, X2APIC_ON), 0);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, XAPIC_ON), -EPERM);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, APIC_DEFAULT_BASE), 0);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, X2APIC_ON), -EPERM);
	assert_int_equal(wrmsr(apic, MSR_IA32_APICBASE, XAPIC_ON), 0);
}

/* Reserved bits of APICBASE are #GP and change nothing. */
static void apic_base_reserved(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	for (unsigned int bit = 0; bit < 64; bit++) {
		bool ok = bit == 8 || bit == 11 || (bit >= 12 && bit < 52);

		if (bit == 10)
			continue;
		assert_int_equal(wrmsr(p->apic[1], MSR_IA32_APICBASE,
				       XAPIC_ON | 1ull << bit),
				 ok ? 0 : -EPERM);
		wrmsr(p->apic[1], MSR_IA32_APICBASE, XAPIC_ON);
	}
	wrmsr(p->apic[1], MSR_IA32_APICBASE, ~0ull);
	rdmsr(p->apic[1], MSR_IA32_APICBASE, &value);
	assert_int_equal(value, XAPIC_ON);
}

/* Off and on again: an id set by hand is gone. */
static void apic_base_restores_id(void **state)
{
	struct plane *p = *state;

	wr(p->apic[1], APIC_ID, 9u << 24);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, APIC_DEFAULT_BASE);
	wrmsr(p->apic[1], MSR_IA32_APICBASE, XAPIC_ON);
	assert_int_equal(rd(p->apic[1], APIC_ID), 1u << 24);
}

/* INIT in x2APIC mode leaves mode, id and logical id alone. */
static void init_in_x2apic_mode(void **state)
{
	struct plane *p = *state;
	uint64_t value;

	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	ipi(p->apic[0], 1, 0x4500);
	lapic_take(p->apic[1], VIRQ_EVENT_INIT);
	assert_int_equal(rdmsr(p->apic[1], X2(APIC_ID), &value), 0);
	assert_int_equal(value, 1);
	rdmsr(p->apic[1], X2(APIC_LDR), &value);
	assert_int_equal(value, 2);
}

/* A vCPU that cannot have its timer is not made. */
static void create_without_timer(void **state)
{
	struct plane *p = *state;
	struct lapic *apic;

	p->vm.timer_fails = true;
	p->vcpu[2].vm = &p->vm;
	p->vcpu[2].id = 2;
	assert_int_equal(lapic_create(&p->bus, &p->vcpu[2], &apic), -ENOMEM);
	assert_null(apic_bus_lapic(&p->bus, 2));
}

/* Save and restore: the other APIC is then the same, pending ones included. */
static void state_round_trip(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved, again;

	wr(p->apic[0], APIC_LDR, 0x05000000);
	wr(p->apic[0], APIC_LVT_LINT1, 0x400);
	wr(p->apic[0], APIC_TPR, 0x10);
	fixed(p, 0, 0x81);
	lapic_ack(p->apic[0]);
	deliver(p, (struct x86_msg){.vector = 0x92, .level_triggered = true});
	lapic_get_state(p->apic[0], &saved);
	assert_int_equal(lapic_set_state(p->apic[1], &saved), 0);
	lapic_get_state(p->apic[1], &again);
	assert_memory_equal(&saved, &again, sizeof(saved));
	assert_true(p->vcpu[1].kicks > 0);
	assert_int_equal(lapic_ack(p->apic[1]), 0x92);
	lapic_eoi(p->apic[1]);
	assert_true(p->eoi_level);
	assert_int_equal(p->eoi_vector, 0x92);
	lapic_eoi(p->apic[1]);
	assert_int_equal(p->eoi_vector, 0x81);
}

/* The x2APIC id in saved state: bits 31:24 by default, not checked. */
static void state_x2apic_short_id(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;

	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	wrmsr(p->apic[1], X2(APIC_ICR), 0x12345678ull << 32 | 0x66);
	lapic_get_state(p->apic[1], &saved);
	assert_int_equal(state_word(&saved, APIC_ID), 1u << 24);
	assert_int_equal(state_word(&saved, APIC_ICR), 0x66);
	assert_int_equal(state_word(&saved, APIC_ICR2), 0x12345678);
	memset(&saved.regs[APIC_ID], 0x77, 4);
	memset(&saved.regs[APIC_LDR], 0x77, 4);
	assert_int_equal(lapic_set_state(p->apic[1], &saved), 0);
	assert_int_equal(lapic_reg(p->apic[1], APIC_ID), 1);
	assert_int_equal(lapic_reg(p->apic[1], APIC_LDR), 2);
}

/* With 32-bit ids the whole register, and another id is -EINVAL. */
static void state_x2apic_long_id(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state saved;

	p->bus.config.ids32 = true;
	wrmsr(p->apic[1], MSR_IA32_APICBASE, X2APIC_ON);
	lapic_get_state(p->apic[1], &saved);
	assert_int_equal(state_word(&saved, APIC_ID), 1);
	assert_int_equal(lapic_set_state(p->apic[1], &saved), 0);
	saved.regs[APIC_ID + 1] = 1;
	saved.regs[APIC_TPR] = 0x20;
	assert_int_equal(lapic_set_state(p->apic[1], &saved), -EINVAL);
	assert_int_equal(lapic_reg(p->apic[1], APIC_TPR), 0);
}

/* Any bytes whatever are taken, and nothing breaks on what follows. */
static void state_of_garbage(void **state)
{
	struct plane *p = *state;
	struct kvm_lapic_state garbage;

	for (int fill = 0; fill < 256; fill += 51) {
		memset(&garbage, fill, sizeof(garbage));
		assert_int_equal(lapic_set_state(p->apic[1], &garbage), 0);
		fake_advance(&p->vm, 1000000);
		deliver(p, (struct x86_msg){.dest = 0xff, .vector = 0x33});
		while (lapic_ack(p->apic[1]) >= 0)
			;
		for (int i = 0; i < 300; i++)
			lapic_eoi(p->apic[1]);
		for (unsigned int reg = 0; reg < 0x400; reg += 16)
			rd(p->apic[1], reg);
	}
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reset_state),
		CASE(bsp_lint0_takes_the_8259_at_reset),
		CASE(mmio_odd_writes_are_ignored),
		CASE(mmio_partial_reads),
		CASE(mmio_any_offset_any_value),
		CASE(mmio_outside_is_not_ours),
		CASE(mmio_page_moves),
		CASE(mmio_hole),
		CASE(read_only_registers),
		CASE(write_masks),
		CASE(dfr_low_bits_are_ones),
		CASE(sw_disable_masks_lvt),
		CASE(sw_disabled_takes_only_events),
		CASE(sw_disable_keeps_pending),
		CASE(hw_disabled_is_deaf),
		CASE(accept_coalesces_and_kicks_once),
		CASE(accept_sets_and_clears_tmr),
		CASE(accept_drops_level_deassert),
		CASE(accept_ignores_extint_and_reserved),
		CASE(ack_highest_first),
		CASE(ack_nests_by_class),
		CASE(ppr_follows_tpr_and_isr),
		CASE(tpr_masks),
		CASE(eoi_reports_vector_and_trigger),
		CASE(eoi_of_nothing),
		CASE(eoi_of_one_vector),
		CASE(directed_eoi_only_if_offered),
		CASE(irr_and_isr_of_one_vector),
		CASE(nmi_smi_latch),
		CASE(take_refuses_intr),
		CASE(init_resets_and_waits_for_sipi),
		CASE(sipi_without_init_is_ignored),
		CASE(sipi_after_init_not_yet_taken),
		CASE(init_again_before_sipi),
		CASE(init_of_bsp_does_not_wait),
		CASE(init_deassert_is_nothing),
		CASE(icr_physical),
		CASE(icr_shorthands),
		CASE(icr_level),
		CASE(x2apic_identity),
		CASE(x2apic_faults),
		CASE(x2apic_reserved_bits),
		CASE(x2apic_icr),
		CASE(change_of_mode_keeps_icr2_apart),
		CASE(x2apic_self_ipi),
		CASE(apic_base_transitions),
		CASE(apic_base_reserved),
		CASE(apic_base_restores_id),
		CASE(init_in_x2apic_mode),
		CASE(create_without_timer),
		CASE(state_round_trip),
		CASE(state_x2apic_short_id),
		CASE(state_x2apic_long_id),
		CASE(state_of_garbage),
	};

	return cmocka_run_group_tests_name("lapic", tests, NULL, NULL);
}

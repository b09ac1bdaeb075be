// SPDX-License-Identifier: BSD-3-Clause
/*
 * Local APIC registers: one table, one way in for the xAPIC page and one for
 * the x2APIC MSRs.
 *
 * A guest may write anything anywhere: through the page, what is no register
 * is ignored; through an MSR, it is a fault (-EPERM).
 */
#include "lapic.h"
#include "apic_map.h"

#include <errno.h>

/* What SVR keeps; directed EOI besides, on an APIC that has it. */
#define LAPIC_SVR_MASK 0x3ffu

/* x2APIC ICR: 31:20, 17:16 and 13 must be zero; 12 (busy) may be anything. */
#define X2APIC_ICR_RESERVED 0xfff32000u
#define APIC_ICR_BUSY (1u << 12)

enum access {
	XR = 1 << 0, /* readable in the page */
	XW = 1 << 1,
	X2R = 1 << 2, /* readable as an MSR */
	X2W = 1 << 3,
	R = XR | X2R,
	W = XW | X2W,
};

struct lapic_row {
	uint8_t access;
	uint32_t mask; /* writable bits; the others become 0 */
	/* Defaults: the stored value. */
	uint32_t (*read)(struct lapic *apic, unsigned int offset);
	int (*write)(struct lapic *apic, unsigned int offset, uint32_t value);
};

static uint32_t read_zero(struct lapic *apic, unsigned int offset)
{
	(void)apic;
	(void)offset;
	return 0;
}

static uint32_t vector_word(uint64_t words, unsigned int offset)
{
	return (uint32_t)(offset & 0x10 ? words >> 32 : words);
}

static uint32_t read_isr(struct lapic *apic, unsigned int offset)
{
	return vector_word(apic->isr[(offset - APIC_ISR) >> 5], offset);
}

static uint32_t read_tmr(struct lapic *apic, unsigned int offset)
{
	/* Relaxed, as below: a guest that reads this races with deliveries. */
	return vector_word(
		atomic_load_explicit(&apic->tmr[(offset - APIC_TMR) >> 5],
				     memory_order_relaxed),
		offset);
}

static uint32_t read_irr(struct lapic *apic, unsigned int offset)
{
	posted_sync(apic);
	return vector_word(
		atomic_load_explicit(&apic->irr[(offset - APIC_IRR) >> 5],
				     memory_order_relaxed),
		offset);
}

static uint32_t read_tmcct(struct lapic *apic, unsigned int offset)
{
	(void)offset;
	return lapic_timer_current(apic);
}

/* Registers that tell who an APIC is: deliverers must learn of a change. */
static int write_address(struct lapic *apic, unsigned int offset,
			 uint32_t value)
{
	if (offset == APIC_DFR)
		value |= ~APIC_DFR_FLAT | APIC_DFR_CLUSTER;
	lapic_set_reg(apic, offset, value);
	/* Also where it is the same: EOIs are judged anew, as in Linux. */
	apic->stale = true;
	return 0;
}

void lapic_set_tpr(struct lapic *apic, uint8_t tpr)
{
	lapic_set_reg(apic, APIC_TPR, tpr);
	lapic_update_ppr(apic);
}

static int write_tpr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	(void)offset;
	lapic_set_tpr(apic, (uint8_t)value);
	return 0;
}

static int write_eoi(struct lapic *apic, unsigned int offset, uint32_t value)
{
	(void)offset;
	(void)value;
	lapic_eoi(apic);
	return 0;
}

static const unsigned int lvt_offsets[] = {
	APIC_LVT_TIMER, APIC_LVT_THERMAL, APIC_LVT_PERF,
	APIC_LVT_LINT0, APIC_LVT_LINT1,	  APIC_LVT_ERROR,
};
#define NR_LVT (sizeof(lvt_offsets) / sizeof(lvt_offsets[0]))

static int write_lvt(struct lapic *apic, unsigned int offset, uint32_t value)
{
	/* A disabled APIC keeps its LVT masked. */
	if (!(lapic_flags(apic) & LAPIC_SW_ENABLED))
		value |= APIC_LVT_MASKED;
	if (offset == APIC_LVT_TIMER)
		lapic_timer_set_lvtt(apic, value);
	else
		lapic_set_reg(apic, offset, value);
	if (offset == APIC_LVT_LINT0)
		lapic_update_flags(apic);
	return 0;
}

static int write_lvt_timer(struct lapic *apic, unsigned int offset,
			   uint32_t value)
{
	if (apic->no_tsc_deadline)
		value &= ~APIC_TIMER_DEADLINE;
	return write_lvt(apic, offset, value);
}

static int write_svr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	if (!(lapic_reg(apic, APIC_VERSION) & APIC_VERSION_DIRECTED_EOI))
		value &= ~APIC_SVR_DIRECTED_EOI;
	lapic_set_reg(apic, offset, value);
	lapic_update_flags(apic);
	if (value & APIC_SVR_ENABLE)
		return 0;
	for (size_t i = 0; i < NR_LVT; i++)
		write_lvt(apic, lvt_offsets[i],
			  lapic_reg(apic, lvt_offsets[i]));
	return 0;
}

/* Nothing is ever reported here; the write that would latch it is legal. */
static int write_esr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	(void)offset;
	return lapic_x2apic(apic) && value ? -EPERM : 0;
}

static int write_icr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	value &= ~APIC_ICR_BUSY;
	lapic_send_ipi(apic, value, lapic_reg(apic, APIC_ICR2) >> 24);
	lapic_set_reg(apic, offset, value);
	return 0;
}

static int write_self_ipi(struct lapic *apic, unsigned int offset,
			  uint32_t value)
{
	struct x86_msg msg = {
		.vector = (uint8_t)value,
		.mode = X86_DM_FIXED,
		.assert_level = true,
	};

	(void)offset;
	if (value > 0xff)
		return -EPERM;
	lapic_accept(apic, &msg);
	return 0;
}

static int write_tmict(struct lapic *apic, unsigned int offset, uint32_t value)
{
	(void)offset;
	lapic_timer_set_initial(apic, value);
	return 0;
}

static int write_tdcr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	(void)offset;
	lapic_timer_set_divide(apic, value);
	return 0;
}

#define REG(offset) ((offset) >> 4)
#define VECTORS(offset) REG(offset)... REG(offset) + 7
#define LVT_MASK (APIC_LVT_MASKED | APIC_LVT_SEND_PENDING | 0xffu)
/* Mode; for the pins also polarity, remote IRR and trigger mode. */
#define LVT_MODE 0x0700u
#define LVT_PIN 0xe000u

static const struct lapic_row rows[APIC_NR_REGS] = {
	[REG(APIC_ID)] = {R | XW, 0xff000000, .write = write_address},
	[REG(APIC_VERSION)] = {R},
	[REG(APIC_TPR)] = {R | W, 0xff, .write = write_tpr},
	[REG(APIC_APR)] = {XR, .read = read_zero},
	[REG(APIC_PPR)] = {R},
	[REG(APIC_EOI)] = {W, .write = write_eoi},
	[REG(APIC_LDR)] = {R | XW, 0xff000000, .write = write_address},
	[REG(APIC_DFR)] = {XR | XW, ~0u, .write = write_address},
	[REG(APIC_SVR)] = {R | W, LAPIC_SVR_MASK | APIC_SVR_DIRECTED_EOI,
			   .write = write_svr},
	[VECTORS(APIC_ISR)] = {R, .read = read_isr},
	[VECTORS(APIC_TMR)] = {R, .read = read_tmr},
	[VECTORS(APIC_IRR)] = {R, .read = read_irr},
	[REG(APIC_ESR)] = {R | W, ~0u, .write = write_esr},
	[REG(APIC_ICR)] = {R | W, ~0u, .write = write_icr},
	[REG(APIC_ICR2)] = {XR | XW, 0xff000000},
	[REG(APIC_LVT_TIMER)] = {R | W, LVT_MASK | APIC_LVT_TIMER_MODE,
				 .write = write_lvt_timer},
	[REG(APIC_LVT_THERMAL)] = {R | W, LVT_MASK | LVT_MODE,
				   .write = write_lvt},
	[REG(APIC_LVT_PERF)] = {R | W, LVT_MASK | LVT_MODE, .write = write_lvt},
	[REG(APIC_LVT_LINT0)] = {R | W, LVT_MASK | LVT_MODE | LVT_PIN,
				 .write = write_lvt},
	[REG(APIC_LVT_LINT1)] = {R | W, LVT_MASK | LVT_MODE | LVT_PIN,
				 .write = write_lvt},
	[REG(APIC_LVT_ERROR)] = {R | W, LVT_MASK, .write = write_lvt},
	[REG(APIC_TMICT)] = {R | W, ~0u, .write = write_tmict},
	[REG(APIC_TMCCT)] = {R, .read = read_tmcct},
	[REG(APIC_TDCR)] = {R | W, 0xb, .write = write_tdcr},
	[REG(APIC_SELF_IPI)] = {X2W, ~0u, .write = write_self_ipi},
};

/* @offset is below 0x400 and a multiple of 16, as in all that follow. */
static int reg_read(struct lapic *apic, unsigned int offset, uint32_t *value)
{
	const struct lapic_row *row = &rows[REG(offset)];

	if (!(row->access & (lapic_x2apic(apic) ? X2R : XR)))
		return -EPERM;
	*value = row->read ? row->read(apic, offset) : lapic_reg(apic, offset);
	return 0;
}

static int reg_write(struct lapic *apic, unsigned int offset, uint32_t value)
{
	const struct lapic_row *row = &rows[REG(offset)];
	int ret = 0;

	if (!(row->access & (lapic_x2apic(apic) ? X2W : XW)))
		return -EPERM;
	value &= row->mask;
	if (row->write)
		ret = row->write(apic, offset, value);
	else
		lapic_set_reg(apic, offset, value);
	lapic_commit(apic);
	return ret;
}

int lapic_mmio(struct lapic *apic, struct virq_access *access)
{
	uint64_t base = apic->base & APIC_BASE_ADDRESS;
	unsigned int offset, byte;
	uint32_t value = 0;

	if (access->addr < base || access->addr - base >= APIC_PAGE_SIZE)
		return -ENODEV;
	offset = (unsigned int)(access->addr - base);
	byte = offset & 15;
	offset -= byte;

	/* A page that is switched off is a hole in the bus. */
	if (!(lapic_flags(apic) & LAPIC_HW_ENABLED) || lapic_x2apic(apic)) {
		if (!access->write)
			access->data = ~0ull;
		return 0;
	}
	if (access->write) {
		if (access->len == 4 && !byte && REG(offset) < APIC_NR_REGS)
			reg_write(apic, offset, (uint32_t)access->data);
		return 0;
	}
	if (byte + access->len <= 4 && REG(offset) < APIC_NR_REGS)
		reg_read(apic, offset, &value);
	access->data = value >> (8 * (byte & 3));
	return 0;
}

static int x2apic_write_icr(struct lapic *apic, uint64_t value)
{
	uint32_t low = (uint32_t)value;

	if (low & X2APIC_ICR_RESERVED)
		return -EPERM;
	low &= ~APIC_ICR_BUSY;
	lapic_send_ipi(apic, low, (uint32_t)(value >> 32));
	lapic_set_reg(apic, APIC_ICR, low);
	apic->icr_high = (uint32_t)(value >> 32);
	return 0;
}

static int x2apic_msr(struct lapic *apic, struct virq_access *access)
{
	unsigned int offset = ((unsigned int)access->addr - MSR_X2APIC_FIRST)
			      << 4;
	uint32_t value;

	if (!lapic_x2apic(apic) || REG(offset) >= APIC_NR_REGS)
		return -EPERM;
	if (access->write) {
		if (offset == APIC_ICR)
			return x2apic_write_icr(apic, access->data);
		/* Only ICR has a high half. */
		if (access->data >> 32)
			return -EPERM;
		return reg_write(apic, offset, (uint32_t)access->data);
	}
	if (reg_read(apic, offset, &value))
		return -EPERM;
	access->data = value;
	if (offset == APIC_ICR)
		access->data |= (uint64_t)apic->icr_high << 32;
	return 0;
}

/*
 * The guest's own way between the modes: x2APIC is entered from xAPIC only,
 * and left only by switching the APIC off.
 */
static int guest_set_base(struct lapic *apic, uint64_t base)
{
	const uint64_t modes = APIC_BASE_ENABLE | APIC_BASE_X2APIC;
	uint64_t from = apic->base & modes;
	uint64_t to = base & modes;

	if (from == modes && to == APIC_BASE_ENABLE)
		return -EPERM;
	if (!from && to == modes)
		return -EPERM;
	return lapic_set_base(apic, base);
}

int lapic_msr(struct lapic *apic, struct virq_access *access)
{
	switch (access->addr) {
	case MSR_IA32_APICBASE:
		if (access->write)
			return guest_set_base(apic, access->data);
		access->data = apic->base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		if (access->write)
			lapic_timer_set_deadline(apic, access->data);
		else
			access->data = lapic_timer_deadline(apic);
		return 0;
	case MSR_X2APIC_FIRST ... MSR_X2APIC_LAST:
		return x2apic_msr(apic, access);
	default: return -ENODEV;
	}
}

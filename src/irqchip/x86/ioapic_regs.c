// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IOAPIC's registers: the select and window pair, the redirection table
 * behind it, and the whole state out and in.
 *
 * A write to a redirection entry is told to the world (`unmasked`,
 * `rte_changed`, `resample`) with ioapic->lock dropped.  Until that is done the
 * pin is marked `updating`: it latches, but sends nothing, so that no message
 * goes out by an entry whose EOI nobody would report yet.
 */
#include "ioapic_impl.h"
#include <errno.h>

#define REG_SELECT 0x00
#define REG_WINDOW 0x10
#define SELECT_MASK 0xffu

/* Behind the window. */
#define REG_ID 0x00
#define REG_VERSION 0x01
#define REG_ARB_ID 0x02
#define REG_REDIR 0x10

#define ID_SHIFT 24
#define ID_MASK 0xfu
#define VERSION (((IOAPIC_NR_PINS - 1u) << 16) | 0x11u)

static uint32_t id_read(const struct ioapic *ioapic)
{
	return (ioapic->id & ID_MASK) << ID_SHIFT;
}

static void id_write(struct ioapic *ioapic, uint32_t val)
{
	ioapic->id = val >> ID_SHIFT & ID_MASK;
}

static uint32_t version_read(const struct ioapic *ioapic)
{
	(void)ioapic;
	return VERSION;
}

static const struct ioapic_reg {
	uint32_t (*read)(const struct ioapic *ioapic);
	void (*write)(struct ioapic *ioapic, uint32_t val); /* NULL: RO */
} ioapic_regs[] = {
	[REG_ID] = {id_read, id_write},
	[REG_VERSION] = {version_read, NULL},
	[REG_ARB_ID] = {id_read, NULL},
};

#define NR_REGS (sizeof(ioapic_regs) / sizeof(ioapic_regs[0]))

/* The pin whose RTE is selected, or -1; two registers an RTE. */
static int selected_pin(const struct ioapic *ioapic)
{
	uint32_t index = (ioapic->select - REG_REDIR) / 2;

	return ioapic->select >= REG_REDIR && index < IOAPIC_NR_PINS
		       ? (int)index
		       : -1;
}

static unsigned int selected_shift(const struct ioapic *ioapic)
{
	return ioapic->select & 1 ? 32 : 0;
}

static uint32_t window_read(const struct ioapic *ioapic)
{
	int pin = selected_pin(ioapic);

	if (ioapic->select < NR_REGS)
		return ioapic_regs[ioapic->select].read(ioapic);
	if (pin < 0)
		return UINT32_MAX;
	return (uint32_t)(ioapic->pins[pin].rte >> selected_shift(ioapic));
}

/* Would the pin interrupt now, from a request latched earlier? */
static bool level_pending(const struct ioapic *ioapic, unsigned int pin)
{
	uint64_t rte = ioapic->pins[pin].rte;

	return ioapic->irr & pin_bit(pin) && rte & RTE_LEVEL &&
	       !(rte & (RTE_MASKED | RTE_REMOTE_IRR));
}

static void rte_write(struct ioapic *ioapic, unsigned int pin,
		      unsigned int shift, uint32_t val)
{
	uint64_t old = ioapic->pins[pin].rte;
	uint64_t half = UINT64_C(0xffffffff) << shift;
	uint64_t rte = (old & ~half) | (uint64_t)val << shift;
	bool resample, unmasked;

	rte = (rte & ~RTE_READ_ONLY) | (old & RTE_READ_ONLY);
	/*
	 * System software makes an entry edge triggered and back to complete
	 * an interrupt on chips that have no EOI register.
	 */
	if (!(rte & RTE_LEVEL))
		rte &= ~RTE_REMOTE_IRR;
	ioapic_pin_set_rte(ioapic, pin, rte);

	/*
	 * What a level pin latched while it was masked may be out of date: the
	 * device behind a resampler cannot lower its line but by an EOI.  Ask
	 * such devices to signal again rather than interrupt for nothing.
	 */
	resample = level_pending(ioapic, pin);
	unmasked = old & ~rte & RTE_MASKED && ioapic->cb.unmasked;
	if (!resample && !unmasked && !ioapic->cb.rte_changed)
		return;
	ioapic->updating |= pin_bit(pin);
	spin_unlock(&ioapic->lock);
	if (unmasked)
		ioapic->cb.unmasked(ioapic->opaque, pin);
	if (ioapic->cb.rte_changed)
		ioapic->cb.rte_changed(ioapic->opaque, pin, rte);
	if (resample)
		resample = ioapic->cb.resample(ioapic->opaque, pin);
	spin_lock(&ioapic->lock);
	ioapic_pin_settle(ioapic, pin, resample);
}

static void window_write(struct ioapic *ioapic, uint32_t val)
{
	int pin = selected_pin(ioapic);

	if (pin >= 0)
		rte_write(ioapic, (unsigned int)pin, selected_shift(ioapic),
			  val);
	else if (ioapic->select < NR_REGS && ioapic_regs[ioapic->select].write)
		ioapic_regs[ioapic->select].write(ioapic, val);
}

static uint32_t frame_read(const struct ioapic *ioapic, uint64_t offset)
{
	switch (offset) {
	case REG_SELECT: return ioapic->select;
	case REG_WINDOW: return window_read(ioapic);
	default: return 0;
	}
}

static void frame_write(struct ioapic *ioapic, uint64_t offset, uint32_t val)
{
	switch (offset) {
	case REG_SELECT: ioapic->select = val & SELECT_MASK; break;
	case REG_WINDOW: window_write(ioapic, val); break;
	default: break;
	}
}

/* The bits of a 32-bit register that an access of @len bytes carries. */
static uint32_t len_mask(uint8_t len)
{
	switch (len) {
	case 1: return 0xff;
	case 2: return 0xffff;
	case 4:
	case 8: return 0xffffffff;
	default: return 0;
	}
}

int ioapic_mmio(struct ioapic *ioapic, struct virq_access *access)
{
	uint32_t mask = len_mask(access->len);
	uint64_t offset;
	int ret = 0;

	spin_lock(&ioapic->lock);
	offset = access->addr - ioapic->base;
	/* What reaches beyond the frame is not the chip's either. */
	if (offset >= IOAPIC_SIZE || offset + access->len > IOAPIC_SIZE)
		ret = -ENODEV;
	else if (!access->write)
		access->data = frame_read(ioapic, offset) & mask;
	else if (mask)
		frame_write(ioapic, offset, (uint32_t)access->data & mask);
	spin_unlock(&ioapic->lock);
	return ret;
}

void ioapic_get_state(struct ioapic *ioapic, struct kvm_ioapic_state *state)
{
	spin_lock(&ioapic->lock);
	*state = (struct kvm_ioapic_state){
		.base_address = ioapic->base,
		.ioregsel = ioapic->select,
		.id = ioapic->id,
		/* A delivered edge is with the local APIC: not twice. */
		.irr = ioapic->irr & ~ioapic->delivered,
	};
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
		state->redirtbl[pin].bits = ioapic->pins[pin].rte;
	spin_unlock(&ioapic->lock);
}

/* The lines' sources are the devices', not the guest's: they stay. */
static void restore_registers(struct ioapic *ioapic,
			      const struct kvm_ioapic_state *state)
{
	ioapic->base = state->base_address;
	ioapic->select = state->ioregsel;
	ioapic->id = state->id;
	ioapic->irr = 0;
	ioapic->delivered = 0;
	ioapic->held = 0;
	ioapic->rtc_pending = 0;
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		ioapic_pin_set_rte(ioapic, pin, state->redirtbl[pin].bits);
		ioapic->pins[pin].reinjected = 0;
	}
	if (ioapic->cb.eois_changed)
		ioapic->cb.eois_changed(ioapic->opaque, NULL, NULL);
}

void ioapic_set_state(struct ioapic *ioapic,
		      const struct kvm_ioapic_state *state)
{
	spin_lock(&ioapic->lock);
	restore_registers(ioapic, state);
	if (ioapic->cb.rte_changed) {
		ioapic->updating = IOAPIC_ALL_PINS;
		spin_unlock(&ioapic->lock);
		for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
			ioapic->cb.rte_changed(ioapic->opaque, pin,
					       state->redirtbl[pin].bits);
		spin_lock(&ioapic->lock);
		ioapic->updating = 0;
	}
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if (ioapic->held & pin_bit(pin))
			ioapic_pin_settle(ioapic, pin, false);
		else if (state->irr & pin_bit(pin))
			ioapic_pin_raise(ioapic, pin, true);
	}
	spin_unlock(&ioapic->lock);
}

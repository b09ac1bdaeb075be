// SPDX-License-Identifier: BSD-3-Clause
/* See lapic_model.h. */
#include "lapic_model.h"

#define BROADCAST8 0xffu
#define BROADCAST32 0xffffffffu

static bool takes_vectors(const struct lapic *apic)
{
	return apic_hw_enabled(apic) &&
	       lapic_reg(apic, APIC_SVR) & APIC_SVR_ENABLE;
}

static uint32_t physical_id(const struct lapic *apic)
{
	return apic_is_x2apic(apic) ? apic->vcpu_id
				    : lapic_reg(apic, APIC_ID) >> 24;
}

/* Intel SDM volume 3, "Determining IPI Destination"; KVM's broadcast quirk. */
static bool answers_to(const struct apics *a, const struct lapic *apic,
		       const struct lapic *src, uint32_t dest, bool logical)
{
	uint32_t ldr = lapic_reg(apic, APIC_LDR);

	if (apic_is_x2apic(apic)) {
		if (dest == BROADCAST32 ||
		    (a->quirk && !src && dest == BROADCAST8))
			return true;
		if (!logical)
			return dest == apic->vcpu_id;
		return apic->vcpu_id >> 4 == dest >> 16 &&
		       dest >> (apic->vcpu_id & 15) & 1;
	}
	if (dest == BROADCAST8)
		return true;
	if (!logical)
		return dest ==
		       (dest > 0xff ? apic->vcpu_id : physical_id(apic));
	ldr >>= 24;
	if (lapic_reg(apic, APIC_DFR) == APIC_DFR_FLAT)
		return ldr & dest;
	return ldr >> 4 == dest >> 4 && ldr & dest & 15;
}

/* Does another APIC have the physical id of @apic? */
static bool shares_id(const struct apics *a, const struct lapic *apic)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		const struct lapic *other = a->apic[i];

		if (other != apic && physical_id(other) == physical_id(apic))
			return true;
	}
	return false;
}

/* Are the rules plain?  Where KVM's table and walk differ they are not. */
static bool predictable(const struct apics *a, const struct x86_msg *msg)
{
	unsigned int x2apics = 0;

	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		const struct lapic *apic = a->apic[i];
		uint32_t dfr = lapic_reg(apic, APIC_DFR);

		if (apic->vcpu_id > 0xff)
			return false;
		if (a->was_x2apic[i] != apic_is_x2apic(apic))
			return false;
		x2apics += apic_is_x2apic(apic);
		/* With 32-bit ids the table has room for one of them. */
		if (a->ids32 && !msg->logical && shares_id(a, apic))
			return false;
		if (!msg->logical || apic_is_x2apic(apic))
			continue;
		if (msg->dest > 0xff ||
		    (dfr != APIC_DFR_FLAT && dfr != APIC_DFR_CLUSTER))
			return false;
	}
	/* Mixed: whose broadcast, and whose logical ids, are these? */
	return !x2apics || x2apics == NR_VCPUS ||
	       (!msg->logical && msg->dest != BROADCAST8 &&
		msg->dest != BROADCAST32);
}

bool apics_targets(const struct apics *a, const struct lapic *src,
		   const struct x86_msg *msg, unsigned int shorthand,
		   unsigned int *targets)
{
	if (!predictable(a, msg))
		return false;
	*targets = 0;
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		const struct lapic *apic = a->apic[i];
		bool meant;

		switch (shorthand) {
		case 1: meant = apic == src; break;
		case 2: meant = true; break;
		case 3: meant = apic != src; break;
		default:
			meant = answers_to(a, apic, src, msg->dest,
					   msg->logical);
			break;
		}
		if (meant && takes_vectors(apic))
			*targets |= 1u << i;
	}
	return true;
}

bool apics_is_lowest(const struct x86_msg *msg, unsigned int shorthand)
{
	if (msg->mode == X86_DM_LOWEST)
		/* To everybody by physical id, or to itself: Fixed. */
		return shorthand != 1 &&
		       (msg->logical || msg->dest != BROADCAST8);
	return msg->redirect_hint;
}

void apic_check_registers(const struct lapic *apic, bool was_x2apic)
{
	static const struct {
		unsigned int offset;
		uint32_t mask;
	} regs[] = {
		{APIC_TPR, 0xff},
		{APIC_SVR, 0x3ff},
		{APIC_LVT_TIMER, 0x710ff},
		{APIC_LVT_THERMAL, 0x117ff},
		{APIC_LVT_PERF, 0x117ff},
		{APIC_LVT_LINT0, 0x1f7ff},
		{APIC_LVT_LINT1, 0x1f7ff},
		{APIC_LVT_ERROR, 0x110ff},
		{APIC_TDCR, 0xb},
		{APIC_ICR, ~(1u << 12)},
		{APIC_ESR, 0},
		{APIC_EOI, 0},
		{APIC_SELF_IPI, 0},
		{APIC_TMCCT, 0},
	};

	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		HOLDS2(!(lapic_reg(apic, regs[i].offset) & ~regs[i].mask),
		       regs[i].offset, lapic_reg(apic, regs[i].offset));
	EQUAL(lapic_reg(apic, APIC_VERSION), 0x00050014);
	HOLDS(!(~lapic_reg(apic, APIC_DFR) & 0x0fffffff));
	if (apic_is_x2apic(apic)) {
		EQUAL(lapic_reg(apic, APIC_ID), apic->vcpu_id);
		EQUAL(lapic_reg(apic, APIC_LDR),
		      (apic->vcpu_id >> 4) << 16 | 1u << (apic->vcpu_id & 15));
	} else if (!was_x2apic) {
		HOLDS(!(lapic_reg(apic, APIC_ID) << 8));
		HOLDS(!(lapic_reg(apic, APIC_LDR) << 8));
	}
	if (!(lapic_reg(apic, APIC_SVR) & APIC_SVR_ENABLE))
		HOLDS(lapic_reg(apic, APIC_LVT_TIMER) & APIC_LVT_MASKED);
}

void apic_check_timer(struct lapic *apic)
{
	uint32_t mode = lapic_reg(apic, APIC_LVT_TIMER) >> 17 & 3;
	uint32_t left = lapic_timer_current(apic);

	if (mode == 2 || !lapic_reg(apic, APIC_TMICT))
		EQUAL(left, 0);
	if (mode != 2)
		EQUAL(lapic_timer_deadline(apic), 0);
	else
		EQUAL(lapic_reg(apic, APIC_TMICT), 0);
}

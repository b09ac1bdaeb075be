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

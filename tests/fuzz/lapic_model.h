/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which local APICs a message is for, worked out from their registers alone:
 * no table of destinations, no state.  KVM's rules where they are plain.
 */
#ifndef VIRQ_FUZZ_LAPIC_MODEL_H
#define VIRQ_FUZZ_LAPIC_MODEL_H

#include "irqchip/x86/lapic.h"
#include "machine.h"

struct apics {
	const struct lapic *apic[NR_VCPUS];
	bool ids32, quirk; /* of struct virq_x86_config */
	bool was_x2apic[NR_VCPUS]; /* some day */
};

static inline bool apic_hw_enabled(const struct lapic *apic)
{
	return apic->base & APIC_BASE_ENABLE;
}

static inline bool apic_is_x2apic(const struct lapic *apic)
{
	return apic->base & APIC_BASE_X2APIC;
}

/*
 * A bit for each vCPU that a Fixed message sets a vector pending in, and of
 * those that a lowest-priority one may choose.  @src: who sent an IPI, with its
 * @shorthand, or NULL.  False where it cannot be said.
 */
bool apics_targets(const struct apics *a, const struct lapic *src,
		   const struct x86_msg *msg, unsigned int shorthand,
		   unsigned int *targets);
/* Is one of the targets chosen? */
bool apics_is_lowest(const struct x86_msg *msg, unsigned int shorthand);

/*
 * Registers have no bits but those that a guest can write, as long as no state
 * was restored.
 */
void apic_check_registers(const struct lapic *apic, bool was_x2apic);
void apic_check_timer(struct lapic *apic);

#endif

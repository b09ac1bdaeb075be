// SPDX-License-Identifier: BSD-3-Clause
/*
 * What one kernel or another is known to do otherwise, each found by trying
 * it on a machine of its own.
 */
#include "world.h"
#include <cpuid.h>
#include <errno.h>
#include <string.h>

#define LAPIC_GPA 0xfee00000u
#define IOAPIC_GPA 0xfec00000u
#define RTC_GSI 8
#define RTE_LOGICAL (1u << 11)
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_SPIV 0xf0
#define APIC_ISR 0x100
#define APIC_ICR2 0x310
#define MSR_APIC_BASE 0x1b
#define MSR_X2APIC_ICR 0x830
#define X2APIC_BSP 0xfee00d00u
#define MSI_LOGICAL 4u
#define MSI_LEVEL (1u << 15)
#define VECTOR 0x45u
#define TPR 0x1cu
#define POLL 0x0cu

static const char *const names[NR_FAULTS] = {
	[FAULT_EOI_AT_INJECTION] =
		"the local APIC completes an interrupt as it is injected: only "
		"the 8259s' are taken",
	[FAULT_TPR_SHORT] = "TPR has its high half only",
	[FAULT_POLL_NO_BIT_7] = "a poll does not set bit 7 (Linux 6.1)",
	[FAULT_OLD_TABLE] = "the destination table of Linux before 6.2: APIC "
			    "ids and modes stay as they are",
	[FAULT_OLD_DEST_MODE] = "the IOAPIC looks up a former destination by "
				"the new mode: modes stay as they are",
	[FAULT_ICR_SPLIT] = "ICR2 is ICR's high half in x2APIC mode (as with "
			    "AVIC): not compared",
	[FAULT_CR8_ABORTS] = "QEMU's TCG aborts on CR8 in a nested guest: not "
			     "tried",
};

const char *fault_name(enum fault fault)
{
	return names[fault];
}

#define PROBE_OPS 8

static const struct probe {
	enum fault fault;
	unsigned int nr;
	struct op ops[PROBE_OPS];
} probes[] = {
	{FAULT_EOI_AT_INJECTION,
	 3,
	 {{OP_MMIO, 0, 4, true, LAPIC_GPA + APIC_SPIV, 0x1ff},
	  {.kind = OP_MSI, .addr = LAPIC_GPA, .data = VECTOR},
	  {.kind = OP_WINDOW, .data = 1}}},
	{FAULT_TPR_SHORT,
	 3,
	 {{OP_MMIO, 0, 4, true, LAPIC_GPA + APIC_TPR, TPR},
	  {OP_PIO, 0, 1, false, 0x21},
	  {OP_MMIO, 0, 4, false, LAPIC_GPA + APIC_TPR}}},
	{FAULT_POLL_NO_BIT_7,
	 3,
	 {{.kind = OP_LINE, .addr = 1, .data = 1},
	  {OP_PIO, 0, 1, true, 0x20, POLL},
	  {OP_PIO, 0, 1, false, 0x20}}},
	{FAULT_OLD_TABLE,
	 1,
	 {{.kind = OP_MSI, .addr = LAPIC_GPA | MSI_LOGICAL, .data = VECTOR}}},
	{FAULT_ICR_SPLIT,
	 3,
	 {{OP_MMIO, 0, 4, true, LAPIC_GPA + APIC_ICR2, 0x01000000},
	  {OP_MSR, 0, 8, true, MSR_APIC_BASE, X2APIC_BSP},
	  {OP_MSR, 0, 8, false, MSR_X2APIC_ICR}}},
	/*
	 * A line whose tick waits, masked; its vector in IRR from elsewhere;
	 * then the entry gets that vector and a destination that is nobody.
	 * The EOI is to send the tick again: from then on it is not told.
	 */
	{FAULT_OLD_DEST_MODE,
	 8,
	 {{OP_MMIO, 0, 4, true, LAPIC_GPA + APIC_SPIV, 0x1ff},
	  {OP_PIO, 0, 1, true, 0xa1, 1},
	  {.kind = OP_LINE, .addr = RTC_GSI, .data = 1},
	  {.kind = OP_MSI, .addr = LAPIC_GPA, .data = MSI_LEVEL | VECTOR},
	  {OP_MMIO, 0, 4, true, IOAPIC_GPA, 0x10 + 2 * RTC_GSI},
	  {OP_MMIO, 0, 4, true, IOAPIC_GPA + 0x10, RTE_LOGICAL | VECTOR},
	  {.kind = OP_WINDOW, .data = 1},
	  {OP_MMIO, 0, 4, true, LAPIC_GPA + APIC_EOI, 0}}},
};

static bool in_service(const struct snapshot *snapshot)
{
	uint32_t word;

	memcpy(&word, snapshot->lapic[0].regs + APIC_ISR + VECTOR / 32 * 16,
	       sizeof(word));
	return word >> (VECTOR % 32) & 1;
}

static bool shows(enum fault fault, const struct outcome *last,
		  const struct snapshot *snapshot)
{
	switch (fault) {
	case FAULT_EOI_AT_INJECTION: return !in_service(snapshot);
	case FAULT_TPR_SHORT: return last->data != TPR;
	case FAULT_POLL_NO_BIT_7: return last->data == 1;
	case FAULT_OLD_TABLE: return last->ret < 0;
	case FAULT_OLD_DEST_MODE:
		return snapshot->chip[KVM_IRQCHIP_IOAPIC].chip.ioapic.irr >>
			       RTC_GSI &
		       1;
	default: return last->data != 0; /* ICR was never written */
	}
}

static int probe_one(const struct conform_port *port, const struct probe *probe,
		     struct faults *faults)
{
	struct outcome outcome = {0};
	struct snapshot snapshot;
	struct theirs *theirs;
	int ret = theirs_create(port, &theirs);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < probe->nr && !ret; i++)
		ret = theirs_do(theirs, &probe->ops[i], &outcome);
	if (!ret)
		ret = theirs_snapshot(theirs, &snapshot);
	if (!ret)
		faults->has[probe->fault] =
			shows(probe->fault, &outcome, &snapshot);
	/* A guest that takes nothing is no ground to stand on. */
	if (!ret && probe->fault == FAULT_EOI_AT_INJECTION &&
	    (outcome.nr_taken != 1 || outcome.taken[0] != VECTOR))
		ret = -EIO;
	theirs_destroy(theirs);
	return ret;
}

static bool under_tcg(void)
{
	unsigned int eax, id[3];

	__cpuid(1, eax, id[0], id[1], id[2]);
	if (!(id[1] >> 31))
		return false; /* no hypervisor */
	__cpuid(0x40000000, eax, id[0], id[1], id[2]);
	return !memcmp(id, "TCGTCGTCGTCG", sizeof(id));
}

int faults_probe(const struct conform_port *port, struct faults *faults)
{
	int ret = 0;

	*faults = (struct faults){.has[FAULT_CR8_ABORTS] = under_tcg()};
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]) && !ret; i++)
		ret = probe_one(port, &probes[i], faults);
	/* It needs an EOI to show, and without one does not matter. */
	if (faults->has[FAULT_EOI_AT_INJECTION])
		faults->has[FAULT_OLD_DEST_MODE] = false;
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest takes an interrupt of its local APIC and ends it, and what the IOAPIC
 * does then: kvm_ioapic_update_eoi().
 */
#include "cases.h"
#include "machine.h"

/* The IOAPIC and the local APIC. */
static struct machine ioapic_raised_new(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, m.fd, IOAPIC_PIN, m.resamplefd),
		  0);
	event_write(c, m.fd, 1);
	AWAIT(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	return m;
}

static void apic_service(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, VECTOR), 1);
	CHECK_EQ(c, machine_take(&m), VECTOR);
	CHECK(c, !lapic_irr(c, m.pc.vcpu, VECTOR));
	CHECK(c, lapic_bit(c, m.pc.vcpu, APIC_ISR, VECTOR));
	CHECK_EQ(c, lapic_reg(c, m.pc.vcpu, APIC_PPR), VECTOR & 0xf0);
	/* Of its own class, nothing more until EOI. */
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, VECTOR + 1), 1);
	CHECK_EQ(c, machine_take(&m), -1);
	apic_store(&m, APIC_EOI, 0);
	CHECK_EQ(c, machine_take(&m), VECTOR + 1);
	machine_free(&m);
}

static void apic_nesting(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, 0x41), 1);
	CHECK_EQ(c, machine_take(&m), 0x41);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, 0x81), 1);
	CHECK_EQ(c, machine_take(&m), 0x81);
	machine_free(&m);
}

static void apic_priority(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, 0x41), 1);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, 0x81), 1);
	CHECK_EQ(c, machine_take(&m), 0x81);
	apic_store(&m, APIC_EOI, 0);
	CHECK_EQ(c, machine_take(&m), 0x41);
	machine_free(&m);
}

static void apic_tpr(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	apic_store(&m, APIC_TPR, 0x60);
	CHECK_RET(c, signal_msi(c, m.pc.vm, APIC_BASE, 0, VECTOR), 1);
	CHECK_EQ(c, machine_take(&m), -1);
	apic_store(&m, APIC_TPR, 0x50);
	CHECK_EQ(c, machine_take(&m), VECTOR);
	machine_free(&m);
}

static void apic_self_ipi(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	apic_store(&m, APIC_ICR, 1u << 18 | VECTOR);
	CHECK_EQ(c, machine_take(&m), VECTOR);
	machine_free(&m);
}

static void ioapic_eoi(struct conform *c)
{
	struct machine m = ioapic_raised_new(c);

	CHECK_EQ(c, machine_take(&m), VECTOR);
	CHECK(c, event_empty(c, m.resamplefd));
	CHECK(c, ioapic_rte(c, m.pc.vm, IOAPIC_PIN) & RTE_REMOTE_IRR);
	apic_store(&m, APIC_EOI, 0);
	AWAIT(c, !event_empty(c, m.resamplefd));
	CHECK_EQ(c, event_read(c, m.resamplefd), 1);
	CHECK(c, !(ioapic_rte(c, m.pc.vm, IOAPIC_PIN) & RTE_REMOTE_IRR));
	CHECK(c, !ioapic_irr(c, m.pc.vm, IOAPIC_PIN));
	CHECK_EQ(c, machine_take(&m), -1);
	machine_free(&m);
}

static void ioapic_rounds(struct conform *c)
{
	struct machine m = ioapic_raised_new(c);

	for (unsigned int i = 0; i < 10; i++) {
		AWAIT(c, lapic_irr(c, m.pc.vcpu, VECTOR));
		CHECK_EQ(c, machine_take(&m), VECTOR);
		apic_store(&m, APIC_EOI, 0);
		AWAIT(c, event_read(c, m.resamplefd) == 1);
		event_write(c, m.fd, 1);
	}
	machine_free(&m);
}

static void ioapic_other_holder(struct conform *c)
{
	struct machine m = ioapic_raised_new(c);

	CHECK_RET(c, irq_line(c, m.pc.vm, IOAPIC_PIN, 1), 0);
	CHECK_EQ(c, machine_take(&m), VECTOR);
	apic_store(&m, APIC_EOI, 0);
	/* Sent again by the EOI itself. */
	CHECK(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	CHECK(c, ioapic_rte(c, m.pc.vm, IOAPIC_PIN) & RTE_REMOTE_IRR);
	machine_free(&m);
}

static void ioapic_rte_edge(struct conform *c)
{
	struct machine m = ioapic_raised_new(c);

	/* How an old OS acknowledges by hand. */
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_MASKED);
	CHECK(c, !(ioapic_rte(c, m.pc.vm, IOAPIC_PIN) & RTE_REMOTE_IRR));
	machine_free(&m);
}

static void ioapic_unmask(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL | RTE_MASKED);
	CHECK_RET(c, irq_line(c, m.pc.vm, IOAPIC_PIN, 1), 0);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL);
	CHECK(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	CHECK(c, ioapic_rte(c, m.pc.vm, IOAPIC_PIN) & RTE_REMOTE_IRR);
	machine_free(&m);
}

static void ioapic_unmask_resample(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL | RTE_MASKED);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, m.fd, IOAPIC_PIN, m.resamplefd),
		  0);
	event_write(c, m.fd, 1);
	AWAIT(c, ioapic_irr(c, m.pc.vm, IOAPIC_PIN));
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL);
	AWAIT(c, event_read(c, m.resamplefd) == 1);
	CHECK(c, !ioapic_irr(c, m.pc.vm, IOAPIC_PIN));
	CHECK_EQ(c, lapic_irr_count(c, m.pc.vcpu), 0);
	/* A device that is still in need of service says so. */
	event_write(c, m.fd, 1);
	AWAIT(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	machine_free(&m);
}

static void ioapic_unmask_sends(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL | RTE_MASKED);
	CHECK_RET(c, irqfd_resample(c, m.pc.vm, m.fd, IOAPIC_PIN, m.resamplefd),
		  0);
	event_write(c, m.fd, 1);
	AWAIT(c, ioapic_irr(c, m.pc.vm, IOAPIC_PIN));
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_LEVEL);
	CHECK(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	CHECK(c, event_empty(c, m.resamplefd));
	machine_free(&m);
}

static void ioapic_masked_edge(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	rte_store(&m, IOAPIC_PIN, VECTOR | RTE_MASKED);
	CHECK_RET(c, irq_line(c, m.pc.vm, IOAPIC_PIN, 1), 0);
	rte_store(&m, IOAPIC_PIN, VECTOR);
	CHECK_EQ(c, lapic_irr_count(c, m.pc.vcpu), 0);
	machine_free(&m);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "guest/" name_, .rule = rule_, .needs = CONFORM_GUEST, \
		.run = run_                                                    \
	}

static const struct conform_case cases[] = {
	CASE("apic-service", apic_service,
	     "a taken vector is in ISR until EOI and holds its class back "
	     "(Intel SDM, \"Task and Processor Priorities\")"),
	CASE("apic-nesting", apic_nesting,
	     "a vector of a higher class is taken inside"),
	CASE("apic-priority", apic_priority,
	     "the highest vector is taken first"),
	CASE("apic-tpr", apic_tpr, "TPR holds vectors of its class back"),
	CASE("apic-self-ipi", apic_self_ipi,
	     "an IPI by shorthand \"self\" is taken"),
	CASE("ioapic-eoi", ioapic_eoi,
	     "the local APIC's EOI lowers the resample line, signals the "
	     "resamplefd and clears remote IRR (kvm_ioapic_update_eoi())"),
	CASE("ioapic-rounds", ioapic_rounds,
	     "each round of signal, interrupt and EOI is one count of the "
	     "resamplefd"),
	CASE("ioapic-other-holder", ioapic_other_holder,
	     "a level line that another source holds is sent again at EOI"),
	CASE("ioapic-rte-to-edge", ioapic_rte_edge,
	     "an RTE written as edge clears remote IRR "
	     "(ioapic_write_indirect())"),
	CASE("ioapic-unmask-level", ioapic_unmask,
	     "unmasking a level pin whose line is up sends"),
	{
		.name = "guest/ioapic-unmask-resample",
		.rule = "unmasking a level pin that a resample irqfd holds up "
			"asks the devices instead "
			"(kvm_notify_irqfd_resampler())",
		.needs = CONFORM_GUEST,
		.since = KERNEL_VERSION(6, 4, 0),
		.run = ioapic_unmask_resample,
	},
	{
		.name = "guest/ioapic-unmask-resample-sends",
		.rule = "unmasking a level pin that a resample irqfd holds up "
			"sends (ioapic_write_indirect())",
		.needs = CONFORM_GUEST,
		.until = KERNEL_VERSION(6, 4, 0),
		.run = ioapic_unmask_sends,
	},
	CASE("ioapic-unmask-edge", ioapic_masked_edge,
	     "unmasking an edge pin whose line is up sends nothing"),
};

CONFORM_GROUP(guest_apic);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IOAPIC as KVM_GET_IRQCHIP shows it after lines have moved, and what it
 * sends: ioapic_set_irq(), ioapic_service() and kvm_set_ioapic().
 */
#include "cases.h"
#include "env.h"
#include <errno.h>
#include <string.h>

#define GSI 40 /* leads to the IOAPIC alone */
#define VECTOR 0x61
#define RTC_PIN 8

struct ioapic_row {
	unsigned int pin;
	uint64_t rte;
	const char *steps; /* levels: '0', '1' */
	int status[4]; /* after each */
	bool irr, remote_irr; /* at the end */
	bool taken; /* the vector is in the local APIC's IRR */
};

static void run_row(struct conform *c)
{
	const struct ioapic_row *row = c->test->row;
	struct pc pc = pc_new(c);
	struct kvm_ioapic_state ioapic;

	lapic_write(c, pc.vcpu, APIC_LDR, 1u << 24);
	routing_one(c, pc.vm, ROUTE_PIN(GSI, KVM_IRQCHIP_IOAPIC, row->pin));
	ioapic_set_rte(c, pc.vm, row->pin, row->rte);
	for (size_t i = 0; row->steps[i]; i++)
		CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, row->steps[i] - '0'),
			 row->status[i]);
	ioapic = ioapic_get(c, pc.vm);
	CHECK_EQ(c, ioapic.irr, row->irr ? 1u << row->pin : 0);
	CHECK_EQ(c, ioapic.redirtbl[row->pin].fields.remote_irr,
		 row->remote_irr);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), row->taken);
	CHECK_EQ(c, lapic_irr(c, pc.vcpu, VECTOR), row->taken);
	CHECK_EQ(c, lapic_bit(c, pc.vcpu, APIC_TMR, VECTOR),
		 row->taken && (row->rte & RTE_LEVEL));
}

#define ROW(name_, rule_, ...)                                                 \
	{                                                                      \
		.name = "ioapic/" name_, .rule = rule_, .run = run_row,        \
		.row = &(const struct ioapic_row){__VA_ARGS__},                \
	}

#define DEST(id) ((uint64_t)(id) << 56)

#define EDGE                                                                   \
	"an edge pin sends at 0 to 1, and a line that is high already is "     \
	"coalesced: 0"
#define MASKED_EDGE "a masked edge pin is -1, and its irr falls with the line"
#define LEVEL                                                                  \
	"a level pin that is high sends and sets remote IRR, which blocks it " \
	"until EOI: -1"
#define MASKED_LEVEL "a masked level pin is -1, and irr is the line"
#define ABSENT "a message to an APIC that is not there is 0"
#define RTC                                                                    \
	"KVM_IRQ_LINE_STATUS of the RTC's pin 8 is 0, and dropped, while an "  \
	"EOI for it is pending (rtc_irq_check_coalesced())"

/* Restore. */
static void set_state(struct conform *c, const struct pc *pc, uint32_t irr,
		      uint64_t rte)
{
	struct kvm_irqchip chip = chip_get(c, pc->vm, KVM_IRQCHIP_IOAPIC);

	chip.chip.ioapic.irr = irr;
	chip.chip.ioapic.redirtbl[20].bits = rte;
	chip_set(c, pc->vm, &chip);
}

static void restore_edge(struct conform *c)
{
	struct pc pc = pc_new(c);

	set_state(c, &pc, 1u << 20, VECTOR);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void restore_level(struct conform *c)
{
	struct pc pc = pc_new(c);

	set_state(c, &pc, 1u << 20, VECTOR | RTE_LEVEL);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK(c, ioapic_rte(c, pc.vm, 20) & RTE_REMOTE_IRR);
	CHECK(c, ioapic_irr(c, pc.vm, 20));
}

static void restore_level_in_service(struct conform *c)
{
	struct pc pc = pc_new(c);

	set_state(c, &pc, 1u << 20, VECTOR | RTE_LEVEL | RTE_REMOTE_IRR);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	CHECK(c, ioapic_rte(c, pc.vm, 20) & RTE_REMOTE_IRR);
}

static void restore_masked(struct conform *c)
{
	struct pc pc = pc_new(c);

	set_state(c, &pc, 1u << 20, VECTOR | RTE_LEVEL | RTE_MASKED);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	CHECK(c, ioapic_irr(c, pc.vm, 20));
}

static void restore_unmasks(struct conform *c)
{
	struct pc pc = pc_new(c);

	set_state(c, &pc, 0, VECTOR | RTE_LEVEL | RTE_MASKED);
	CHECK_RET(c, irq_line(c, pc.vm, 20, 1), 0);
	set_state(c, &pc, 1u << 20, VECTOR | RTE_LEVEL);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void restore_drops_irr(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, irq_line(c, pc.vm, 20, 1), 0);
	CHECK(c, ioapic_irr(c, pc.vm, 20));
	set_state(c, &pc, 0, VECTOR | RTE_LEVEL);
	CHECK(c, !ioapic_irr(c, pc.vm, 20));
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	/* The line itself is as it was: one more 1 sends. */
	CHECK_RET(c, irq_line(c, pc.vm, 20, 1), 0);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void round_trip(struct conform *c)
{
	struct kvm_irqchip in = {.chip_id = KVM_IRQCHIP_IOAPIC}, out;
	int vm = vm_new(c, VM_FULL);

	in.chip.ioapic.base_address = 0xfec00000;
	in.chip.ioapic.ioregsel = 0x17;
	in.chip.ioapic.id = 5;
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		in.chip.ioapic.redirtbl[i].bits =
			DEST(i) | RTE_MASKED | RTE_LEVEL | (0x40 + i);
	in.chip.ioapic.irr = 0xabcdef;
	chip_set(c, vm, &in);
	out = chip_get(c, vm, KVM_IRQCHIP_IOAPIC);
	CHECK(c, !memcmp(&in.chip.ioapic, &out.chip.ioapic,
			 sizeof(in.chip.ioapic)));
}

static void reset_state(struct conform *c)
{
	struct kvm_ioapic_state ioapic = ioapic_get(c, vm_new(c, VM_FULL));

	CHECK_EQ(c, ioapic.base_address, 0xfec00000);
	CHECK_EQ(c, ioapic.id, 0);
	CHECK_EQ(c, ioapic.ioregsel, 0);
	CHECK_EQ(c, ioapic.irr, 0);
	for (unsigned int i = 0; i < KVM_IOAPIC_NUM_PINS; i++)
		CHECK_EQ(c, ioapic.redirtbl[i].bits, RTE_MASKED);
}

static void no_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	routing_one(c, vm, ROUTE_PIN(GSI, KVM_IRQCHIP_IOAPIC, 20));
	ioapic_set_rte(c, vm, 20, VECTOR);
	CHECK(c, irq_line_status(c, vm, GSI, 1) <= 0);
}

static void all_pins(struct conform *c)
{
	struct pc pc = pc_new(c);

	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		ioapic_set_rte(c, pc.vm, pin, 0x40 + pin);
	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		CHECK_RET(c, irq_line(c, pc.vm, pin, 1), 0);
		CHECK(c, lapic_irr(c, pc.vcpu, (uint8_t)(0x40 + pin)));
		CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), pin + 1);
	}
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "ioapic/" name_, .rule = rule_, .run = run_            \
	}

static const struct conform_case cases[] = {
	ROW("edge-rise", EDGE, 20, VECTOR, "1", {1}, false, false, true),
	ROW("edge-pulse", EDGE, 20, VECTOR, "10", {1, 1}, false, false, true),
	ROW("edge-high-again", EDGE " and shows in irr", 20, VECTOR, "11",
	    {1, 0}, true, false, true),
	ROW("edge-second-pulse", EDGE, 20, VECTOR, "1010", {1, 1, 1, 1}, false,
	    false, true),
	ROW("edge-masked", MASKED_EDGE, 20, VECTOR | RTE_MASKED, "1", {-1},
	    true, false, false),
	ROW("edge-masked-pulse", MASKED_EDGE, 20, VECTOR | RTE_MASKED, "10",
	    {-1, 1}, false, false, false),
	ROW("level-rise", LEVEL, 20, VECTOR | RTE_LEVEL, "1", {1}, true, true,
	    true),
	ROW("level-high-again", LEVEL, 20, VECTOR | RTE_LEVEL, "11", {1, -1},
	    true, true, true),
	ROW("level-fall", LEVEL, 20, VECTOR | RTE_LEVEL, "10", {1, 1}, false,
	    true, true),
	ROW("level-again", LEVEL, 20, VECTOR | RTE_LEVEL, "101", {1, 1, -1},
	    true, true, true),
	ROW("level-masked", MASKED_LEVEL, 20, VECTOR | RTE_LEVEL | RTE_MASKED,
	    "1", {-1}, true, false, false),
	ROW("level-masked-fall", MASKED_LEVEL, 20,
	    VECTOR | RTE_LEVEL | RTE_MASKED, "10", {-1, 1}, false, false,
	    false),
	ROW("level-remote-irr-set", LEVEL, 20,
	    VECTOR | RTE_LEVEL | RTE_REMOTE_IRR, "1", {-1}, true, true, false),
	ROW("polarity-ignored", "the polarity bit does not matter", 20,
	    VECTOR | 1u << 13, "1", {1}, false, false, true),
	ROW("edge-absent", ABSENT, 20, VECTOR | DEST(5), "1", {0}, false, false,
	    false),
	ROW("level-absent", ABSENT ", and remote IRR stays clear", 20,
	    VECTOR | RTE_LEVEL | DEST(5), "1", {0}, true, false, false),
	ROW("broadcast", "destination 0xff is every APIC", 20,
	    VECTOR | DEST(0xff), "1", {1}, false, false, true),
	ROW("logical", "a logical destination is matched with LDR", 20,
	    VECTOR | RTE_LOGICAL | DEST(1), "1", {1}, false, false, true),
	ROW("lowest-priority", "lowest priority sends to one candidate", 20,
	    VECTOR | 0x100 | RTE_LOGICAL | DEST(1), "1", {1}, false, false,
	    true),
	ROW("nmi", "an NMI leaves IRR alone", 20, 0x400, "1", {1}, false, false,
	    false),
	ROW("extint", "ExtINT is no message: 0", 20, 0x700 | VECTOR, "1", {0},
	    false, false, false),
	ROW("rtc-edge", RTC, RTC_PIN, VECTOR, "1", {1}, false, false, true),
	ROW("rtc-coalesced", RTC, RTC_PIN, VECTOR, "101", {1, 1, 0}, false,
	    false, true),
	CASE("reset", reset_state,
	     "KVM_CREATE_IRQCHIP leaves every pin masked, the rest zero, and "
	     "the base at 0xfec00000"),
	CASE("state-round-trip", round_trip,
	     "KVM_SET_IRQCHIP takes the state of the IOAPIC as it is"),
	CASE("restore-edge-injects", restore_edge,
	     "irr bits that are restored are injected "
	     "(kvm_ioapic_inject_all()): edge"),
	CASE("restore-level-injects", restore_level,
	     "irr bits that are restored are injected "
	     "(kvm_ioapic_inject_all()): level"),
	CASE("restore-in-service", restore_level_in_service,
	     "a restored level pin with remote IRR set waits for its EOI"),
	CASE("restore-masked", restore_masked,
	     "a restored irr bit of a masked pin stays"),
	CASE("restore-unmasks", restore_unmasks,
	     "a restore that unmasks a level pin with irr set sends"),
	CASE("restore-drops-irr", restore_drops_irr,
	     "a restore without the irr bit drops it, line or not"),
	CASE("no-vcpu", no_vcpu, "without vCPUs nobody takes a message"),
	CASE("all-pins", all_pins,
	     "each of the 24 pins sends the vector of its entry"),
};

CONFORM_GROUP(ioapic);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest's CPU interface and distributor: priorities, masks, SGIs, and which
 * vCPU takes an interrupt.
 */
#include "cases.h"

static void set_priority(struct arm_env *e, uint32_t intid, uint8_t priority)
{
	uint64_t gpa = DIST_GPA + GICD_IPRIORITYR + intid;

	guest_write(e, 0, gpa, 1, priority);
}

static void priorities(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	for (uint32_t i = 0; i < 4; i++) {
		irq_enable(e, 50 + i);
		set_priority(e, 50 + i, (uint8_t)(0xa0 - 0x20 * i));
		CHECK_RET(c, line_set(e, line_spi(50 + i), 1), 0);
	}
	for (uint32_t i = 4; i--;) {
		CHECK_EQ(c, guest_iar(e, 0), 50 + i);
		guest_eoi(e, 0, 50 + i);
	}
}

static void preemption(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_enable(e, 50);
	set_priority(e, SPI, 0x80);
	set_priority(e, 50, 0x40);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	CHECK_RET(c, line_set(e, line_spi(50), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), 50);
	guest_eoi(e, 0, 50);
	guest_eoi(e, 0, SPI);
	CHECK(c, !irq_active(e, SPI) && !irq_active(e, 50));
}

static void no_preemption(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_enable(e, 50);
	set_priority(e, SPI, 0x80);
	set_priority(e, 50, 0x80);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	CHECK_RET(c, line_set(e, line_spi(50), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), 50);
	guest_eoi(e, 0, 50);
}

static void running_priority(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t rpr;

	set_priority(e, SPI, 0x48);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	rpr = e->v3 ? guest_mrs(e, 0, ICC_RPR)
		    : guest_read(e, 0, CPU_GPA + GICC_RPR, 4);
	CHECK_EQ(c, rpr, 0x48);
	guest_eoi(e, 0, SPI);
	rpr = e->v3 ? guest_mrs(e, 0, ICC_RPR)
		    : guest_read(e, 0, CPU_GPA + GICC_RPR, 4);
	CHECK_EQ(c, rpr & 0xf8, 0xf8);
}

static void masked_by_priority(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	set_priority(e, SPI, 0x80);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	if (e->v3)
		guest_msr(e, 0, ICC_PMR, 0x80);
	else
		guest_write(e, 0, CPU_GPA + GICC_PMR, 4, 0x80);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	if (e->v3)
		guest_msr(e, 0, ICC_PMR, 0x88);
	else
		guest_write(e, 0, CPU_GPA + GICC_PMR, 4, 0x88);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

/*
 * Linux does not look again at what is pending when the distributor goes on,
 * or when an interrupt that had no vCPU gets one; the next signal does.
 */
static void distributor_off(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	int fd = irqfd_new(e, GSI);

	guest_write(e, 0, DIST_GPA + GICD_CTLR, 4, 0);
	event_signal(e, fd);
	CHECK(c, irq_pending(e, SPI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, DIST_GPA + GICD_CTLR, 4, 3);
	CHECK(c, irq_pending(e, SPI));
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void disabled_stays_pending(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t word = DIST_GPA + GICD_ICENABLER + 4;

	guest_write(e, 0, word, 4, 1u << GSI);
	event_signal(e, irqfd_new(e, GSI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, DIST_GPA + GICD_ISENABLER + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void guest_sets_and_clears_pending(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	guest_write(e, 0, DIST_GPA + GICD_ISPENDR + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_read(e, 0, DIST_GPA + GICD_ISPENDR + 4, 4),
		 1u << GSI);
	guest_write(e, 0, DIST_GPA + GICD_ICPENDR + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, DIST_GPA + GICD_ISPENDR + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

/* A guest sees the line in ISPENDR, on both models. */
static void guest_sees_the_line(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_make_level(e, SPI);
	CHECK_RET(c, line_set(e, line_spi(SPI), 1), 0);
	CHECK_EQ(c, guest_read(e, 0, DIST_GPA + GICD_ISPENDR + 4, 4),
		 1u << GSI);
	guest_write(e, 0, DIST_GPA + GICD_ICPENDR + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_read(e, 0, DIST_GPA + GICD_ISPENDR + 4, 4),
		 1u << GSI);
}

static void sgi_to_itself(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);
	uint32_t iar;

	guest_sgi(e, 1, 1, 5);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	iar = guest_iar(e, 1);
	CHECK_EQ(c, iar, e->v3 ? 5 : 1u << 10 | 5);
	guest_eoi(e, 1, iar);
	CHECK_EQ(c, guest_iar(e, 1), SPURIOUS);
}

static void sgi_to_another(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);
	uint32_t iar;

	guest_sgi(e, 0, 1, 6);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	iar = guest_iar(e, 1);
	CHECK_EQ(c, iar, 6);
	guest_eoi(e, 1, iar);
}

static void sgi_of_two_sources(struct conform *c)
{
	struct arm_env *e = env_guest(c, 3);

	guest_sgi(e, 2, 0, 7);
	guest_sgi(e, 1, 0, 7);
	CHECK_EQ(c, guest_iar(e, 0), 1u << 10 | 7);
	guest_eoi(e, 0, 1u << 10 | 7);
	CHECK_EQ(c, guest_iar(e, 0), 2u << 10 | 7);
	guest_eoi(e, 0, 2u << 10 | 7);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

static void sgi_to_all_others(struct conform *c)
{
	struct arm_env *e = env_guest(c, 3);

	if (e->v3)
		guest_msr(e, 1, ICC_SGI1R, UINT64_C(1) << 40 | 8u << 24);
	else
		guest_write(e, 1, DIST_GPA + GICD_SGIR, 4, 1u << 24 | 8);
	for (uint32_t i = 0; i < 3; i++)
		CHECK_EQ(c, guest_iar(e, i) & 0x3ff, i == 1 ? SPURIOUS : 8);
}

static void sgis_can_be_disabled(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t frame = e->v3 ? REDIST_GPA + GICR_SGI : DIST_GPA;

	CHECK_EQ(c, guest_read(e, 0, frame + GICD_ISENABLER, 4), 0xffff);
	guest_write(e, 0, frame + GICD_ICENABLER, 4, 8);
	CHECK_EQ(c, guest_read(e, 0, frame + GICD_ISENABLER, 4), 0xfff7);
	guest_sgi(e, 0, 0, 3);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, frame + GICD_ISENABLER, 4, 8);
	CHECK_EQ(c, guest_iar(e, 0), 3);
	guest_eoi(e, 0, 3);
}

static void ppi(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	irq_enable(e, 20);
	CHECK_RET(c, line_set(e, line_ppi(0, 20), 1), 0);
	CHECK_EQ(c, guest_iar(e, 0), 20);
	CHECK_RET(c, line_set(e, line_ppi(0, 20), 0), 0);
	guest_eoi(e, 0, 20);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
}

/* SPI to vCPU 1. */
static void target(struct arm_env *e, uint32_t cpu)
{
	if (e->v3)
		guest_write(e, 0, DIST_GPA + GICD_IROUTER + 8 * SPI, 8, cpu);
	else
		guest_write(e, 0, DIST_GPA + GICD_ITARGETSR + SPI, 1,
			    1u << cpu);
}

static void targets(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);
	int fd = irqfd_new(e, GSI);

	target(e, 1);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), SPI);
	guest_eoi(e, 1, SPI);
	target(e, 0);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 1), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void pending_migrates(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);

	event_signal(e, irqfd_new(e, GSI));
	target(e, 1);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), SPI);
	guest_eoi(e, 1, SPI);
}

static void active_stays(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);
	int fd = irqfd_new(e, GSI);

	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	target(e, 1);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 1), SPURIOUS);
	guest_eoi(e, 0, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), SPI);
	guest_eoi(e, 1, SPI);
}

static void nobody_has_that_affinity(struct conform *c)
{
	struct arm_env *e = env_guest(c, 2);
	int fd = irqfd_new(e, GSI);

	target(e, 7);
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), SPURIOUS);
	CHECK(c, irq_pending(e, SPI));
	target(e, 1);
	CHECK(c, irq_pending(e, SPI));
	event_signal(e, fd);
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 1), SPI);
	guest_eoi(e, 1, SPI);
	CHECK_EQ(c, guest_iar(e, 1), SPURIOUS);
}

static void hppir(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t value;

	value = e->v3 ? guest_mrs(e, 0, ICC_HPPIR1)
		      : guest_read(e, 0, CPU_GPA + GICC_HPPIR, 4);
	CHECK_EQ(c, value, SPURIOUS);
	event_signal(e, irqfd_new(e, GSI));
	value = e->v3 ? guest_mrs(e, 0, ICC_HPPIR1)
		      : guest_read(e, 0, CPU_GPA + GICC_HPPIR, 4);
	CHECK_EQ(c, value, SPI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void byte_and_odd_accesses(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t priority = DIST_GPA + GICD_IPRIORITYR;

	guest_write(e, 0, priority + 41, 1, 0xff);
	CHECK_EQ(c, guest_read(e, 0, priority + 40, 4), 0xf800);
	CHECK_EQ(c, guest_read(e, 0, priority + 41, 1), 0xf8);
	/* 16 bits are no width of the distributor's, nor are bytes of others */
	CHECK_EQ(c, guest_read(e, 0, priority + 40, 2), 0);
	CHECK_EQ(c, guest_read(e, 0, DIST_GPA + GICD_TYPER, 1), 0);
	guest_write(e, 0, DIST_GPA + GICD_ISENABLER + 4, 1, 0xff);
	CHECK_EQ(c, guest_read(e, 0, DIST_GPA + GICD_ISENABLER + 4, 4),
		 1u << GSI);
}

static void set_active_by_the_guest(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	uint64_t word = DIST_GPA + GICD_ISACTIVER + 4;

	guest_write(e, 0, word, 4, 1u << GSI);
	event_signal(e, irqfd_new(e, GSI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_write(e, 0, DIST_GPA + GICD_ICACTIVER + 4, 4, 1u << GSI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void user_state_reaches_the_guest(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	dist_set(e, GICD_ISPENDR + 4, 1u << GSI);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	dist_set(e, GICD_ICACTIVER + 4, 1u << GSI);
	CHECK(c, !irq_active(e, SPI));
}

static void wrong_frame_faults(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);
	struct arm_access access = {.addr = DIST_GPA - 0x10000, .len = 4};

	CHECK_RET(c, guest_access(e, 0, &access), -ENODEV);
}

static void group0_acknowledge(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	/* SPIs begin in group 1; IAR0 is for group 0. */
	event_signal(e, irqfd_new(e, GSI));
	CHECK_EQ(c, guest_mrs(e, 0, ICC_IAR0), SPURIOUS);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void group1_disabled(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	guest_msr(e, 0, ICC_IGRPEN1, 0);
	event_signal(e, irqfd_new(e, GSI));
	CHECK_EQ(c, guest_iar(e, 0), SPURIOUS);
	guest_msr(e, 0, ICC_IGRPEN1, 1);
	CHECK_EQ(c, guest_iar(e, 0), SPI);
	guest_eoi(e, 0, SPI);
}

static void user_pmr_is_the_guests(struct conform *c)
{
	struct arm_env *e = env_guest(c, 1);

	CHECK_EQ(c,
		 e->v3 ? sysreg_get(e, 0, ICC_PMR)
		       : cpu_get(e, 0, GICC_PMR) << 3,
		 0xf8);
}

#define BOTH(name_, rule_, run_) ARM_BOTH("guest/" name_, rule_, run_)
#define V3(name_, rule_, run_) ARM_V3("guest/" name_, rule_, run_)

static const struct conform_case cases[] = {
	BOTH("priorities", "the lowest number first", priorities),
	BOTH("preemption", "a more urgent one preempts", preemption),
	BOTH("no-preemption", "an equal one waits", no_preemption),
	BOTH("running-priority", "RPR", running_priority),
	BOTH("masked-by-priority", "PMR masks what is not below it",
	     masked_by_priority),
	BOTH("distributor-off",
	     "nothing is taken; it stays pending, and comes once with the "
	     "next signal",
	     distributor_off),
	BOTH("disabled-stays-pending", "a disabled interrupt waits",
	     disabled_stays_pending),
	BOTH("sets-and-clears-pending", "ISPENDR and ICPENDR",
	     guest_sets_and_clears_pending),
	BOTH("sees-the-line", "ISPENDR has the line; ICPENDR leaves it",
	     guest_sees_the_line),
	BOTH("sgi-to-itself", "an SGI to oneself", sgi_to_itself),
	BOTH("sgi-to-another", "an SGI to another", sgi_to_another),
	ARM_V2("guest/sgi-of-two-sources", "one interrupt for each source",
	       sgi_of_two_sources),
	BOTH("sgi-to-all-others", "to all but oneself", sgi_to_all_others),
	BOTH("sgis-can-be-disabled", "SGIs begin enabled",
	     sgis_can_be_disabled),
	BOTH("ppi", "a PPI by KVM_IRQ_LINE", ppi),
	BOTH("targets", "the vCPU that it is routed to", targets),
	BOTH("pending-migrates", "what is pending goes along",
	     pending_migrates),
	BOTH("active-stays", "what is active stays", active_stays),
	V3("nobody-has-that-affinity",
	   "stays pending, and comes once with the next signal after a vCPU "
	   "has it",
	   nobody_has_that_affinity),
	BOTH("hppir", "HPPIR looks without taking", hppir),
	BOTH("widths", "bytes for priorities alone, 16 bits for nothing",
	     byte_and_odd_accesses),
	BOTH("set-active", "ISACTIVER and ICACTIVER", set_active_by_the_guest),
	BOTH("user-state", "what user space restores, the guest takes",
	     user_state_reaches_the_guest),
	BOTH("no-frame", "an address of no frame is not the vGIC's",
	     wrong_frame_faults),
	V3("group0", "IAR0 does not take group 1", group0_acknowledge),
	V3("igrpen1", "IGRPEN1 masks", group1_disabled),
	BOTH("user-pmr", "user space sees the guest's PMR",
	     user_pmr_is_the_guests),
};

CONFORM_GROUP(arm_guest_cpu);

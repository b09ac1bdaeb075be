// SPDX-License-Identifier: BSD-3-Clause
/*
 * Registers as user space sees them: what a fresh vGIC has, and what of a
 * written value is kept.  A guest's view may differ (cases_guest.c).
 */
#include "cases.h"

enum frame {
	DIST,
	BANKED, /* of vCPU 1, in the distributor's layout */
	CPU_REGS,
	REDIST,
	SYSREG,
};

/* A fresh value; then what is written, and what is there afterwards. */
struct view_row {
	enum frame frame;
	uint32_t reg;
	uint64_t fresh;
	bool writes;
	uint64_t write, after;
};

static uint64_t get(struct arm_env *e, const struct view_row *row)
{
	switch (row->frame) {
	case DIST: return dist_get(e, row->reg);
	case BANKED: return banked_get(e, 1, row->reg);
	case CPU_REGS: return cpu_get(e, 1, row->reg);
	case REDIST: return redist_get(e, 1, row->reg);
	default: return sysreg_get(e, 1, row->reg);
	}
}

static void set(struct arm_env *e, const struct view_row *row)
{
	switch (row->frame) {
	case DIST: dist_set(e, row->reg, (uint32_t)row->write); break;
	case BANKED: banked_set(e, 1, row->reg, (uint32_t)row->write); break;
	case CPU_REGS: cpu_set(e, 1, row->reg, (uint32_t)row->write); break;
	case REDIST: redist_set(e, 1, row->reg, (uint32_t)row->write); break;
	case SYSREG: sysreg_set(e, 1, row->reg, row->write); break;
	}
}

static void run_row(struct conform *c)
{
	const struct view_row *row = c->test->row;
	struct arm_env *e = env_ready(c, 2);

	CHECK_EQ(c, get(e, row), row->fresh);
	if (!row->writes)
		return;
	set(e, row);
	CHECK_EQ(c, get(e, row), row->after);
}

static void pending_v2(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	dist_set(e, GICD_ISPENDR + 4, 0xf0);
	dist_set(e, GICD_ISPENDR + 4, 0x0f);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0xff);
	CHECK_EQ(c, dist_get(e, GICD_ICPENDR + 4), 0xff);
	dist_set(e, GICD_ICPENDR + 4, 0x18);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0xe7);
}

static void pending_v3(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	dist_set(e, GICD_ISPENDR + 4, 0xf0);
	dist_set(e, GICD_ISPENDR + 4, 0x0f);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0x0f);
	CHECK_EQ(c, dist_get(e, GICD_ICPENDR + 4), 0);
	dist_set(e, GICD_ICPENDR + 4, UINT32_MAX);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0x0f);
}

static void active(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	dist_set(e, GICD_ISACTIVER + 4, 0xf0);
	dist_set(e, GICD_ISACTIVER + 4, 0x0f);
	CHECK_EQ(c, dist_get(e, GICD_ISACTIVER + 4), 0xff);
	dist_set(e, GICD_ICACTIVER + 4, 0x18);
	CHECK_EQ(c, dist_get(e, GICD_ISACTIVER + 4), 0xe7);
	CHECK_EQ(c, dist_get(e, GICD_ICACTIVER + 4), 0xe7);
}

static void enable(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	dist_set(e, GICD_ISENABLER + 4, 0xf0);
	dist_set(e, GICD_ISENABLER + 4, 0x0f);
	CHECK_EQ(c, dist_get(e, GICD_ISENABLER + 4), 0xff);
	dist_set(e, GICD_ICENABLER + 4, 0x18);
	CHECK_EQ(c, dist_get(e, GICD_ICENABLER + 4), 0xe7);
}

/* A level's pending state has the line in it, for a GICv2. */
static void line_in_pending_v2(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	irq_make_level(e, 40);
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 8);
	dist_set(e, GICD_ICPENDR + 4, 1u << 8);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 1u << 8);
}

static void line_apart_v3(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	uint64_t lines = 0;

	irq_make_level(e, 40);
	CHECK_RET(c, line_set(e, line_spi(40), 1), 0);
	CHECK_EQ(c, dist_get(e, GICD_ISPENDR + 4), 0);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32,
			   &lines),
		  0);
	CHECK_EQ(c, lines, 1u << 8);
	CHECK_RET(c,
		  attr_set(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32, 4),
		  0);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32,
			   &lines),
		  0);
	/* Interrupt 34 is edge-triggered. */
	CHECK_EQ(c, lines, 0);
	irq_make_level(e, 34);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, 32,
			   &lines),
		  0);
	CHECK_EQ(c, lines, 4);
}

/* Guests of a kernel that knew no groups must stay as they were. */
static void groups_v2(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_EQ(c, dist_get(e, GICD_IGROUPR + 4), 0);
	dist_set(e, GICD_IGROUPR + 4, 0xff);
	CHECK_EQ(c, dist_get(e, GICD_IGROUPR + 4), 0);
	dist_set(e, GICD_IIDR, dist_get(e, GICD_IIDR));
	dist_set(e, GICD_IGROUPR + 4, 0xff);
	CHECK_EQ(c, dist_get(e, GICD_IGROUPR + 4), 0xff);
}

static void groups_v3(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_EQ(c, dist_get(e, GICD_IGROUPR + 4), UINT32_MAX);
	dist_set(e, GICD_IGROUPR + 4, 0xff);
	CHECK_EQ(c, dist_get(e, GICD_IGROUPR + 4), 0xff);
}

static void typer_counts_cpus(struct conform *c)
{
	struct arm_env *e = env_ready(c, 3);

	CHECK_EQ(c, dist_get(e, GICD_TYPER), 2u << 5 | 7);
}

static void typer_v3(struct conform *c)
{
	struct arm_env *e = env_ready(c, 3);

	CHECK_EQ(c, dist_get(e, GICD_TYPER), 9u << 19 | 7);
}

static void targets_of_private(struct conform *c)
{
	struct arm_env *e = env_ready(c, 3);

	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t n = 0; n < 8; n++)
			CHECK_EQ(c, banked_get(e, i, GICD_ITARGETSR + 4 * n),
				 0x01010101u << i);
	banked_set(e, 1, GICD_ITARGETSR, 0);
	CHECK_EQ(c, banked_get(e, 1, GICD_ITARGETSR), 0x02020202);
}

static void targets(struct conform *c)
{
	struct arm_env *e = env_ready(c, 3);

	CHECK_EQ(c, dist_get(e, GICD_ITARGETSR + 32), 0);
	dist_set(e, GICD_ITARGETSR + 32, 0xff0206f9);
	CHECK_EQ(c, dist_get(e, GICD_ITARGETSR + 32), 0x07020601);
}

static void sgi_sources(struct conform *c)
{
	struct arm_env *e = env_ready(c, 3);

	banked_set(e, 0, GICD_SPENDSGIR + 4, 0x00000600);
	CHECK_EQ(c, banked_get(e, 0, GICD_SPENDSGIR + 4), 0x600);
	CHECK_EQ(c, banked_get(e, 0, GICD_CPENDSGIR + 4), 0x600);
	CHECK_EQ(c, banked_get(e, 0, GICD_ISPENDR), 1u << 5);
	banked_set(e, 0, GICD_CPENDSGIR + 4, 0x00000200);
	CHECK_EQ(c, banked_get(e, 0, GICD_SPENDSGIR + 4), 0x400);
	CHECK_EQ(c, banked_get(e, 0, GICD_ISPENDR), 1u << 5);
	banked_set(e, 0, GICD_CPENDSGIR + 4, 0x00000400);
	CHECK_EQ(c, banked_get(e, 0, GICD_ISPENDR), 0);
	CHECK_EQ(c, banked_get(e, 1, GICD_SPENDSGIR + 4), 0);
}

static void irouter(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);
	uint32_t at = GICD_IROUTER + 8 * 40;

	CHECK_EQ(c, dist_get(e, at), 0);
	dist_set(e, at, 1);
	CHECK_EQ(c, dist_get(e, at), 1);
	dist_set(e, at, 0x80010203);
	CHECK_EQ(c, dist_get(e, at), 0x10203);
	CHECK_EQ(c, dist_get(e, at + 4), 0);
	dist_set(e, at + 4, 0xff);
	CHECK_EQ(c, dist_get(e, at + 4), 0);
}

static void private_words_of_dist_v3(struct conform *c)
{
	static const uint32_t words[] = {
		GICD_IGROUPR,	 GICD_ISENABLER, GICD_ISPENDR, GICD_ISACTIVER,
		GICD_IPRIORITYR, GICD_ITARGETSR, GICD_ICFGR,   GICD_ICFGR + 4,
	};
	struct arm_env *e = env_ready(c, 1);

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		dist_set(e, words[i], UINT32_MAX);
		CHECK_EQ(c, dist_get(e, words[i]), 0);
	}
	CHECK_EQ(c, banked_get(e, 0, GICD_ISENABLER), 0xffff);
}

static void redist_typer(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);

	CHECK_EQ(c, redist_get(e, 0, GICR_TYPER), 0);
	CHECK_EQ(c, redist_get(e, 1, GICR_TYPER), 1u << 8 | 1u << 4);
	CHECK_EQ(c, redist_get(e, 1, GICR_TYPER + 4), 1);
}

static void private_state_is_each_vcpus(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);

	banked_set(e, 0, GICD_ISENABLER, 1u << 20);
	banked_set(e, 1, GICD_IPRIORITYR + 20, 0xa0);
	CHECK_EQ(c, banked_get(e, 0, GICD_ISENABLER), 1u << 20 | 0xffff);
	CHECK_EQ(c, banked_get(e, 1, GICD_ISENABLER), 0xffff);
	CHECK_EQ(c, banked_get(e, 0, GICD_IPRIORITYR + 20), 0);
	CHECK_EQ(c, banked_get(e, 1, GICD_IPRIORITYR + 20), 0xa0);
}

static void sysregs_of_each_vcpu(struct conform *c)
{
	struct arm_env *e = env_ready(c, 2);

	sysreg_set(e, 1, ICC_PMR, 0xf0);
	CHECK_EQ(c, sysreg_get(e, 0, ICC_PMR), 0);
	CHECK_EQ(c, sysreg_get(e, 1, ICC_PMR), 0xf0);
}

static void beyond_nr_irqs(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(c, set_nr_irqs(e, 64), 0);
	env_init_gic(e);
	dist_set(e, GICD_ISENABLER + 8, UINT32_MAX);
	CHECK_EQ(c, dist_get(e, GICD_ISENABLER + 8), 0);
	dist_set(e, GICD_IPRIORITYR + 64, UINT32_MAX);
	CHECK_EQ(c, dist_get(e, GICD_IPRIORITYR + 64), 0);
	dist_set(e, GICD_ISENABLER + 4, UINT32_MAX);
	CHECK_EQ(c, dist_get(e, GICD_ISENABLER + 4), UINT32_MAX);
}

#define VIEW(name_, suffix, model, rule_, ...)                                 \
	{                                                                      \
		.name = "view/" name_ suffix, .needs = model, .rule = rule_,   \
		.run = run_row, .row = &(const struct view_row)                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define V2(name_, rule_, ...) VIEW(name_, "-v2", ARM_GICV2, rule_, __VA_ARGS__)
#define V3(name_, rule_, ...) VIEW(name_, "-v3", ARM_GICV3, rule_, __VA_ARGS__)
#define BOTH(name_, rule_, ...)                                                \
	V2(name_, rule_, __VA_ARGS__), V3(name_, rule_, __VA_ARGS__)

static const struct conform_case cases[] = {
	V2("ctlr", "GICD_CTLR has one bit", DIST, GICD_CTLR, 0, true,
	   UINT32_MAX, 1),
	V3("ctlr", "GICD_CTLR: DS, ARE, and EnableGrp1 to write", DIST,
	   GICD_CTLR, 0x50, true, UINT32_MAX, 0x52),
	V2("iidr", "GICD_IIDR: KVM's, revision 3", DIST, GICD_IIDR, 0x4b00343b,
	   true, 0x4b00243b, 0x4b00243b),
	V3("iidr", "GICD_IIDR: KVM's, revision 3", DIST, GICD_IIDR, 0x4b00343b,
	   true, 0x4b00243b, 0x4b00243b),
	ARM_V2("view/typer", "GICD_TYPER counts interrupts and vCPUs",
	       typer_counts_cpus),
	ARM_V3("view/typer", "GICD_TYPER: ten bits of INTID without LPIs",
	       typer_v3),
	BOTH("isenabler-private", "SGIs begin enabled", BANKED, GICD_ISENABLER,
	     0xffff, true, 0xf0000000, 0xf000ffff),
	BOTH("icenabler-private", "SGIs can be disabled", BANKED,
	     GICD_ICENABLER, 0xffff, true, UINT32_MAX, 0),
	ARM_BOTH("view/enable", "write-1 sets and clears", enable),
	ARM_V2("view/pending", "write-1 sets and clears", pending_v2),
	ARM_V3("view/pending",
	       "ISPENDR is the latch as it is to be; ICPENDR is not for user "
	       "space",
	       pending_v3),
	ARM_BOTH("view/active", "write-1 sets and clears", active),
	ARM_V2("view/line-in-pending", "ISPENDR has the line in it",
	       line_in_pending_v2),
	ARM_V3("view/line-apart", "ISPENDR is the latch; LEVEL_INFO the line",
	       line_apart_v3),
	BOTH("priority", "five bits of a priority are kept", DIST,
	     GICD_IPRIORITYR + 40, 0, true, 0xff77abc1, 0xf870a8c0),
	BOTH("priority-private", "five bits of a priority are kept", BANKED,
	     GICD_IPRIORITYR + 20, 0, true, UINT32_MAX, 0xf8f8f8f8),
	BOTH("config", "SPIs begin as edges; one bit of two is kept", DIST,
	     GICD_ICFGR + 12, 0xaaaaaaaa, true, 0x0f0f0f0f, 0x0a0a0a0a),
	BOTH("config-sgi", "SGIs are edges", BANKED, GICD_ICFGR, 0xaaaaaaaa,
	     true, 0, 0xaaaaaaaa),
	BOTH("config-ppi", "PPIs are levels", BANKED, GICD_ICFGR + 4, 0, true,
	     UINT32_MAX, 0),
	ARM_V2("view/groups", "IGROUPR is kept once IIDR was written",
	       groups_v2),
	ARM_V3("view/groups", "IGROUPR begins as group 1", groups_v3),
	V2("group-private", "group 0", BANKED, GICD_IGROUPR, 0, false),
	V3("group-private", "group 1", BANKED, GICD_IGROUPR, UINT32_MAX, true,
	   0x1234, 0x1234),
	ARM_V2("view/targets-private", "one's own bit, read-only",
	       targets_of_private),
	ARM_V2("view/targets", "masked to the vCPUs that are there", targets),
	V3("targets", "ITARGETSR is not there", DIST, GICD_ITARGETSR + 32, 0,
	   true, UINT32_MAX, 0),
	V2("sgir", "SGIR reads as zero", DIST, GICD_SGIR, 0, false),
	ARM_V2("view/sgi-sources", "the sources of SGIs, a byte each",
	       sgi_sources),
	V3("spendsgir", "SPENDSGIR is not there", DIST, GICD_SPENDSGIR, 0, true,
	   UINT32_MAX, 0),
	ARM_V3("view/irouter", "24 bits of affinity", irouter),
	ARM_V3("view/private-words",
	       "what is private is not in the distributor",
	       private_words_of_dist_v3),
	V3("pidr2", "the architecture's revision", DIST, GICD_PIDR2, 0x3b, true,
	   0, 0x3b),
	V3("cidr0", "identification reads as zero", DIST, 0xfff0, 0, false),
	V3("igrpmodr", "IGRPMODR is not there", DIST, 0xd04, 0, true,
	   UINT32_MAX, 0),
	ARM_BOTH("view/private-state", "each vCPU has its own",
		 private_state_is_each_vcpus),
	ARM_BOTH("view/beyond-nr-irqs", "nothing beyond NR_IRQS",
		 beyond_nr_irqs),

	V2("gicc-ctlr", "GICC_CTLR", CPU_REGS, GICC_CTLR, 0, true, 0x3ff,
	   0x21f),
	V2("gicc-pmr", "GICC_PMR: five bits, shifted down", CPU_REGS, GICC_PMR,
	   0, true, 0x1f, 0x1f),
	V2("gicc-pmr-large", "five bits", CPU_REGS, GICC_PMR, 0, true, 0xf0,
	   0x10),
	V2("gicc-bpr", "GICC_BPR", CPU_REGS, GICC_BPR, 0, true, 5, 5),
	V2("gicc-abpr", "GICC_ABPR", CPU_REGS, GICC_ABPR, 0, true, 6, 6),
	V2("gicc-apr", "GICC_APR0", CPU_REGS, GICC_APR, 0, true, 0x10, 0x10),
	V2("gicc-apr3", "one word has them all", CPU_REGS, GICC_APR + 12, 0,
	   true, 0x10, 0),
	V2("gicc-iidr", "GICC_IIDR", CPU_REGS, GICC_IIDR, 0x04b2043b, false),

	V3("gicr-ctlr", "GICR_CTLR without an ITS", REDIST, GICR_CTLR, 6, true,
	   1, 6),
	V3("gicr-iidr", "GICR_IIDR", REDIST, 4, 0x4b00043b, false),
	ARM_V3("view/gicr-typer", "number, Last, affinity", redist_typer),
	V3("gicr-waker", "GICR_WAKER", REDIST, 0x14, 0, true, 2, 0),
	V3("gicr-propbaser", "GICR_PROPBASER keeps what it has", REDIST,
	   GICR_PROPBASER, 0, true, 0x40000000, 0x40000180),
	V3("gicr-pendbaser", "GICR_PENDBASER", REDIST, GICR_PENDBASER, 0x580,
	   true, 0x40010000, 0x40010180),
	V3("gicr-pidr2", "the architecture's revision", REDIST, GICD_PIDR2,
	   0x3b, false),
	V3("gicr-igrpmodr", "GICR_IGRPMODR0", REDIST, GICR_SGI + 0xd00, 0, true,
	   1, 0),

	V3("icc-pmr", "eight bits for user space", SYSREG, ICC_PMR, 0, true,
	   0x1ff, 0xff),
	V3("icc-bpr0", "BPR0", SYSREG, ICC_BPR0, 0, true, 7, 7),
	V3("icc-bpr1", "BPR1", SYSREG, ICC_BPR1, 0, true, 5, 5),
	V3("icc-bpr0-large", "three bits", SYSREG, ICC_BPR0, 0, true, 9, 1),
	V3("icc-ctlr", "CTLR", SYSREG, ICC_CTLR, 0x8c00, true, 0x8c03, 0x8c03),
	V3("icc-sre", "SRE, DFB and DIB are 1", SYSREG, ICC_SRE, 7, true, 7, 7),
	V3("icc-igrpen0", "IGRPEN0 has one bit", SYSREG, ICC_IGRPEN0, 0, true,
	   3, 1),
	V3("icc-igrpen1", "IGRPEN1 has one bit", SYSREG, ICC_IGRPEN1, 0, true,
	   3, 1),
	V3("icc-ap0r0", "AP0R0", SYSREG, ICC_AP0R0, 0, true, 0x5, 0x5),
	V3("icc-ap1r0", "AP1R0", SYSREG, ICC_AP1R0, 0, true, 0x50, 0x50),
	ARM_V3("view/icc-of-each-vcpu", "each vCPU has its own",
	       sysregs_of_each_vcpu),
};

CONFORM_GROUP(arm_view);

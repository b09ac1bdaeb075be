// SPDX-License-Identifier: BSD-3-Clause
/*
 * What HAS, GET and SET of one attribute answer: the errno rules of
 * arch/arm64/kvm/vgic/vgic-kvm-device.c, in its order of checks.
 */
#include "cases.h"

enum when {
	BEFORE, /* created, with addresses and a vCPU */
	AFTER, /* initialised */
};

#define ANY 1 /* not asked */

struct attr_row {
	enum when when;
	uint32_t group;
	uint64_t attr;
	bool nowhere; /* the pointer is bad */
	uint64_t value; /* to set */
	int has, get, set;
};

static void run_row(struct conform *c)
{
	const struct attr_row *row = c->test->row;
	struct arm_env *e = row->when == AFTER ? env_ready(c, 1) : env_new(c);
	uint64_t value = row->value;
	uint64_t addr = row->nowhere ? NOWHERE : (uintptr_t)&value;

	if (row->when == BEFORE) {
		env_vcpus(e, 1);
		env_create_gic(e);
	}
	if (row->has != ANY)
		CHECK_RET(c, attr_has(e, e->gic, row->group, row->attr),
			  row->has);
	if (row->set != ANY)
		CHECK_RET(c,
			  attr_set_at(e, e->gic, row->group, row->attr, addr),
			  row->set);
	if (row->get != ANY)
		CHECK_RET(c,
			  attr_get_at(e, e->gic, row->group, row->attr, addr),
			  row->get);
}

#define GRP(name) KVM_DEV_ARM_VGIC_GRP_##name
#define ROW(name_, model, rule_, ...)                                          \
	{                                                                      \
		.name = "attr/" name_, .needs = model, .rule = rule_,          \
		.run = run_row, .row = &(const struct attr_row)                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define ROW_BOTH(name_, rule_, ...)                                            \
	ROW(name_ "-v2", ARM_GICV2, rule_, __VA_ARGS__),                       \
		ROW(name_ "-v3", ARM_GICV3, rule_, __VA_ARGS__)
#define ROW_V2(name_, rule_, ...)                                              \
	ROW(name_ "-v2", ARM_GICV2, rule_, __VA_ARGS__)
#define ROW_V3(name_, rule_, ...)                                              \
	ROW(name_ "-v3", ARM_GICV3, rule_, __VA_ARGS__)
#define NR_IRQS(name_, nr, want)                                               \
	ROW_BOTH("nr-irqs-" name_,                                             \
		 "64 to 1023 interrupts, a multiple of 32, else EINVAL",       \
		 BEFORE, GRP(NR_IRQS), 0, false, nr, 0, 0, want)

static void nr_irqs_twice(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_gic(e);
	CHECK_RET(c, set_nr_irqs(e, 128), 0);
	CHECK_RET(c, set_nr_irqs(e, 128), -EBUSY);
	CHECK_RET(c, set_nr_irqs(e, 160), -EBUSY);
	CHECK_RET(c, set_nr_irqs(e, 100), -EINVAL);
	env_init_gic(e);
	CHECK_RET(c, set_nr_irqs(e, 128), -EBUSY);
}

static void vcpus_by_id(struct conform *c)
{
	static const int want[] = {-EINVAL, 0, -EINVAL, 0};
	struct arm_env *e = env_new(c);
	uint64_t value = 0;

	CHECK_RET(c, e->port->vcpu_create(e->vm, 3), 0);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 1), 0);
	env_create_gic(e);
	env_init_gic(e);
	for (uint64_t i = 0; i < 4; i++) {
		CHECK_RET(c,
			  attr_get(e, e->gic, GRP(DIST_REGS), i << 32, &value),
			  want[i]);
		CHECK_RET(c,
			  attr_get(e, e->gic, GRP(CPU_REGS), i << 32, &value),
			  want[i]);
	}
}

static void pending_tables_without_lpis(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);

	CHECK_RET(c,
		  attr_set(e, e->gic, GRP(CTRL),
			   KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, 0),
		  0);
}

static void level_info_out_of_range(struct conform *c)
{
	struct arm_env *e = env_ready(c, 1);
	uint64_t lines = 0;

	/* 256 interrupts are there; numbers have ten bits. */
	CHECK_RET(c, attr_get(e, e->gic, GRP(LEVEL_INFO), 992, &lines), 0);
	CHECK_EQ(c, lines, 0);
	CHECK_RET(c, attr_set(e, e->gic, GRP(LEVEL_INFO), 992, UINT32_MAX), 0);
}

static const struct conform_case cases[] = {
	NR_IRQS("0", 0, -EINVAL),
	NR_IRQS("32", 32, -EINVAL),
	NR_IRQS("63", 63, -EINVAL),
	NR_IRQS("64", 64, 0),
	NR_IRQS("100", 100, -EINVAL),
	NR_IRQS("992", 992, 0),
	NR_IRQS("1020", 1020, -EINVAL),
	NR_IRQS("1023", 1023, -EINVAL),
	NR_IRQS("1024", 1024, -EINVAL),
	NR_IRQS("2048", 2048, -EINVAL),
	NR_IRQS("max", UINT32_MAX, -EINVAL),
	ROW_BOTH("nr-irqs-any-attribute",
		 "the number of the attribute is not looked at", BEFORE,
		 GRP(NR_IRQS), 77, false, 64, 0, 0, 0),
	ROW_BOTH("nr-irqs-nowhere", "a bad pointer is EFAULT", BEFORE,
		 GRP(NR_IRQS), 0, true, 0, 0, -EFAULT, -EFAULT),
	ROW_BOTH("nr-irqs-nowhere-after-init", "EFAULT comes before EBUSY",
		 AFTER, GRP(NR_IRQS), 0, true, 0, 0, -EFAULT, -EFAULT),
	ROW_BOTH("nr-irqs-after-init", "the count is fixed: EBUSY", AFTER,
		 GRP(NR_IRQS), 0, false, 256, 0, 0, -EBUSY),
	ROW_BOTH("nr-irqs-invalid-after-init", "EINVAL comes before EBUSY",
		 AFTER, GRP(NR_IRQS), 0, false, 3, 0, 0, -EINVAL),
	ARM_BOTH("attr/nr-irqs-twice", "the count is given once: EBUSY",
		 nr_irqs_twice),

	ROW_BOTH("ctrl-init", "CTRL has no values to get", BEFORE, GRP(CTRL),
		 KVM_DEV_ARM_VGIC_CTRL_INIT, true, 0, 0, -ENXIO, 0),
	ROW_V2("ctrl-save-pending", "a GICv2 has no LPIs", AFTER, GRP(CTRL),
	       KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES, false, 0, -ENXIO, -ENXIO,
	       -ENXIO),
	ARM_V3("attr/ctrl-save-pending",
	       "without LPIs there is nothing to save",
	       pending_tables_without_lpis),
	ROW_BOTH("ctrl-save-tables", "tables are the ITS's", AFTER, GRP(CTRL),
		 KVM_DEV_ARM_ITS_SAVE_TABLES, false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_BOTH("ctrl-unknown", "an unknown control is ENXIO", AFTER,
		 GRP(CTRL), 5, false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_BOTH("ctrl-unknown-before-init", "an unknown control is ENXIO",
		 BEFORE, GRP(CTRL), 99, false, 0, -ENXIO, -ENXIO, -ENXIO),

	ROW_BOTH("group-its-regs", "ITS_REGS is the ITS's", AFTER,
		 GRP(ITS_REGS), 0, false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_BOTH("group-unknown", "an unknown group is ENXIO", AFTER, 10, 0,
		 false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_BOTH("group-unknown-nowhere", "the group comes before the pointer",
		 AFTER, 77, 0, true, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_V3("group-cpu-regs", "CPU_REGS is GICv2's", AFTER, GRP(CPU_REGS), 0,
	       false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_V2("group-redist-regs", "REDIST_REGS is GICv3's", AFTER,
	       GRP(REDIST_REGS), 0, false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_V2("group-sysregs", "CPU_SYSREGS is GICv3's", AFTER,
	       GRP(CPU_SYSREGS), ICC_PMR, false, 0, -ENXIO, -ENXIO, -ENXIO),
	ROW_V2("group-level-info", "LEVEL_INFO is GICv3's", AFTER,
	       GRP(LEVEL_INFO), 32, false, 0, -ENXIO, -ENXIO, -ENXIO),

	ROW_BOTH("dist", "GICD_CTLR is there", AFTER, GRP(DIST_REGS), 0, false,
		 0, 0, 0, 0),
	ROW_BOTH("dist-nowhere", "a bad pointer is EFAULT", AFTER,
		 GRP(DIST_REGS), 0, true, 0, 0, -EFAULT, -EFAULT),
	ROW_V2("dist-bad-cpu", "no such vCPU: EINVAL", AFTER, GRP(DIST_REGS),
	       UINT64_C(3) << 32, false, 0, -EINVAL, -EINVAL, -EINVAL),
	ROW_V2("dist-bad-cpu-nowhere", "the vCPU comes before the pointer",
	       AFTER, GRP(DIST_REGS), UINT64_C(3) << 32, true, 0, -EINVAL,
	       -EINVAL, -EINVAL),
	ARM_V2("attr/vcpus-by-id", "the vCPU is an id", vcpus_by_id),
	ROW_V2("dist-high-bits", "the vCPU is eight bits of the attribute",
	       AFTER, GRP(DIST_REGS), UINT64_C(0x100) << 32, false, 0, 0, 0, 0),
	ROW_V3("dist-any-affinity", "GICv3's distributor belongs to no vCPU",
	       AFTER, GRP(DIST_REGS), UINT64_C(0x123) << 32, false, 0, 0, 0, 0),
	ROW_V3("dist-nowhere-before-init", "for SET, EFAULT comes before EBUSY",
	       BEFORE, GRP(DIST_REGS), 0, true, 0, 0, -EBUSY, -EFAULT),
	ROW_BOTH("dist-hole", "what is not there reads as zero, but HAS tells",
		 AFTER, GRP(DIST_REGS), 0x20, false, 0, -ENXIO, 0, 0),
	ROW_BOTH("dist-beyond", "beyond the frame is nothing", AFTER,
		 GRP(DIST_REGS), 0x20000, false, 0, -ENXIO, 0, 0),
	ROW_BOTH("dist-misaligned", "registers are four bytes", AFTER,
		 GRP(DIST_REGS), 0x402, false, 0, ANY, ANY, ANY),
	ROW_V2("dist-iidr-wrong", "another implementer's IIDR is EINVAL", AFTER,
	       GRP(DIST_REGS), GICD_IIDR, false, 0x12345678, 0, 0, -EINVAL),
	ROW_V3("dist-iidr-wrong", "another implementer's IIDR is EINVAL", AFTER,
	       GRP(DIST_REGS), GICD_IIDR, false, 0x12345678, 0, 0, -EINVAL),
	ROW_V2("cpu", "GICC_CTLR is there", AFTER, GRP(CPU_REGS), 0, false, 0,
	       0, 0, 0),
	ROW_V2("cpu-bad-cpu", "no such vCPU: EINVAL", AFTER, GRP(CPU_REGS),
	       UINT64_C(1) << 32, false, 0, -EINVAL, -EINVAL, -EINVAL),
	ROW_V2("cpu-nowhere", "a bad pointer is EFAULT", AFTER, GRP(CPU_REGS),
	       0, true, 0, 0, -EFAULT, -EFAULT),
	ROW_V2("cpu-iar", "IAR is not for user space", AFTER, GRP(CPU_REGS),
	       GICC_IAR, false, 0, -ENXIO, 0, 0),
	ROW_V2("cpu-pmr-before-init", "initialises", BEFORE, GRP(CPU_REGS),
	       GICC_PMR, false, 0, 0, 0, 0),
	ROW_V3("redist", "GICR_CTLR is there", AFTER, GRP(REDIST_REGS), 0,
	       false, 0, 0, 0, 0),
	ROW_V3("redist-bad-affinity", "no such vCPU: EINVAL", AFTER,
	       GRP(REDIST_REGS), UINT64_C(5) << 32, false, 0, -EINVAL, -EINVAL,
	       -EINVAL),
	ROW_V3("redist-bad-aff0", "Aff0 is below 16", AFTER, GRP(REDIST_REGS),
	       UINT64_C(16) << 32, false, 0, -EINVAL, -EINVAL, -EINVAL),
	ROW_V3("redist-nowhere", "a bad pointer is EFAULT", AFTER,
	       GRP(REDIST_REGS), 0, true, 0, 0, -EFAULT, -EFAULT),
	ROW_V3("redist-hole", "what is not there reads as zero, but HAS tells",
	       AFTER, GRP(REDIST_REGS), 0x20, false, 0, -ENXIO, 0, 0),
	ROW_V3("redist-beyond", "beyond the frames is nothing", AFTER,
	       GRP(REDIST_REGS), 0x20000, false, 0, -ENXIO, 0, 0),
	ROW_V3("sysreg", "ICC_PMR_EL1 is there", AFTER, GRP(CPU_SYSREGS),
	       ICC_PMR, false, 0x80, 0, 0, 0),
	ROW_V3("sysreg-bad-affinity", "no such vCPU: EINVAL", AFTER,
	       GRP(CPU_SYSREGS), UINT64_C(1) << 32 | ICC_PMR, false, 0, -EINVAL,
	       -EINVAL, -EINVAL),
	ROW_V3("sysreg-nowhere", "a bad pointer is EFAULT", AFTER,
	       GRP(CPU_SYSREGS), ICC_PMR, true, 0, 0, -EFAULT, -EFAULT),
	ROW_V3("sysreg-nowhere-before-init", "EBUSY comes before the pointer",
	       BEFORE, GRP(CPU_SYSREGS), ICC_PMR, true, 0, 0, -EBUSY, -EBUSY),
	ROW_V3("sysreg-iar", "IAR is not for user space", AFTER,
	       GRP(CPU_SYSREGS), ICC_IAR1, false, 0, -ENXIO, -ENOENT, -ENOENT),
	ROW_V3("sysreg-unknown", "what is no register of the GIC", AFTER,
	       GRP(CPU_SYSREGS), 0, false, 0, -ENXIO, -ENOENT, -ENOENT),
	ROW_V3("sysreg-unknown-nowhere",
	       "SET reads the value before it looks for the register", AFTER,
	       GRP(CPU_SYSREGS), 0, true, 0, -ENXIO, -ENOENT, -EFAULT),
	ROW_V3("sysreg-sre-0", "SRE cannot be turned off", AFTER,
	       GRP(CPU_SYSREGS), ICC_SRE, false, 0, 0, 0, -EINVAL),
	ROW_V3("level-info", "lines by 32", AFTER, GRP(LEVEL_INFO), 32, false,
	       0, 0, 0, 0),
	ROW_V3("level-info-unaligned", "by 32: EINVAL", AFTER, GRP(LEVEL_INFO),
	       33, false, 0, 0, -EINVAL, -EINVAL),
	ROW_V3("level-info-unknown", "one sort of information: EINVAL", AFTER,
	       GRP(LEVEL_INFO), 1u << 10 | 32, false, 0, -ENXIO, -EINVAL,
	       -EINVAL),
	ROW_V3("level-info-bad-affinity", "no such vCPU: EINVAL", AFTER,
	       GRP(LEVEL_INFO), UINT64_C(7) << 32 | 32, false, 0, 0, -EINVAL,
	       -EINVAL),
	ROW_V3("level-info-nowhere", "a bad pointer is EFAULT", AFTER,
	       GRP(LEVEL_INFO), 32, true, 0, 0, -EFAULT, -EFAULT),
	ARM_V3("attr/level-info-out-of-range",
	       "lines that are not there are down", level_info_out_of_range),
};

CONFORM_GROUP(arm_attr);

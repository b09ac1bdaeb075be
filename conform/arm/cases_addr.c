// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_DEV_ARM_VGIC_GRP_ADDR: one address, once (kvm_vgic_addr(),
 * vgic_check_iorange()).
 */
#include "cases.h"

#define IPA_LIMIT (UINT64_C(1) << 40)
#define ADDR KVM_DEV_ARM_VGIC_GRP_ADDR

struct addr_row {
	uint64_t type;
	uint64_t addr;
	int want;
};

static void run_row(struct conform *c)
{
	const struct addr_row *row = c->test->row;
	struct arm_env *e = env_new(c);
	uint64_t addr = 0;

	env_create_gic(e);
	CHECK_RET(c, set_addr(e, row->type, row->addr), row->want);
	if (row->want == -ENXIO) {
		CHECK_RET(c, attr_has(e, e->gic, ADDR, row->type), -ENXIO);
		CHECK_RET(c, get_addr(e, row->type, &addr), -ENXIO);
		return;
	}
	CHECK_RET(c, attr_has(e, e->gic, ADDR, row->type), 0);
	CHECK_RET(c, get_addr(e, row->type, &addr), 0);
	CHECK_EQ(c, addr, row->want ? UINT64_MAX : row->addr);
}

static uint64_t first_type(const struct arm_env *e)
{
	return e->v3 ? KVM_VGIC_V3_ADDR_TYPE_DIST : KVM_VGIC_V2_ADDR_TYPE_DIST;
}

static void twice(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t addr = 0, type = first_type(e);

	env_create_gic(e);
	CHECK_RET(c, set_addr(e, type, DIST_GPA), 0);
	CHECK_RET(c, set_addr(e, type, DIST_GPA), -EEXIST);
	CHECK_RET(c, set_addr(e, type, DIST_GPA + 0x10000), -EEXIST);
	CHECK_RET(c, set_addr(e, type, DIST_GPA + 1), -EEXIST);
	CHECK_RET(c, set_addr(e, type, UINT64_MAX), -EEXIST);
	CHECK_RET(c, get_addr(e, type, &addr), 0);
	CHECK_EQ(c, addr, DIST_GPA);
}

static void nowhere(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t type = first_type(e);

	env_create_gic(e);
	CHECK_RET(c, attr_set_at(e, e->gic, ADDR, type, NOWHERE), -EFAULT);
	CHECK_RET(c, attr_get_at(e, e->gic, ADDR, type, NOWHERE), -EFAULT);
	/* The pointer before the type, where it is read first. */
	CHECK_RET(c, attr_set_at(e, e->gic, ADDR, 99, NOWHERE), -EFAULT);
	CHECK_RET(c, attr_get_at(e, e->gic, ADDR, 99, NOWHERE), -ENXIO);
}

static void after_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	env_init_gic(e);
	env_set_addrs(e);
	CHECK_RET(c, set_addr(e, first_type(e), DIST_GPA), -EEXIST);
}

#define ROW(name_, model, rule_, ...)                                          \
	{                                                                      \
		.name = "addr/" name_, .needs = model, .rule = rule_,          \
		.run = run_row, .row = &(const struct addr_row)                \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}
#define V2(name_, type, addr, rule_, want)                                     \
	ROW(name_ "-v2", ARM_GICV2, rule_, KVM_VGIC_V2_ADDR_TYPE_##type, addr, \
	    want)
#define V3(name_, type, addr, rule_, want)                                     \
	ROW(name_ "-v3", ARM_GICV3, rule_, KVM_VGIC_V3_ADDR_TYPE_##type, addr, \
	    want)

static const struct conform_case cases[] = {
	V2("dist", DIST, DIST_GPA, "an address can be read back", 0),
	V2("cpu", CPU, CPU_GPA, "an address can be read back", 0),
	V3("dist", DIST, DIST_GPA, "an address can be read back", 0),
	V3("redist", REDIST, REDIST_GPA, "an address can be read back", 0),
	V2("dist-zero", DIST, 0, "zero is an address", 0),
	V2("dist-page", DIST, DIST_GPA + 0x1000, "GICv2's frames are on 4 KiB",
	   0),
	V2("dist-half-page", DIST, DIST_GPA + 0x800, "4 KiB, else EINVAL",
	   -EINVAL),
	V2("cpu-half-page", CPU, CPU_GPA + 0x800, "4 KiB, else EINVAL",
	   -EINVAL),
	V3("dist-page", DIST, DIST_GPA + 0x1000,
	   "GICv3's frames are on 64 KiB, else EINVAL", -EINVAL),
	V3("redist-page", REDIST, REDIST_GPA + 0x1000, "64 KiB, else EINVAL",
	   -EINVAL),
	V2("dist-last", DIST, IPA_LIMIT - 0x1000,
	   "the last place in the guest's physical addresses", 0),
	V2("cpu-last", CPU, IPA_LIMIT - 0x2000, "the last place", 0),
	V2("cpu-across", CPU, IPA_LIMIT - 0x1000,
	   "across the end of guest physical addresses: E2BIG", -E2BIG),
	V2("dist-beyond", DIST, IPA_LIMIT,
	   "beyond guest physical addresses: E2BIG", -E2BIG),
	V2("dist-wraps", DIST, UINT64_MAX - 0xfff, "around 2^64: EINVAL",
	   -EINVAL),
	V2("cpu-far", CPU, UINT64_C(1) << 52, "far beyond: E2BIG", -E2BIG),
	V3("dist-last", DIST, IPA_LIMIT - 0x10000, "the last place", 0),
	V3("dist-beyond", DIST, IPA_LIMIT,
	   "beyond guest physical addresses: E2BIG", -E2BIG),
	V3("dist-wraps", DIST, UINT64_MAX - 0xffff, "around 2^64: EINVAL",
	   -EINVAL),
	ROW("dist3-v2", ARM_GICV2, "GICv3's type on a GICv2: ENXIO",
	    KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_GPA, -ENXIO),
	ROW("redist3-v2", ARM_GICV2, "GICv3's type on a GICv2: ENXIO",
	    KVM_VGIC_V3_ADDR_TYPE_REDIST, DIST_GPA, -ENXIO),
	ROW("dist2-v3", ARM_GICV3, "GICv2's type on a GICv3: ENXIO",
	    KVM_VGIC_V2_ADDR_TYPE_DIST, DIST_GPA, -ENXIO),
	ROW("cpu2-v3", ARM_GICV3, "GICv2's type on a GICv3: ENXIO",
	    KVM_VGIC_V2_ADDR_TYPE_CPU, DIST_GPA, -ENXIO),
	ROW("its-v2", ARM_GICV2, "the ITS's type: ENXIO",
	    KVM_VGIC_ITS_ADDR_TYPE, DIST_GPA, -ENXIO),
	ROW("its-v3", ARM_GICV3, "the ITS's type: ENXIO",
	    KVM_VGIC_ITS_ADDR_TYPE, DIST_GPA, -ENXIO),
	ROW("unknown-v2", ARM_GICV2, "an unknown type: ENXIO", 6, DIST_GPA,
	    -ENXIO),
	ROW("unknown-v3", ARM_GICV3, "an unknown type: ENXIO",
	    UINT64_C(1) << 32, DIST_GPA, -ENXIO),
	ARM_BOTH("addr/twice",
		 "an address is set once: EEXIST, before anything else", twice),
	ARM_BOTH("addr/nowhere", "a bad pointer is EFAULT", nowhere),
	ARM_BOTH("addr/after-init", "addresses may be set after CTRL_INIT",
		 after_init),
};

CONFORM_GROUP(arm_addr);

// SPDX-License-Identifier: BSD-3-Clause
/* The ITS: its attributes and registers (vgic-its.c). */
#include "cases.h"
#include "env_its.h"

static void needs_no_controller(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_create_its(e);
	env_create_its(e);
}

static void addresses(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t addr = 0;

	env_create_gic(e);
	env_create_its(e);
	CHECK_RET(c, attr_has(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE), 0);
	CHECK_RET(c, attr_has(e, e->its, ADDR, 0), -ENXIO);
	CHECK_RET(c, attr_get(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr),
		  0);
	CHECK_EQ(c, addr, UINT64_MAX);
	CHECK_RET(c, attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, 0x1000),
		  -EINVAL);
	CHECK_RET(c,
		  attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE,
			   UINT64_C(1) << 40),
		  -E2BIG);
	CHECK_RET(c,
		  attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE,
			   (UINT64_C(1) << 40) - 0x10000),
		  -E2BIG);
	CHECK_RET(c, attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA),
		  0);
	CHECK_RET(c, attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA),
		  -EEXIST);
	CHECK_RET(c, attr_get(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, &addr),
		  0);
	CHECK_EQ(c, addr, ITS_GPA);
}

static void other_address_types(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t addr = 0;

	env_create_its(e);
	CHECK_RET(c, attr_set(e, e->its, ADDR, 2, ITS_GPA), -ENODEV);
	CHECK_RET(c, attr_get(e, e->its, ADDR, 2, &addr), -ENODEV);
	CHECK_RET(c, attr_set_at(e, e->its, ADDR, 2, NOWHERE), -ENODEV);
	CHECK_RET(c,
		  attr_set_at(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, NOWHERE),
		  -EFAULT);
	CHECK_RET(c,
		  attr_get_at(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, NOWHERE),
		  -EFAULT);
}

static void two_at_one_address(struct conform *c)
{
	struct arm_env *e = env_its(c);

	env_create_its(e);
	CHECK_RET(c, attr_set(e, e->its, ADDR, KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA),
		  0);
}

static void registers_without_address(struct conform *c)
{
	struct arm_env *e = env_new(c);
	uint64_t value = 0;

	env_create_gic(e);
	env_create_its(e);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, GITS_CTLR), 0);
	CHECK_RET(c, attr_get(e, e->its, ITS_REGS, GITS_CTLR, &value), -ENXIO);
	CHECK_RET(c, its_set(e, GITS_CBASER, 0), -ENXIO);
	CHECK_RET(c, its_set(e, GITS_CBASER + 4, 0), -EINVAL);
	CHECK_RET(c, attr_set_at(e, e->its, ITS_REGS, GITS_CTLR, NOWHERE),
		  -EFAULT);
}

static void offsets(struct conform *c)
{
	struct arm_env *e = env_its(c);
	uint64_t value = 0;

	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, GITS_TYPER), 0);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, GITS_TYPER + 4), -EINVAL);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, GITS_IIDR), 0);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, 2), -EINVAL);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, 0xffd0), 0);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, 0xffec), 0);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, 0x40), -ENXIO);
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, 0x20000), -ENXIO);
	/* 32 bits of the offset count. */
	CHECK_RET(c, attr_has(e, e->its, ITS_REGS, UINT64_C(1) << 32), 0);
	CHECK_RET(c, attr_get(e, e->its, ITS_REGS, 0x40, &value), -ENXIO);
	CHECK_RET(c, attr_get(e, e->its, ITS_REGS, GITS_TYPER + 4, &value),
		  -EINVAL);
	CHECK_RET(c, attr_get_at(e, e->its, ITS_REGS, GITS_CTLR, NOWHERE),
		  -EFAULT);
}

static void controls(struct conform *c)
{
	struct arm_env *e = env_its(c);
	uint64_t value = 0;

	CHECK_RET(c, attr_has(e, e->its, CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT), 0);
	CHECK_RET(c, attr_has(e, e->its, CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES), 0);
	CHECK_RET(c, attr_has(e, e->its, CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES),
		  0);
	CHECK_RET(c, attr_has(e, e->its, CTRL, KVM_DEV_ARM_ITS_CTRL_RESET), 0);
	CHECK_RET(
		c,
		attr_has(e, e->its, CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES),
		-ENXIO);
	CHECK_RET(c, attr_get(e, e->its, CTRL, 0, &value), -ENXIO);
	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_CTRL_RESET, 0),
		  0);
	/* SET does not look whether HAS knows it. */
	CHECK_RET(c, attr_has(e, e->its, CTRL, 99), -ENXIO);
	CHECK_RET(c, attr_set(e, e->its, CTRL, 99, 0), 0);
}

static void unknown_groups(struct conform *c)
{
	struct arm_env *e = env_its(c);
	uint64_t value = 0;

	CHECK_RET(c, attr_has(e, e->its, 1, 0), -ENXIO);
	CHECK_RET(c, attr_set(e, e->its, 1, 0, 0), -ENXIO);
	CHECK_RET(c, attr_get(e, e->its, 99, 0, &value), -ENXIO);
	CHECK_RET(c, attr_set_at(e, e->its, 99, 0, NOWHERE), -ENXIO);
}

static void fresh(struct conform *c)
{
	struct arm_env *e = env_its(c);

	CHECK_EQ(c, its_get(e, GITS_CTLR), UINT64_C(1) << 31);
	CHECK_EQ(c, its_get(e, GITS_TYPER), 0x1ef71);
	CHECK_EQ(c, its_get(e, GITS_CBASER), 0);
	CHECK_EQ(c, its_get(e, GITS_CREADR), 0);
	CHECK_EQ(c, its_get(e, GITS_CWRITER), 0);
	CHECK_EQ(c, its_get(e, GITS_BASER0) >> 48 & 0x7ff, 0x107);
	CHECK_EQ(c, its_get(e, GITS_BASER1) >> 48 & 0x7ff, 0x407);
	CHECK_EQ(c, its_get(e, GITS_BASER0 + 16), 0);
	CHECK_EQ(c, its_get(e, 0xffe8), 0x3b);
}

static void typer_with_an_its(struct conform *c)
{
	struct arm_env *e = env_its(c);

	CHECK_EQ(c, dist_get(e, GICD_TYPER), 15u << 19 | 1u << 17 | 7);
	CHECK_EQ(c, redist_get(e, 0, GICR_TYPER) & 1, 1);
}

static void enable_needs_tables(struct conform *c)
{
	struct arm_env *e = env_its(c);

	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	CHECK_EQ(c, its_get(e, GITS_CTLR) & 1, 0);
	its_set_tables(e);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	CHECK_EQ(c, its_get(e, GITS_CTLR), UINT64_C(1) << 31 | 1);
}

static void tables_are_fixed_while_enabled(struct conform *c)
{
	struct arm_env *e = its_begin(c);
	uint64_t cbaser = its_get(e, GITS_CBASER);
	uint64_t baser = its_get(e, GITS_BASER0);

	CHECK_RET(c, its_set(e, GITS_CBASER, 0), 0);
	CHECK_RET(c, its_set(e, GITS_BASER0, 0), 0);
	CHECK_EQ(c, its_get(e, GITS_CBASER), cbaser);
	CHECK_EQ(c, its_get(e, GITS_BASER0), baser);
}

static void cbaser_resets_the_queue(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK(c, its_get(e, GITS_CWRITER) && its_get(e, GITS_CREADR));
	CHECK_RET(c, its_set(e, GITS_CTLR, 0), 0);
	CHECK_RET(c, its_set(e, GITS_CBASER, VALID | QUEUE_GPA), 0);
	CHECK_EQ(c, its_get(e, GITS_CREADR), 0);
	/* So that CREADR of a saved queue can be restored after it. */
	CHECK_RET(c, its_set(e, GITS_CREADR, 0x40), 0);
	CHECK_EQ(c, its_get(e, GITS_CREADR), 0x40);
}

static void gicr_ctlr(struct conform *c)
{
	struct arm_env *e = env_its(c);

	its_enable_lpis(e, 0);
	CHECK_EQ(c, redist_get(e, 0, GICR_CTLR) & 1, 1);
	redist_set(e, 0, GICR_PENDBASER, PEND_GPA(3));
	CHECK_EQ(c, redist_get(e, 0, GICR_PENDBASER) & 0xffff0000, PEND_GPA(0));
}

static int save_pending(struct arm_env *e)
{
	return attr_set(e, e->gic, CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
			0);
}

static void pending_tables_before_init(struct conform *c)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, 1);
	env_create_gic(e);
	CHECK_RET(
		c,
		attr_has(e, e->gic, CTRL, KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES),
		0);
	CHECK_RET(c, save_pending(e), -ENXIO);
	env_create_its(e);
	CHECK_RET(c, save_pending(e), -ENXIO);
	CHECK_RET(c, init_gic(e), 0);
	CHECK_RET(c, save_pending(e), 0);
}

static void pending_tables_nowhere(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, save_pending(e), 0);
	redist_set(e, 0, GICR_CTLR, 0);
	redist_set(e, 0, GICR_PENDBASER, 0x10000);
	CHECK_RET(c, save_pending(e), -EFAULT);
}

static void restored_devices_again(struct conform *c)
{
	struct arm_env *e = env_its(c);

	its_set_tables(e);
	CHECK_RET(c, its_set(e, GITS_CTLR, 1), 0);
	its_mapd(e, DEVICE, true);
	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, 0),
		  0);
	CHECK_RET(c,
		  attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, 0),
		  0);
}

static void restored_collections_again(struct conform *c)
{
	struct arm_env *e = its_begin(c);

	CHECK_RET(c, attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_SAVE_TABLES, 0),
		  0);
	CHECK_RET(c,
		  attr_set(e, e->its, CTRL, KVM_DEV_ARM_ITS_RESTORE_TABLES, 0),
		  -EEXIST);
	CHECK_RET(c, its_message(e, DEVICE, EVENT), 0);
}

#define CASE(name_, rule_, run_) ARM_ITS_CASE("its/" name_, rule_, run_)

static const struct conform_case cases[] = {
	CASE("needs-no-controller", "ITSs may come first, and be several",
	     needs_no_controller),
	CASE("addresses", "an address once: EINVAL, E2BIG, EEXIST", addresses),
	CASE("other-address-types", "ENODEV, before the pointer",
	     other_address_types),
	CASE("two-at-one-address", "nobody looks whether frames overlap",
	     two_at_one_address),
	CASE("registers-without-address", "ENXIO; EINVAL for the offset first",
	     registers_without_address),
	CASE("offsets", "registers are 8 bytes, but for the first and the last",
	     offsets),
	CASE("controls", "INIT, SAVE, RESTORE, RESET", controls),
	CASE("unknown-groups", "ENXIO", unknown_groups),
	CASE("fresh", "registers of a new ITS", fresh),
	CASE("typer-with-an-its", "the vGIC has LPIs then", typer_with_an_its),
	CASE("enable-needs-tables", "Enabled is ignored without tables",
	     enable_needs_tables),
	CASE("tables-are-fixed-while-enabled",
	     "CBASER and BASERs are not written while it is enabled",
	     tables_are_fixed_while_enabled),
	CASE("cbaser-resets-the-queue", "CREADR is 0 after CBASER",
	     cbaser_resets_the_queue),
	CASE("pending-tables-before-init", "ENXIO", pending_tables_before_init),
	CASE("pending-tables-nowhere", "a table that is not memory: EFAULT",
	     pending_tables_nowhere),
	CASE("restored-devices-again", "a device may be there already",
	     restored_devices_again),
	CASE("restored-collections-again", "EEXIST, and there are none",
	     restored_collections_again),
	CASE("gicr-ctlr", "EnableLPIs fixes the tables", gicr_ctlr),
};

CONFORM_GROUP(arm_its);

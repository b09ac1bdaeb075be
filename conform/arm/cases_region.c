// SPDX-License-Identifier: BSD-3-Clause
/*
 * Regions of redistributors (vgic_v3_alloc_redist_region()), and how vCPUs
 * take places in them (vgic_register_redist_iodev()).
 */
#include "cases.h"

#define REDIST_SIZE 0x20000u
#define GROUP KVM_DEV_ARM_VGIC_GRP_ADDR
#define TYPE KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION

static uint64_t region(uint64_t index, uint64_t base, uint64_t count)
{
	return count << 52 | base | index;
}

static int add(struct arm_env *e, uint64_t index, uint64_t base, uint64_t count)
{
	return set_addr(e, TYPE, region(index, base, count));
}

/* A controller with @nr vCPUs. */
static struct arm_env *begin(struct conform *c, unsigned int nr)
{
	struct arm_env *e = env_new(c);

	env_vcpus(e, nr);
	env_create_gic(e);
	return e;
}

static uint64_t typer(struct arm_env *e, uint32_t cpu)
{
	return redist_get(e, cpu, GICR_TYPER) |
	       (uint64_t)redist_get(e, cpu, GICR_TYPER + 4) << 32;
}

static bool is_last(struct arm_env *e, uint32_t cpu)
{
	return typer(e, cpu) >> 4 & 1;
}

static void one(struct conform *c)
{
	struct arm_env *e = begin(c, 2);
	uint64_t value = 0;

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	CHECK_RET(c, attr_has(e, e->gic, GROUP, TYPE), 0);
	CHECK_RET(c, get_addr(e, TYPE, &value), 0);
	CHECK_EQ(c, value, region(0, REDIST_GPA, 2));
}

static void count_zero(struct conform *c)
{
	CHECK_RET(c, add(begin(c, 1), 0, REDIST_GPA, 0), -EINVAL);
}

static void flags(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 0, REDIST_GPA | 0x1000, 1), -EINVAL);
	CHECK_RET(c, add(e, 0, REDIST_GPA | 0x8000, 1), -EINVAL);
}

static void first_index(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 1, REDIST_GPA, 1), -EINVAL);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
}

static void index_order(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	CHECK_RET(c, add(e, 0, REDIST_GPA + 0x100000, 1), -EINVAL);
	CHECK_RET(c, add(e, 2, REDIST_GPA + 0x100000, 1), -EINVAL);
	CHECK_RET(c, add(e, 1, REDIST_GPA + 0x100000, 1), 0);
}

static void index_has_eight_bits(struct conform *c)
{
	struct arm_env *e = begin(c, 1);
	uint64_t value = 0x100;

	CHECK_RET(c, add(e, 0x100, REDIST_GPA, 1), 0);
	CHECK_RET(c, get_addr(e, TYPE, &value), 0);
	CHECK_EQ(c, value, region(0, REDIST_GPA, 1));
}

static void missing(struct conform *c)
{
	struct arm_env *e = begin(c, 1);
	uint64_t value = 0;

	CHECK_RET(c, get_addr(e, TYPE, &value), -ENOENT);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	value = 1;
	CHECK_RET(c, get_addr(e, TYPE, &value), -ENOENT);
	CHECK_EQ(c, value, 1);
}

static void overlap(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	CHECK_RET(c, add(e, 1, REDIST_GPA, 1), -EINVAL);
	CHECK_RET(c, add(e, 1, REDIST_GPA + REDIST_SIZE, 1), -EINVAL);
	CHECK_RET(c, add(e, 1, REDIST_GPA - 0x10000, 1), -EINVAL);
	CHECK_RET(c, add(e, 1, REDIST_GPA + 2 * REDIST_SIZE, 1), 0);
}

static void overlap_with_distributor(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, REDIST_GPA), 0);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), -EINVAL);
	CHECK_RET(c, add(e, 0, REDIST_GPA - 0x10000, 1), -EINVAL);
	CHECK_RET(c, add(e, 0, REDIST_GPA + 0x10000, 1), 0);
}

/* With nobody to take a place, nobody looks. */
static void overlap_without_vcpus(struct conform *c)
{
	struct arm_env *e = begin(c, 0);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, REDIST_GPA), 0);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 0), -EINVAL);
}

static void beyond(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 0, UINT64_C(1) << 40, 1), -E2BIG);
	CHECK_RET(c, add(e, 0, (UINT64_C(1) << 40) - REDIST_SIZE, 2), -E2BIG);
	CHECK_RET(c, add(e, 0, (UINT64_C(1) << 40) - REDIST_SIZE, 1), 0);
}

static void legacy_after_region(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	CHECK_RET(c,
		  set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			   REDIST_GPA + 0x100000),
		  -EINVAL);
}

static void region_after_legacy(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA), 0);
	CHECK_RET(c, add(e, 0, REDIST_GPA + 0x100000, 1), -EINVAL);
}

static void legacy_twice(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA), 0);
	CHECK_RET(c,
		  set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST,
			   REDIST_GPA + 0x100000),
		  -EEXIST);
}

static void legacy_overlap(struct conform *c)
{
	struct arm_env *e = begin(c, 2);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, REDIST_GPA), 0);
	CHECK_RET(
		c,
		set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA - 0x20000),
		-EINVAL);
	CHECK_RET(
		c,
		set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA - 0x40000),
		0);
}

/* The distributor's address does not look at redistributors. */
static void distributor_on_region(struct conform *c)
{
	struct arm_env *e = begin(c, 1);
	struct arm_access access = {.addr = REDIST_GPA, .len = 4};

	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_DIST, REDIST_GPA), 0);
	env_init_gic(e);
	CHECK_RET(c, guest_access(e, 0, &access), -EINVAL);
}

static void legacy_as_region(struct conform *c)
{
	struct arm_env *e = begin(c, 1);
	uint64_t value = 0;

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA), 0);
	CHECK_RET(c, get_addr(e, TYPE, &value), 0);
	CHECK_EQ(c, value, REDIST_GPA);
}

static void first_region_as_legacy(struct conform *c)
{
	struct arm_env *e = begin(c, 1);
	uint64_t value = 0;

	CHECK_RET(c, get_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, &value), 0);
	CHECK_EQ(c, value, UINT64_MAX);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	CHECK_RET(c, get_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, &value), 0);
	CHECK_EQ(c, value, REDIST_GPA);
}

static void nowhere(struct conform *c)
{
	struct arm_env *e = begin(c, 1);

	CHECK_RET(c, attr_set_at(e, e->gic, GROUP, TYPE, NOWHERE), -EFAULT);
	CHECK_RET(c, attr_get_at(e, e->gic, GROUP, TYPE, NOWHERE), -EFAULT);
}

static void typer_of_one_region(struct conform *c)
{
	struct arm_env *e = begin(c, 3);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 3), 0);
	env_init_gic(e);
	for (uint32_t i = 0; i < 3; i++) {
		CHECK_EQ(c, typer(e, i) >> 32, i);
		CHECK_EQ(c, typer(e, i) >> 8 & 0xffff, i);
		CHECK(c, is_last(e, i) == (i == 2));
	}
}

static void last_in_use(struct conform *c)
{
	struct arm_env *e = begin(c, 2);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 8), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && is_last(e, 1));
}

static void last_of_legacy(struct conform *c)
{
	struct arm_env *e = begin(c, 3);

	CHECK_RET(c, set_addr(e, KVM_VGIC_V3_ADDR_TYPE_REDIST, REDIST_GPA), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && !is_last(e, 1) && is_last(e, 2));
}

static void last_of_two_regions(struct conform *c)
{
	struct arm_env *e = begin(c, 4);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	CHECK_RET(c, add(e, 1, REDIST_GPA + 0x100000, 2), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && is_last(e, 1));
	CHECK(c, !is_last(e, 2) && is_last(e, 3));
}

static void last_of_adjoining_regions(struct conform *c)
{
	struct arm_env *e = begin(c, 3);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	CHECK_RET(c, add(e, 1, REDIST_GPA + 2 * REDIST_SIZE, 2), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && !is_last(e, 1) && is_last(e, 2));
}

static void last_before_an_empty_region(struct conform *c)
{
	struct arm_env *e = begin(c, 2);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	CHECK_RET(c, add(e, 1, REDIST_GPA + 2 * REDIST_SIZE, 2), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && is_last(e, 1));
}

static void without_a_place(struct conform *c)
{
	struct arm_env *e = begin(c, 2);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 1), 0);
	env_init_gic(e);
	CHECK(c, is_last(e, 0) && !is_last(e, 1));
}

static void vcpus_after_the_region(struct conform *c)
{
	struct arm_env *e = begin(c, 0);

	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	env_vcpus(e, 2);
	env_init_gic(e);
	CHECK(c, !is_last(e, 0) && is_last(e, 1));
}

/* In order of creation, whatever the ids. */
static void places_by_creation(struct conform *c)
{
	struct arm_env *e = begin(c, 0);

	CHECK_RET(c, e->port->vcpu_create(e->vm, 3), 0);
	CHECK_RET(c, e->port->vcpu_create(e->vm, 1), 0);
	CHECK_RET(c, add(e, 0, REDIST_GPA, 2), 0);
	env_init_gic(e);
	CHECK(c, !is_last(e, 3) && is_last(e, 1));
	/* Their numbers are the ids all the same. */
	CHECK_EQ(c, typer(e, 3) >> 8 & 0xffff, 3);
	CHECK_EQ(c, typer(e, 1) >> 8 & 0xffff, 1);
}

static void affinity_of_high_ids(struct conform *c)
{
	struct arm_env *e = begin(c, 0);
	uint64_t low = 0;

	CHECK_RET(c, e->port->vcpu_create(e->vm, 0x12), 0);
	env_init_gic(e);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			   UINT64_C(0x102) << 32 | (GICR_TYPER + 4), &low),
		  0);
	CHECK_EQ(c, low, 0x102);
	CHECK_RET(c,
		  attr_get(e, e->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			   UINT64_C(0x12) << 32 | GICR_TYPER, &low),
		  -EINVAL);
}

#define CASE(name_, rule_, run_) ARM_V3("region/" name_, rule_, run_)

static const struct conform_case cases[] = {
	CASE("one", "a region reads back as it was set", one),
	CASE("count-zero", "no redistributors: EINVAL", count_zero),
	CASE("flags", "flags are reserved: EINVAL", flags),
	CASE("first-index", "the first index is 0: EINVAL", first_index),
	CASE("index-order", "indices are consecutive: EINVAL", index_order),
	CASE("index-has-eight-bits", "KVM keeps eight bits of the index",
	     index_has_eight_bits),
	CASE("missing", "no region of that index: ENOENT", missing),
	CASE("overlap", "regions that overlap: EINVAL", overlap),
	CASE("overlap-with-distributor",
	     "a redistributor on the distributor: EINVAL",
	     overlap_with_distributor),
	CASE("overlap-without-vcpus",
	     "a vCPU that finds its place on the distributor: EINVAL",
	     overlap_without_vcpus),
	CASE("beyond", "beyond guest physical addresses: E2BIG", beyond),
	CASE("legacy-after-region", "the two sorts do not mix: EINVAL",
	     legacy_after_region),
	CASE("region-after-legacy", "the two sorts do not mix: EINVAL",
	     region_after_legacy),
	CASE("legacy-twice", "one legacy region: EEXIST", legacy_twice),
	CASE("legacy-overlap",
	     "the legacy region is as long as there are vCPUs", legacy_overlap),
	CASE("distributor-on-region",
	     "the distributor's address is checked at the first run: EINVAL",
	     distributor_on_region),
	CASE("legacy-as-region", "the legacy region is region 0, count 0",
	     legacy_as_region),
	CASE("first-region-as-legacy",
	     "the legacy address is the first region's",
	     first_region_as_legacy),
	CASE("nowhere", "a bad pointer is EFAULT, for GET too", nowhere),
	CASE("typer", "GICR_TYPER: affinity, number, Last",
	     typer_of_one_region),
	CASE("last-in-use", "Last is the last in use", last_in_use),
	CASE("last-of-legacy", "Last in the legacy region", last_of_legacy),
	CASE("last-of-two-regions", "Last of each region", last_of_two_regions),
	CASE("last-of-adjoining-regions", "regions that adjoin are one run",
	     last_of_adjoining_regions),
	CASE("last-before-an-empty-region",
	     "a region that nobody uses does not continue the run",
	     last_before_an_empty_region),
	CASE("without-a-place", "a vCPU without a place is not Last",
	     without_a_place),
	CASE("vcpus-after-the-region", "vCPUs find their places as they come",
	     vcpus_after_the_region),
	CASE("places-by-creation", "places go by order of creation",
	     places_by_creation),
	CASE("affinity-of-high-ids", "Aff0 is four bits of the vCPU's id",
	     affinity_of_high_ids),
};

CONFORM_GROUP(arm_region);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where a guest finds the frames: addresses, and regions of redistributors.
 *
 * A region has a count; the legacy one (KVM_VGIC_V3_ADDR_TYPE_REDIST) is as
 * long as there are vCPUs, so it grows.  vCPUs take places in the order of
 * their creation, the first region with room first.
 *
 * vgic->lock is held in all of this.
 */
#include <errno.h>
#include "life.h"

/* KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION's fields. */
#define REGION_INDEX_MASK 0xfffull
#define REGION_FLAGS_MASK 0xf000ull
#define REGION_BASE_MASK 0xfffffffff0000ull
#define REGION_COUNT_SHIFT 52

#define SIZE_4K 0x1000u
#define SIZE_64K 0x10000u

static uint32_t nr_cpus(const struct vgic *vgic)
{
	/* Relaxed: it grows with vgic->lock held. */
	return atomic_load_explicit(&vgic->nr_cpus, memory_order_relaxed);
}

static uint64_t region_size(const struct vgic *vgic, uint32_t count)
{
	return (uint64_t)(count ? count : nr_cpus(vgic)) *
	       KVM_VGIC_V3_REDIST_SIZE;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool overlaps_regions(const struct vgic *vgic, uint64_t base,
			     uint64_t size)
{
	for (uint32_t i = 0; i < vgic->nr_regions; i++) {
		const struct vgic_redist_region *region = &vgic->regions[i];

		if (overlap(base, size, region->base,
			    region_size(vgic, region->count)))
			return true;
	}
	return false;
}

int vgic_check_range(const struct vgic *vgic, uint64_t old, uint64_t addr,
		     uint64_t alignment, uint64_t size)
{
	uint64_t limit = 1ull << vgic->config.ipa_bits;

	if (old != VGIC_NO_ADDR)
		return -EEXIST;
	if (addr & (alignment - 1) || addr + size < addr)
		return -EINVAL;
	if (addr >= limit || addr + size > limit)
		return -E2BIG;
	return 0;
}

static bool v2_addrs_good(const struct vgic *vgic)
{
	return !overlap(vgic->dist_base, KVM_VGIC_V2_DIST_SIZE, vgic->cpu_base,
			KVM_VGIC_V2_CPU_SIZE);
}

bool vgic_addrs_good(const struct vgic *vgic)
{
	if (!vgic_is_v3(vgic))
		return v2_addrs_good(vgic);
	for (uint32_t i = 0; i < vgic->nr_regions; i++) {
		const struct vgic_redist_region *region = &vgic->regions[i];

		if (vgic_check_range(vgic, VGIC_NO_ADDR, region->base, SIZE_64K,
				     region_size(vgic, region->count)))
			return false;
	}
	return vgic->dist_base == VGIC_NO_ADDR ||
	       !overlaps_regions(vgic, vgic->dist_base, KVM_VGIC_V3_DIST_SIZE);
}

/* GICR_TYPER.Last: the last in use of a run of adjoining redistributors. */
static bool is_last(const struct vgic *vgic, const struct vgic_cpu *cpu)
{
	const struct vgic_redist_region *region = vgic->regions;
	uint64_t end = cpu->redist_base + KVM_VGIC_V3_REDIST_SIZE;
	uint64_t region_end;

	while (cpu->redist_base - region->base >=
	       (uint64_t)region->used * KVM_VGIC_V3_REDIST_SIZE)
		region++;
	if (end <
	    region->base + (uint64_t)region->used * KVM_VGIC_V3_REDIST_SIZE)
		return false;
	region_end = region->base + region_size(vgic, region->count);
	if (!region->count || end != region_end)
		return true;
	for (uint32_t i = 0; i < vgic->nr_regions; i++)
		if (vgic->regions[i].base == end && vgic->regions[i].used)
			return false;
	return true;
}

static int place_redist(struct vgic *vgic, struct vgic_cpu *cpu)
{
	struct vgic_redist_region *region = NULL;

	if (cpu->redist_base != VGIC_NO_ADDR)
		return 0;
	for (uint32_t i = 0; i < vgic->nr_regions && !region; i++)
		if (!vgic->regions[i].count ||
		    vgic->regions[i].used < vgic->regions[i].count)
			region = &vgic->regions[i];
	if (!region)
		return 0;
	if (!vgic_addrs_good(vgic))
		return -EINVAL;
	cpu->redist_base =
		region->base + (uint64_t)region->used * KVM_VGIC_V3_REDIST_SIZE;
	region->used++;
	return 0;
}

static void update_last(const struct vgic *vgic, struct vgic_cpu *cpu)
{
	bool last = cpu->redist_base != VGIC_NO_ADDR && is_last(vgic, cpu);

	/* No write without a change: from READY on, guests read it. */
	if (cpu->redist_last != last)
		cpu->redist_last = last;
}

int vgic_place_redist(struct vgic *vgic, struct vgic_cpu *cpu)
{
	int ret = place_redist(vgic, cpu);

	if (ret)
		return ret;
	for (uint32_t i = 0; i < nr_cpus(vgic); i++)
		update_last(vgic, vgic->cpus[i]);
	update_last(vgic, cpu);
	return 0;
}

/* Where a new region may be; Linux's order of checks. */
static int check_region(const struct vgic *vgic, uint32_t index, uint64_t base,
			uint32_t count)
{
	uint64_t size = region_size(vgic, count);

	if (base + size < base)
		return -EINVAL;
	if (!vgic->nr_regions) {
		if (index)
			return -EINVAL;
	} else {
		if (!count && vgic->regions[vgic->nr_regions - 1].count)
			return -EINVAL;
		if (!count)
			return -EEXIST;
		if (index != vgic->nr_regions)
			return -EINVAL;
	}
	if (!count && vgic->dist_base != VGIC_NO_ADDR &&
	    overlap(vgic->dist_base, KVM_VGIC_V3_DIST_SIZE, base, size))
		return -EINVAL;
	if (overlaps_regions(vgic, base, size))
		return -EINVAL;
	return vgic_check_range(vgic, VGIC_NO_ADDR, base, SIZE_64K, size);
}

static int add_region(struct vgic *vgic, uint32_t index, uint64_t base,
		      uint32_t count)
{
	int ret = check_region(vgic, index, base, count);

	if (ret)
		return ret;
	vgic->regions[vgic->nr_regions++] = (struct vgic_redist_region){
		.base = base,
		.count = count,
	};
	for (uint32_t i = 0; i < nr_cpus(vgic) && !ret; i++)
		ret = vgic_place_redist(vgic, vgic->cpus[i]);
	/* The addresses are bad, so nobody got a place. */
	if (ret)
		vgic->nr_regions--;
	return ret;
}

static int set_base(const struct vgic *vgic, uint64_t *base, uint64_t value,
		    uint64_t alignment, uint64_t size)
{
	int ret = vgic_check_range(vgic, *base, value, alignment, size);

	if (!ret)
		*base = value;
	return ret;
}

static bool type_is_v3(uint64_t type)
{
	return type >= KVM_VGIC_V3_ADDR_TYPE_DIST;
}

static bool type_of_model(const struct vgic *vgic, uint64_t type)
{
	return type <= KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION &&
	       type != KVM_VGIC_ITS_ADDR_TYPE &&
	       type_is_v3(type) == vgic_is_v3(vgic);
}

int vgic_set_addr(struct vgic *vgic, uint64_t type, uint64_t value)
{
	if (!type_of_model(vgic, type))
		return -ENODEV;
	switch (type) {
	case KVM_VGIC_V2_ADDR_TYPE_DIST:
		return set_base(vgic, &vgic->dist_base, value, SIZE_4K,
				KVM_VGIC_V2_DIST_SIZE);
	case KVM_VGIC_V2_ADDR_TYPE_CPU:
		return set_base(vgic, &vgic->cpu_base, value, SIZE_4K,
				KVM_VGIC_V2_CPU_SIZE);
	case KVM_VGIC_V3_ADDR_TYPE_DIST:
		return set_base(vgic, &vgic->dist_base, value, SIZE_64K,
				KVM_VGIC_V3_DIST_SIZE);
	case KVM_VGIC_V3_ADDR_TYPE_REDIST: return add_region(vgic, 0, value, 0);
	default:
		if (!(value >> REGION_COUNT_SHIFT) || value & REGION_FLAGS_MASK)
			return -EINVAL;
		/* Linux keeps eight bits of the index. */
		return add_region(vgic, (uint8_t)(value & REGION_INDEX_MASK),
				  value & REGION_BASE_MASK,
				  (uint32_t)(value >> REGION_COUNT_SHIFT));
	}
}

static int get_region(const struct vgic *vgic, uint64_t *value)
{
	uint32_t index = (uint8_t)(*value & REGION_INDEX_MASK);
	const struct vgic_redist_region *region;

	if (index >= vgic->nr_regions)
		return -ENOENT;
	region = &vgic->regions[index];
	*value = index | region->base |
		 (uint64_t)region->count << REGION_COUNT_SHIFT;
	return 0;
}

int vgic_get_addr(const struct vgic *vgic, uint64_t type, uint64_t *value)
{
	if (!type_of_model(vgic, type))
		return -ENODEV;
	switch (type) {
	case KVM_VGIC_V2_ADDR_TYPE_CPU: *value = vgic->cpu_base; return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST:
		*value =
			vgic->nr_regions ? vgic->regions[0].base : VGIC_NO_ADDR;
		return 0;
	case KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION:
		return get_region(vgic, value);
	default: *value = vgic->dist_base; return 0;
	}
}

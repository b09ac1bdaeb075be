/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers that tell of tables in guest memory, GITS_BASER, GITS_CBASER,
 * GICR_PROPBASER, GICR_PENDBASER (IHI 0069): what they have in common is the
 * memory attributes, of which Linux changes those that it does not have.
 */
#ifndef VIRQ_VGIC_MEMORY_ATTR_H
#define VIRQ_VGIC_MEMORY_ATTR_H

#include <stdint.h>

/* Bits @high..@low. */
#define BITS(high, low) (UINT64_MAX >> (63 - (high)) & UINT64_MAX << (low))

/* Values of the fields. */
#define CACHE_NON_CACHEABLE 1u
#define CACHE_READ_ALLOCATE 3u /* write-back */
#define INNER_SHAREABLE 1u
#define OUTER_SHAREABLE 2u

/* Everywhere. */
#define SHAREABILITY_SHIFT 10

/* Where a kind of register has the fields of three bits. */
struct memory_attr_fields {
	unsigned int inner, outer;
};

static inline uint64_t memory_attr_sanitise(struct memory_attr_fields at,
					    uint64_t value)
{
	uint64_t share = value >> SHAREABILITY_SHIFT & 3;
	uint64_t inner = value >> at.inner & 7;
	uint64_t outer = value >> at.outer & 7;

	value &= ~(UINT64_C(3) << SHAREABILITY_SHIFT | UINT64_C(7) << at.inner |
		   UINT64_C(7) << at.outer);
	if (share == OUTER_SHAREABLE)
		share = INNER_SHAREABLE;
	if (inner <= CACHE_NON_CACHEABLE)
		inner = CACHE_READ_ALLOCATE;
	if (outer > CACHE_NON_CACHEABLE)
		outer = 0; /* as inner */
	return value | share << SHAREABILITY_SHIFT | inner << at.inner |
	       outer << at.outer;
}

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The destination table and delivery by destination.
 *
 * Locks: map_lock is outermost and held over the grace period; no reader takes
 * it.  Two tables take turns, so a rebuild needs no memory and cannot fail:
 * the one that is not published has no reader left, because each rebuild waits
 * for a grace period before it lets go of the lock.
 */
#include "apic_map.h"
#include "core/rcu.h"

#include <string.h>

#define XAPIC_BROADCAST 0xffu
#define X2APIC_BROADCAST 0xffffffffu

void apic_bus_init(struct apic_bus *bus, const struct apic_bus_config *config)
{
	memset(bus, 0, sizeof(*bus));
	bus->config = *config;
	pthread_mutex_init(&bus->map_lock, NULL);
	rcu_store(bus->map, &bus->maps[0]);
}

void apic_bus_destroy(struct apic_bus *bus)
{
	pthread_mutex_destroy(&bus->map_lock);
}

/* With map_lock held.  There are not more vCPUs than places. */
static uint32_t free_index(struct apic_bus *bus)
{
	uint32_t index = 0;

	while (index < VIRQ_MAX_VCPUS - 1 && apic_bus_lapic(bus, index))
		index++;
	return index;
}

void apic_bus_add(struct apic_bus *bus, struct lapic *apic)
{
	pthread_mutex_lock(&bus->map_lock);
	apic->index = free_index(bus);
	/* Release: a walk that finds the APIC finds it set up. */
	atomic_store_explicit(&bus->lapic[apic->index], apic,
			      memory_order_release);
	if (apic_bus_limit(bus) <= apic->index)
		atomic_store_explicit(&bus->limit, apic->index + 1,
				      memory_order_release);
	pthread_mutex_unlock(&bus->map_lock);
	apic_bus_update(bus);
}

void apic_bus_remove(struct apic_bus *bus, struct lapic *apic)
{
	/* Relaxed: the grace period below is what readers are waited for by. */
	atomic_store_explicit(&bus->lapic[apic->index], NULL,
			      memory_order_relaxed);
	apic_bus_update(bus);
	/* A walk may hold the pointer though no table changed. */
	rcu_synchronize();
}

/*
 * Enter @apic by its physical id.  False if the id is taken and the table
 * therefore cannot tell all targets.
 */
static bool map_add_physical(const struct apic_bus *bus, struct apic_map *map,
			     struct lapic *apic)
{
	bool x2apic = lapic_x2apic(apic);
	uint32_t xapic_id = lapic_xapic_id(apic);
	uint32_t id = x2apic ? apic->vcpu_id : xapic_id;

	if (!bus->config.ids32) {
		if (map->phys[id])
			return false;
		map->phys[id] = apic;
		return true;
	}
	/*
	 * With 32-bit ids a vCPU beyond 255 is reached by its number even
	 * while it is in xAPIC mode, as one just plugged in is; the truncated
	 * id that it shows there gives way to the APIC that owns it.
	 */
	if (x2apic || apic->vcpu_id > XAPIC_BROADCAST)
		map->phys[apic->vcpu_id] = apic;
	if (!x2apic && !map->phys[xapic_id])
		map->phys[xapic_id] = apic;
	return true;
}

/*
 * The slots and the bits in them that a logical destination names; false where
 * the table cannot answer.  A mask of 0 is an answer.
 */
static bool map_logical(struct apic_map *map, uint32_t dest,
			struct lapic ***slots, uint32_t *mask)
{
	uint32_t first;

	switch (map->logical) {
	case APIC_LOGICAL_NONE:
		*slots = map->xapic[0];
		*mask = 0;
		return true;
	case APIC_LOGICAL_FLAT:
		*slots = map->xapic[0];
		*mask = dest & 0xff;
		return true;
	case APIC_LOGICAL_CLUSTER:
		*slots = map->xapic[(dest >> 4) & 15];
		*mask = dest & 15;
		return true;
	case APIC_LOGICAL_X2APIC:
		*slots = map->phys;
		*mask = 0;
		first = (dest >> 16) << 4;
		if (first > map->max_id)
			return true;
		*slots = &map->phys[first];
		*mask = dest & 0xffff;
		/* The last cluster may be cut short. */
		if (map->max_id - first < 15)
			*mask &= (2u << (map->max_id - first)) - 1;
		return true;
	case APIC_LOGICAL_MIXED: break;
	}
	return false;
}

static enum apic_logical_mode lapic_logical_mode(const struct lapic *apic)
{
	if (lapic_x2apic(apic))
		return APIC_LOGICAL_X2APIC;
	return lapic_reg(apic, APIC_DFR) == APIC_DFR_FLAT
		       ? APIC_LOGICAL_FLAT
		       : APIC_LOGICAL_CLUSTER;
}

/* Enter @apic by its logical id; shared or multiple bits give up the table. */
static void map_add_logical(struct apic_map *map, struct lapic *apic)
{
	enum apic_logical_mode mode = lapic_logical_mode(apic);
	uint32_t ldr = lapic_reg(apic, APIC_LDR);
	struct lapic **slots;
	uint32_t mask;

	if (map->logical == APIC_LOGICAL_MIXED ||
	    !(lapic_flags(apic) & LAPIC_SW_ENABLED) || !ldr)
		return;
	if (map->logical == APIC_LOGICAL_NONE)
		map->logical = mode;
	if (map->logical != mode) {
		map->logical = APIC_LOGICAL_MIXED;
		return;
	}
	/* An x2APIC's logical id follows from its physical one. */
	if (mode == APIC_LOGICAL_X2APIC)
		return;
	map_logical(map, ldr >> 24, &slots, &mask);
	if (!mask)
		return;
	if ((mask & (mask - 1)) || slots[__builtin_ctz(mask)])
		map->logical = APIC_LOGICAL_MIXED;
	else
		slots[__builtin_ctz(mask)] = apic;
}

static void map_build(struct apic_bus *bus, struct apic_map *map)
{
	uint32_t limit = apic_bus_limit(bus);

	memset(map, 0, sizeof(*map));
	map->usable = limit > 0;
	map->max_id = XAPIC_BROADCAST;
	for (uint32_t i = 0; i < limit; i++) {
		struct lapic *apic = apic_bus_lapic(bus, i);

		if (!apic || !(lapic_flags(apic) & LAPIC_HW_ENABLED))
			continue;
		if (apic->vcpu_id > map->max_id)
			map->max_id = apic->vcpu_id;
		if (!map_add_physical(bus, map, apic)) {
			map->usable = false;
			return;
		}
		map_add_logical(map, apic);
	}
}

void apic_bus_update(struct apic_bus *bus)
{
	struct apic_map *spare;

	/* Relaxed: whose registers changed is who will look, on its thread. */
	atomic_fetch_add_explicit(&bus->changes, 1, memory_order_relaxed);
	/*
	 * Pairs with the exchange below: either it sees this, or what was
	 * written before this is seen by the walk after it.
	 */
	atomic_store(&bus->stale, true);
	pthread_mutex_lock(&bus->map_lock);
	/* Another thread's rebuild may have covered our change. */
	if (!atomic_exchange(&bus->stale, false))
		goto out_unlock;
	spare = &bus->maps[bus->map == &bus->maps[0]];
	map_build(bus, spare);
	/* Padding that differs costs a grace period for nothing, no more. */
	/* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison) */
	if (memcmp(spare, bus->map, sizeof(*spare)) == 0)
		goto out_unlock;
	rcu_store(bus->map, spare);
	rcu_synchronize();
out_unlock:
	pthread_mutex_unlock(&bus->map_lock);
}

/*
 * Everybody's number?  An IPI speaks the language of the APIC that sends it.
 * For other messages 0xff is everybody, unless the quirk is off and all is
 * x2APIC, where 0xff is the id of vCPU 255.
 */
static bool dest_is_broadcast(const struct apic_bus *bus,
			      const struct apic_map *map,
			      const struct lapic *src, uint32_t dest)
{
	if (bus->config.broadcast_quirk)
		return dest == (src && lapic_x2apic(src) ? X2APIC_BROADCAST
							 : XAPIC_BROADCAST);
	if (dest == XAPIC_BROADCAST)
		return map->logical != APIC_LOGICAL_X2APIC;
	return dest == X2APIC_BROADCAST;
}

static bool msg_is_lowest(const struct x86_msg *msg)
{
	return msg->mode == X86_DM_LOWEST || msg->redirect_hint;
}

static bool lapic_before(const struct lapic *a, const struct lapic *b)
{
	/* Relaxed: a tie-break; any value that was ever there will do. */
	return atomic_load_explicit(&a->arb_prio, memory_order_relaxed) <
	       atomic_load_explicit(&b->arb_prio, memory_order_relaxed);
}

/*
 * One of several for lowest priority.  Hashing counts the bits that the
 * message names, not the APICs that answer to them: an empty slot drops it.
 */
static uint32_t mask_pick(const struct apic_bus *bus,
			  struct lapic *const *slots, uint32_t mask,
			  uint8_t vector)
{
	uint32_t best = 0;

	if (!mask)
		return 0;
	if (bus->config.vector_hashing) {
		int n = vector % __builtin_popcount(mask);

		while (n--)
			mask &= mask - 1;
		return mask & -mask;
	}
	for (; mask; mask &= mask - 1) {
		unsigned int slot = (unsigned int)__builtin_ctz(mask);

		if (slots[slot] &&
		    (!best ||
		     lapic_before(slots[slot], slots[__builtin_ctz(best)])))
			best = 1u << slot;
	}
	return best;
}

/* One for a physical destination, or NULL. */
static struct lapic *map_physical(struct apic_map *map, uint32_t dest)
{
	return dest <= map->max_id ? map->phys[dest] : NULL;
}

/* As map_logical(), one of several being chosen for lowest priority. */
static bool map_choose(const struct apic_bus *bus, struct apic_map *map,
		       const struct x86_msg *msg, struct lapic ***slots,
		       uint32_t *mask)
{
	if (!map_logical(map, msg->dest, slots, mask))
		return false;
	if (msg_is_lowest(msg))
		*mask = mask_pick(bus, *slots, *mask, msg->vector);
	return true;
}

bool apic_bus_deliver_fast(struct apic_bus *bus, struct lapic *src,
			   const struct x86_msg *msg, int *result)
{
	struct apic_map *map = rcu_load(bus->map);
	struct lapic **slots;
	uint32_t mask;
	int targets = 0;

	if (!map->usable || dest_is_broadcast(bus, map, src, msg->dest))
		return false;
	if (!msg->logical) {
		struct lapic *apic = map_physical(map, msg->dest);

		*result = apic ? lapic_accept(apic, msg) : 0;
		return true;
	}
	if (!map_choose(bus, map, msg, &slots, &mask))
		return false;
	for (; mask; mask &= mask - 1) {
		struct lapic *apic = slots[__builtin_ctz(mask)];

		if (apic)
			targets += lapic_accept(apic, msg);
	}
	*result = targets;
	return true;
}

/* Does @apic answer to @dest?  Each APIC decides by its own registers. */
static bool lapic_matches(const struct apic_bus *bus, const struct lapic *apic,
			  const struct lapic *src, const struct x86_msg *msg)
{
	bool x2apic = lapic_x2apic(apic);
	uint32_t dest = msg->dest;
	uint32_t ldr;

	if (bus->config.broadcast_quirk && !src && x2apic &&
	    dest == XAPIC_BROADCAST)
		dest = X2APIC_BROADCAST;
	if (dest == (x2apic ? X2APIC_BROADCAST : XAPIC_BROADCAST))
		return true;
	if (!msg->logical) {
		/* Beyond 8 bits only the vCPU's number can be meant. */
		if (x2apic || dest > XAPIC_BROADCAST)
			return dest == apic->vcpu_id;
		return dest == lapic_xapic_id(apic);
	}
	ldr = lapic_reg(apic, APIC_LDR);
	if (x2apic)
		return ldr >> 16 == dest >> 16 && (ldr & dest & 0xffff);
	ldr >>= 24;
	switch (lapic_reg(apic, APIC_DFR)) {
	case APIC_DFR_FLAT: return ldr & dest;
	case APIC_DFR_CLUSTER:
		return ldr >> 4 == dest >> 4 && (ldr & dest & 15);
	default: return false;
	}
}

bool apic_bus_matches(const struct apic_bus *bus, const struct lapic *apic,
		      const struct x86_msg *msg)
{
	return lapic_matches(bus, apic, NULL, msg);
}

/* The only one that the table names; NULL, too, if it names none or cannot. */
static struct lapic *map_single(const struct apic_bus *bus,
				struct apic_map *map, const struct x86_msg *msg)
{
	struct lapic **slots;
	uint32_t mask;

	if (!map->usable || dest_is_broadcast(bus, map, NULL, msg->dest))
		return NULL;
	if (!msg->logical)
		return map_physical(map, msg->dest);
	if (!map_choose(bus, map, msg, &slots, &mask) || !mask ||
	    (mask & (mask - 1)))
		return NULL;
	return slots[__builtin_ctz(mask)];
}

/*
 * As in Linux all are asked, too, where the table names several or nobody: of
 * the places it names only one may be taken.
 */
struct lapic *apic_bus_single(struct apic_bus *bus, const struct x86_msg *msg)
{
	struct lapic *single = map_single(bus, rcu_load(bus->map), msg);
	uint32_t limit = apic_bus_limit(bus);

	if (single)
		return single;
	for (uint32_t i = 0; i < limit; i++) {
		struct lapic *apic = apic_bus_lapic(bus, i);

		if (!apic || !(lapic_flags(apic) & LAPIC_HW_ENABLED) ||
		    !lapic_matches(bus, apic, NULL, msg))
			continue;
		if (single)
			return NULL;
		single = apic;
	}
	return single;
}

static bool lapic_targeted(const struct apic_bus *bus, const struct lapic *apic,
			   const struct lapic *src, const struct x86_msg *msg,
			   enum apic_shorthand shorthand)
{
	switch (shorthand) {
	case APIC_DEST_SELF: return apic == src;
	case APIC_DEST_ALL: return true;
	case APIC_DEST_OTHERS: return apic != src;
	case APIC_DEST_FIELD: break;
	}
	return lapic_matches(bus, apic, src, msg);
}

/* The candidate number (vector modulo candidates), or NULL if there is none. */
static struct lapic *candidates_hash(struct apic_bus *bus,
				     const uint64_t *candidates,
				     unsigned int count, uint8_t vector)
{
	unsigned int n = count ? vector % count : 0;

	for (unsigned int i = 0; i < VIRQ_MAX_VCPUS / 64; i++) {
		uint64_t word = candidates[i];

		for (; word; word &= word - 1)
			if (!n--)
				return apic_bus_lapic(
					bus,
					i * 64 + (unsigned int)__builtin_ctzll(
							 word));
	}
	return NULL;
}

/* Ask every APIC. */
static int bus_walk(struct apic_bus *bus, struct lapic *src,
		    const struct x86_msg *orig, enum apic_shorthand shorthand)
{
	uint64_t candidates[VIRQ_MAX_VCPUS / 64] = {0};
	unsigned int count = 0;
	struct x86_msg msg = *orig;
	struct lapic *lowest = NULL;
	uint32_t limit = apic_bus_limit(bus);
	int targets = -1;

	/* Lowest priority of everybody by physical id has no meaning. */
	if (!msg.logical && msg.dest == XAPIC_BROADCAST && msg_is_lowest(&msg))
		msg.mode = X86_DM_FIXED;

	for (uint32_t i = 0; i < limit; i++) {
		struct lapic *apic = apic_bus_lapic(bus, i);
		uint32_t flags;

		if (!apic)
			continue;
		flags = lapic_flags(apic);
		if (!(flags & LAPIC_HW_ENABLED) ||
		    !lapic_targeted(bus, apic, src, &msg, shorthand))
			continue;
		if (!msg_is_lowest(&msg)) {
			if (targets < 0)
				targets = 0;
			targets += lapic_accept(apic, &msg);
		} else if (flags & LAPIC_SW_ENABLED) {
			candidates[i / 64] |= 1ull << (i % 64);
			count++;
			if (!lowest || lapic_before(apic, lowest))
				lowest = apic;
		}
	}
	if (bus->config.vector_hashing)
		lowest = candidates_hash(bus, candidates, count, msg.vector);
	if (lowest)
		targets = lapic_accept(lowest, &msg);
	return targets;
}

int apic_bus_deliver(struct apic_bus *bus, struct lapic *src,
		     const struct x86_msg *msg, enum apic_shorthand shorthand)
{
	int result;

	if (shorthand == APIC_DEST_SELF)
		return lapic_accept(src, msg);
	if (shorthand == APIC_DEST_FIELD &&
	    apic_bus_deliver_fast(bus, src, msg, &result))
		return result;
	return bus_walk(bus, src, msg, shorthand);
}

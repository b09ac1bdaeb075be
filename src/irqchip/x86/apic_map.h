/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The APIC bus: the local APICs of a VM, and who a message is for.
 *
 * Lookup is by a table of destinations, read under RCU and rebuilt under
 * map_lock when an id, LDR, DFR, mode or enable bit changes.  Where a table
 * cannot answer (broadcast, shared ids, mixed logical modes) every APIC is
 * asked in turn.
 */
#ifndef VIRQ_X86_APIC_MAP_H
#define VIRQ_X86_APIC_MAP_H

#include <pthread.h>
#include <stdatomic.h>

#include <virq/vcpu.h>
#include "lapic.h"
#include "msg.h"

enum apic_logical_mode {
	APIC_LOGICAL_NONE, /* no APIC has a logical id */
	APIC_LOGICAL_FLAT,
	APIC_LOGICAL_CLUSTER,
	APIC_LOGICAL_X2APIC,
	APIC_LOGICAL_MIXED, /* the table cannot answer */
};

struct apic_map {
	bool usable; /* false: two APICs share a physical id */
	enum apic_logical_mode logical;
	uint32_t max_id;
	/* Logical: 8 of a flat model, or 4 in each of 16 clusters. */
	struct lapic *xapic[16][4];
	/* Physical; in runs of 16 also the clusters of x2APIC. */
	struct lapic *phys[VIRQ_MAX_VCPUS];
};

/* @apic completed @vector.  vCPU thread, no locks. */
typedef void apic_bus_eoi_fn(struct lapic *apic, uint8_t vector, bool level,
			     bool directed);

struct apic_bus_config {
	/* These two may change in operation (KVM_CAP_X2APIC_API). */
	atomic_bool ids32; /* MSIs carry 32-bit destinations */
	atomic_bool broadcast_quirk; /* 0xff in an MSI reaches x2APICs, too */
	bool vector_hashing; /* lowest priority: vector modulo candidates */
	uint64_t (*tsc_read)(void *opaque, uint32_t vcpu_id);
	uint32_t tsc_khz;
	void *tsc_opaque;
	apic_bus_eoi_fn *eoi;
};

struct apic_bus {
	struct apic_bus_config config;
	/*
	 * In the order in which they were made, as Linux has its vCPUs: where
	 * several would do, the first is taken.
	 */
	_Atomic(struct lapic *) lapic[VIRQ_MAX_VCPUS];
	_Atomic uint32_t limit; /* all are below; only grows */

	/* Of the APICs' addressing: so many that who matches may differ. */
	atomic_uint changes;

	struct apic_map *map; /* RCU; one of maps[] */
	atomic_bool stale;
	pthread_mutex_t map_lock;
	struct apic_map maps[2];
};

enum apic_shorthand {
	APIC_DEST_FIELD = 0,
	APIC_DEST_SELF = 1,
	APIC_DEST_ALL = 2,
	APIC_DEST_OTHERS = 3,
};

void apic_bus_init(struct apic_bus *bus, const struct apic_bus_config *config);
void apic_bus_destroy(struct apic_bus *bus);
void apic_bus_add(struct apic_bus *bus, struct lapic *apic);
void apic_bus_remove(struct apic_bus *bus, struct lapic *apic);

/* An APIC's addressing changed.  Blocks for a grace period; not in RCU. */
void apic_bus_update(struct apic_bus *bus);

/*
 * Deliver @msg; inside an RCU read-side section.  @src: the APIC that sends an
 * IPI, NULL for others.  Number of targets that took it; 0 also when the table
 * knows the destination but nobody is there; -1 when all were asked and none
 * answered.
 */
int apic_bus_deliver(struct apic_bus *bus, struct lapic *src,
		     const struct x86_msg *msg, enum apic_shorthand shorthand);
/* By the table alone, without shorthand; false where it cannot answer. */
bool apic_bus_deliver_fast(struct apic_bus *bus, struct lapic *src,
			   const struct x86_msg *msg, int *result);

/* Is @apic a destination of @msg, which is no IPI?  Any thread. */
bool apic_bus_matches(const struct apic_bus *bus, const struct lapic *apic,
		      const struct x86_msg *msg);

/*
 * The one APIC that takes @msg, which is no IPI; NULL if there are several or
 * none.  Inside an RCU read-side section.
 */
struct lapic *apic_bus_single(struct apic_bus *bus, const struct x86_msg *msg);

/*
 * A timer's wire to every LINT0 has risen.  Nothing, unless one of them is set
 * to NMI.  Inside an RCU read-side section.
 */
void apic_bus_lint0_watchdog(struct apic_bus *bus);

/* For walks: the APIC at @index, or NULL if none is there (any more). */
static inline struct lapic *apic_bus_lapic(struct apic_bus *bus, uint32_t index)
{
	/* Acquire: pairs with the release in apic_bus_add(). */
	return atomic_load_explicit(&bus->lapic[index], memory_order_acquire);
}

static inline uint32_t apic_bus_limit(const struct apic_bus *bus)
{
	return atomic_load_explicit(&bus->limit, memory_order_acquire);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* Local APICs on a bus of their own, and short words to drive them. */
#ifndef VIRQ_TEST_LAPIC_FIXTURE_H
#define VIRQ_TEST_LAPIC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/rcu.h"
#include "fake_core.h"
#include "irqchip/x86/apic_map.h"
#include "irqchip/x86/lapic.h"

#define NO_TARGET (-1)
#define SW_ENABLE (APIC_SVR_ENABLE | 0xffu)
#define X2APIC_ON (APIC_DEFAULT_BASE | APIC_BASE_ENABLE | APIC_BASE_X2APIC)
#define XAPIC_ON (APIC_DEFAULT_BASE | APIC_BASE_ENABLE)

struct plane {
	struct apic_bus bus;
	struct virq_vm vm;
	struct virq_vcpu vcpu[VIRQ_MAX_VCPUS];
	struct lapic *apic[VIRQ_MAX_VCPUS];
	/* What config.eoi saw last. */
	unsigned int eois;
	uint8_t eoi_vector;
	bool eoi_level, eoi_directed;
};

static inline uint64_t plane_tsc(void *opaque, uint32_t vcpu_id)
{
	(void)opaque;
	/* 2 GHz, and each vCPU's own offset. */
	return 2 * fake_now() + vcpu_id;
}

static inline void plane_eoi(struct lapic *apic, uint8_t vector, bool level,
			     bool directed)
{
	struct plane *p = (struct plane *)apic->bus;

	p->eois++;
	p->eoi_vector = vector;
	p->eoi_level = level;
	p->eoi_directed = directed;
}

static inline struct apic_bus_config plane_config(void)
{
	return (struct apic_bus_config){
		.broadcast_quirk = true,
		.vector_hashing = true,
		.tsc_read = plane_tsc,
		.tsc_khz = 2000000,
		.eoi = plane_eoi,
	};
}

static inline void plane_add(struct plane *p, uint32_t id)
{
	p->vcpu[id].vm = &p->vm;
	p->vcpu[id].id = id;
	assert_int_equal(lapic_create(&p->bus, &p->vcpu[id], &p->apic[id]), 0);
	p->vcpu[id].priv = p->apic[id];
}

static inline struct plane *plane_create(struct apic_bus_config config,
					 unsigned int nr)
{
	struct plane *p = aligned_alloc(64, (sizeof(*p) + 63) & ~63ul);

	memset(p, 0, sizeof(*p));
	apic_bus_init(&p->bus, &config);
	for (unsigned int i = 0; i < nr; i++)
		plane_add(p, i);
	return p;
}

static inline void plane_destroy(struct plane *p)
{
	for (unsigned int i = 0; i < VIRQ_MAX_VCPUS; i++)
		if (p->apic[i])
			lapic_destroy(p->apic[i]);
	apic_bus_destroy(&p->bus);
	free(p);
}

static inline void wr(struct lapic *apic, unsigned int offset, uint32_t value)
{
	struct virq_access access = {
		.addr = APIC_DEFAULT_BASE + offset,
		.len = 4,
		.write = true,
		.data = value,
	};

	assert_int_equal(lapic_mmio(apic, &access), 0);
}

static inline uint32_t rd(struct lapic *apic, unsigned int offset)
{
	struct virq_access access = {
		.addr = APIC_DEFAULT_BASE + offset,
		.len = 4,
	};

	assert_int_equal(lapic_mmio(apic, &access), 0);
	return (uint32_t)access.data;
}

static inline int wrmsr(struct lapic *apic, uint32_t index, uint64_t value)
{
	struct virq_access access = {
		.addr = index,
		.len = 8,
		.write = true,
		.data = value,
	};

	return lapic_msr(apic, &access);
}

static inline int rdmsr(struct lapic *apic, uint32_t index, uint64_t *value)
{
	struct virq_access access = {.addr = index, .len = 8};
	int ret = lapic_msr(apic, &access);

	*value = access.data;
	return ret;
}

/* The MSR of a register in x2APIC mode. */
#define X2(offset) (MSR_X2APIC_FIRST + ((offset) >> 4))

static inline int deliver(struct plane *p, struct x86_msg msg)
{
	int ret;

	msg.assert_level = true;
	rcu_lock();
	ret = apic_bus_deliver(&p->bus, NULL, &msg, APIC_DEST_FIELD);
	rcu_unlock();
	return ret;
}

static inline int fixed(struct plane *p, uint32_t dest, uint8_t vector)
{
	return deliver(p, (struct x86_msg){.dest = dest, .vector = vector});
}

static inline bool irr(const struct lapic *apic, uint8_t vector)
{
	return apic->irr[vector / 64] >> (vector % 64) & 1;
}

static inline bool tmr(const struct lapic *apic, uint8_t vector)
{
	return apic->tmr[vector / 64] >> (vector % 64) & 1;
}

static inline bool isr(const struct lapic *apic, uint8_t vector)
{
	return apic->isr[vector / 64] >> (vector % 64) & 1;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* What the vCPU's files share: vcpu.c, vcpu_chip.c and vcpu_port.c. */
#ifndef VIRQ_CORE_VCPU_IMPL_H
#define VIRQ_CORE_VCPU_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include "internal.h"

enum vcpu_mode {
	VCPU_OUTSIDE,
	VCPU_IN_GUEST,
	VCPU_BLOCKED,
};

struct virq_vcpu {
	_Alignas(64) atomic_uint request;
	atomic_uint mode; /* enum vcpu_mode; a futex */
	atomic_bool expects_posts; /* or has had ports; never false again */
	struct virq_irqchip *chip; /* set once, release; read acquire */
	void *priv;
	void (*kick)(void *opaque);
	void *opaque;
	struct virq_vm *vm;
	uint32_t id;
	/* The vCPU thread's. */
	uint64_t halt_poll_max_ns;
	uint64_t halt_poll_ns;
	/* vcpu_port.c's. */
	struct rcu_array *ports; /* RCU; NULL: none */
	pthread_mutex_t ports_lock;
};

static inline struct virq_irqchip *vcpu_chip(const struct virq_vcpu *vcpu)
{
	/* Acquire: pairs with vcpu_attach(); `priv` is there before it. */
	return __atomic_load_n(&vcpu->chip, __ATOMIC_ACQUIRE);
}

static inline bool vcpu_has_ports(const struct virq_vcpu *vcpu)
{
	/* Relaxed: ordered by the kick of vcpu_port_attach(). */
	return __atomic_load_n(&vcpu->ports, __ATOMIC_RELAXED);
}

/* vcpu_port.c */
void vcpu_ports_notify(struct virq_vcpu *vcpu, bool on);
/* Any thread. */
void vcpu_ports_take(const struct virq_vcpu *vcpu);

#endif

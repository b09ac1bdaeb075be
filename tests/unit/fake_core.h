/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The core as a chip sees it, for chips tested alone: vCPUs that count their
 * kicks, timers that a test fires by moving the clock, acks that are noted.
 * Link with -Wl,--wrap=clock_gettime.
 */
#ifndef VIRQ_TEST_FAKE_CORE_H
#define VIRQ_TEST_FAKE_CORE_H

#include <virq/irqchip.h>
#include <virq/vcpu.h>
#include <virq/vm.h>

#define FAKE_NR_TIMERS (VIRQ_MAX_VCPUS + 1)

struct virq_vcpu {
	struct virq_vm *vm;
	uint32_t id;
	void *priv;
	_Atomic unsigned int kicks;
	bool expects_posts;
	void (*on_kick)(struct virq_vcpu *vcpu); /* NULL: nothing */
};

struct virq_timer {
	struct virq_vm *vm;
	void (*fn)(void *opaque);
	void *opaque;
	bool armed;
	uint64_t deadline;
	unsigned int expiries;
};

struct virq_vm {
	struct virq_irqchip *chip;
	struct virq_timer *timers[FAKE_NR_TIMERS];
	bool timer_fails; /* virq_timer_create() answers -ENOMEM */
	/* The last virq_irqchip_ack() or _resample(), and how many. */
	unsigned int acks, resamples;
	uint32_t ack_chip, ack_pin;
	/* The last virq_irqchip_unmasked(), and how many. */
	unsigned int unmasks;
	uint32_t unmask_chip, unmask_pin;
	bool has_ack;
	unsigned int decodes; /* vm_decode_routes() */
};

/* The clock, in nanoseconds; only fake_advance() moves it. */
uint64_t fake_now(void);
/* Move the clock, stopping at each timer of @vm on the way. */
void fake_advance(struct virq_vm *vm, uint64_t ns);
/* Timers that are armed. */
unsigned int fake_armed(const struct virq_vm *vm);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* See fake_core.h. */
#include "fake_core.h"
#include "core/routing.h"
#include "irqchip/table.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now = 1000000000000ull;

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts);

int __wrap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	(void)clock;
	ts->tv_sec = (time_t)(now / 1000000000u);
	ts->tv_nsec = (long)(now % 1000000000u);
	return 0;
}

uint64_t fake_now(void)
{
	return now;
}

static struct virq_timer *next_timer(struct virq_vm *vm, uint64_t until)
{
	struct virq_timer *next = NULL;

	for (unsigned int i = 0; i < FAKE_NR_TIMERS; i++) {
		struct virq_timer *timer = vm->timers[i];

		if (timer && timer->armed && timer->deadline <= until &&
		    (!next || timer->deadline < next->deadline))
			next = timer;
	}
	return next;
}

void fake_advance(struct virq_vm *vm, uint64_t ns)
{
	uint64_t until = now + ns;
	struct virq_timer *timer;

	while ((timer = next_timer(vm, until))) {
		if (timer->deadline > now)
			now = timer->deadline;
		timer->armed = false;
		timer->expiries++;
		timer->fn(timer->opaque);
	}
	now = until;
}

unsigned int fake_armed(const struct virq_vm *vm)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < FAKE_NR_TIMERS; i++)
		n += vm->timers[i] && vm->timers[i]->armed;
	return n;
}

int virq_timer_create(struct virq_vm *vm, void (*fn)(void *opaque),
		      void *opaque, struct virq_timer **out)
{
	struct virq_timer *timer;
	unsigned int i = 0;

	if (vm->timer_fails)
		return -ENOMEM;
	timer = calloc(1, sizeof(*timer));
	while (vm->timers[i])
		i++;
	timer->vm = vm;
	timer->fn = fn;
	timer->opaque = opaque;
	vm->timers[i] = timer;
	*out = timer;
	return 0;
}

void virq_timer_arm(struct virq_timer *timer, uint64_t deadline_ns)
{
	timer->armed = true;
	timer->deadline = deadline_ns;
}

void virq_timer_cancel(struct virq_timer *timer)
{
	timer->armed = false;
}

void virq_timer_destroy(struct virq_timer *timer)
{
	for (unsigned int i = 0; i < FAKE_NR_TIMERS; i++)
		if (timer->vm->timers[i] == timer)
			timer->vm->timers[i] = NULL;
	free(timer);
}

struct virq_vm *virq_vcpu_vm(const struct virq_vcpu *vcpu)
{
	return vcpu->vm;
}

uint32_t virq_vcpu_id(const struct virq_vcpu *vcpu)
{
	return vcpu->id;
}

void *virq_vcpu_priv(const struct virq_vcpu *vcpu)
{
	return vcpu->priv;
}

void virq_vcpu_kick(struct virq_vcpu *vcpu)
{
	vcpu->kicks++;
	if (vcpu->on_kick)
		vcpu->on_kick(vcpu);
}

void virq_vcpu_kick_ordered(struct virq_vcpu *vcpu)
{
	vcpu->kicks++;
}

void virq_vcpu_expect_posts(struct virq_vcpu *vcpu)
{
	vcpu->expects_posts = true;
}

struct virq_irqchip *virq_vm_irqchip(const struct virq_vm *vm)
{
	return vm->chip;
}

bool virq_irqchip_ack(struct virq_irqchip *chip, uint32_t chip_id, uint32_t pin)
{
	chip->vm->acks++;
	chip->vm->ack_chip = chip_id;
	chip->vm->ack_pin = pin;
	return chip->vm->has_ack;
}

bool virq_irqchip_has_ack(struct virq_irqchip *chip, uint32_t chip_id,
			  uint32_t pin)
{
	(void)chip_id;
	(void)pin;
	return chip->vm->has_ack;
}

bool virq_irqchip_resample(struct virq_irqchip *chip, uint32_t chip_id,
			   uint32_t pin)
{
	(void)chip_id;
	(void)pin;
	chip->vm->resamples++;
	return chip->vm->has_ack;
}

void virq_irqchip_unmasked(struct virq_irqchip *chip, uint32_t chip_id,
			   uint32_t pin)
{
	chip->vm->unmasks++;
	chip->vm->unmask_chip = chip_id;
	chip->vm->unmask_pin = pin;
}

int vm_decode_routes(struct virq_vm *vm)
{
	vm->decodes++;
	return 0;
}

/* The family's other members, for the dispatch of the state calls. */
const struct virq_irqchip_ops irqchip_split;
const struct virq_irqchip_ops irqchip_kvm;

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The PIT: life, the ticks of counter 0, state.
 *
 * A tick is a pulse on GSI 0.  With reinjection the next one waits until the
 * guest has completed the last; ticks that come meanwhile are counted.  An
 * unmasking of the pin starts afresh: what was sent before may be lost in a
 * masked pin, and is not what the guest wants to count.
 */
#include "pit_impl.h"
#include "apic_map.h"
#include "core/clock.h"
#include "core/rcu.h"
#include "irqchip/table.h"
#include "state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <virq/routing.h>

#define PIT_GSI 0

/* A guest may not ask for more than 5,000 interrupts a second. */
#define MIN_PERIOD_NS 200000u

/* Ticks.  The functions down to pit_tick_elapsed() are under tick.lock. */

/*
 * The PIT is wired to LINT0 as well.  As in Linux that counts when it is some
 * APIC's NMI watchdog; else LINT0 is the 8259's.
 */
static void drive_lint0(struct pit *pit)
{
	const struct virq_irqchip *chip = virq_vm_irqchip(pit->vm);

	if (chip->ops != &irqchip_x86)
		return;
	rcu_lock();
	apic_bus_lint0_watchdog(((const struct x86_irqchip *)chip)->bus);
	rcu_unlock();
}

static void inject(struct pit *pit)
{
	virq_vm_set_irq(pit->vm, VIRQ_SOURCE_TIMER, PIT_GSI, 1, false);
	virq_vm_set_irq(pit->vm, VIRQ_SOURCE_TIMER, PIT_GSI, 0, false);
	drive_lint0(pit);
}

/* Send a tick, if the last has been completed. */
static void inject_if_acked(struct pit *pit)
{
	if (!pit->tick.acked)
		return;
	pit->tick.acked = false;
	inject(pit);
}

static void reset_reinject(struct pit_tick *tick)
{
	tick->pending = 0;
	tick->acked = true;
}

static void arm(struct pit_tick *tick)
{
	tick->armed = true;
	virq_timer_arm(tick->timer, tick->expires_ns);
}

static void disarm(struct pit_tick *tick)
{
	tick->armed = false;
	virq_timer_cancel(tick->timer);
}

static void on_timer(void *opaque)
{
	struct pit *pit = opaque;
	struct pit_tick *tick = &pit->tick;
	uint64_t now = now_ns();
	uint64_t ticks = 1;

	spin_lock(&tick->lock);
	/* Stopped, or started anew, since it was decided to call us. */
	if (!tick->armed || now < tick->expires_ns)
		goto out_unlock;
	if (tick->periodic) {
		ticks += (now - tick->expires_ns) / tick->period_ns;
		tick->expires_ns += ticks * tick->period_ns;
		arm(tick);
	} else {
		tick->armed = false;
	}
	if (tick->reinject) {
		tick->pending += ticks;
		inject_if_acked(pit);
	} else {
		inject(pit);
	}
out_unlock:
	spin_unlock(&tick->lock);
}

static void on_ack(void *opaque)
{
	struct pit *pit = opaque;
	struct pit_tick *tick = &pit->tick;

	spin_lock(&tick->lock);
	tick->acked = true;
	if (tick->pending && --tick->pending)
		inject_if_acked(pit);
	spin_unlock(&tick->lock);
}

static void on_unmask(void *opaque)
{
	struct pit *pit = opaque;

	spin_lock(&pit->tick.lock);
	reset_reinject(&pit->tick);
	spin_unlock(&pit->tick.lock);
}

void pit_tick_start(struct pit *pit, uint32_t count, bool periodic)
{
	struct pit_tick *tick = &pit->tick;
	uint64_t interval = (uint64_t)count * NSEC_PER_SEC / PIT_HZ;

	/* The HPET has taken over: whatever counter 0 does goes unheard. */
	if (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		return;
	spin_lock(&tick->lock);
	tick->periodic = periodic;
	tick->period_ns = interval;
	/* The first tick comes when the guest asked for it. */
	if (periodic && tick->period_ns < MIN_PERIOD_NS)
		tick->period_ns = MIN_PERIOD_NS;
	tick->expires_ns = now_ns() + interval;
	reset_reinject(tick);
	arm(tick);
	spin_unlock(&tick->lock);
}

void pit_tick_stop(struct pit *pit)
{
	spin_lock(&pit->tick.lock);
	disarm(&pit->tick);
	spin_unlock(&pit->tick.lock);
}

uint64_t pit_tick_elapsed(struct pit *pit, uint64_t now)
{
	struct pit_tick *tick = &pit->tick;
	uint64_t elapsed;

	spin_lock(&tick->lock);
	/* One that has expired counts on. */
	elapsed =
		tick->period_ns ? tick->period_ns + now - tick->expires_ns : 0;
	spin_unlock(&tick->lock);
	return elapsed;
}

/* Reinjection. */

static int reinject_on(struct pit *pit)
{
	int ret;

	spin_lock(&pit->tick.lock);
	reset_reinject(&pit->tick);
	spin_unlock(&pit->tick.lock);
	ret = virq_vm_add_ack_notifier(pit->vm, PIT_GSI, on_ack, pit,
				       &pit->ack);
	if (ret)
		return ret;
	ret = virq_vm_add_unmask_notifier(pit->vm, PIT_GSI, on_unmask, pit,
					  &pit->unmask);
	if (ret)
		virq_vm_remove_ack_notifier(pit->vm, pit->ack);
	return ret;
}

static void reinject_off(struct pit *pit)
{
	virq_vm_remove_ack_notifier(pit->vm, pit->ack);
	virq_vm_remove_ack_notifier(pit->vm, pit->unmask);
}

static void set_reinject(struct pit *pit, bool reinject)
{
	spin_lock(&pit->tick.lock);
	pit->tick.reinject = reinject;
	spin_unlock(&pit->tick.lock);
}

int pit_set_reinject(struct pit *pit, bool reinject)
{
	int ret = 0;

	pthread_mutex_lock(&pit->lock);
	/* Only written with pit->lock held. */
	if (pit->tick.reinject == reinject)
		goto out_unlock;
	if (reinject)
		ret = reinject_on(pit);
	else
		reinject_off(pit);
	if (!ret)
		set_reinject(pit, reinject);
out_unlock:
	pthread_mutex_unlock(&pit->lock);
	return ret;
}

/* Life. */

/* With nobody else there yet. */
static void pit_reset(struct pit *pit)
{
	for (unsigned int i = 0; i < PIT_NR_CHANNELS; i++) {
		pit->channels[i].mode = PIT_MODE_NONE;
		/* The speaker port holds counter 2 until told to count. */
		pit->channels[i].gate = i != 2;
		pit_load(pit, i, 0);
	}
	reset_reinject(&pit->tick);
}

int pit_create(struct virq_vm *vm, const struct kvm_pit_config *config,
	       struct pit **out)
{
	const struct virq_irqchip *chip = virq_vm_irqchip(vm);
	struct pit *pit;
	int ret;

	if (!chip || !chip->ops->nr_pins)
		return -ENOENT;
	pit = calloc(1, sizeof(*pit));
	if (!pit)
		return -ENOMEM;
	pit->vm = vm;
	pit->speaker = config->flags & KVM_PIT_SPEAKER_DUMMY;
	pthread_mutex_init(&pit->lock, NULL);
	spin_init(&pit->tick.lock);
	ret = virq_timer_create(vm, on_timer, pit, &pit->tick.timer);
	if (ret)
		goto out_free;
	pit_reset(pit);
	ret = pit_set_reinject(pit, true);
	if (ret)
		goto out_timer;
	*out = pit;
	return 0;

out_timer:
	virq_timer_destroy(pit->tick.timer);
out_free:
	pthread_mutex_destroy(&pit->lock);
	free(pit);
	return ret;
}

void pit_destroy(struct pit *pit)
{
	pit_set_reinject(pit, false);
	virq_timer_destroy(pit->tick.timer);
	pthread_mutex_destroy(&pit->lock);
	free(pit);
}

/* State, as KVM's structs, which hold what a counter is made of. */

void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state)
{
	memset(state, 0, sizeof(*state));
	pthread_mutex_lock(&pit->lock);
	memcpy(state->channels, pit->channels, sizeof(pit->channels));
	state->flags = pit->flags;
	pthread_mutex_unlock(&pit->lock);
}

/* pit->lock held.  Each counter starts again with its whole count. */
static void set_channels(struct pit *pit,
			 const struct kvm_pit_channel_state *channels)
{
	memcpy(pit->channels, channels, sizeof(pit->channels));
	for (unsigned int i = 0; i < PIT_NR_CHANNELS; i++)
		pit_load(pit, i, pit->channels[i].count);
}

int pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state)
{
	pthread_mutex_lock(&pit->lock);
	/* With the HPET in its place the PIT does not tick on. */
	if (state->flags & ~pit->flags & KVM_PIT_FLAGS_HPET_LEGACY)
		pit_tick_stop(pit);
	pit->flags = state->flags;
	set_channels(pit, state->channels);
	pthread_mutex_unlock(&pit->lock);
	return 0;
}

int pit_set_channels(struct pit *pit, const struct kvm_pit_state *state)
{
	pthread_mutex_lock(&pit->lock);
	set_channels(pit, state->channels);
	pthread_mutex_unlock(&pit->lock);
	return 0;
}

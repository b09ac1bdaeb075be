// SPDX-License-Identifier: BSD-3-Clause
/*
 * The local APIC timer: one-shot, periodic and TSC-deadline.  The bus clock is
 * 1 GHz, so a count is a nanosecond times the divisor.
 *
 * Locks: timer.lock guards the fields of struct lapic_timer and writes of
 * LVT_TIMER; the vCPU's thread and the loop's thread, on which expiry runs,
 * take it.  Only the locks inside virq_timer_arm() and _cancel() nest in it.
 *
 * A cancelled timer's expiry may be on its way already: it finds the timer not
 * armed, or armed for later, and does nothing.
 */
#include "lapic.h"
#include "apic_map.h"
#include "core/clock.h"

/* A guest may not ask for more than 5,000 interrupts a second. */
#define MIN_PERIOD_NS 200000u

/* Later than any loop lives, and far from overflow. */
static uint64_t deadline_after(uint64_t now, uint64_t ns)
{
	return ns > (uint64_t)INT64_MAX - now ? (uint64_t)INT64_MAX : now + ns;
}

static uint64_t tsc_now(const struct lapic *apic)
{
	const struct apic_bus_config *config = &apic->bus->config;

	return config->tsc_read(config->tsc_opaque, apic->vcpu_id);
}

/* Rounded up: an early expiry would find the deadline not reached. */
static uint64_t tsc_to_ns(const struct lapic *apic, uint64_t ticks)
{
	uint32_t khz = apic->bus->config.tsc_khz;
	unsigned __int128 ns =
		((unsigned __int128)ticks * 1000000 + khz - 1) / khz;

	return ns > INT64_MAX ? (uint64_t)INT64_MAX : (uint64_t)ns;
}

static unsigned int divide_shift(uint32_t tdcr)
{
	/* Bits 3, 1 and 0: 2, 4, ... 128, and 1. */
	return (((tdcr & 8) >> 1 | (tdcr & 3)) + 1) & 7;
}

static uint64_t count_to_ns(const struct lapic *apic, uint32_t count)
{
	return (uint64_t)count << divide_shift(lapic_reg(apic, APIC_TDCR));
}

static void set_period(struct lapic *apic)
{
	struct lapic_timer *t = &apic->timer;

	t->period_ns = count_to_ns(apic, lapic_reg(apic, APIC_TMICT));
	if (t->mode == APIC_TIMER_PERIODIC && t->period_ns &&
	    t->period_ns < MIN_PERIOD_NS)
		t->period_ns = MIN_PERIOD_NS;
}

/* Is there anything to count?  Never in the reserved mode 3. */
static bool timer_counts(const struct lapic_timer *t)
{
	return t->period_ns && (t->mode == APIC_TIMER_ONESHOT ||
				t->mode == APIC_TIMER_PERIODIC);
}

static void timer_disarm(struct lapic_timer *t)
{
	t->armed = false;
	virq_timer_cancel(t->timer);
}

static void timer_arm(struct lapic_timer *t, uint64_t deadline_ns)
{
	t->armed = true;
	virq_timer_arm(t->timer, deadline_ns);
}

/*
 * Account for an expiry, if there is one now, and arm the next.  True if the
 * interrupt is due; lock held, the caller delivers when it has dropped it.
 */
static bool timer_check(struct lapic *apic)
{
	struct lapic_timer *t = &apic->timer;
	uint64_t now = now_ns();

	if (!t->armed)
		return false;
	if (t->mode == APIC_TIMER_DEADLINE) {
		uint64_t tsc = tsc_now(apic);

		if (tsc < t->tsc_deadline) {
			uint64_t ns = tsc_to_ns(apic, t->tsc_deadline - tsc);

			timer_arm(t, deadline_after(now, ns));
			return false;
		}
		t->tsc_deadline = 0;
		timer_disarm(t);
		return true;
	}
	if (now < t->expires_ns) {
		timer_arm(t, t->expires_ns);
		return false;
	}
	if (t->mode != APIC_TIMER_PERIODIC) {
		timer_disarm(t);
		return true;
	}
	/* Periods that went by unseen are one interrupt. */
	t->expires_ns +=
		t->period_ns * ((now - t->expires_ns) / t->period_ns + 1);
	timer_arm(t, t->expires_ns);
	return true;
}

/* A masked timer's expiry is gone; it is not kept for the unmasking. */
static void timer_deliver(struct lapic *apic, uint32_t lvtt)
{
	struct x86_msg msg = {
		.vector = (uint8_t)lvtt,
		.mode = X86_DM_FIXED,
		.assert_level = true,
	};

	if (!(lvtt & APIC_LVT_MASKED))
		lapic_accept(apic, &msg);
}

/* Unlock after a change, and see to what is due at once. */
static void timer_settle(struct lapic *apic)
{
	bool due = timer_check(apic);
	uint32_t lvtt = lapic_reg(apic, APIC_LVT_TIMER);

	spin_unlock(&apic->timer.lock);
	if (due)
		timer_deliver(apic, lvtt);
}

static void timer_fire(void *opaque)
{
	struct lapic *apic = opaque;

	spin_lock(&apic->timer.lock);
	timer_settle(apic);
}

int lapic_timer_create(struct lapic *apic)
{
	spin_init(&apic->timer.lock);
	return virq_timer_create(virq_vcpu_vm(apic->vcpu), timer_fire, apic,
				 &apic->timer.timer);
}

void lapic_timer_destroy(struct lapic *apic)
{
	virq_timer_destroy(apic->timer.timer);
}

void lapic_timer_stop(struct lapic *apic)
{
	spin_lock(&apic->timer.lock);
	timer_disarm(&apic->timer);
	spin_unlock(&apic->timer.lock);
}

/*
 * Follow the mode in LVT_TIMER.  Into and out of TSC-deadline mode everything
 * stops; between one-shot and periodic the count goes on.
 */
static void set_mode(struct lapic *apic)
{
	struct lapic_timer *t = &apic->timer;
	uint32_t mode = lapic_reg(apic, APIC_LVT_TIMER) & APIC_LVT_TIMER_MODE;

	if (mode == t->mode)
		return;
	if ((mode == APIC_TIMER_DEADLINE) != (t->mode == APIC_TIMER_DEADLINE)) {
		timer_disarm(t);
		lapic_set_reg(apic, APIC_TMICT, 0);
		t->tsc_deadline = 0;
	}
	t->mode = mode;
	set_period(apic);
}

void lapic_timer_set_lvtt(struct lapic *apic, uint32_t lvtt)
{
	spin_lock(&apic->timer.lock);
	lapic_set_reg(apic, APIC_LVT_TIMER, lvtt);
	set_mode(apic);
	spin_unlock(&apic->timer.lock);
}

void lapic_timer_set_initial(struct lapic *apic, uint32_t count)
{
	struct lapic_timer *t = &apic->timer;

	spin_lock(&t->lock);
	if (t->mode == APIC_TIMER_DEADLINE) {
		spin_unlock(&t->lock);
		return;
	}
	timer_disarm(t);
	lapic_set_reg(apic, APIC_TMICT, count);
	set_period(apic);
	if (timer_counts(t)) {
		t->expires_ns = deadline_after(now_ns(), t->period_ns);
		t->armed = true;
	}
	timer_settle(apic);
}

void lapic_timer_set_divide(struct lapic *apic, uint32_t tdcr)
{
	struct lapic_timer *t = &apic->timer;
	unsigned int old_shift, shift;
	uint64_t now, left;

	spin_lock(&t->lock);
	old_shift = divide_shift(lapic_reg(apic, APIC_TDCR));
	shift = divide_shift(tdcr);
	lapic_set_reg(apic, APIC_TDCR, tdcr);
	set_period(apic);
	if (t->armed && t->mode != APIC_TIMER_DEADLINE) {
		/* The counts that are left now take longer or shorter. */
		now = now_ns();
		left = t->expires_ns > now ? t->expires_ns - now : 0;
		t->expires_ns =
			deadline_after(now, (left >> old_shift) << shift);
	}
	timer_settle(apic);
}

uint32_t lapic_timer_current(struct lapic *apic)
{
	struct lapic_timer *t = &apic->timer;
	uint64_t now = now_ns();
	uint64_t left = 0;

	spin_lock(&t->lock);
	/* In the reserved mode 3 nothing runs, and the last count goes on. */
	if (lapic_reg(apic, APIC_TMICT) && t->period_ns && t->expires_ns > now)
		left = (t->expires_ns - now) % t->period_ns;
	spin_unlock(&t->lock);
	return (uint32_t)(left >> divide_shift(lapic_reg(apic, APIC_TDCR)));
}

void lapic_timer_set_deadline(struct lapic *apic, uint64_t tsc)
{
	struct lapic_timer *t = &apic->timer;

	spin_lock(&t->lock);
	if (t->mode != APIC_TIMER_DEADLINE ||
	    !(lapic_flags(apic) & LAPIC_HW_ENABLED)) {
		spin_unlock(&t->lock);
		return;
	}
	timer_disarm(t);
	t->tsc_deadline = tsc;
	t->armed = tsc != 0;
	timer_settle(apic);
}

uint64_t lapic_timer_deadline(struct lapic *apic)
{
	uint64_t tsc;

	/* Expiry clears it, on the loop's thread; in other modes it is 0. */
	spin_lock(&apic->timer.lock);
	tsc = apic->timer.tsc_deadline;
	spin_unlock(&apic->timer.lock);
	return tsc;
}

void lapic_timer_restore(struct lapic *apic, uint32_t lvtt, uint32_t count)
{
	struct lapic_timer *t = &apic->timer;
	uint64_t left;

	spin_lock(&t->lock);
	timer_disarm(t);
	lapic_set_reg(apic, APIC_LVT_TIMER, lvtt);
	set_mode(apic);
	set_period(apic);
	if (t->mode == APIC_TIMER_DEADLINE) {
		t->armed = t->tsc_deadline != 0;
	} else if (timer_counts(t)) {
		/*
		 * Nothing left of a one-shot: it has expired, and whether its
		 * interrupt was injected before the state was taken nobody can
		 * tell.  One too many does no harm.
		 */
		left = count_to_ns(apic, count);
		if (left > t->period_ns ||
		    (!left && t->mode == APIC_TIMER_PERIODIC))
			left = t->period_ns;
		t->expires_ns = deadline_after(now_ns(), left);
		t->armed = true;
	}
	timer_settle(apic);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The IOAPIC's pins: lines in, messages out, EOIs back.
 *
 * One lock, ioapic->lock, outside the local APICs' locks that `deliver` may
 * take.  Nothing on these paths walks the pins: a line touches its own pin, an
 * EOI the pins of its vector.
 */
#include "ioapic_impl.h"
#include <stdlib.h>
#include <string.h>
#include <virq/routing.h>

/* So many re-injections in a row are a storm: the next one waits. */
#define STORM_COUNT 10000
#define STORM_DELAY_NS UINT64_C(10000000)

_Static_assert(VIRQ_NR_SOURCES <= 32, "a word of sources a pin");

static bool pin_is_level(const struct ioapic *ioapic, unsigned int pin)
{
	return ioapic->pins[pin].rte & RTE_LEVEL;
}

/* Does @pin want to know of the EOI of its vector? */
static bool pin_matters(const struct ioapic *ioapic, unsigned int pin)
{
	return pin_is_level(ioapic, pin) ||
	       ((ioapic->acked | pin_bit(IOAPIC_RTC_PIN)) & pin_bit(pin));
}

static bool vector_matters(const struct ioapic *ioapic, uint8_t vector)
{
	uint32_t pins = ioapic->pins_of_vector[vector];

	for (; pins; pins &= pins - 1)
		if (pin_matters(ioapic, (unsigned int)__builtin_ctz(pins)))
			return true;
	return false;
}

void ioapic_eoi_vectors(struct ioapic *ioapic,
			bool (*wanted)(void *arg, const struct x86_msg *msg),
			void *arg, uint64_t vectors[4])
{
	memset(vectors, 0, 4 * sizeof(*vectors));
	spin_lock(&ioapic->lock);
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		const struct x86_msg *msg = &ioapic->pins[pin].msg;

		if (pin_matters(ioapic, pin) && wanted(arg, msg))
			vectors[msg->vector / 64] |= UINT64_C(1)
						     << (msg->vector % 64);
	}
	spin_unlock(&ioapic->lock);
}

static void handled_update(struct ioapic *ioapic, uint8_t vector)
{
	_Atomic uint64_t *word = &ioapic->handled[vector / 64];
	/* Relaxed: written only under the lock, which the caller holds. */
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t bit = UINT64_C(1) << (vector % 64);
	uint64_t new = vector_matters(ioapic, vector) ? old | bit : old & ~bit;

	/*
	 * Release: pairs with the acquire in ioapic_handles_vector().  A pin
	 * delivers only after this, so the vCPU that completes the vector has
	 * it in its view.
	 */
	if (new != old)
		atomic_store_explicit(word, new, memory_order_release);
}

bool ioapic_handles_vector(const struct ioapic *ioapic, uint8_t vector)
{
	/* Acquire: pairs with the release in handled_update(). */
	uint64_t word = atomic_load_explicit(&ioapic->handled[vector / 64],
					     memory_order_acquire);

	return word >> (vector % 64) & 1;
}

void ioapic_pin_set_rte(struct ioapic *ioapic, unsigned int pin, uint64_t rte)
{
	struct ioapic_pin *p = &ioapic->pins[pin];
	uint8_t vector = rte & RTE_VECTOR;
	struct x86_msg old_msg = p->msg;
	uint8_t old = old_msg.vector;

	p->rte = rte;
	p->msg = (struct x86_msg){
		.dest = (uint32_t)(rte >> RTE_DEST_SHIFT),
		.vector = vector,
		.mode = rte >> RTE_MODE_SHIFT & RTE_MODE,
		.logical = rte & RTE_LOGICAL,
		.level_triggered = rte & RTE_LEVEL,
		.assert_level = true,
	};
	ioapic->pins_of_vector[old] &= ~pin_bit(pin);
	ioapic->pins_of_vector[vector] |= pin_bit(pin);
	handled_update(ioapic, old);
	handled_update(ioapic, vector);
	if (ioapic->cb.eois_changed)
		ioapic->cb.eois_changed(ioapic->opaque, &old_msg, &p->msg);
	/*
	 * A tick under another vector is another interrupt.  This is also the
	 * way out when a vCPU was reset with the old one in service.
	 */
	if (pin == IOAPIC_RTC_PIN && vector != old)
		ioapic->rtc_pending = 0;
}

/*
 * A tick went to @targets local APICs: await as many EOIs of its vector.  Only
 * what goes through their IRR is ever completed; other modes are not awaited.
 */
static void rtc_track(struct ioapic *ioapic, int targets)
{
	const struct x86_msg *msg = &ioapic->pins[IOAPIC_RTC_PIN].msg;
	bool completes =
		msg->mode == X86_DM_FIXED || msg->mode == X86_DM_LOWEST;

	ioapic->rtc_pending = completes && targets > 0 ? (uint32_t)targets : 0;
}

/* Send the message of @pin; -1 if its RTE forbids it. */
static int pin_service(struct ioapic *ioapic, unsigned int pin,
		       bool line_status)
{
	struct ioapic_pin *p = &ioapic->pins[pin];
	bool level = p->rte & RTE_LEVEL;
	int ret;

	if (p->rte & RTE_MASKED || (level && p->rte & RTE_REMOTE_IRR))
		return -1;
	if (ioapic->updating & pin_bit(pin)) {
		ioapic->held |= pin_bit(pin);
		return 1;
	}
	if (!level)
		ioapic->delivered |= pin_bit(pin);
	ret = ioapic->cb.deliver(ioapic->opaque, &p->msg);
	if (pin == IOAPIC_RTC_PIN && line_status)
		rtc_track(ioapic, ret);
	/* Also when nobody matched: only an EOI or a rewrite clears it. */
	if (level && ret)
		p->rte |= RTE_REMOTE_IRR;
	return ret;
}

int ioapic_pin_raise(struct ioapic *ioapic, unsigned int pin, bool line_status)
{
	uint32_t bit = pin_bit(pin);

	if (pin == IOAPIC_RTC_PIN && line_status && ioapic->rtc_pending)
		return 0;
	if (!pin_is_level(ioapic, pin)) {
		ioapic->delivered &= ~bit;
		if (ioapic->irr & bit)
			return 0;
	}
	ioapic->irr |= bit;
	return pin_service(ioapic, pin, line_status);
}

/* An edge that was masked is lost here; one in `held` is not. */
static int pin_lower(struct ioapic *ioapic, unsigned int pin)
{
	ioapic->irr &= ~pin_bit(pin);
	return 1;
}

void ioapic_pin_settle(struct ioapic *ioapic, unsigned int pin, bool resampled)
{
	uint32_t bit = pin_bit(pin);
	bool held = ioapic->held & bit;

	ioapic->updating &= ~bit;
	ioapic->held &= ~bit;
	if (!pin_is_level(ioapic, pin)) {
		if (held)
			pin_service(ioapic, pin, false);
	} else if (resampled && !held) {
		ioapic->irr &= ~bit;
	} else if (ioapic->irr & bit) {
		pin_service(ioapic, pin, false);
	}
}

static int pin_set(struct ioapic *ioapic, unsigned int pin,
		   unsigned int source_id, int level, bool line_status)
{
	struct ioapic_pin *p = &ioapic->pins[pin];

	if (level)
		p->sources |= UINT32_C(1) << source_id;
	else
		p->sources &= ~(UINT32_C(1) << source_id);
	if (p->sources)
		return ioapic_pin_raise(ioapic, pin, line_status);
	return pin_lower(ioapic, pin);
}

int ioapic_set_irq(struct ioapic *ioapic, unsigned int pin,
		   unsigned int source_id, int level, bool line_status)
{
	int ret;

	if (pin >= IOAPIC_NR_PINS || source_id >= VIRQ_NR_SOURCES)
		return -1;
	spin_lock(&ioapic->lock);
	ret = pin_set(ioapic, pin, source_id, level, line_status);
	spin_unlock(&ioapic->lock);
	return ret;
}

int ioapic_pulse(struct ioapic *ioapic, unsigned int pin,
		 unsigned int source_id)
{
	int ret;

	if (pin >= IOAPIC_NR_PINS || source_id >= VIRQ_NR_SOURCES)
		return -1;
	spin_lock(&ioapic->lock);
	ret = pin_set(ioapic, pin, source_id, 1, false);
	pin_set(ioapic, pin, source_id, 0, false);
	spin_unlock(&ioapic->lock);
	return ret;
}

/*
 * The interrupt of a level pin is over: send it again if its line is still up.
 *
 * An edge pin comes here when it shares its vector with a level interrupt, or
 * was a level pin at the time of delivery.  Linux sends it again, too: which of
 * those that share the vector asked, the EOI does not say.
 */
static void pin_complete(struct ioapic *ioapic, unsigned int pin)
{
	struct ioapic_pin *p = &ioapic->pins[pin];

	p->rte &= ~RTE_REMOTE_IRR;
	if (p->rte & RTE_MASKED || !(ioapic->irr & pin_bit(pin))) {
		p->reinjected = 0;
	} else if (++p->reinjected < STORM_COUNT) {
		pin_service(ioapic, pin, false);
	} else {
		p->reinjected = 0;
		ioapic->cb.defer(ioapic->opaque, STORM_DELAY_NS);
	}
}

void ioapic_eoi(struct ioapic *ioapic, uint8_t vector, bool level,
		bool directed)
{
	uint32_t pins, acks;

	spin_lock(&ioapic->lock);
	pins = ioapic->pins_of_vector[vector];
	if (pins & pin_bit(IOAPIC_RTC_PIN) && ioapic->rtc_pending)
		ioapic->rtc_pending--;
	acks = pins & ioapic->acked;
	if (acks) {
		/*
		 * Remote IRR is still set: a line that rises again while the
		 * notifiers run is latched in irr and sent below, one that
		 * falls is not.
		 */
		spin_unlock(&ioapic->lock);
		for (; acks; acks &= acks - 1)
			ioapic->cb.ack(ioapic->opaque,
				       (unsigned int)__builtin_ctz(acks));
		spin_lock(&ioapic->lock);
	}
	if (level && !directed)
		for (; pins; pins &= pins - 1)
			pin_complete(ioapic, (unsigned int)__builtin_ctz(pins));
	spin_unlock(&ioapic->lock);
}

void ioapic_reinject(struct ioapic *ioapic)
{
	uint32_t pins;

	spin_lock(&ioapic->lock);
	for (pins = ioapic->irr; pins; pins &= pins - 1) {
		unsigned int pin = (unsigned int)__builtin_ctz(pins);

		if (pin_is_level(ioapic, pin))
			pin_service(ioapic, pin, false);
	}
	spin_unlock(&ioapic->lock);
}

void ioapic_scan(struct ioapic *ioapic)
{
	unsigned int pin;

	if (!ioapic->cb.has_ack)
		return;
	spin_lock(&ioapic->lock);
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++) {
		if (ioapic->cb.has_ack(ioapic->opaque, pin))
			ioapic->acked |= pin_bit(pin);
		else
			ioapic->acked &= ~pin_bit(pin);
	}
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		handled_update(ioapic, ioapic->pins[pin].msg.vector);
	if (ioapic->cb.eois_changed)
		ioapic->cb.eois_changed(ioapic->opaque, NULL, NULL);
	spin_unlock(&ioapic->lock);
}

struct ioapic *ioapic_create(const struct ioapic_callbacks *cb, void *opaque)
{
	struct ioapic *ioapic = calloc(1, sizeof(*ioapic));
	unsigned int pin;

	if (!ioapic)
		return NULL;
	spin_init(&ioapic->lock);
	ioapic->base = IOAPIC_BASE;
	ioapic->cb = *cb;
	ioapic->opaque = opaque;
	ioapic->acked = cb->has_ack ? 0 : IOAPIC_ALL_PINS;
	for (pin = 0; pin < IOAPIC_NR_PINS; pin++)
		ioapic_pin_set_rte(ioapic, pin, RTE_MASKED);
	return ioapic;
}

void ioapic_destroy(struct ioapic *ioapic)
{
	free(ioapic);
}

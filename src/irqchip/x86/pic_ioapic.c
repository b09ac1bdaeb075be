// SPDX-License-Identifier: BSD-3-Clause
/* An 8259 pair and an IOAPIC of ours, wired to the core. */
#include "pic_ioapic.h"
#include "core/rcu.h"
#include "gsi.h"

#include <errno.h>

static struct pic_ioapic *to_pair(const struct virq_irqchip *chip)
{
	return (struct pic_ioapic *)chip;
}

static uint32_t pic_chip_id(unsigned int pin)
{
	return pin < X86_PIC_PINS ? KVM_IRQCHIP_PIC_MASTER
				  : KVM_IRQCHIP_PIC_SLAVE;
}

void pic_ioapic_pic_ack(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	virq_irqchip_ack(&pair->x86.chip, pic_chip_id(pin), pin);
}

void pic_ioapic_pic_unmasked(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	virq_irqchip_unmasked(&pair->x86.chip, pic_chip_id(pin), pin);
}

void pic_ioapic_ack(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	virq_irqchip_ack(&pair->x86.chip, KVM_IRQCHIP_IOAPIC, pin);
}

void pic_ioapic_unmasked(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	virq_irqchip_unmasked(&pair->x86.chip, KVM_IRQCHIP_IOAPIC, pin);
}

bool pic_ioapic_resample(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	return virq_irqchip_resample(&pair->x86.chip, KVM_IRQCHIP_IOAPIC, pin);
}

bool pic_ioapic_has_ack(void *opaque, unsigned int pin)
{
	struct pic_ioapic *pair = opaque;

	return virq_irqchip_has_ack(&pair->x86.chip, KVM_IRQCHIP_IOAPIC, pin);
}

static int set_pic(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	(void)line_status;
	return pic_set_irq(to_pair(chip)->pic, route->irqchip.pin, source_id,
			   level);
}

static int set_ioapic(struct virq_irqchip *chip, const struct virq_route *route,
		      unsigned int source_id, int level, bool line_status)
{
	return ioapic_set_irq(to_pair(chip)->ioapic, route->irqchip.pin,
			      source_id, level, line_status);
}

static int pulse_ioapic(struct virq_irqchip *chip,
			const struct virq_route *route, unsigned int source_id,
			int level, bool line_status)
{
	(void)level;
	(void)line_status;
	return ioapic_pulse(to_pair(chip)->ioapic, route->irqchip.pin,
			    source_id);
}

void pic_ioapic_route(struct virq_route *route)
{
	if (route->irqchip.chip == KVM_IRQCHIP_IOAPIC) {
		route->set = set_ioapic;
		route->pulse = pulse_ioapic;
	} else {
		route->set = set_pic;
	}
}

int pic_ioapic_get_irqchip(struct virq_irqchip *chip, struct kvm_irqchip *state)
{
	struct pic_ioapic *pair = to_pair(chip);

	switch (state->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_get_state(pair->pic, state->chip_id, &state->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		ioapic_get_state(pair->ioapic, &state->chip.ioapic);
		return 0;
	default: return -EINVAL;
	}
}

int pic_ioapic_set_irqchip(struct virq_irqchip *chip,
			   const struct kvm_irqchip *state)
{
	struct pic_ioapic *pair = to_pair(chip);
	int ret = 0;

	switch (state->chip_id) {
	case KVM_IRQCHIP_PIC_MASTER:
	case KVM_IRQCHIP_PIC_SLAVE:
		pic_set_state(pair->pic, state->chip_id, &state->chip.pic);
		return 0;
	case KVM_IRQCHIP_IOAPIC:
		rcu_lock();
		ioapic_set_state(pair->ioapic, &state->chip.ioapic);
		rcu_unlock();
		break;
	default: ret = -EINVAL; break;
	}
	/* Linux looks at its 8259s after any of these, a refused one, too. */
	pic_refresh(pair->pic);
	return ret;
}

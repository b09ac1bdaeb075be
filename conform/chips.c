// SPDX-License-Identifier: BSD-3-Clause
/* The chips' states, as KVM_GET_IRQCHIP and KVM_GET_LAPIC show them. */
#include "env.h"
#include <string.h>

struct kvm_lapic_state lapic_get(struct conform *c, int vcpu)
{
	struct kvm_lapic_state s;

	CHECK_RET(c, port_ioctl(c, vcpu, KVM_GET_LAPIC, &s), 0);
	return s;
}

void lapic_set(struct conform *c, int vcpu, struct kvm_lapic_state *s)
{
	CHECK_RET(c, port_ioctl(c, vcpu, KVM_SET_LAPIC, s), 0);
}

uint32_t lapic_word(const struct kvm_lapic_state *s, unsigned int reg)
{
	uint32_t value;

	memcpy(&value, s->regs + reg, sizeof(value));
	return value;
}

void lapic_set_word(struct kvm_lapic_state *s, unsigned int reg, uint32_t value)
{
	memcpy(s->regs + reg, &value, sizeof(value));
}

uint32_t lapic_reg(struct conform *c, int vcpu, unsigned int reg)
{
	struct kvm_lapic_state s = lapic_get(c, vcpu);

	return lapic_word(&s, reg);
}

void lapic_write(struct conform *c, int vcpu, unsigned int reg, uint32_t value)
{
	struct kvm_lapic_state s = lapic_get(c, vcpu);

	lapic_set_word(&s, reg, value);
	lapic_set(c, vcpu, &s);
}

/* 32 vectors a register, registers 16 bytes apart. */
bool lapic_bit(struct conform *c, int vcpu, unsigned int reg, uint8_t vector)
{
	return lapic_reg(c, vcpu, reg + vector / 32u * 0x10) >> vector % 32 & 1;
}

bool lapic_irr(struct conform *c, int vcpu, uint8_t vector)
{
	return lapic_bit(c, vcpu, APIC_IRR, vector);
}

unsigned int lapic_irr_count(struct conform *c, int vcpu)
{
	struct kvm_lapic_state s = lapic_get(c, vcpu);
	unsigned int nr = 0;

	for (unsigned int i = 0; i < 8; i++)
		nr += (unsigned int)__builtin_popcount(
			lapic_word(&s, APIC_IRR + i * 0x10));
	return nr;
}

void lapic_clear(struct conform *c, int vcpu)
{
	struct kvm_lapic_state s = lapic_get(c, vcpu);

	for (unsigned int i = 0; i < 8; i++) {
		lapic_set_word(&s, APIC_ISR + i * 0x10, 0);
		lapic_set_word(&s, APIC_TMR + i * 0x10, 0);
		lapic_set_word(&s, APIC_IRR + i * 0x10, 0);
	}
	lapic_set(c, vcpu, &s);
}

struct kvm_irqchip chip_get(struct conform *c, int vm, uint32_t chip)
{
	struct kvm_irqchip state = {.chip_id = chip};

	CHECK_RET(c, port_ioctl(c, vm, KVM_GET_IRQCHIP, &state), 0);
	return state;
}

void chip_set(struct conform *c, int vm, struct kvm_irqchip *chip)
{
	CHECK_RET(c, port_ioctl(c, vm, KVM_SET_IRQCHIP, chip), 0);
}

struct kvm_ioapic_state ioapic_get(struct conform *c, int vm)
{
	return chip_get(c, vm, KVM_IRQCHIP_IOAPIC).chip.ioapic;
}

void ioapic_set_rte(struct conform *c, int vm, unsigned int pin, uint64_t rte)
{
	struct kvm_irqchip state = chip_get(c, vm, KVM_IRQCHIP_IOAPIC);

	state.chip.ioapic.redirtbl[pin].bits = rte;
	chip_set(c, vm, &state);
}

uint64_t ioapic_rte(struct conform *c, int vm, unsigned int pin)
{
	return ioapic_get(c, vm).redirtbl[pin].bits;
}

bool ioapic_irr(struct conform *c, int vm, unsigned int pin)
{
	return ioapic_get(c, vm).irr >> pin & 1;
}

struct kvm_pic_state pic_get(struct conform *c, int vm, bool slave)
{
	return chip_get(c, vm,
			slave ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER)
		.chip.pic;
}

void pic_set(struct conform *c, int vm, bool slave,
	     const struct kvm_pic_state *state)
{
	struct kvm_irqchip chip = {
		.chip_id =
			slave ? KVM_IRQCHIP_PIC_SLAVE : KVM_IRQCHIP_PIC_MASTER,
		.chip.pic = *state,
	};

	chip_set(c, vm, &chip);
}

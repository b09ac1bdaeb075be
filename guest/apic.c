// SPDX-License-Identifier: BSD-3-Clause
/*
 * Guest program for the IOAPIC, the local APICs and MSIs: up to four vCPUs,
 * of which the first programs the IOAPIC and starts the others by INIT and
 * SIPI.
 */
#include "hw_pc.h"

#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ENABLE (1u << 11)
/* The MSR of an xAPIC register. */
#define MSR_X2APIC(reg) (0x800u + (reg) / 16)

#define APIC_GPA 0xfee00000u
#define APIC_TPR 0x80
#define APIC_EOI 0xb0
#define APIC_SPIV 0xf0
#define APIC_ICR 0x300
#define APIC_ICR2 0x310
#define APIC_LINT0 0x350
#define APIC_LINT1 0x360
#define APIC_SPIV_ENABLE (1u << 8)
#define APIC_LVT_MASKED (1u << 16)
#define APIC_ICR_INIT (5u << 8)
#define APIC_ICR_SIPI (6u << 8)
#define APIC_ICR_ASSERT (1u << 14)
#define APIC_DEST_SHIFT 24
#define X2APIC_DEST_SHIFT 32
/* Above every device's vector. */
#define CLASS_ALL 15
#define SPURIOUS_VECTOR 0xffu

#define IOAPIC_GPA 0xfec00000u
#define IOAPIC_SELECT 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_RTE_LOW(pin) (0x10u + 2 * (pin))
#define IOAPIC_RTE_HIGH(pin) (0x11u + 2 * (pin))
#define IOAPIC_RTE_LEVEL (1u << 15)
#define IOAPIC_RTE_DEST_SHIFT 24

#define PIC_MASTER_DATA 0x21
#define PIC_SLAVE_DATA 0xa1

static void apic_write(struct hw *hw, uint32_t reg, uint32_t value)
{
	if (guest_params(hw)->flags & GUEST_X2APIC)
		hw_wrmsr(hw, MSR_X2APIC(reg), value);
	else
		hw_mmio_write32(hw, APIC_GPA + reg, value);
}

static void send_ipi(struct hw *hw, uint32_t cpu, uint32_t command)
{
	if (guest_params(hw)->flags & GUEST_X2APIC) {
		hw_wrmsr(hw, MSR_X2APIC(APIC_ICR),
			 (uint64_t)cpu << X2APIC_DEST_SHIFT | command);
		return;
	}
	apic_write(hw, APIC_ICR2, cpu << APIC_DEST_SHIFT);
	apic_write(hw, APIC_ICR, command);
}

static void ioapic_write(struct hw *hw, uint32_t reg, uint32_t value)
{
	hw_mmio_write32(hw, IOAPIC_GPA + IOAPIC_SELECT, reg);
	hw_mmio_write32(hw, IOAPIC_GPA + IOAPIC_WINDOW, value);
}

static void apic_setup(struct hw *hw)
{
	uint64_t base = hw_rdmsr(hw, MSR_APIC_BASE) | APIC_BASE_ENABLE;

	if (guest_params(hw)->flags & GUEST_X2APIC)
		base |= APIC_BASE_X2APIC;
	hw_wrmsr(hw, MSR_APIC_BASE, base);
	apic_write(hw, APIC_SPIV, APIC_SPIV_ENABLE | SPURIOUS_VECTOR);
	apic_write(hw, APIC_TPR, 0);
	/* LINT0 is the 8259's way in at reset; this program does without. */
	apic_write(hw, APIC_LINT0, APIC_LVT_MASKED);
	apic_write(hw, APIC_LINT1, APIC_LVT_MASKED);
}

static void ioapic_setup(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	for (uint32_t i = 0; i < params->nr_devices; i++) {
		const struct guest_device *device = &params->device[i];
		uint32_t low = device->vector;

		if (device->kind == GUEST_MSI)
			continue;
		if (device->kind == GUEST_LEVEL)
			low |= IOAPIC_RTE_LEVEL;
		/* The mask goes last: the destination must be right by then. */
		ioapic_write(hw, IOAPIC_RTE_HIGH(device->pin),
			     device->vcpu << IOAPIC_RTE_DEST_SHIFT);
		ioapic_write(hw, IOAPIC_RTE_LOW(device->pin), low);
	}
}

static void start_others(struct hw *hw)
{
	const struct guest_params *params = guest_params(hw);

	for (uint32_t cpu = 1; cpu < params->nr_vcpus; cpu++) {
		send_ipi(hw, cpu, APIC_ICR_INIT | APIC_ICR_ASSERT);
		send_ipi(hw, cpu,
			 APIC_ICR_SIPI | APIC_ICR_ASSERT |
				 GUEST_LOAD_GPA >> 12);
	}
}

void apic_interrupt(struct hw *hw, uint32_t vector)
{
	const struct guest_params *params = guest_params(hw);

	/* A spurious interrupt is not in service, so it gets no EOI. */
	if (vector == SPURIOUS_VECTOR)
		return;
	for (uint32_t i = 0; i < params->nr_devices; i++) {
		if (params->device[i].vector != vector ||
		    params->device[i].vcpu != hw->cpu)
			continue;
		guest_record(hw, i, vector);
		if (params->flags & GUEST_CR8)
			hw_set_cr8(hw, CLASS_ALL);
		hw_out32(hw, GUEST_PORT_ACK, i);
		apic_write(hw, APIC_EOI, 0);
		/* What came in since must not be forgotten. */
		if (params->flags & GUEST_CR8)
			hw_set_cr8(hw, 0);
		return;
	}
	guest_unexpected(hw, vector);
}

void apic_main(struct hw *hw)
{
	if (guest_params(hw)->magic != GUEST_MAGIC) {
		guest_unexpected(hw, 0);
		return;
	}
	apic_setup(hw);
	if (!hw->cpu) {
		hw_outb(hw, PIC_MASTER_DATA, 0xff);
		hw_outb(hw, PIC_SLAVE_DATA, 0xff);
		ioapic_setup(hw);
		start_others(hw);
	}
	hw_out32(hw, GUEST_PORT_READY, hw->cpu);
	while (hw_halt_wait(hw))
		;
}

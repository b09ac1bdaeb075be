// SPDX-License-Identifier: BSD-3-Clause
/*
 * The PC: what its controllers can take, its routes, its lines.
 */
#include "vmm_pc.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <virq/x86.h>

#define NR_IOAPIC_PINS 24
#define NR_PIC_LINES 16
#define NR_PIC_PINS 8 /* a chip */
#define PIC_CASCADE_LINE 2
/* Lines whose ELCR bit is fixed at edge: timer, keyboard, cascade, RTC, FPU. */
#define PIC_EDGE_ONLY 0x2107u
#define PIC_VECTOR_BASE 0x20
/* Each device of the APIC program has a vector; two of them share a class. */
#define APIC_VECTOR(i) (0x30 + 8 * (i))

#define MSI_ADDRESS 0xfee00000u
#define MSI_DEST_SHIFT 12

static bool is_pic(const struct vmm *vmm)
{
	return vmm_pc_board(vmm)->program == VMM_PROGRAM_PIC;
}

static int pc_configure(struct vmm *vmm, const struct vmm_config *config)
{
	struct vmm_pc_board *board;

	if (config->gic || config->split_eoi)
		return vmm_fail(vmm, -EINVAL,
				"irqchip '%s' is a PC's, which has no GIC; "
				"use vgic",
				vmm->irqchip->name);
	if (config->program != VMM_PROGRAM_APIC &&
	    config->program != VMM_PROGRAM_PIC)
		return vmm_fail(vmm, -EINVAL, "unknown guest program");
	if (config->program == VMM_PROGRAM_PIC && config->nr_vcpus > 1)
		return vmm_fail(vmm, -EINVAL,
				"the 8259 interrupts one vCPU, not %u",
				config->nr_vcpus);
	board = calloc(1, sizeof(*board));
	if (!board)
		return vmm_fail(vmm, -ENOMEM, "out of memory");
	board->program = config->program;
	board->x2apic = config->x2apic;
	vmm->board = board;
	return 0;
}

static void pc_cleanup(struct vmm *vmm)
{
	free(vmm->board);
	vmm->board = NULL;
}

static int pc_check_device(struct vmm *vmm, unsigned int i)
{
	const struct vmm_device *device = &vmm->devices[i];
	bool pic = is_pic(vmm);
	uint32_t nr = pic ? NR_PIC_LINES : NR_IOAPIC_PINS;

	if (device->kind == VMM_MSI)
		return !pic ? 0
			    : vmm_fail(vmm, -EINVAL,
				       "device %u: the 8259 takes no MSI", i);
	if (device->pin >= nr)
		return vmm_fail(vmm, -EINVAL,
				"device %u: no pin %u, the %s has 0 to %u", i,
				device->pin, pic ? "8259 pair" : "IOAPIC",
				nr - 1);
	if (pic && device->pin == PIC_CASCADE_LINE)
		return vmm_fail(vmm, -EINVAL,
				"device %u: line 2 of the 8259 is its cascade",
				i);
	if (pic && device->kind == VMM_LEVEL &&
	    PIC_EDGE_ONLY >> device->pin & 1)
		return vmm_fail(vmm, -EINVAL,
				"device %u: line %u of the 8259 is edge only",
				i, device->pin);
	return 0;
}

static uint32_t pc_param_flags(const struct vmm *vmm)
{
	uint32_t flags = vmm_pc_board(vmm)->x2apic ? GUEST_X2APIC : 0;

	/* CR8 is the monitor's business where the local APIC is. */
	return vmm_pc_kernel_apic(vmm) ? flags : flags | GUEST_CR8;
}

static uint32_t pc_vector(const struct vmm *vmm, unsigned int i)
{
	if (is_pic(vmm))
		return PIC_VECTOR_BASE + vmm->devices[i].pin;
	return APIC_VECTOR(i);
}

/*
 * A PC's pins, which are not everybody's default (a split irqchip starts with
 * an empty table), and a message for each MSI device.
 */
static uint32_t pc_routes(const struct vmm *vmm,
			  struct kvm_irq_routing_entry *entries)
{
	struct kvm_irq_routing_entry *entry = entries;

	_Static_assert(2 * NR_PIC_PINS + NR_IOAPIC_PINS + GUEST_MAX_DEVICES <=
			       VMM_MAX_ROUTES,
		       "the table has room");
	for (uint32_t pin = 0; pin < 2 * NR_PIC_PINS; pin++) {
		entry->gsi = pin;
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = pin < NR_PIC_PINS
						   ? KVM_IRQCHIP_PIC_MASTER
						   : KVM_IRQCHIP_PIC_SLAVE;
		entry->u.irqchip.pin = pin % NR_PIC_PINS;
		entry++;
	}
	for (uint32_t pin = 0; pin < NR_IOAPIC_PINS; pin++) {
		entry->gsi = pin;
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entry->u.irqchip.pin = pin;
		entry++;
	}
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		if (vmm->devices[i].kind != VMM_MSI)
			continue;
		entry->gsi = NR_IOAPIC_PINS + i;
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->u.msi.address_lo =
			MSI_ADDRESS | vmm->devices[i].vcpu << MSI_DEST_SHIFT;
		entry->u.msi.data = pc_vector(vmm, i);
		entry++;
	}
	return (uint32_t)(entry - entries);
}

static unsigned int pc_lines_up(struct vmm *vmm)
{
	bool pic = is_pic(vmm);
	unsigned int up = 0;

	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		uint32_t pin = vmm->devices[i].pin;
		struct kvm_irqchip chip = {
			.chip_id = !pic	     ? KVM_IRQCHIP_IOAPIC
				   : pin < 8 ? KVM_IRQCHIP_PIC_MASTER
					     : KVM_IRQCHIP_PIC_SLAVE,
		};
		uint32_t requests;

		if (vmm->devices[i].kind != VMM_LEVEL ||
		    virq_x86_get_irqchip(vmm->vm, &chip))
			continue;
		/* A level pin's request bit is its line. */
		requests = pic ? (uint32_t)chip.chip.pic.irr << (pin & 8)
			       : chip.chip.ioapic.irr;
		up += requests >> pin & 1;
	}
	return up;
}

const struct vmm_machine vmm_pc = {
	.irqchip = "x86",
	.memory_size = GUEST_MEMORY_SIZE,
	.nr_pins = NR_IOAPIC_PINS,
	.configure = pc_configure,
	.cleanup = pc_cleanup,
	.check_device = pc_check_device,
	.param_flags = pc_param_flags,
	.vector = pc_vector,
	.routes = pc_routes,
	.lines_up = pc_lines_up,
	.native = &vmm_pc_native_ops,
};

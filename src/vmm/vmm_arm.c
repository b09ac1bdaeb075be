// SPDX-License-Identifier: BSD-3-Clause
/* The Arm machine: what its controller can take, its routes, its lines. */
#include "vmm_arm.h"
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>

/* 0: there is none, and *@why. */
static unsigned int best_gic(const struct vmm *vmm, const char **why)
{
	if (vmm_arm_in_kernel(vmm))
		return vmm_kvm_has_gic(3, why)	 ? 3
		       : vmm_kvm_has_gic(2, why) ? 2
						 : 0;
	return vmm->guest == VMM_GUEST_KVM ? 2 : 3;
}

/* The other one, if the kernel has that: words for an advice. */
static const char *other_gic(unsigned int gic)
{
	if (!vmm_kvm_has_gic(gic == 2 ? 3 : 2, NULL))
		return "";
	return gic == 2 ? "gic 3 or " : "gic 2 or ";
}

static int choose_gic(struct vmm *vmm, unsigned int gic)
{
	const char *why = NULL;

	if (!gic)
		gic = best_gic(vmm, &why);
	if (!gic)
		return vmm_fail(vmm, -ENODEV,
				"no GIC in the kernel: %s; use irqchip vgic",
				why);
	if (gic != 2 && gic != 3)
		return vmm_fail(vmm, -EINVAL,
				"there is no GICv%u here: use 2 or 3", gic);
	if (vmm_arm_in_kernel(vmm) && !vmm_kvm_has_gic(gic, &why))
		return vmm_fail(vmm, -ENODEV,
				"no GICv%u in the kernel: %s; use %sirqchip "
				"vgic",
				gic, why, other_gic(gic));
	/* KVM keeps the registers of a v3's CPU interface to itself. */
	if (!vmm_arm_in_kernel(vmm) && vmm->guest == VMM_GUEST_KVM && gic == 3)
		return vmm_fail(vmm, -EINVAL,
				"KVM's guests reach a GICv3 in the kernel "
				"alone; use gic 2, irqchip kvm or the native "
				"guest");
	vmm_arm_board(vmm)->gic = gic;
	return 0;
}

static int arm_configure(struct vmm *vmm, const struct vmm_config *config)
{
	struct vmm_arm_board *board;

	if (config->program == VMM_PROGRAM_PIC || config->x2apic)
		return vmm_fail(vmm, -EINVAL,
				"an Arm machine (irqchip %s) has neither 8259 "
				"nor APIC",
				vmm->irqchip->name);
	board = calloc(1, sizeof(*board));
	if (!board)
		return vmm_fail(vmm, -ENOMEM, "out of memory");
	board->controller.fd = -1;
	board->its.fd = -1;
	board->split_eoi = config->split_eoi;
	vmm->board = board;
	return choose_gic(vmm, config->gic);
}

static void arm_cleanup(struct vmm *vmm)
{
	vmm_arm_gic_cleanup(vmm->board);
	free(vmm->board);
	vmm->board = NULL;
}

static int arm_check_device(struct vmm *vmm, unsigned int i)
{
	const struct vmm_device *device = &vmm->devices[i];

	if (device->kind == VMM_MSI)
		return vmm_arm_board(vmm)->gic != 2
			       ? 0
			       : vmm_fail(vmm, -EINVAL,
					  "device %u: a GICv2 takes no MSI", i);
	if (device->pin >= VMM_ARM_NR_SPIS)
		return vmm_fail(vmm, -EINVAL,
				"device %u: no pin %u, the GIC has 0 to %u", i,
				device->pin, VMM_ARM_NR_SPIS - 1);
	return 0;
}

static uint32_t arm_param_flags(const struct vmm *vmm)
{
	const struct vmm_arm_board *board = vmm_arm_board(vmm);

	return (board->gic == 3 ? GUEST_GICV3 : 0) |
	       (board->split_eoi ? GUEST_SPLIT_EOI : 0);
}

static uint32_t arm_vector(const struct vmm *vmm, unsigned int i)
{
	return vmm->devices[i].kind == VMM_MSI ? ARM_LPI(i)
					       : ARM_SPI(vmm->devices[i].pin);
}

static uint32_t arm_routes(const struct vmm *vmm,
			   struct kvm_irq_routing_entry *entries)
{
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		struct kvm_irq_routing_entry *entry = &entries[i];

		if (vmm->devices[i].kind == VMM_MSI) {
			entry->gsi = VMM_ARM_NR_SPIS + i;
			entry->type = KVM_IRQ_ROUTING_MSI;
			entry->flags = KVM_MSI_VALID_DEVID;
			entry->u.msi.address_lo = ARM_DOORBELL_GPA;
			entry->u.msi.data = ARM_EVENT;
			entry->u.msi.devid = ARM_DEVICE_ID(i);
		} else {
			entry->gsi = vmm->devices[i].pin;
			entry->type = KVM_IRQ_ROUTING_IRQCHIP;
			entry->u.irqchip.pin = vmm->devices[i].pin;
		}
	}
	return vmm->nr_devices;
}

/* A line that cannot be read counts as up: nobody knows that it is down. */
static unsigned int arm_lines_up(struct vmm *vmm)
{
	unsigned int up = 0;
	bool kvm = vmm->guest == VMM_GUEST_KVM;

	/* Linux reads registers only while no vCPU runs. */
	if (kvm)
		vmm_pause(vmm);
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		uint32_t intid = ARM_SPI(vmm->devices[i].pin), lines;

		if (vmm->devices[i].kind != VMM_LEVEL)
			continue;
		if (vmm_arm_gic_lines(vmm, intid / 32 * 32, &lines))
			lines = UINT32_MAX;
		up += lines >> intid % 32 & 1;
	}
	if (kvm)
		vmm_resume(vmm);
	return up;
}

static unsigned int arm_gic(const struct vmm *vmm)
{
	return vmm_arm_board(vmm)->gic;
}

const struct vmm_machine vmm_arm = {
	.irqchip = "vgic",
	.memory_size = ARM_RAM_SIZE,
	.nr_pins = VMM_ARM_NR_SPIS,
	.configure = arm_configure,
	.cleanup = arm_cleanup,
	.check_device = arm_check_device,
	.param_flags = arm_param_flags,
	.vector = arm_vector,
	.routes = arm_routes,
	.lines_up = arm_lines_up,
	.gic = arm_gic,
	.native = &vmm_arm_native_ops,
};

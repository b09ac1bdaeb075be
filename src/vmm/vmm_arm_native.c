// SPDX-License-Identifier: BSD-3-Clause
/*
 * An Arm machine's native guest: the interrupt's number is read from the GIC,
 * and vCPUs are started by what PSCI would do.
 */
#include "vmm_arm.h"
#include "vmm_native.h"
#include <errno.h>
#include <string.h>

static int take(struct vmm_vcpu *vcpu, unsigned int events)
{
	if (!(events & VIRQ_EVENT_INTR))
		return -1;
	gic_interrupt(&vcpu->hw);
	return 1;
}

/* The store pairs with started()'s load; a kick before a block is not lost. */
static void cpu_on(struct hw *hw, uint32_t cpu)
{
	struct vmm *vmm = hw_vcpu(hw)->vmm;

	if (cpu >= vmm->nr_vcpus) {
		vmm_fail(vmm, -EIO, "vCPU %u: starts vCPU %u, there are %u",
			 hw->cpu, cpu, vmm->nr_vcpus);
		return;
	}
	atomic_store(&vmm->vcpus[cpu].started, true);
	virq_vcpu_kick(vmm->vcpus[cpu].virq);
}

static bool started(struct vmm_vcpu *vcpu)
{
	return atomic_load(&vcpu->started);
}

static void program_main(struct vmm_vcpu *vcpu)
{
	gic_main(&vcpu->hw);
}

static const struct vmm_native arm_native = {
	.hw =
		{
			.out = vmm_native_out,
			.halt_wait = vmm_native_halt_wait,
			.cpu_on = cpu_on,
			.refused = vmm_native_refused,
		},
	.take = take,
	.started = started,
	.main = program_main,
};

static int vcpu_setup(struct vmm_vcpu *vcpu)
{
	return vmm_native_vcpu_setup(vcpu, &arm_native);
}

/* Guest memory at @gpa, or NULL: not all of it is. */
static uint8_t *memory(struct vmm *vmm, uint64_t gpa, size_t len)
{
	uint64_t offset = gpa - ARM_RAM_GPA;

	if (offset >= ARM_RAM_SIZE || len > ARM_RAM_SIZE - offset)
		return NULL;
	return vmm->memory + offset;
}

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	const uint8_t *from = memory(opaque, gpa, len);

	if (!from)
		return -EFAULT;
	memcpy(data, from, len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	uint8_t *to = memory(opaque, gpa, len);

	if (!to)
		return -EFAULT;
	memcpy(to, data, len);
	return 0;
}

static int vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	struct virq_vgic_config *config = &vmm_arm_board(vmm)->config;

	config->read_memory = read_memory;
	config->write_memory = write_memory;
	config->opaque = vmm;
	*irqchip_config = config;
	return 0;
}

static int vm_ready(struct vmm *vmm)
{
	return vmm_arm_gic_setup(vmm, -1);
}

const struct vmm_guest_ops vmm_arm_native_ops = {
	.vm_setup = vm_setup,
	.vm_cleanup = vmm_native_vm_cleanup,
	.vcpu_setup = vcpu_setup,
	.vcpu_cleanup = vmm_native_vcpu_cleanup,
	.vm_ready = vm_ready,
	.run = vmm_native_run,
};

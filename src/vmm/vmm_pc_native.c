// SPDX-License-Identifier: BSD-3-Clause
/* A PC's native guest: vectors by INTACK, vCPUs started by INIT and SIPI. */
#include "vmm_native.h"
#include "vmm_pc.h"
#include <errno.h>

static int take(struct vmm_vcpu *vcpu, unsigned int events)
{
	int vector;

	if (!(events & VIRQ_EVENT_INTR))
		return -1;
	vector = virq_vcpu_ack(vcpu->virq);
	if (vector < 0)
		return 0;
	if (vmm_pc_board(vcpu->vmm)->program == VMM_PROGRAM_PIC)
		pic_interrupt(&vcpu->hw, (uint32_t)vector);
	else
		apic_interrupt(&vcpu->hw, (uint32_t)vector);
	return 1;
}

/* INIT, then SIPI; with neither pending there is nothing to do but wait. */
static bool started(struct vmm_vcpu *vcpu)
{
	for (;;) {
		unsigned int events = virq_vcpu_pending(vcpu->virq);
		int page;

		if (events & VIRQ_EVENT_INIT) {
			virq_vcpu_take(vcpu->virq, VIRQ_EVENT_INIT);
			continue;
		}
		if (!(events & VIRQ_EVENT_SIPI))
			return false;
		page = virq_vcpu_take(vcpu->virq, VIRQ_EVENT_SIPI);
		if (page == GUEST_LOAD_GPA >> 12)
			return true;
		vmm_fail(vcpu->vmm, -EIO,
			 "vCPU %u: started at page 0x%x, not 0x%x", vcpu->id,
			 page, GUEST_LOAD_GPA >> 12);
		return false;
	}
}

static void program_main(struct vmm_vcpu *vcpu)
{
	if (vmm_pc_board(vcpu->vmm)->program == VMM_PROGRAM_PIC)
		pic_main(&vcpu->hw);
	else
		apic_main(&vcpu->hw);
}

static const struct vmm_native pc_native = {
	.hw =
		{
			.out = vmm_native_out,
			.halt_wait = vmm_native_halt_wait,
			.refused = vmm_native_refused,
		},
	.take = take,
	.started = started,
	.main = program_main,
};

static int vcpu_setup(struct vmm_vcpu *vcpu)
{
	return vmm_native_vcpu_setup(vcpu, &pc_native);
}

static int vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	(void)vmm;
	*irqchip_config = NULL;
	return 0;
}

const struct vmm_guest_ops vmm_pc_native_ops = {
	.vm_setup = vm_setup,
	.vm_cleanup = vmm_native_vm_cleanup,
	.vcpu_setup = vcpu_setup,
	.vcpu_cleanup = vmm_native_vcpu_cleanup,
	.run = vmm_native_run,
};

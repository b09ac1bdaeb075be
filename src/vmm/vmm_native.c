// SPDX-License-Identifier: BSD-3-Clause
/*
 * The native guest: the guest program's C on a thread for each vCPU.  Its
 * register accesses go to the chips as they are; it takes interrupts where a
 * processor would wake from HLT.  It is the shortest complete user of the
 * vCPU interface.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

static struct vmm_vcpu *hw_vcpu(struct hw *hw)
{
	return (struct vmm_vcpu *)((char *)hw - offsetof(struct vmm_vcpu, hw));
}

static void native_out(struct hw *hw, uint16_t port, uint32_t value)
{
	vmm_guest_out(hw_vcpu(hw), port, value);
}

static void native_refused(struct hw *hw, const struct virq_access *access,
			   int error)
{
	vmm_fail(hw_vcpu(hw)->vmm, -EIO,
		 "vCPU %u: %s of %u bytes at 0x%llx refused: %s", hw->cpu,
		 access->write ? "write" : "read", access->len,
		 (unsigned long long)access->addr, strerror(-error));
}

static void native_interrupt(struct hw *hw, uint32_t vector)
{
	if (hw_vcpu(hw)->vmm->program == VMM_PROGRAM_PIC)
		pic_interrupt(hw, vector);
	else
		apic_interrupt(hw, vector);
}

static bool native_halt_wait(struct hw *hw)
{
	struct vmm_vcpu *vcpu = hw_vcpu(hw);

	while (!vmm_stopping(vcpu->vmm)) {
		unsigned int events = virq_vcpu_pending(vcpu->virq);
		int vector;

		if (!events) {
			vmm_vcpu_block(vcpu);
			continue;
		}
		if (!(events & VIRQ_EVENT_INTR)) {
			vmm_fail(
				vcpu->vmm, -EIO,
				"vCPU %u: event 0x%x, the guest has no handler",
				vcpu->id, events);
			break;
		}
		vector = virq_vcpu_ack(vcpu->virq);
		if (vector < 0)
			continue;
		native_interrupt(hw, (uint32_t)vector);
		return true;
	}
	return false;
}

static const struct hw_ops native_hw_ops = {
	.out = native_out,
	.halt_wait = native_halt_wait,
	.refused = native_refused,
};

/* Every vCPU but the first starts by INIT and SIPI. */
static bool wait_for_sipi(struct vmm_vcpu *vcpu)
{
	while (!vmm_stopping(vcpu->vmm)) {
		unsigned int events = virq_vcpu_pending(vcpu->virq);

		if (events & VIRQ_EVENT_INIT) {
			virq_vcpu_take(vcpu->virq, VIRQ_EVENT_INIT);
		} else if (events & VIRQ_EVENT_SIPI) {
			int page = virq_vcpu_take(vcpu->virq, VIRQ_EVENT_SIPI);

			if (page == GUEST_LOAD_GPA >> 12)
				return true;
			vmm_fail(vcpu->vmm, -EIO,
				 "vCPU %u: started at page 0x%x, not 0x%x",
				 vcpu->id, page, GUEST_LOAD_GPA >> 12);
		} else {
			vmm_vcpu_block(vcpu);
		}
	}
	return false;
}

static void native_run(struct vmm_vcpu *vcpu)
{
	if (vcpu->id && !wait_for_sipi(vcpu))
		return;
	if (vcpu->vmm->program == VMM_PROGRAM_PIC)
		pic_main(&vcpu->hw);
	else
		apic_main(&vcpu->hw);
}

static int native_vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	(void)vmm;
	*irqchip_config = NULL;
	return 0;
}

static void native_vm_cleanup(struct vmm *vmm)
{
	(void)vmm;
}

static int native_vcpu_setup(struct vmm_vcpu *vcpu)
{
	/* No kick: a running program looks at its next halt. */
	static const struct virq_vcpu_ops no_kick = {.kick = NULL};
	int ret = virq_vcpu_create(vcpu->vmm->vm, vcpu->id, &no_kick, NULL,
				   &vcpu->virq);

	if (ret)
		return vmm_fail(vcpu->vmm, ret, "vCPU %u: %s", vcpu->id,
				strerror(-ret));
	vcpu->hw = (struct hw){
		.cpu = vcpu->id,
		.ops = &native_hw_ops,
		.vcpu = vcpu->virq,
		.memory = vcpu->vmm->memory,
	};
	return 0;
}

static void native_vcpu_cleanup(struct vmm_vcpu *vcpu)
{
	(void)vcpu;
}

const struct vmm_guest_ops vmm_native_ops = {
	.vm_setup = native_vm_setup,
	.vm_cleanup = native_vm_cleanup,
	.vcpu_setup = native_vcpu_setup,
	.vcpu_cleanup = native_vcpu_cleanup,
	.run = native_run,
};

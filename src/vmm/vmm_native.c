// SPDX-License-Identifier: BSD-3-Clause
/*
 * The native guest: the guest program's C on a thread for each vCPU.  Its
 * register accesses go to the chips as they are; it takes interrupts where a
 * processor would wake from its halt.  It is the shortest complete user of the
 * vCPU interface.
 */
#include "vmm_native.h"
#include <errno.h>
#include <string.h>

void vmm_native_out(struct hw *hw, uint16_t port, uint32_t value)
{
	vmm_guest_out(hw_vcpu(hw), port, value);
}

void vmm_native_refused(struct hw *hw, const struct virq_access *access,
			int error)
{
	vmm_fail(hw_vcpu(hw)->vmm, -EIO,
		 "vCPU %u: %s of %u bytes at 0x%llx refused: %s", hw->cpu,
		 access->write ? "write" : "read", access->len,
		 (unsigned long long)access->addr, strerror(-error));
}

bool vmm_native_halt_wait(struct hw *hw)
{
	const struct vmm_native *native = hw_native(hw);
	struct vmm_vcpu *vcpu = hw_vcpu(hw);

	while (!vmm_stopping(vcpu->vmm)) {
		unsigned int events = virq_vcpu_pending(vcpu->virq);
		int taken;

		if (!events) {
			vmm_vcpu_block(vcpu);
			continue;
		}
		taken = native->take(vcpu, events);
		if (taken > 0)
			return true;
		if (taken < 0) {
			vmm_fail(
				vcpu->vmm, -EIO,
				"vCPU %u: event 0x%x, the guest has no handler",
				vcpu->id, events);
			break;
		}
	}
	return false;
}

void vmm_native_run(struct vmm_vcpu *vcpu)
{
	const struct vmm_native *native = hw_native(&vcpu->hw);

	while (vcpu->id && !native->started(vcpu)) {
		if (vmm_stopping(vcpu->vmm))
			return;
		vmm_vcpu_block(vcpu);
	}
	native->main(vcpu);
}

int vmm_native_vcpu_setup(struct vmm_vcpu *vcpu,
			  const struct vmm_native *native)
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
		.ops = &native->hw,
		.vcpu = vcpu->virq,
		.memory = vcpu->vmm->memory,
	};
	return 0;
}

void vmm_native_vcpu_cleanup(struct vmm_vcpu *vcpu)
{
	(void)vcpu;
}

void vmm_native_vm_cleanup(struct vmm *vmm)
{
	(void)vmm;
}

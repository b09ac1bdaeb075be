/* SPDX-License-Identifier: BSD-3-Clause */
/* What the machines' native guests have in common (vmm_native.c). */
#ifndef VMM_NATIVE_H
#define VMM_NATIVE_H

#include "vmm_internal.h"
#include <stddef.h>

/* A machine's program, and how its vCPUs take what is pending. */
struct vmm_native {
	struct hw_ops hw;
	/*
	 * Take one of @events: 1 an interrupt was handled, 0 nothing (look
	 * again), -1 none of them can be taken.
	 */
	int (*take)(struct vmm_vcpu *vcpu, unsigned int events);
	/* Every vCPU but the first waits for its start: is it there? */
	bool (*started)(struct vmm_vcpu *vcpu);
	void (*main)(struct vmm_vcpu *vcpu);
};

static inline struct vmm_vcpu *hw_vcpu(struct hw *hw)
{
	return (struct vmm_vcpu *)((char *)hw - offsetof(struct vmm_vcpu, hw));
}

/* The machine's, by what vmm_native_vcpu_setup() was given. */
static inline const struct vmm_native *hw_native(const struct hw *hw)
{
	return (const struct vmm_native *)((const char *)hw->ops -
					   offsetof(struct vmm_native, hw));
}

/* For struct hw_ops. */
void vmm_native_out(struct hw *hw, uint16_t port, uint32_t value);
void vmm_native_refused(struct hw *hw, const struct virq_access *access,
			int error);
bool vmm_native_halt_wait(struct hw *hw);

/* For struct vmm_guest_ops; the first by the machine's own. */
int vmm_native_vcpu_setup(struct vmm_vcpu *vcpu,
			  const struct vmm_native *native);
void vmm_native_run(struct vmm_vcpu *vcpu);
void vmm_native_vcpu_cleanup(struct vmm_vcpu *vcpu);
void vmm_native_vm_cleanup(struct vmm *vmm);

#endif

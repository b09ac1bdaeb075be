/* SPDX-License-Identifier: BSD-3-Clause */
/* A PC: what its machine, its native guest and KVM's share. */
#ifndef VMM_PC_H
#define VMM_PC_H

#include "hw_pc.h"
#include "vmm_internal.h"

struct vmm_pc_board {
	enum vmm_program program;
	bool x2apic;
};

static inline const struct vmm_pc_board *vmm_pc_board(const struct vmm *vmm)
{
	return vmm->board;
}

/* Who has the local APICs has HLT. */
static inline bool vmm_pc_kernel_apic(const struct vmm *vmm)
{
	return vmm->kernel_halt;
}

extern const struct vmm_guest_ops vmm_pc_native_ops, vmm_kvm_x86_ops;

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* An x86 host: a PC, and an Arm machine that KVM does not run. */
#include "vmm_pc.h"

static const char *const pc_irqchips[] = {"x86", "split", "kvm", NULL};
static const char *const arm_irqchips[] = {"vgic", NULL};

const struct vmm_host_machine vmm_host_machines[] = {
	{&vmm_pc, pc_irqchips, &vmm_kvm_x86_ops},
	{&vmm_arm, arm_irqchips, NULL},
};
const unsigned int vmm_nr_host_machines = 2;
const char vmm_host_irqchips[] = "x86, split, kvm or vgic";

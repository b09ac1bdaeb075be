// SPDX-License-Identifier: BSD-3-Clause
/* An arm64 host: an Arm machine, with its GIC here or in KVM. */
#include "vmm_arm.h"

static const char *const arm_irqchips[] = {"vgic", "kvm", NULL};

const struct vmm_host_machine vmm_host_machines[] = {
	{&vmm_arm, arm_irqchips, &vmm_kvm_arm64_ops},
};
const unsigned int vmm_nr_host_machines = 1;
const char vmm_host_irqchips[] = "vgic or kvm";

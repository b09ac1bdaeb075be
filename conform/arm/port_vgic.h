/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the port "vgic": for tests that look at its vCPUs themselves. */
#ifndef CONFORM_ARM_PORT_VGIC_H
#define CONFORM_ARM_PORT_VGIC_H

#include <virq/virq.h>
#include "port.h"

/* The vCPU with this id of a VM of arm_port_vgic, or NULL. */
struct virq_vcpu *arm_vgic_vcpu(struct arm_vm *vm, uint32_t id);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One machine of the two that live through a script: a VM of a port, with a
 * vGIC that is set up, and descriptors.
 */
#ifndef ARM_DIFF_MACHINE_H
#define ARM_DIFF_MACHINE_H

#include "conform/arm/port.h"
#include "script.h"

/* Where things are for the guest. */
#define GICD_GPA 0x08000000u
#define GICC_GPA 0x08010000u
#define ITS_GPA 0x08080000u
#define GICR_GPA 0x080a0000u
#define GICR_SIZE 0x20000u
#define DOORBELL_GPA (ITS_GPA + 0x10040u)

/* In guest memory: the tables of LPIs and of the ITS. */
#define TABLES_GPA ARM_RAM_GPA
#define PROPERTIES_GPA (TABLES_GPA + 0x00000u)
#define PENDING_GPA(vcpu) (TABLES_GPA + 0x10000u * (1 + (vcpu)))
#define DEVICES_GPA (TABLES_GPA + 0x50000u)
#define COLLECTIONS_GPA (TABLES_GPA + 0x60000u)
#define QUEUE_GPA (TABLES_GPA + 0x70000u)
#define ITT_GPA(device) (TABLES_GPA + 0x80000u + 0x1000u * (device))
#define TABLES_SIZE 0x90000u

#define NO_DEVICE (-1)

struct slot {
	int fd;
	int resamplefd;
};

struct route {
	uint64_t kind, a, b;
};

struct machine {
	const struct arm_port *port;
	const struct setup *setup;
	struct arm_vm *vm;
	int device[2]; /* by enum device; NO_DEVICE: none */
	struct slot slot[NR_SLOTS];
	struct kvm_irqfd bound[NR_SLOTS]; /* by flags: is there one? */
	bool is_bound[NR_SLOTS];
	bool routed; /* a table of ours has replaced the default one */
	struct route route[NR_GSIS];
};

/* What there is to see of one operation. */
struct outcome {
	int ret;
	uint64_t value;
};

/* Created and initialised.  0 or a negative errno. */
int machine_create(struct machine *m, const struct arm_port *port,
		   const struct setup *setup);
void machine_destroy(struct machine *m);

int machine_attr(struct machine *m, enum op_kind how, enum device device,
		 uint32_t group, uint64_t attr, uint64_t *value);
/* KVM_DEV_ARM_VGIC_*: the attribute of a register. */
uint64_t machine_cpu_attr(const struct machine *m, unsigned int vcpu,
			  uint32_t offset);
uint64_t machine_mpidr(unsigned int vcpu);

/* An operation of the host's. */
void machine_do(struct machine *m, const struct op *op,
		struct outcome *outcome);
/* Bind again, on a machine like new, what was bound on @from. */
int machine_rebind(struct machine *m, const struct machine *from);

#endif

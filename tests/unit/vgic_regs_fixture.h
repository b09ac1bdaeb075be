/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM with a vGIC that is ready, for tests of its registers: the guest's
 * accesses come by virq_vcpu_mmio() and virq_vcpu_msr(), user space's as
 * attributes.
 */
#ifndef VGIC_REGS_FIXTURE_H
#define VGIC_REGS_FIXTURE_H

#include <virq/device.h>
#include <virq/virq.h>
#include "irqchip/vgic/mmio.h"

#define DIST_BASE UINT64_C(0x08000000)
#define GICC_BASE UINT64_C(0x08010000)
#define REDIST_BASE UINT64_C(0x080a0000)
#define MAX_MACHINE_CPUS 512

struct machine {
	unsigned int model; /* 2 or 3 */
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_device *device;
	struct vgic *vgic;
	unsigned int nr_cpus;
	struct virq_vcpu *vcpu[MAX_MACHINE_CPUS];
	struct vgic_cpu *cpu[MAX_MACHINE_CPUS];
	atomic_uint kicks[MAX_MACHINE_CPUS];
};

/*
 * machine_create - ready to run; machine_make stops before the controller is
 * initialised and machine_map finishes it.  What fails ends the program.
 */
void machine_make(struct machine *m, unsigned int model, unsigned int nr_cpus,
		  uint32_t nr_irqs);
void machine_map(struct machine *m);
void machine_create(struct machine *m, unsigned int model, unsigned int nr_cpus,
		    uint32_t nr_irqs);
void machine_destroy(struct machine *m);

/* The guest of vCPU @c. */
uint64_t guest_read(struct machine *m, unsigned int c, uint64_t addr,
		    unsigned int len);
void guest_write(struct machine *m, unsigned int c, uint64_t addr,
		 unsigned int len, uint64_t value);
/* 32 bits of the distributor, and of the CPU's redistributor or interface. */
uint32_t dist_read(struct machine *m, unsigned int c, uint32_t offset);
void dist_write(struct machine *m, unsigned int c, uint32_t offset,
		uint32_t value);
uint32_t cpu_read(struct machine *m, unsigned int c, uint32_t offset);
void cpu_write(struct machine *m, unsigned int c, uint32_t offset,
	       uint32_t value);
/* System registers: CRn is 12, or 4 for PMR.  The errno is answered. */
#define ICC(crm, op2) (0xc000u | 12u << 7 | (crm) << 3 | (op2))
#define ICC_PMR (0xc000u | 4u << 7 | 6u << 3)
int icc_read(struct machine *m, unsigned int c, uint32_t encoding,
	     uint64_t *value);
int icc_write(struct machine *m, unsigned int c, uint32_t encoding,
	      uint64_t value);

/* Attributes; the errno.  Groups by number (virq/arm64.h). */
int user_get(struct machine *m, uint32_t group, uint64_t attr, uint64_t *value);
int user_set(struct machine *m, uint32_t group, uint64_t attr, uint64_t value);
int user_has(struct machine *m, uint32_t group, uint64_t attr);

/* The line of an SPI, or of a PPI of vCPU @c. */
void set_line(struct machine *m, unsigned int c, uint32_t intid, bool level);

/*
 * A machine in which all is open for one SPI, of group 0 in v2 and 1 in v3,
 * which is enabled and goes to vCPU 0.
 */
#define REGS_SPI 40
#define REGS_SPI_BIT (1u << (REGS_SPI % 32))
void regs_begin(struct machine *m, unsigned int model, unsigned int nr_cpus);
struct vgic_irq *regs_irq(struct machine *m, unsigned int c, uint32_t intid);
/* An attribute that must be there. */
uint64_t regs_user(struct machine *m, uint32_t group, uint64_t attr);

#endif

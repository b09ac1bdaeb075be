/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM with a vGIC that is ready and three vCPUs, driven by one thread; and
 * what must hold of its interrupts whatever was done to them: that each is in
 * the queue that its state asks for, and that each vCPU is told what it can
 * take, both worked out anew from the records.
 */
#ifndef VIRQ_FUZZ_GIC_H
#define VIRQ_FUZZ_GIC_H

#include <virq/device.h>
#include <virq/virq.h>
#include "fuzz.h"
#include "irqchip/vgic/mmio.h"

#define GIC_CPUS 3
#define GIC_IRQS 96
#define GIC_DIST UINT64_C(0x08000000)
#define GIC_GICC UINT64_C(0x08010000)
#define GIC_ITS UINT64_C(0x08080000)
#define GIC_REDIST UINT64_C(0x080a0000)
#define GIC_REDIST_SIZE 0x20000u

struct gic_vcpu {
	struct virq_vcpu *vcpu;
	struct vgic_cpu *cpu;
	bool in_guest; /* between virq_vcpu_enter() and _exit() */
	bool was_pending; /* already when it entered */
	unsigned int kicks; /* since then */
};

struct gic {
	unsigned int fds; /* that were open before */
	bool v3;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_device *device;
	struct vgic *vgic;
	struct gic_vcpu vcpu[GIC_CPUS];
};

/* @its: with one, so there are LPIs; v3. */
void gic_create(struct gic *gic, bool v3, bool its);
void gic_destroy(struct gic *gic);

/* vCPU @c is about to do something: it is not in the guest any more. */
void gic_leave(struct gic *gic, unsigned int c);
void gic_enter(struct gic *gic, unsigned int c);

/* A guest's access; the errno.  The data goes both ways. */
int gic_mmio(struct gic *gic, unsigned int c, uint64_t addr, uint8_t len,
	     bool write, uint64_t *data);
/* The same by attribute, of the frame of @group and vCPU @c. */
int gic_attr(struct gic *gic, uint32_t group, unsigned int c, uint32_t offset,
	     bool write, uint32_t *data);

/* SGIs and PPIs are vCPU @c's. */
struct vgic_irq *gic_irq(struct gic *gic, unsigned int c, uint32_t intid);

/*
 * The priority of the most urgent interrupt that vCPU @c could be told of, and
 * its group (0 if both have one); false: there is none.
 */
bool gic_best(struct gic *gic, unsigned int c, unsigned int *priority,
	      unsigned int *group);
/* Can it take one of @priority and @group now? */
bool gic_can_take(struct gic *gic, unsigned int c, unsigned int priority,
		  unsigned int group);

/* All of the above must hold. */
void gic_check(struct gic *gic);

#endif

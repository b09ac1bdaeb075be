/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the ARM cases are made of: a VM with a vGIC of the case's model, its
 * attributes, lines and eventfds, and what a guest does.
 *
 * A helper that cannot fail where the rule holds ends the case when it does;
 * those that answer an errno are for the rule that is checked.
 */
#ifndef CONFORM_ARM_ENV_H
#define CONFORM_ARM_ENV_H

#include <errno.h>
#include <string.h>
#include "../check.h"
#include "port.h"

/* struct conform_case.needs: the model, which a machine may not have. */
#define ARM_GICV2 (1u << 8)
#define ARM_GICV3 (1u << 9)
#define ARM_ITS (1u << 10) /* with ARM_GICV3 */

/* One rule for both models. */
#define ARM_BOTH(name_, rule_, run_)                                           \
	{.name = name_ "-v2", .rule = rule_, .needs = ARM_GICV2, .run = run_}, \
	{                                                                      \
		.name = name_ "-v3", .rule = rule_, .needs = ARM_GICV3,        \
		.run = run_                                                    \
	}
#define ARM_V2(name_, rule_, run_)                                             \
	{                                                                      \
		.name = name_ "-v2", .rule = rule_, .needs = ARM_GICV2,        \
		.run = run_                                                    \
	}
#define ARM_V3(name_, rule_, run_)                                             \
	{                                                                      \
		.name = name_ "-v3", .rule = rule_, .needs = ARM_GICV3,        \
		.run = run_                                                    \
	}
#define ARM_ITS_CASE(name_, rule_, run_)                                       \
	{                                                                      \
		.name = name_, .rule = rule_, .needs = ARM_GICV3 | ARM_ITS,    \
		.run = run_                                                    \
	}

/* Where guests find the frames, away from ARM_RAM_GPA. */
#define DIST_GPA 0x08000000u
#define CPU_GPA 0x08010000u
#define REDIST_GPA 0x080a0000u
#define ITS_GPA 0x09000000u

/* A pointer of user space that leads nowhere. */
#define NOWHERE UINT64_C(0x10)

#define NO_DEVICE (-1)

struct arm_env {
	struct conform *c;
	const struct arm_port *port;
	struct arm_vm *vm;
	bool v3;
	uint32_t type; /* KVM_DEV_TYPE_ARM_VGIC_V2 or _V3 */
	int gic; /* the device, or NO_DEVICE */
	int its;
};

/* ---- Steps towards a working machine ---- */

/*
 * A VM without anything; skips where the machine lacks the model.  One a case:
 * it goes when the case's process ends.
 */
struct arm_env *env_new(struct conform *c);
void env_vcpus(struct arm_env *e, unsigned int nr);
void env_create_gic(struct arm_env *e);
void env_set_addrs(struct arm_env *e);
void env_init_gic(struct arm_env *e);
/* All of the above. */
struct arm_env *env_ready(struct conform *c, unsigned int nr_vcpus);
/* The same with an ITS at ITS_GPA. */
struct arm_env *env_its(struct conform *c);
void env_create_its(struct arm_env *e);

/* ---- Attributes: 0 or an errno ---- */

int attr_set(struct arm_env *e, int device, uint32_t group, uint64_t attr,
	     uint64_t value);
int attr_get(struct arm_env *e, int device, uint32_t group, uint64_t attr,
	     uint64_t *value);
int attr_has(struct arm_env *e, int device, uint32_t group, uint64_t attr);
/* @addr is the pointer itself. */
int attr_set_at(struct arm_env *e, int device, uint32_t group, uint64_t attr,
		uint64_t addr);
int attr_get_at(struct arm_env *e, int device, uint32_t group, uint64_t attr,
		uint64_t addr);
int set_nr_irqs(struct arm_env *e, uint32_t nr);
int set_addr(struct arm_env *e, uint64_t type, uint64_t addr);
int get_addr(struct arm_env *e, uint64_t type, uint64_t *addr);
int init_gic(struct arm_env *e);

/* ---- Registers as user space sees them ---- */

/* Attribute numbers: vCPU @cpu, or the distributor's own with cpu 0. */
uint64_t reg_attr(const struct arm_env *e, uint32_t cpu, uint32_t offset);
uint32_t dist_get(struct arm_env *e, uint32_t offset);
void dist_set(struct arm_env *e, uint32_t offset, uint32_t value);
/*
 * A register of the distributor's layout that each vCPU has for itself: v2's
 * banked one, or v3's in the redistributor.
 */
uint32_t banked_get(struct arm_env *e, uint32_t cpu, uint32_t offset);
void banked_set(struct arm_env *e, uint32_t cpu, uint32_t offset,
		uint32_t value);
uint32_t redist_get(struct arm_env *e, uint32_t cpu, uint32_t offset);
void redist_set(struct arm_env *e, uint32_t cpu, uint32_t offset,
		uint32_t value);
uint64_t sysreg_get(struct arm_env *e, uint32_t cpu, uint32_t encoding);
void sysreg_set(struct arm_env *e, uint32_t cpu, uint32_t encoding,
		uint64_t value);
uint32_t cpu_get(struct arm_env *e, uint32_t cpu, uint32_t offset); /* v2 */
void cpu_set(struct arm_env *e, uint32_t cpu, uint32_t offset, uint32_t value);

/* One interrupt.  SPIs, or vCPU 0's private ones. */
bool irq_pending(struct arm_env *e, uint32_t intid); /* latch or line */
bool irq_latched(struct arm_env *e, uint32_t intid); /* v3: latch alone */
bool irq_line_up(struct arm_env *e, uint32_t intid); /* v3 */
bool irq_active(struct arm_env *e, uint32_t intid);
void irq_make_level(struct arm_env *e, uint32_t intid);
void irq_enable(struct arm_env *e, uint32_t intid);

/* ---- Lines, routes, eventfds ---- */

uint32_t line_spi(uint32_t intid);
uint32_t line_ppi(uint32_t cpu, uint32_t intid);
uint32_t line_cpu(uint32_t cpu, uint32_t number);
int line_set(struct arm_env *e, uint32_t line, uint32_t level);

int eventfd_new(struct arm_env *e, unsigned int value, int flags);
void event_signal(struct arm_env *e, int fd);
uint64_t event_count(struct arm_env *e, int fd); /* takes it; 0: none */
int irqfd_args(struct arm_env *e, int fd, uint32_t gsi, uint32_t flags,
	       int resamplefd);
/* Assigns; the eventfd. */
int irqfd_new(struct arm_env *e, uint32_t gsi);
int irqfd_new_resample(struct arm_env *e, uint32_t gsi, int *resamplefd);

int route(struct arm_env *e, uint32_t flags, uint32_t nr,
	  const struct kvm_irq_routing_entry *entries);
#define ROUTE_PIN(gsi_, pin_)                                                  \
	(struct kvm_irq_routing_entry)                                         \
	{                                                                      \
		.gsi = gsi_, .type = KVM_IRQ_ROUTING_IRQCHIP,                  \
		.u.irqchip.pin = pin_                                          \
	}

/* ---- What a guest does ---- */

/* One access; 0 or an errno. */
int guest_access(struct arm_env *e, uint32_t cpu, struct arm_access *access);
uint64_t guest_read(struct arm_env *e, uint32_t cpu, uint64_t gpa, uint8_t len);
void guest_write(struct arm_env *e, uint32_t cpu, uint64_t gpa, uint8_t len,
		 uint64_t value);
uint64_t guest_mrs(struct arm_env *e, uint32_t cpu, uint32_t encoding);
void guest_msr(struct arm_env *e, uint32_t cpu, uint32_t encoding,
	       uint64_t value);
/* Distributor and CPU interface on, lowest priority mask. */
void guest_on(struct arm_env *e, uint32_t cpu);
/* A machine whose vCPUs are on, with SPI enabled. */
#define GSI 9
#define SPI 41
struct arm_env *env_guest(struct conform *c, unsigned int nr_vcpus);
/* IAR, EOIR and DIR of the group that Linux's guests use. */
uint32_t guest_iar(struct arm_env *e, uint32_t cpu);
void guest_eoi(struct arm_env *e, uint32_t cpu, uint32_t intid);
void guest_dir(struct arm_env *e, uint32_t cpu, uint32_t intid);
void guest_eoi_mode(struct arm_env *e, uint32_t cpu, bool split);
void guest_sgi(struct arm_env *e, uint32_t from, uint32_t to, uint32_t intid);
#define SPURIOUS 1023u

/* Encodings in the form of KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK. */
#define SYSREG(op1, crn, crm, op2)                                             \
	(3u << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR SYSREG(0u, 4u, 6u, 0u)
#define ICC_IAR0 SYSREG(0u, 12u, 8u, 0u)
#define ICC_BPR0 SYSREG(0u, 12u, 8u, 3u)
#define ICC_AP0R0 SYSREG(0u, 12u, 8u, 4u)
#define ICC_AP1R0 SYSREG(0u, 12u, 9u, 0u)
#define ICC_DIR SYSREG(0u, 12u, 11u, 1u)
#define ICC_RPR SYSREG(0u, 12u, 11u, 3u)
#define ICC_SGI1R SYSREG(0u, 12u, 11u, 5u)
#define ICC_IAR1 SYSREG(0u, 12u, 12u, 0u)
#define ICC_EOIR1 SYSREG(0u, 12u, 12u, 1u)
#define ICC_HPPIR1 SYSREG(0u, 12u, 12u, 2u)
#define ICC_BPR1 SYSREG(0u, 12u, 12u, 3u)
#define ICC_CTLR SYSREG(0u, 12u, 12u, 4u)
#define ICC_SRE SYSREG(0u, 12u, 12u, 5u)
#define ICC_IGRPEN0 SYSREG(0u, 12u, 12u, 6u)
#define ICC_IGRPEN1 SYSREG(0u, 12u, 12u, 7u)

/* Distributor registers by offset; those of redistributors are at + 0x10000. */
#define GICD_CTLR 0x000u
#define GICD_TYPER 0x004u
#define GICD_IIDR 0x008u
#define GICD_IGROUPR 0x080u
#define GICD_ISENABLER 0x100u
#define GICD_ICENABLER 0x180u
#define GICD_ISPENDR 0x200u
#define GICD_ICPENDR 0x280u
#define GICD_ISACTIVER 0x300u
#define GICD_ICACTIVER 0x380u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR 0x800u
#define GICD_ICFGR 0xc00u
#define GICD_SGIR 0xf00u
#define GICD_CPENDSGIR 0xf10u
#define GICD_SPENDSGIR 0xf20u
#define GICD_IROUTER 0x6000u
#define GICD_PIDR2 0xffe8u
#define GICR_CTLR 0x0u
#define GICR_TYPER 0x8u
#define GICR_PROPBASER 0x70u
#define GICR_PENDBASER 0x78u
#define GICR_INVLPIR 0xa0u
#define GICR_INVALLR 0xb0u
#define GICR_SYNCR 0xc0u
#define GICR_SGI 0x10000u
#define GICC_CTLR 0x00u
#define GICC_PMR 0x04u
#define GICC_BPR 0x08u
#define GICC_IAR 0x0cu
#define GICC_EOIR 0x10u
#define GICC_RPR 0x14u
#define GICC_HPPIR 0x18u
#define GICC_ABPR 0x1cu
#define GICC_APR 0xd0u
#define GICC_IIDR 0xfcu
#define GICC_DIR 0x1000u

#endif

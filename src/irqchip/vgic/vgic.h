/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the vGIC's files share: the controller, its interrupts and its CPUs.
 *
 *   vgic.c life.c addr.c  the back end: operations, routes, life cycle
 *   irq.c                 the state model of one interrupt
 *   cpu_if.c              how a vCPU takes interrupts: registers
 *   lr.c lrs.c            ... or list registers
 *   queue.h               what a CPU could take, and what comes first
 *   mmio.c                register tables; dist_v2.c dist_v3.c redist.c gicc.c
 *                         icc.c are tables, irq_regs.c what rows have in common
 *   lpi.c its*.c          LPIs, and the ITS that translates messages to them
 *   forward.c             interrupts whose deactivation is the device's
 *
 * Locks:
 *   vgic->lock            life cycle, addresses, and accesses by attributes; a
 *     |                   mutex of the control plane
 *     +- its->lock        (its.h) command queue and tables; a mutex
 *          |
 *          +- lpis->lock  (lpi.c) tables of redistributors; a mutex
 *               |
 *               +- cpu->lock   a spin lock, leaf, one at a time.  Nothing is
 *                              called with it held
 *
 * An interrupt's record belongs to the lock of its home CPU: the one whose
 * queues it is in or would be in.  Who locks it looks the home up, locks, and
 * looks again (vgic_irq_lock()).  The home changes in vgic_irq_unlock() alone,
 * and never while the interrupt is active.  SGIs, PPIs stay at home for ever.
 *
 * The state word of a record is changed under the lock and may be read without
 * it: register reads are racy looks, as on hardware.
 */
#ifndef VIRQ_VGIC_VGIC_H
#define VIRQ_VGIC_VGIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <urcu/list.h>
#include <virq/vgic.h>
#include "core/spinlock.h"

#define VGIC_NR_SGIS 16
#define VGIC_NR_PRIVATE 32 /* SGIs and PPIs */
#define VGIC_MAX_IRQS 1020 /* without LPIs */
#define VGIC_SPURIOUS 1023
#define VGIC_MIN_LPI 8192
#define VGIC_MAX_CPUS_V2 8
#define VGIC_MAX_CPUS 512
#define VGIC_NR_LEVELS 32 /* priorities: the top five of eight bits */

struct vgic_cpu;
struct vgic_forward;
struct vgic_lpis;
struct vgic_its;

enum vgic_state {
	VGIC_NONE,
	VGIC_CREATED,
	VGIC_INITIALIZED,
	VGIC_READY,
};

/* The state word of an interrupt. */
enum {
	IRQ_ENABLED = 1 << 0,
	IRQ_LINE = 1 << 1, /* the level of its input */
	IRQ_LATCH = 1 << 2, /* pending by an edge or by software */
	IRQ_ACTIVE = 1 << 3,
	IRQ_LEVEL = 1 << 4, /* configured level-triggered */
	IRQ_GROUP1 = 1 << 5,
	IRQ_HW = 1 << 6, /* forwarded: deactivated at the device */
	IRQ_HW_LINE = 1 << 7, /* IRQ_HW: the device's line is up; forward.h */
	IRQ_HW_SHARED = 1 << 8, /* IRQ_HW: others hold the line up as well */
	/* In a list register; but what was written here meanwhile counts. */
	IRQ_ACTIVE_WRITTEN = 1 << 9,
	/* In a list register; but what is pending there counts no more. */
	IRQ_LATCH_CLEARED = 1 << 10,
};

/* Where a record is queued. */
enum vgic_queue {
	VGIC_QUEUE_NONE,
	VGIC_QUEUE_PENDING, /* home->pending[group][level] */
	VGIC_QUEUE_ACTIVE, /* home->active; also active and pending */
	VGIC_QUEUE_LRS, /* home->lrs: a list register has it */
};

struct vgic_irq {
	struct cds_list_head node; /* in home's queues */
	_Atomic(struct vgic_cpu *) home;
	struct vgic *vgic;
	atomic_uint state;
	uint32_t intid;
	uint8_t queue; /* enum vgic_queue */
	uint8_t queued_level, queued_group; /* while PENDING */
	uint8_t priority; /* eight bits, the low three 0 */
	uint8_t targets; /* v2: GICD_ITARGETSR */
	uint8_t sgi_sources; /* v2 SGI: who has raised it, a bit a CPU */
	uint8_t active_source; /* v2 SGI: whose is active */
	uint32_t mpidr; /* v3: GICD_IROUTER's affinity, Aff3 in 31:24 */
	struct vgic_cpu *target; /* where it goes; NULL: nowhere */
	uint32_t hwintid; /* IRQ_HW: the physical one; 0: none (forward.h) */
	_Atomic(struct vgic_forward *) forward; /* once it was mapped */
};

/* Of GICH_HCR, ICH_HCR_EL2: five bits. */
#define VGIC_MAX_EOICOUNT 31

/* What a guest programs at its CPU interface; cpu_if.c. */
struct vgic_cpu_if {
	uint8_t pmr; /* eight bits, as ICC_PMR_EL1 */
	uint8_t bpr[2]; /* binary point by group, 0..7 */
	bool group_enabled[2];
	bool ack_ctl, fiq_en, cbpr, eoi_mode;
	/* Active priorities by group, a bit a level; v2: all in the first. */
	uint32_t apr[2];
};

struct vgic_cpu {
	_Alignas(64) struct spinlock lock;
	/* enum virq_event bits that the vCPU could take; read by anybody. */
	atomic_uint signal;
	struct vgic_cpu_if cif; /* lock; written by the vCPU's calls alone */
	/* Enabled, pending and not active, by group and priority level. */
	uint32_t pending_levels[2]; /* bit 31 - level: not empty */
	struct cds_list_head pending[2][VGIC_NR_LEVELS];
	struct cds_list_head active;
	bool early; /* lock; no vGIC yet: the signal is user space's lines */
	bool in_lrs; /* between virq_vgic_lrs_flush and _sync */
	struct vgic_irq *lrs[VIRQ_VGIC_MAX_LRS]; /* what is in each */

	struct vgic *vgic;
	struct virq_vcpu *vcpu; /* NULL: the CPU of those that go nowhere */
	uint32_t index; /* by creation, as KVM's: v2 CPU number */
	uint32_t id; /* of the vCPU; v3: GICR_TYPER's processor number */
	uint32_t mpidr; /* Aff3 in 31:24 ... Aff0 in 7:0 */
	struct vgic_irq *private_irqs; /* [VGIC_NR_PRIVATE] */

	/* v3: the redistributor; vgic->lock, but where atomic. */
	uint64_t redist_base; /* UINT64_MAX: none */
	bool redist_last; /* GICR_TYPER.Last */
	atomic_bool lpis_enabled; /* GICR_CTLR.EnableLPIs */
	atomic_uint_least64_t pendbaser;
	uint8_t icc_ctlr_fields; /* v3: ICC_CTLR_EL1's PRIbits, IDbits; icc.c */

	/*
	 * lrs.c: active and in no register, by priority, as at flush.  The
	 * vCPU's own thread alone; the records stay until the VM is closed.
	 */
	uint32_t nr_left;
	struct vgic_irq *left[VGIC_MAX_EOICOUNT];
};

#define VGIC_NO_ADDR UINT64_MAX
#define VGIC_MAX_REDIST_REGIONS 256 /* as an index of eight bits has */

struct vgic_redist_region {
	uint64_t base;
	uint32_t count; /* redistributors; 0: legacy, as many as CPUs */
	uint32_t used;
};

struct vgic {
	struct virq_irqchip chip;
	struct virq_vgic_config config;
	pthread_mutex_t lock;
	/* enum vgic_state: release when it rises; acquire to look. */
	atomic_uint state;
	uint32_t type; /* KVM_DEV_TYPE_ARM_VGIC_V2 or _V3 from CREATED on */
	uint32_t nr_irqs; /* with the private ones; 0: not set yet */
	struct vgic_irq *spis; /* [nr_irqs - VGIC_NR_PRIVATE] */
	atomic_uint nr_cpus;
	struct vgic_cpu *cpus[VGIC_MAX_CPUS]; /* by index; fixed from init on */
	struct vgic_cpu *nowhere; /* home of SPIs and LPIs without a target */
	atomic_bool enabled; /* GICD_CTLR: one switch for both groups */
	/* GICD_IIDR.Revision, and whether user space wrote it. */
	uint8_t revision;
	bool iidr_written;

	uint64_t dist_base;
	uint64_t cpu_base; /* v2 */
	struct vgic_redist_region regions[VGIC_MAX_REDIST_REGIONS];
	uint32_t nr_regions;

	atomic_uint_least64_t propbaser; /* one for all redistributors */
	struct vgic_lpis *lpis; /* lpi.c; NULL: without LPIs */
	struct cds_list_head itss; /* its.h; RCU, added under lock */
	struct virq_device *devices; /* src/device; go with the chip */
	/* irqfds to be forwarded to what another owns; VM's routing mutex. */
	struct cds_list_head waiting;
};

static inline struct vgic *to_vgic(struct virq_irqchip *chip)
{
	return (struct vgic *)chip;
}

static inline struct vgic_cpu *vcpu_to_vgic_cpu(const struct virq_vcpu *vcpu)
{
	return virq_vcpu_priv(vcpu);
}

static inline bool vgic_is_v3(const struct vgic *vgic)
{
	return vgic->type == KVM_DEV_TYPE_ARM_VGIC_V3;
}

static inline enum vgic_state vgic_state(const struct vgic *vgic)
{
	/* Acquire: all that initialising made is there. */
	return (enum vgic_state)atomic_load_explicit(&vgic->state,
						     memory_order_acquire);
}

/* life.c */
/* Make SPIs, private interrupts, default routes.  vgic->lock held. */
int vgic_init(struct vgic *vgic);
/* v2 from CREATED to INITIALIZED; -EBUSY for a v3 that is not.  Any thread. */
int vgic_lazy_init(struct vgic *vgic);
struct vgic_cpu *vgic_cpu_by_mpidr(const struct vgic *vgic, uint32_t mpidr);

/*
 * irq.c: the state model.
 *
 * vgic_irq_get - the record of @intid: @cpu is whose SGI or PPI is meant (NULL:
 * SPIs and LPIs only).  NULL: there is none.  Lives as long as the VM.
 *
 * vgic_irq_lock locks its home and answers it.  The caller changes fields, then
 * vgic_irq_unlock() puts it where it belongs now (queue, CPU), works out what
 * the CPUs it left or came to can take, and kicks them.
 *
 * vgic_irq_inject - its input goes to @level.  >0 newly pending, 0 coalesced,
 * -1 ignored (as virq_route_set_fn; the caller knows whether it may inject).
 * What merges with nothing pending is newly so, be it that a forwarded one is
 * pending only when the guest has completed the one before.  (Linux does not
 * tell: it answers 0 for all but LPIs.)
 */
struct vgic_irq *vgic_irq_get(const struct vgic *vgic,
			      const struct vgic_cpu *cpu, uint32_t intid);
struct vgic_cpu *vgic_irq_lock(struct vgic_irq *irq);
void vgic_irq_unlock(struct vgic_irq *irq, struct vgic_cpu *home);
int vgic_irq_inject(struct vgic_irq *irq, bool level);
void vgic_irq_init(struct vgic_irq *irq, struct vgic *vgic, uint32_t intid,
		   struct vgic_cpu *home);

static inline unsigned int vgic_irq_state(const struct vgic_irq *irq)
{
	/* Relaxed: a look. */
	return atomic_load_explicit(&irq->state, memory_order_relaxed);
}

/* Pending by its latch, or by its line if it is level-triggered. */
static inline bool vgic_state_pending(unsigned int state)
{
	return state & IRQ_LATCH ||
	       (state & (IRQ_LEVEL | IRQ_LINE)) == (IRQ_LEVEL | IRQ_LINE);
}

/* v2: CPU @source raises @sgi at @cpu.  v3: @source is 0. */
void vgic_sgi_raise(struct vgic_cpu *cpu, uint32_t sgi, uint8_t source);

/*
 * cpu_if.c: taking interrupts.  On the vCPU's thread, no lock held.
 *
 * vgic_cpu_update - what the CPU could take has changed by other means than an
 * interrupt: its PMR, its group enables, the distributor.  cpu->lock held; true
 * if the vCPU must be kicked after unlocking.
 */
void vgic_cpu_init(struct vgic_cpu *cpu);
bool vgic_cpu_update(struct vgic_cpu *cpu);
uint32_t vgic_cpu_iar(struct vgic_cpu *cpu, unsigned int group);
void vgic_cpu_eoir(struct vgic_cpu *cpu, unsigned int group, uint32_t value);
void vgic_cpu_dir(struct vgic_cpu *cpu, uint32_t value);
uint32_t vgic_cpu_hppir(struct vgic_cpu *cpu, unsigned int group);
uint8_t vgic_cpu_rpr(struct vgic_cpu *cpu);
/* Change the interface's registers: lock, change, update, unlock, kick. */
struct vgic_cpu_if *vgic_cpu_if_lock(struct vgic_cpu *cpu);
void vgic_cpu_if_unlock(struct vgic_cpu *cpu);
/* Distributor on or off: every CPU's signal. */
void vgic_set_enabled(struct vgic *vgic, bool enabled);

/*
 * forward.c.  vgic_forward_deactivated: the guest has completed an interrupt
 * with IRQ_HW; no lock held.
 */
void vgic_forward_deactivated(struct vgic_irq *irq);

/* The register frames; answers as virq_vcpu_mmio().  mmio.h has the rest. */
int vgic_mmio(struct virq_vcpu *vcpu, struct virq_access *access);
/* icc.c: the CPU interface's system registers, as virq_vcpu_msr(). */
int vgic_icc(struct virq_vcpu *vcpu, struct virq_access *access);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3: the distributor's registers (IHI 0069 12.9), with affinity routing and
 * without security, as Linux's vGIC has them.  SGIs and PPIs are in the
 * redistributors; their part of each bank is dead here.
 */
#include <errno.h>
#include "irqchip/vgic/irq_regs.h"
#include "irqchip/vgic/its.h"

#define GICD_CTLR_ENABLE_GRP1 (1u << 1)
#define GICD_CTLR_ARE (1u << 4)
#define GICD_CTLR_DS (1u << 6)
#define GICD_TYPER_LPIS (1u << 17)
#define GICD_TYPER_IDBITS(n) ((uint32_t)((n)-1) << 19)
#define IROUTER_AFFINITY 0xffffffu /* Aff2, Aff1, Aff0; there is no Aff3 */

static uint64_t read_ctlr(const struct vgic_reg_access *at)
{
	uint64_t value = GICD_CTLR_ARE | GICD_CTLR_DS;

	if (atomic_load(&at->vgic->enabled))
		value |= GICD_CTLR_ENABLE_GRP1;
	return value;
}

static void write_ctlr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_set_enabled(at->vgic, value & GICD_CTLR_ENABLE_GRP1);
}

static uint64_t read_typer(const struct vgic_reg_access *at)
{
	uint64_t value = at->vgic->nr_irqs / 32 - 1;

	if (vgic_has_its(at->vgic))
		return value | GICD_TYPER_LPIS | GICD_TYPER_IDBITS(16);
	return value | GICD_TYPER_IDBITS(10);
}

static uint64_t read_iidr(const struct vgic_reg_access *at)
{
	return vgic_reg_dist_iidr(at->vgic);
}

static int set_iidr(const struct vgic_reg_access *at, uint64_t value)
{
	return vgic_reg_set_dist_iidr(at->vgic, value);
}

/* It must be what it is on the machine that is restored to. */
static int set_typer2(const struct vgic_reg_access *at, uint64_t value)
{
	(void)at;
	return value ? -EINVAL : 0;
}

static uint64_t read_statusr(const struct vgic_reg_access *at)
{
	(void)at;
	return UINT32_MAX;
}

static uint64_t read_router(const struct vgic_reg_access *at)
{
	struct vgic_irq *irq =
		vgic_irq_get(at->vgic, NULL, vgic_reg_intid(at, 64));
	struct vgic_cpu *home;
	uint64_t value;

	if (at->offset & 4)
		return 0;
	home = vgic_irq_lock(irq);
	value = irq->mpidr;
	spin_unlock(&home->lock);
	return value;
}

/* To a vCPU that does not exist: nobody is interrupted. */
static void write_router(const struct vgic_reg_access *at, uint64_t value)
{
	struct vgic_irq *irq =
		vgic_irq_get(at->vgic, NULL, vgic_reg_intid(at, 64));
	struct vgic_cpu *home;

	if (at->offset & 4)
		return;
	home = vgic_irq_lock(irq);
	irq->mpidr = value & IROUTER_AFFINITY;
	irq->target = vgic_cpu_by_mpidr(at->vgic, irq->mpidr);
	vgic_irq_unlock(irq, home);
}

/* A bank: the first 32 interrupts, which are not here, and the others. */
#define BANK(reg, at, per_irq, lens, ...)                                      \
	VGIC_REG(reg "<private>", at,                                          \
		 VGIC_BANK_BYTES(VGIC_NR_PRIVATE, per_irq), lens,              \
		 .bits = (per_irq)),                                           \
		VGIC_REG(reg,                                                  \
			 (at) + VGIC_BANK_BYTES(VGIC_NR_PRIVATE, per_irq),     \
			 VGIC_BANK_BYTES(1024 - VGIC_NR_PRIVATE, per_irq),     \
			 lens, .bits = (per_irq), ##__VA_ARGS__)

static const struct vgic_row rows[] = {
	VGIC_REG("GICD_CTLR", 0x000, 4, 4, .read = read_ctlr,
		 .write = write_ctlr),
	VGIC_REG("GICD_TYPER", 0x004, 4, 4, .read = read_typer),
	VGIC_REG("GICD_IIDR", 0x008, 4, 4, .read = read_iidr, .set = set_iidr),
	VGIC_REG("GICD_TYPER2", 0x00c, 4, 4, .set = set_typer2),
	VGIC_REG("GICD_STATUSR", 0x010, 4, 4, .read = read_statusr),
	BANK("GICD_IGROUPR", 0x080, 1, 4, .read = vgic_reg_read_group,
	     .write = vgic_reg_write_group),
	BANK("GICD_ISENABLER", 0x100, 1, 4, .read = vgic_reg_read_enable,
	     .write = vgic_reg_write_senable),
	BANK("GICD_ICENABLER", 0x180, 1, 4, .read = vgic_reg_read_enable,
	     .write = vgic_reg_write_cenable),
	BANK("GICD_ISPENDR", 0x200, 1, 4, .read = vgic_reg_read_pending,
	     .write = vgic_reg_write_spending, .get = vgic_reg_get_latch,
	     .set = vgic_reg_set_latch),
	BANK("GICD_ICPENDR", 0x280, 1, 4, .read = vgic_reg_read_pending,
	     .write = vgic_reg_write_cpending, .get = vgic_reg_get_raz,
	     .set = vgic_reg_set_wi),
	BANK("GICD_ISACTIVER", 0x300, 1, 4, .read = vgic_reg_read_active,
	     .write = vgic_reg_write_sactive, .set = vgic_reg_set_sactive),
	BANK("GICD_ICACTIVER", 0x380, 1, 4, .read = vgic_reg_read_active,
	     .write = vgic_reg_write_cactive, .set = vgic_reg_set_cactive),
	BANK("GICD_IPRIORITYR", 0x400, 8, 1 | 4, .read = vgic_reg_read_priority,
	     .write = vgic_reg_write_priority),
	BANK("GICD_ITARGETSR", 0x800, 8, 1 | 4),
	BANK("GICD_ICFGR", 0xc00, 2, 4, .read = vgic_reg_read_config,
	     .write = vgic_reg_write_config),
	BANK("GICD_IGRPMODR", 0xd00, 1, 4),
	BANK("GICD_IROUTER", 0x6000, 64, 4 | 8, .read = read_router,
	     .write = write_router),
	VGIC_REG("GICD_IDREGS", 0xffd0, 0x30, 4, .read = vgic_reg_read_idregs),
};

const struct vgic_frame vgic_dist_v3 = {
	.name = "GICD",
	.size = KVM_VGIC_V3_DIST_SIZE,
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

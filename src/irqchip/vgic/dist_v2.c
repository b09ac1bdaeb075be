// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv2: the distributor's registers (IHI 0048B 4.3), as Linux's vGIC has them:
 * one enable for both groups, in bit 0.
 */
#include "irqchip/vgic/irq_regs.h"

#define GICD_CTLR_ENABLE 1u

static uint64_t read_ctlr(const struct vgic_reg_access *at)
{
	return atomic_load(&at->vgic->enabled) ? GICD_CTLR_ENABLE : 0;
}

static void write_ctlr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_set_enabled(at->vgic, value & GICD_CTLR_ENABLE);
}

static uint64_t read_typer(const struct vgic_reg_access *at)
{
	return (at->vgic->nr_irqs / 32 - 1) | (vgic_nr_cpus(at->vgic) - 1) << 5;
}

static uint64_t read_iidr(const struct vgic_reg_access *at)
{
	return vgic_reg_dist_iidr(at->vgic);
}

static int set_iidr(const struct vgic_reg_access *at, uint64_t value)
{
	return vgic_reg_set_dist_iidr(at->vgic, value);
}

static int set_group(const struct vgic_reg_access *at, uint64_t value)
{
	if (at->vgic->iidr_written)
		vgic_reg_write_group(at, value);
	return 0;
}

static uint64_t read_targets(const struct vgic_reg_access *at)
{
	uint32_t first = vgic_reg_intid(at, 8);
	uint64_t value = 0;

	for (uint32_t i = 0; i < at->len; i++) {
		struct vgic_irq *irq =
			vgic_irq_get(at->vgic, at->cpu, first + i);
		struct vgic_cpu *home = vgic_irq_lock(irq);

		value |= (uint64_t)irq->targets << (8 * i);
		spin_unlock(&home->lock);
	}
	return value;
}

/* Of several targets the lowest is interrupted; without any the first vCPU. */
static void write_targets(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t first = vgic_reg_intid(at, 8);
	uint32_t all = (1u << vgic_nr_cpus(at->vgic)) - 1;

	if (first < VGIC_NR_PRIVATE)
		return;
	for (uint32_t i = 0; i < at->len; i++) {
		struct vgic_irq *irq = vgic_irq_get(at->vgic, NULL, first + i);
		struct vgic_cpu *home = vgic_irq_lock(irq);
		uint32_t targets = (uint32_t)(value >> (8 * i)) & all;

		irq->targets = (uint8_t)targets;
		irq->target =
			at->vgic->cpus[targets ? __builtin_ctz(targets) : 0];
		vgic_irq_unlock(irq, home);
	}
}

static const struct vgic_row rows[] = {
	VGIC_REG("GICD_CTLR", 0x000, 4, 4, .read = read_ctlr,
		 .write = write_ctlr),
	VGIC_REG("GICD_TYPER", 0x004, 4, 4, .read = read_typer),
	VGIC_REG("GICD_IIDR", 0x008, 4, 4, .read = read_iidr, .set = set_iidr),
	VGIC_BANK("GICD_IGROUPR", 0x080, 1, 4, .read = vgic_reg_read_group,
		  .write = vgic_reg_write_group, .set = set_group),
	VGIC_BANK("GICD_ISENABLER", 0x100, 1, 4, .read = vgic_reg_read_enable,
		  .write = vgic_reg_write_senable),
	VGIC_BANK("GICD_ICENABLER", 0x180, 1, 4, .read = vgic_reg_read_enable,
		  .write = vgic_reg_write_cenable),
	VGIC_BANK("GICD_ISPENDR", 0x200, 1, 4, .read = vgic_reg_read_pending,
		  .write = vgic_reg_write_spending,
		  .get = vgic_reg_get_pending_v2,
		  .set = vgic_reg_set_spending_v2),
	VGIC_BANK("GICD_ICPENDR", 0x280, 1, 4, .read = vgic_reg_read_pending,
		  .write = vgic_reg_write_cpending,
		  .get = vgic_reg_get_pending_v2,
		  .set = vgic_reg_set_cpending_v2),
	VGIC_BANK("GICD_ISACTIVER", 0x300, 1, 4, .read = vgic_reg_read_active,
		  .write = vgic_reg_write_sactive, .set = vgic_reg_set_sactive),
	VGIC_BANK("GICD_ICACTIVER", 0x380, 1, 4, .read = vgic_reg_read_active,
		  .write = vgic_reg_write_cactive, .set = vgic_reg_set_cactive),
	VGIC_BANK("GICD_IPRIORITYR", 0x400, 8, 1 | 4,
		  .read = vgic_reg_read_priority,
		  .write = vgic_reg_write_priority),
	VGIC_BANK("GICD_ITARGETSR", 0x800, 8, 1 | 4, .read = read_targets,
		  .write = write_targets),
	VGIC_BANK("GICD_ICFGR", 0xc00, 2, 4, .read = vgic_reg_read_config,
		  .write = vgic_reg_write_config),
	VGIC_REG("GICD_SGIR", 0xf00, 4, 4, .write = vgic_sgir_write),
	VGIC_REG("GICD_CPENDSGIR", 0xf10, 0x10, 1 | 4,
		 .read = vgic_sgi_read_sources,
		 .write = vgic_sgi_clear_sources),
	VGIC_REG("GICD_SPENDSGIR", 0xf20, 0x10, 1 | 4,
		 .read = vgic_sgi_read_sources, .write = vgic_sgi_set_sources),
};

const struct vgic_frame vgic_dist_v2 = {
	.name = "GICD",
	.size = KVM_VGIC_V2_DIST_SIZE,
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3: the redistributors' registers (IHI 0069 12.11): RD_base, which has
 * what LPIs need, and SGI_base, the SGIs and PPIs of the vCPU that the frame
 * belongs to, whoever accesses it.
 */
#include "core/rcu.h"
#include "irqchip/vgic/irq_regs.h"
#include "irqchip/vgic/its.h"
#include "irqchip/vgic/memory_attr.h"

#define GICR_CTLR_ENABLE_LPIS (1u << 0)
#define GICR_CTLR_CES (1u << 1) /* EnableLPIs can be cleared */
#define GICR_CTLR_IR (1u << 2) /* GICR_INVLPIR and GICR_INVALLR are there */
#define GICR_TYPER_PLPIS (1u << 0)
#define GICR_TYPER_LAST (1u << 4)
#define GICR_TYPER_AFFINITY 0xffffffu /* without Aff3 */
#define GICR_PENDBASER_PTZ (UINT64_C(1) << 62)
#define PIDR2_GICV3 0x3b

#define PROPBASER_RES0 (BITS(63, 59) | BITS(55, 52) | BITS(6, 5))
#define PENDBASER_RES0                                                         \
	(BITS(63, 63) | BITS(61, 59) | BITS(55, 52) | BITS(15, 12) | BITS(6, 0))

bool vgic_has_its(const struct vgic *vgic)
{
	/* Pairs with the publication of the first ITS. */
	return rcu_load(vgic->itss.next) != &vgic->itss;
}

static bool lpis_enabled(const struct vgic_cpu *cpu)
{
	/* Acquire: with it come the tables' addresses. */
	return atomic_load_explicit(&cpu->lpis_enabled, memory_order_acquire);
}

static uint64_t read_ctlr(const struct vgic_reg_access *at)
{
	uint64_t value = lpis_enabled(at->cpu) ? GICR_CTLR_ENABLE_LPIS : 0;

	if (at->vgic->revision >= VGIC_REVISION_LPI_DISABLE)
		value |= GICR_CTLR_IR | GICR_CTLR_CES;
	return value;
}

static void write_ctlr(const struct vgic_reg_access *at, uint64_t value)
{
	if (vgic_has_its(at->vgic))
		vgic_lpis_set_enabled(at->cpu, value & GICR_CTLR_ENABLE_LPIS);
}

static uint64_t read_iidr(const struct vgic_reg_access *at)
{
	(void)at;
	return VGIC_IIDR_PRODUCT_KVM | VGIC_IIDR_IMPLEMENTER_ARM;
}

/* The half of a 64-bit register that is read. */
static uint64_t half(uint64_t reg, const struct vgic_reg_access *at)
{
	return at->offset & 4 ? reg >> 32 : reg;
}

/* The register after a write of it, or of a half. */
static uint64_t merge(uint64_t reg, const struct vgic_reg_access *at,
		      uint64_t value)
{
	if (at->len == 8)
		return value;
	if (at->offset & 4)
		return (uint32_t)reg | value << 32;
	return (reg & ~(uint64_t)UINT32_MAX) | (uint32_t)value;
}

static uint64_t read_typer(const struct vgic_reg_access *at)
{
	const struct vgic_cpu *cpu = at->cpu;
	uint64_t value = (uint64_t)(cpu->mpidr & GICR_TYPER_AFFINITY) << 32 |
			 (cpu->id & 0xffff) << 8;

	if (vgic_has_its(at->vgic))
		value |= GICR_TYPER_PLPIS;
	if (cpu->redist_last)
		value |= GICR_TYPER_LAST;
	return half(value, at);
}

/* ---- Tables of LPIs ---- */

static uint64_t sanitise(uint64_t reg)
{
	return memory_attr_sanitise(
		(struct memory_attr_fields){.inner = 7, .outer = 56}, reg);
}

/* Two halves may be written at once, by two vCPUs. */
static void update(atomic_uint_least64_t *reg, uint64_t res0,
		   const struct vgic_reg_access *at, uint64_t value)
{
	uint64_t old = atomic_load(reg);

	/* With LPIs enabled the tables are in use. */
	if (lpis_enabled(at->cpu))
		return;
	while (!atomic_compare_exchange_weak(
		reg, &old, sanitise(merge(old, at, value)) & ~res0))
		;
}

static uint64_t read_propbaser(const struct vgic_reg_access *at)
{
	return half(atomic_load(&at->vgic->propbaser), at);
}

static void write_propbaser(const struct vgic_reg_access *at, uint64_t value)
{
	update(&at->vgic->propbaser, PROPBASER_RES0, at, value);
}

static uint64_t read_pendbaser(const struct vgic_reg_access *at)
{
	return half(atomic_load(&at->cpu->pendbaser) & ~GICR_PENDBASER_PTZ, at);
}

static void write_pendbaser(const struct vgic_reg_access *at, uint64_t value)
{
	update(&at->cpu->pendbaser, PENDBASER_RES0, at, value);
}

/* The upper halves are for virtual processing elements. */
static void write_invlpir(const struct vgic_reg_access *at, uint64_t value)
{
	if (!(at->offset & 4) && lpis_enabled(at->cpu))
		vgic_lpi_invalidate(at->vgic, (uint32_t)value);
}

static void write_invallr(const struct vgic_reg_access *at, uint64_t value)
{
	(void)value;
	if (!(at->offset & 4) && lpis_enabled(at->cpu))
		vgic_lpi_invalidate_all(at->cpu);
}

uint64_t vgic_reg_read_idregs(const struct vgic_reg_access *at)
{
	return (at->offset & 0xffff) == 0xffe8 ? PIDR2_GICV3 : 0;
}

#define SGI_BASE 0x10000

static const struct vgic_row rows[] = {
	VGIC_REG("GICR_CTLR", 0x00, 4, 4, .read = read_ctlr,
		 .write = write_ctlr),
	VGIC_REG("GICR_IIDR", 0x04, 4, 4, .read = read_iidr),
	VGIC_REG("GICR_TYPER", 0x08, 8, 4 | 8, .read = read_typer),
	VGIC_REG("GICR_WAKER", 0x14, 4, 4),
	VGIC_REG("GICR_PROPBASER", 0x70, 8, 4 | 8, .read = read_propbaser,
		 .write = write_propbaser),
	VGIC_REG("GICR_PENDBASER", 0x78, 8, 4 | 8, .read = read_pendbaser,
		 .write = write_pendbaser),
	VGIC_REG("GICR_INVLPIR", 0xa0, 8, 4 | 8, .write = write_invlpir),
	VGIC_REG("GICR_INVALLR", 0xb0, 8, 4 | 8, .write = write_invallr),
	/* Nothing is ever in flight. */
	VGIC_REG("GICR_SYNCR", 0xc0, 4, 4),
	VGIC_REG("GICR_IDREGS", 0xffd0, 0x30, 4, .read = vgic_reg_read_idregs),
	VGIC_REG("GICR_IGROUPR0", SGI_BASE + 0x080, 4, 4,
		 .read = vgic_reg_read_group, .write = vgic_reg_write_group),
	VGIC_REG("GICR_ISENABLER0", SGI_BASE + 0x100, 4, 4,
		 .read = vgic_reg_read_enable, .write = vgic_reg_write_senable),
	VGIC_REG("GICR_ICENABLER0", SGI_BASE + 0x180, 4, 4,
		 .read = vgic_reg_read_enable, .write = vgic_reg_write_cenable),
	VGIC_REG("GICR_ISPENDR0", SGI_BASE + 0x200, 4, 4,
		 .read = vgic_reg_read_pending,
		 .write = vgic_reg_write_spending, .get = vgic_reg_get_latch,
		 .set = vgic_reg_set_latch),
	VGIC_REG("GICR_ICPENDR0", SGI_BASE + 0x280, 4, 4,
		 .read = vgic_reg_read_pending,
		 .write = vgic_reg_write_cpending, .get = vgic_reg_get_raz,
		 .set = vgic_reg_set_wi),
	VGIC_REG("GICR_ISACTIVER0", SGI_BASE + 0x300, 4, 4,
		 .read = vgic_reg_read_active, .write = vgic_reg_write_sactive,
		 .set = vgic_reg_set_sactive),
	VGIC_REG("GICR_ICACTIVER0", SGI_BASE + 0x380, 4, 4,
		 .read = vgic_reg_read_active, .write = vgic_reg_write_cactive,
		 .set = vgic_reg_set_cactive),
	VGIC_REG("GICR_IPRIORITYR", SGI_BASE + 0x400, 0x20, 1 | 4,
		 .read = vgic_reg_read_priority,
		 .write = vgic_reg_write_priority),
	VGIC_REG("GICR_ICFGR", SGI_BASE + 0xc00, 8, 4,
		 .read = vgic_reg_read_config, .write = vgic_reg_write_config),
	VGIC_REG("GICR_IGRPMODR0", SGI_BASE + 0xd00, 4, 4),
	VGIC_REG("GICR_NSACR", SGI_BASE + 0xe00, 4, 4),
};

const struct vgic_frame vgic_redist_v3 = {
	.name = "GICR",
	.size = KVM_VGIC_V3_REDIST_SIZE,
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

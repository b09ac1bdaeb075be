// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv2: the CPU interface's registers (IHI 0048B 4.4 and, for what a virtual
 * machine sees, 5.4).
 *
 * Attributes reach those that hold state, in the format of the virtual
 * interface's control register: the mask has five bits, and the binary points
 * are what was written.
 */
#include "irqchip/vgic/cpu_regs.h"
#include "irqchip/vgic/mmio.h"

#define GICC_CTLR_ENABLE_GRP0 (1u << 0)
#define GICC_CTLR_ENABLE_GRP1 (1u << 1)
#define GICC_CTLR_ACK_CTL (1u << 2)
#define GICC_CTLR_FIQ_EN (1u << 3)
#define GICC_CTLR_CBPR (1u << 4)
#define GICC_CTLR_EOIMODE (1u << 9)
#define GICC_IIDR 0x04b2043bu /* product 'K', architecture 2, Arm */
#define PMR_SHIFT 3

static uint64_t read_ctlr(const struct vgic_reg_access *at)
{
	const struct vgic_cpu_if *cif = &at->cpu->cif;
	uint64_t value = 0;

	if (cif->group_enabled[0])
		value |= GICC_CTLR_ENABLE_GRP0;
	if (cif->group_enabled[1])
		value |= GICC_CTLR_ENABLE_GRP1;
	if (cif->ack_ctl)
		value |= GICC_CTLR_ACK_CTL;
	if (cif->fiq_en)
		value |= GICC_CTLR_FIQ_EN;
	if (cif->cbpr)
		value |= GICC_CTLR_CBPR;
	if (cif->eoi_mode)
		value |= GICC_CTLR_EOIMODE;
	return value;
}

static void write_ctlr(const struct vgic_reg_access *at, uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(at->cpu);

	cif->group_enabled[0] = value & GICC_CTLR_ENABLE_GRP0;
	cif->group_enabled[1] = value & GICC_CTLR_ENABLE_GRP1;
	cif->ack_ctl = value & GICC_CTLR_ACK_CTL;
	cif->fiq_en = value & GICC_CTLR_FIQ_EN;
	cif->cbpr = value & GICC_CTLR_CBPR;
	cif->eoi_mode = value & GICC_CTLR_EOIMODE;
	vgic_cpu_if_unlock(at->cpu);
}

static uint64_t read_pmr(const struct vgic_reg_access *at)
{
	return at->cpu->cif.pmr;
}

static void write_pmr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_set_pmr(at->cpu, value & VGIC_PMR_MASK);
}

static uint64_t get_pmr(const struct vgic_reg_access *at)
{
	return at->cpu->cif.pmr >> PMR_SHIFT;
}

static int set_pmr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_set_pmr(at->cpu, value << PMR_SHIFT & VGIC_PMR_MASK);
	return 0;
}

/* GICC_BPR and GICC_ABPR. */
static unsigned int group_of_bpr(const struct vgic_reg_access *at)
{
	return at->offset == 0x1c;
}

static uint64_t read_bpr(const struct vgic_reg_access *at)
{
	return vgic_cpu_bpr(at->cpu, group_of_bpr(at));
}

static void write_bpr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_set_bpr(at->cpu, group_of_bpr(at), value & 7);
}

static uint64_t get_bpr(const struct vgic_reg_access *at)
{
	return at->cpu->cif.bpr[group_of_bpr(at)];
}

static int set_bpr(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_set_bpr(at->cpu, group_of_bpr(at), value & 7);
	return 0;
}

static uint64_t read_iar(const struct vgic_reg_access *at)
{
	return vgic_cpu_iar(at->cpu, 0);
}

static void write_eoir(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_eoir(at->cpu, 0, (uint32_t)value);
}

static uint64_t read_rpr(const struct vgic_reg_access *at)
{
	return vgic_cpu_rpr(at->cpu);
}

static uint64_t read_hppir(const struct vgic_reg_access *at)
{
	return vgic_cpu_hppir(at->cpu, 0);
}

static uint64_t read_aiar(const struct vgic_reg_access *at)
{
	return vgic_cpu_iar(at->cpu, 1);
}

static void write_aeoir(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_eoir(at->cpu, 1, (uint32_t)value);
}

static uint64_t read_ahppir(const struct vgic_reg_access *at)
{
	return vgic_cpu_hppir(at->cpu, 1);
}

/* All 32 levels are in the first of four words; GICv2: of both groups. */
static uint64_t read_apr(const struct vgic_reg_access *at)
{
	return at->offset & 0xc ? 0 : at->cpu->cif.apr[0];
}

static void write_apr(const struct vgic_reg_access *at, uint64_t value)
{
	if (at->offset & 0xc)
		return;
	vgic_cpu_if_lock(at->cpu)->apr[0] = (uint32_t)value;
	vgic_cpu_if_unlock(at->cpu);
}

static uint64_t read_iidr(const struct vgic_reg_access *at)
{
	(void)at;
	return GICC_IIDR;
}

static void write_dir(const struct vgic_reg_access *at, uint64_t value)
{
	vgic_cpu_dir(at->cpu, (uint32_t)value);
}

static const struct vgic_row rows[] = {
	VGIC_REG("GICC_CTLR", 0x00, 4, 4, .read = read_ctlr,
		 .write = write_ctlr),
	VGIC_REG("GICC_PMR", 0x04, 4, 4, .read = read_pmr, .write = write_pmr,
		 .get = get_pmr, .set = set_pmr),
	VGIC_REG("GICC_BPR", 0x08, 4, 4, .read = read_bpr, .write = write_bpr,
		 .get = get_bpr, .set = set_bpr),
	VGIC_REG("GICC_IAR", 0x0c, 4, 4, .guest_only = true, .read = read_iar),
	VGIC_REG("GICC_EOIR", 0x10, 4, 4, .guest_only = true,
		 .write = write_eoir),
	VGIC_REG("GICC_RPR", 0x14, 4, 4, .guest_only = true, .read = read_rpr),
	VGIC_REG("GICC_HPPIR", 0x18, 4, 4, .guest_only = true,
		 .read = read_hppir),
	VGIC_REG("GICC_ABPR", 0x1c, 4, 4, .read = read_bpr, .write = write_bpr,
		 .get = get_bpr, .set = set_bpr),
	VGIC_REG("GICC_AIAR", 0x20, 4, 4, .guest_only = true,
		 .read = read_aiar),
	VGIC_REG("GICC_AEOIR", 0x24, 4, 4, .guest_only = true,
		 .write = write_aeoir),
	VGIC_REG("GICC_AHPPIR", 0x28, 4, 4, .guest_only = true,
		 .read = read_ahppir),
	VGIC_REG("GICC_APR", 0xd0, 0x10, 4, .read = read_apr,
		 .write = write_apr),
	VGIC_REG("GICC_IIDR", 0xfc, 4, 4, .read = read_iidr),
	VGIC_REG("GICC_DIR", 0x1000, 4, 4, .guest_only = true,
		 .write = write_dir),
};

const struct vgic_frame vgic_gicc_v2 = {
	.name = "GICC",
	.size = KVM_VGIC_V2_CPU_SIZE,
	.rows = rows,
	.nr_rows = sizeof(rows) / sizeof(rows[0]),
};

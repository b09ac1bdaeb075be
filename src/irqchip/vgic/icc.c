// SPDX-License-Identifier: BSD-3-Clause
/*
 * GICv3: the CPU interface's system registers (IHI 0069 12.2), by encoding, as
 * the virtual ones have them: five bits of priority, 24 of interrupt ids.
 *
 * A guest's access that the architecture leaves undefined, such as a read of
 * ICC_EOIR1_EL1, is -EPERM.  Attributes reach the registers that hold state.
 */
#include <errno.h>
#include "irqchip/vgic/cpu_regs.h"
#include "irqchip/vgic/irq_regs.h"

#define SYSREG(op1, crn, crm, op2)                                             \
	(3u << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define ICC_PMR_EL1 SYSREG(0, 4, 6, 0)
#define ICC_FIRST SYSREG(0, 12, 8, 0)
#define ICC_INDEX(crm, op2) (SYSREG(0, 12, crm, op2) - ICC_FIRST)

#define ICC_CTLR_CBPR (1u << 0)
#define ICC_CTLR_EOIMODE (1u << 1)
#define ICC_CTLR_PRIBITS(v) ((v) >> 8 & 7)
#define ICC_CTLR_IDBITS(v) ((v) >> 11 & 7)
#define ICC_CTLR_SEIS (1u << 14)
#define ICC_CTLR_A3V (1u << 15)
#define ICC_SRE (1u << 0)
#define ICC_SRE_ALL 7u /* and the bypasses are disabled */

struct icc_reg {
	const char *name;
	uint8_t group;
	/* A guest's; NULL: undefined. */
	uint64_t (*read)(struct vgic_cpu *cpu, unsigned int group);
	void (*write)(struct vgic_cpu *cpu, unsigned int group, uint64_t value);
	/* By attribute; NULL: not there. */
	int (*get)(struct vgic_cpu *cpu, unsigned int group, uint64_t *value);
	int (*set)(struct vgic_cpu *cpu, unsigned int group, uint64_t value);
};

/* ---- Priorities ---- */

static uint64_t read_pmr(struct vgic_cpu *cpu, unsigned int group)
{
	(void)group;
	return cpu->cif.pmr & VGIC_PMR_MASK;
}

static void write_pmr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)group;
	vgic_cpu_set_pmr(cpu, value & VGIC_PMR_MASK);
}

static int get_pmr(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	(void)group;
	*value = cpu->cif.pmr;
	return 0;
}

static int set_pmr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)group;
	vgic_cpu_set_pmr(cpu, value & 0xff);
	return 0;
}

/* With CBPR group 1 has group 0's, one higher, and its own register is idle. */
static bool bpr_is_common(const struct vgic_cpu *cpu, unsigned int group)
{
	return group && cpu->cif.cbpr;
}

static uint64_t common_bpr(uint8_t bpr0)
{
	return bpr0 < 7 ? bpr0 + 1u : 7;
}

static uint64_t read_bpr(struct vgic_cpu *cpu, unsigned int group)
{
	if (bpr_is_common(cpu, group))
		return common_bpr(vgic_cpu_bpr(cpu, 0));
	return vgic_cpu_bpr(cpu, group);
}

static void write_bpr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	if (!bpr_is_common(cpu, group))
		vgic_cpu_set_bpr(cpu, group, value & 7);
}

static int get_bpr(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	*value = bpr_is_common(cpu, group) ? common_bpr(cpu->cif.bpr[0])
					   : cpu->cif.bpr[group];
	return 0;
}

static int set_bpr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	write_bpr(cpu, group, value);
	return 0;
}

static uint64_t read_apr(struct vgic_cpu *cpu, unsigned int group)
{
	return cpu->cif.apr[group];
}

static void write_apr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(cpu);

	cif->apr[group] = (uint32_t)value;
	vgic_cpu_if_unlock(cpu);
}

static int get_apr(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	*value = read_apr(cpu, group);
	return 0;
}

static int set_apr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	write_apr(cpu, group, value);
	return 0;
}

/* AP0R1 and so on: known, but five bits of priority do not need them. */
static int get_no_apr(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	(void)cpu;
	(void)group;
	(void)value;
	return -EINVAL;
}

static int set_no_apr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)cpu;
	(void)group;
	(void)value;
	return -EINVAL;
}

/* ---- Interrupts ---- */

static uint64_t read_iar(struct vgic_cpu *cpu, unsigned int group)
{
	return vgic_cpu_iar(cpu, group);
}

static void write_eoir(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	vgic_cpu_eoir(cpu, group, (uint32_t)value);
}

static uint64_t read_hppir(struct vgic_cpu *cpu, unsigned int group)
{
	return vgic_cpu_hppir(cpu, group);
}

static void write_dir(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)group;
	vgic_cpu_dir(cpu, (uint32_t)value);
}

static uint64_t read_rpr(struct vgic_cpu *cpu, unsigned int group)
{
	(void)group;
	return vgic_cpu_rpr(cpu);
}

static void write_sgi(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	vgic_sgi_write_v3(cpu, value, group);
}

/* ---- Control ---- */

static uint64_t ctlr(const struct vgic_cpu *cpu, uint8_t fields)
{
	uint64_t value = ICC_CTLR_A3V | (uint64_t)fields << 8;

	if (cpu->cif.cbpr)
		value |= ICC_CTLR_CBPR;
	if (cpu->cif.eoi_mode)
		value |= ICC_CTLR_EOIMODE;
	return value;
}

/* Whatever machine it was restored from, a guest sees this one's bits. */
static uint64_t read_ctlr(struct vgic_cpu *cpu, unsigned int group)
{
	(void)group;
	return ctlr(cpu, VGIC_ICC_CTLR_RESET);
}

static void write_ctlr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(cpu);

	(void)group;
	cif->cbpr = value & ICC_CTLR_CBPR;
	cif->eoi_mode = value & ICC_CTLR_EOIMODE;
	vgic_cpu_if_unlock(cpu);
}

static int get_ctlr(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	(void)group;
	*value = ctlr(cpu, cpu->icc_ctlr_fields);
	return 0;
}

/*
 * A machine that had fewer bits can be restored here, and is one with fewer
 * bits for user space from then on; as in Linux, also if what comes after them
 * is refused.
 */
static int set_ctlr(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	uint8_t fields = cpu->icc_ctlr_fields;

	if (ICC_CTLR_PRIBITS(value) > (fields & 7u))
		return -EINVAL;
	fields = (uint8_t)((fields & ~7u) | ICC_CTLR_PRIBITS(value));
	cpu->icc_ctlr_fields = fields;
	if (ICC_CTLR_IDBITS(value) > fields >> 3)
		return -EINVAL;
	cpu->icc_ctlr_fields = (uint8_t)(value >> 8 & 0x3f);
	if (value & ICC_CTLR_SEIS || !(value & ICC_CTLR_A3V))
		return -EINVAL;
	write_ctlr(cpu, group, value);
	return 0;
}

static uint64_t read_sre(struct vgic_cpu *cpu, unsigned int group)
{
	(void)cpu;
	(void)group;
	return ICC_SRE_ALL;
}

static void write_sre(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)cpu;
	(void)group;
	(void)value;
}

static int get_sre(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	*value = read_sre(cpu, group);
	return 0;
}

static int set_sre(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	(void)cpu;
	(void)group;
	return value & ICC_SRE ? 0 : -EINVAL;
}

static uint64_t read_igrpen(struct vgic_cpu *cpu, unsigned int group)
{
	return cpu->cif.group_enabled[group];
}

static void write_igrpen(struct vgic_cpu *cpu, unsigned int group,
			 uint64_t value)
{
	struct vgic_cpu_if *cif = vgic_cpu_if_lock(cpu);

	cif->group_enabled[group] = value & 1;
	vgic_cpu_if_unlock(cpu);
}

static int get_igrpen(struct vgic_cpu *cpu, unsigned int group, uint64_t *value)
{
	*value = read_igrpen(cpu, group);
	return 0;
}

static int set_igrpen(struct vgic_cpu *cpu, unsigned int group, uint64_t value)
{
	write_igrpen(cpu, group, value);
	return 0;
}

/* ---- The table ---- */

static const struct icc_reg icc_pmr = {.name = "ICC_PMR_EL1",
				       .read = read_pmr,
				       .write = write_pmr,
				       .get = get_pmr,
				       .set = set_pmr};

#define STATE(what, grp, field)                                                \
	{                                                                      \
		.name = (what), .group = (grp), .read = read_##field,          \
		.write = write_##field, .get = get_##field, .set = set_##field \
	}
#define NO_APR(what)                                                           \
	{                                                                      \
		.name = (what), .get = get_no_apr, .set = set_no_apr           \
	}

static const struct icc_reg icc_regs[] = {
	[ICC_INDEX(8, 0)] = {.name = "ICC_IAR0_EL1", .read = read_iar},
	[ICC_INDEX(8, 1)] = {.name = "ICC_EOIR0_EL1", .write = write_eoir},
	[ICC_INDEX(8, 2)] = {.name = "ICC_HPPIR0_EL1", .read = read_hppir},
	[ICC_INDEX(8, 3)] = STATE("ICC_BPR0_EL1", 0, bpr),
	[ICC_INDEX(8, 4)] = STATE("ICC_AP0R0_EL1", 0, apr),
	[ICC_INDEX(8, 5)] = NO_APR("ICC_AP0R1_EL1"),
	[ICC_INDEX(8, 6)] = NO_APR("ICC_AP0R2_EL1"),
	[ICC_INDEX(8, 7)] = NO_APR("ICC_AP0R3_EL1"),
	[ICC_INDEX(9, 0)] = STATE("ICC_AP1R0_EL1", 1, apr),
	[ICC_INDEX(9, 1)] = NO_APR("ICC_AP1R1_EL1"),
	[ICC_INDEX(9, 2)] = NO_APR("ICC_AP1R2_EL1"),
	[ICC_INDEX(9, 3)] = NO_APR("ICC_AP1R3_EL1"),
	[ICC_INDEX(11, 1)] = {.name = "ICC_DIR_EL1", .write = write_dir},
	[ICC_INDEX(11, 3)] = {.name = "ICC_RPR_EL1", .read = read_rpr},
	[ICC_INDEX(11, 5)] = {.name = "ICC_SGI1R_EL1",
			      .group = 1,
			      .write = write_sgi},
	[ICC_INDEX(11, 6)] = {.name = "ICC_ASGI1R_EL1", .write = write_sgi},
	[ICC_INDEX(11, 7)] = {.name = "ICC_SGI0R_EL1", .write = write_sgi},
	[ICC_INDEX(12,
		   0)] = {.name = "ICC_IAR1_EL1", .group = 1, .read = read_iar},
	[ICC_INDEX(12, 1)] = {.name = "ICC_EOIR1_EL1",
			      .group = 1,
			      .write = write_eoir},
	[ICC_INDEX(12, 2)] = {.name = "ICC_HPPIR1_EL1",
			      .group = 1,
			      .read = read_hppir},
	[ICC_INDEX(12, 3)] = STATE("ICC_BPR1_EL1", 1, bpr),
	[ICC_INDEX(12, 4)] = STATE("ICC_CTLR_EL1", 0, ctlr),
	[ICC_INDEX(12, 5)] = STATE("ICC_SRE_EL1", 0, sre),
	[ICC_INDEX(12, 6)] = STATE("ICC_IGRPEN0_EL1", 0, igrpen),
	[ICC_INDEX(12, 7)] = STATE("ICC_IGRPEN1_EL1", 1, igrpen),
};

static const struct icc_reg *icc_find(uint64_t encoding)
{
	const struct icc_reg *reg;

	if (encoding == ICC_PMR_EL1)
		return &icc_pmr;
	if (encoding - ICC_FIRST >= sizeof(icc_regs) / sizeof(icc_regs[0]))
		return NULL;
	reg = &icc_regs[encoding - ICC_FIRST];
	return reg->name ? reg : NULL;
}

int vgic_icc(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(vcpu);
	const struct icc_reg *reg = icc_find(access->addr);

	if (!reg || vgic_state(cpu->vgic) != VGIC_READY ||
	    !vgic_is_v3(cpu->vgic))
		return -ENODEV;
	if (access->write ? !reg->write : !reg->read)
		return -EPERM;
	if (access->write)
		reg->write(cpu, reg->group, access->data);
	else
		access->data = reg->read(cpu, reg->group);
	return 0;
}

/* ---- By attribute ---- */

int vgic_icc_has(struct vgic_cpu *cpu, uint32_t encoding)
{
	const struct icc_reg *reg = icc_find(encoding);

	(void)cpu;
	return reg && reg->get ? 0 : -ENXIO;
}

int vgic_icc_get(struct vgic_cpu *cpu, uint32_t encoding, uint64_t *value)
{
	const struct icc_reg *reg = icc_find(encoding);

	return reg && reg->get ? reg->get(cpu, reg->group, value) : -ENOENT;
}

int vgic_icc_set(struct vgic_cpu *cpu, uint32_t encoding, uint64_t value)
{
	const struct icc_reg *reg = icc_find(encoding);

	return reg && reg->set ? reg->set(cpu, reg->group, value) : -ENOENT;
}

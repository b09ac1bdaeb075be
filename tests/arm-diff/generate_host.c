// SPDX-License-Identifier: BSD-3-Clause
/* What the host does: attributes, lines, irqfds, routes.  See generate.h. */
#include "generate.h"

void gen_attr(struct generator *g)
{
	enum op_kind how = (enum op_kind)PICK(g, OP_SET, OP_SET, OP_SET, OP_GET,
					      OP_GET, OP_GET, OP_GET, OP_HAS);
	struct reg_choice reg = gen_dist_reg(g);
	uint32_t group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	uint64_t vcpu = gen_vcpu(g);
	uint64_t attr = reg.offset;

	if (gen_is_v3(g) && reg.of_vcpu) {
		group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
		attr += GICR_SGI_FRAME;
	}
	if (!gen_is_v3(g) || reg.of_vcpu)
		attr |= vcpu << 32;
	gen_emit(g, how, DEVICE_GIC, group, attr, how == OP_SET ? reg.value : 0,
		 0);
}

void gen_cpu_attr(struct generator *g)
{
	enum op_kind how = gen_chance(g, 40) ? OP_SET : OP_GET;
	uint64_t vcpu = (uint64_t)gen_vcpu(g) << 32;
	uint32_t reg, value, i = gen_draw(g, 8);

	if (gen_is_v3(g)) {
		static const uint32_t regs[] = {
			ICC_PMR,   ICC_CTLR,	ICC_BPR0,    ICC_BPR1,
			ICC_AP1R0, ICC_IGRPEN0, ICC_IGRPEN1, ICC_SRE};

		reg = regs[i];
		value = (const uint32_t[]){
			PICK(g, 0xff, 0xf0, 0x80, gen_draw(g, 256)),
			0x8c00 | gen_draw(g, 4),
			gen_draw(g, 8),
			gen_draw(g, 8),
			0,
			gen_draw(g, 2),
			gen_draw(g, 4) != 0,
			7}[i];
		if (gen_chance(g, 4))
			reg = ICC(12, gen_draw(g, 16), gen_draw(g, 8));
		gen_emit(g, how, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
			 vcpu | reg, how == OP_SET ? value : 0, 0);
		return;
	}
	reg = (const uint32_t[]){GICC_CTLR, GICC_PMR,  GICC_BPR,  GICC_ABPR,
				 GICC_APR,  GICC_IIDR, GICC_CTLR, GICC_PMR}[i];
	value = (const uint32_t[]){PICK(g, 1, 3, 3, 3, 7, 0x13, 0x203),
				   PICK(g, 0x1f, 0x1e, 0x10, gen_draw(g, 32)),
				   gen_draw(g, 8),
				   gen_draw(g, 8),
				   0,
				   0,
				   3,
				   0x1f}[i];
	gen_emit(g, how, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, vcpu | reg,
		 how == OP_SET ? value : 0, 0);
}

void gen_other_attr(struct generator *g)
{
	enum op_kind how = (enum op_kind)PICK(g, OP_SET, OP_GET, OP_HAS);

	switch (gen_draw(g, 6)) {
	case 0:
	case 1:
	case 2: /* line levels */
		gen_emit(g, how, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
			 (uint64_t)gen_vcpu(g) << 32 | PICK(g, 0, 32, 32, 64),
			 how == OP_SET ? gen_bits(g, 0) : 0, 0);
		break;
	case 3: /* too late */
		gen_emit(g, how, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0,
			 64, 0);
		break;
	case 4:
		gen_emit(g, OP_SET, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_VGIC_CTRL_INIT, 0, 0);
		break;
	default:
		gen_emit(g, how, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_ADDR,
			 gen_draw(g, 4), GICD_GPA + 0x1000000, 0);
	}
}

void gen_line(struct generator *g)
{
	uint32_t type = PICK(g, KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_IRQ_TYPE_SPI,
			     KVM_ARM_IRQ_TYPE_SPI, KVM_ARM_IRQ_TYPE_PPI);
	uint32_t intid, vcpu = 0;

	if (type == KVM_ARM_IRQ_TYPE_SPI) {
		intid = FIRST_SPI + gen_draw(g, HOT_SPIS);
	} else {
		intid = FIRST_PPI + gen_draw(g, HOT_PPIS);
		vcpu = gen_vcpu(g);
	}
	if (gen_chance(g, 2)) {
		intid = PICK(g, 0, 15, 16, 31, 1019, 1020, 8192,
			     g->script->setup.irqs);
		vcpu = gen_draw(g, 6);
		type = gen_draw(g, 4);
	}
	gen_emit(g, OP_LINE,
		 type << KVM_ARM_IRQ_TYPE_SHIFT |
			 vcpu << KVM_ARM_IRQ_VCPU_SHIFT | intid,
		 gen_chance(g, 40), 0, 0, 0);
}

void gen_irqfd(struct generator *g)
{
	uint32_t gsi = gen_chance(g, 95) ? gen_draw(g, HOT_SPIS)
					 : gen_draw(g, NR_GSIS);

	gen_emit(g, OP_IRQFD, gen_draw(g, NR_SLOTS), gsi,
		 PICK(g, 0, 0, KVM_IRQFD_FLAG_RESAMPLE, KVM_IRQFD_FLAG_RESAMPLE,
		      KVM_IRQFD_FLAG_DEASSIGN, KVM_IRQFD_FLAG_DEASSIGN,
		      KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE),
		 0, 0);
}

void gen_route(struct generator *g)
{
	uint32_t gsi = gen_draw(g, HOT_SPIS);
	uint32_t kind = PICK(g, ROUTE_PIN, ROUTE_PIN, ROUTE_NONE, ROUTE_MSI,
			     ROUTE_MSI, ROUTE_MSI_PLAIN);

	if (kind == ROUTE_PIN)
		gen_emit(g, OP_ROUTE, gsi, kind,
			 gen_chance(g, 90) ? gen_draw(g, HOT_SPIS)
					   : gen_draw(g, 1024),
			 gen_chance(g, 3), 0);
	else
		gen_emit(g, OP_ROUTE, gsi, kind, gen_device(g), gen_event(g),
			 0);
}

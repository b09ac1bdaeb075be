// SPDX-License-Identifier: BSD-3-Clause
/* See state.h. */
#include "state.h"

#include <inttypes.h>
#include <string.h>
#include "regs.h"

/* SPIs below this are what most operations are about. */
#define HOT_IRQS 48
#define NR_PRIVATE 32

/* ---- The list ---- */

struct builder {
	const struct setup *setup;
	struct reg_list *list;
	enum device device;
	uint32_t group;
	uint64_t base; /* of the attribute: the vCPU, the frame */
};

static void add(const struct builder *b, uint64_t offset, unsigned int flags)
{
	struct reg_list *list = b->list;

	if (list->nr < MAX_REGS)
		list->reg[list->nr++] = (struct reg){b->device, b->group,
						     b->base + offset, flags};
}

/* Words of @bits bits an interrupt, from @first to before @end. */
static void add_irqs(const struct builder *b, uint64_t offset,
		     unsigned int bits, unsigned int first, unsigned int end)
{
	for (unsigned int irq = first; irq < end; irq += 32 / bits) {
		bool hot = bits == 1 || irq < HOT_IRQS;

		add(b, offset + irq * bits / 8,
		    REG_SAVED | (hot ? REG_HOT : 0));
	}
}

/*
 * What a distributor, or a redistributor's SGI frame, has for interrupts.
 * Configuration before state: that of an edge and of a level differ.
 */
static void add_interrupts(const struct builder *b, unsigned int first,
			   unsigned int end)
{
	add_irqs(b, GICD_IGROUPR, 1, first, end);
	add_irqs(b, GICD_ICFGR, 2, first, end);
	add_irqs(b, GICD_IPRIORITYR, 8, first, end);
	add_irqs(b, GICD_ISENABLER, 1, first, end);
	add_irqs(b, GICD_ISPENDR, 1, first, end);
	add_irqs(b, GICD_ISACTIVER, 1, first, end);
}

static void add_levels(struct builder *b, unsigned int first, unsigned int end)
{
	b->group = KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO;
	for (unsigned int irq = first; irq < end; irq += 32)
		add(b,
		    VGIC_LEVEL_INFO_LINE_LEVEL
				    << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT |
			    irq,
		    REG_SAVED | REG_HOT);
}

static void add_words(const struct builder *b, const uint32_t *offsets,
		      size_t nr, unsigned int flags)
{
	for (size_t i = 0; i < nr; i++)
		add(b, offsets[i], flags);
}
#define ADD_WORDS(b, flags, ...)                                               \
	add_words(b, (const uint32_t[]){__VA_ARGS__},                          \
		  sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t),  \
		  flags)

static void list_v2(struct builder *b)
{
	const struct setup *setup = b->setup;

	b->group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	ADD_WORDS(b, REG_SAVED, GICD_IIDR);
	ADD_WORDS(b, REG_SAVED | REG_HOT, GICD_CTLR);
	ADD_WORDS(b, 0, GICD_TYPER);
	add_irqs(b, GICD_ITARGETSR, 8, NR_PRIVATE, setup->irqs);
	add_interrupts(b, NR_PRIVATE, setup->irqs);
	for (unsigned int i = 0; i < setup->vcpus; i++) {
		b->base = (uint64_t)i << KVM_DEV_ARM_VGIC_CPUID_SHIFT;
		b->group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
		ADD_WORDS(b, 0, GICD_ITARGETSR, GICD_CPENDSGIR);
		add_interrupts(b, 0, NR_PRIVATE);
		ADD_WORDS(b, REG_SAVED | REG_HOT, GICD_SPENDSGIR,
			  GICD_SPENDSGIR + 4, GICD_SPENDSGIR + 8,
			  GICD_SPENDSGIR + 12);
		b->group = KVM_DEV_ARM_VGIC_GRP_CPU_REGS;
		ADD_WORDS(b, 0, GICC_IIDR);
		ADD_WORDS(b, REG_SAVED | REG_HOT, GICC_CTLR, GICC_PMR, GICC_BPR,
			  GICC_ABPR, GICC_APR);
	}
}

static void list_v3_vcpu(struct builder *b)
{
	uint64_t base = b->base;

	b->group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
	b->base += GICR_SGI_FRAME;
	add_interrupts(b, 0, NR_PRIVATE);
	b->base = base;
	add_levels(b, 0, NR_PRIVATE);
	b->group = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS;
	ADD_WORDS(b, REG_SAVED | REG_HOT, ICC_SRE, ICC_CTLR, ICC_PMR, ICC_BPR0,
		  ICC_BPR1, ICC_AP0R0, ICC_AP1R0, ICC_IGRPEN0, ICC_IGRPEN1);
	b->group = KVM_DEV_ARM_VGIC_GRP_REDIST_REGS;
	ADD_WORDS(b, 0, GICR_IIDR, GICR_TYPER, GICR_TYPER + 4, GICR_WAKER);
	/* The tables' places first: enabling reads what is pending. */
	ADD_WORDS(b, REG_SAVED | REG_HOT, GICR_PROPBASER, GICR_PROPBASER + 4,
		  GICR_PENDBASER, GICR_PENDBASER + 4, GICR_CTLR);
}

static void list_v3(struct builder *b)
{
	const struct setup *setup = b->setup;

	b->group = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	ADD_WORDS(b, REG_SAVED, GICD_IIDR);
	ADD_WORDS(b, REG_SAVED | REG_HOT, GICD_CTLR);
	ADD_WORDS(b, 0, GICD_TYPER, GICD_TYPER + 8);
	for (unsigned int irq = NR_PRIVATE; irq < setup->irqs; irq++) {
		add(b, GICD_IROUTER + irq * 8,
		    REG_SAVED | (irq < NR_PRIVATE + 8 ? REG_HOT : 0));
		add(b, GICD_IROUTER + irq * 8 + 4, REG_SAVED);
	}
	add_interrupts(b, NR_PRIVATE, setup->irqs);
	add_levels(b, NR_PRIVATE, setup->irqs);
	for (unsigned int i = 0; i < setup->vcpus; i++) {
		b->base = machine_mpidr(i) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT;
		list_v3_vcpu(b);
	}
	b->base = 0;
	b->device = DEVICE_ITS;
	b->group = KVM_DEV_ARM_VGIC_GRP_ITS_REGS;
	ADD_WORDS(b, REG_SAVED, GITS_IIDR);
	ADD_WORDS(b, 0, GITS_TYPER);
	ADD_WORDS(b, REG_SAVED | REG_HOT, GITS_CBASER, GITS_BASER0, GITS_BASER1,
		  GITS_CREADR, GITS_CWRITER);
	/* The tables; then it may go on. */
	b->group = KVM_DEV_ARM_VGIC_GRP_CTRL;
	ADD_WORDS(b, REG_SAVED, KVM_DEV_ARM_ITS_RESTORE_TABLES);
	b->group = KVM_DEV_ARM_VGIC_GRP_ITS_REGS;
	ADD_WORDS(b, REG_SAVED | REG_HOT, GITS_CTLR);
}

void reg_list_init(struct reg_list *list, const struct setup *setup)
{
	struct builder b = {.setup = setup, .list = list};

	list->nr = 0;
	if (setup->gic == 2)
		list_v2(&b);
	else
		list_v3(&b);
}

void reg_print(char *buf, size_t size, const struct reg *reg)
{
	static const char *const groups[] = {
		[KVM_DEV_ARM_VGIC_GRP_DIST_REGS] = "distributor",
		[KVM_DEV_ARM_VGIC_GRP_CPU_REGS] = "CPU interface",
		[KVM_DEV_ARM_VGIC_GRP_CTRL] = "control",
		[KVM_DEV_ARM_VGIC_GRP_REDIST_REGS] = "redistributor",
		[KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS] = "system register",
		[KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO] = "line levels",
		[KVM_DEV_ARM_VGIC_GRP_ITS_REGS] = "ITS",
	};

	snprintf(buf, size, "%s %" PRIu64 " %#" PRIx64, groups[reg->group],
		 reg->attr >> 32, reg->attr & 0xffffffff);
}

/* ---- Save and restore ---- */

static bool is_control(const struct reg *reg)
{
	return reg->group == KVM_DEV_ARM_VGIC_GRP_CTRL;
}

int state_save(struct machine *m, const struct reg_list *list,
	       struct saved *saved)
{
	uint64_t value = 0;
	int rc = 0;

	if (m->setup->gic == 3) {
		rc = machine_attr(m, OP_SET, DEVICE_ITS,
				  KVM_DEV_ARM_VGIC_GRP_CTRL,
				  KVM_DEV_ARM_ITS_SAVE_TABLES, &value);
		if (!rc)
			rc = machine_attr(m, OP_SET, DEVICE_GIC,
					  KVM_DEV_ARM_VGIC_GRP_CTRL,
					  KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES,
					  &value);
	}
	for (size_t i = 0; i < list->nr; i++) {
		const struct reg *reg = &list->reg[i];

		saved->value[i] = 0;
		if (reg->flags & REG_SAVED && !is_control(reg))
			machine_attr(m, OP_GET, reg->device, reg->group,
				     reg->attr, &saved->value[i]);
	}
	memcpy(saved->memory, m->port->memory(m->vm, TABLES_GPA, TABLES_SIZE),
	       TABLES_SIZE);
	return rc;
}

void state_restore(struct machine *m, const struct reg_list *list,
		   const struct saved *saved, int *answer)
{
	*answer = 0;
	memcpy(m->port->memory(m->vm, TABLES_GPA, TABLES_SIZE), saved->memory,
	       TABLES_SIZE);
	for (size_t i = 0; i < list->nr; i++) {
		const struct reg *reg = &list->reg[i];
		uint64_t value = saved->value[i];

		if (reg->flags & REG_SAVED)
			*answer = *answer * 31 +
				  machine_attr(m, OP_SET, reg->device,
					       reg->group, reg->attr, &value);
	}
}

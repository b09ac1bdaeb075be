// SPDX-License-Identifier: BSD-3-Clause
/*
 * Software-generated interrupts: GICD_SGIR and the source registers of GICv2
 * (IHI 0048B 4.3.15 to 4.3.17), and what GICv3's system registers ask for
 * (IHI 0069 12.2.20).
 */
#include "irqchip/vgic/irq_regs.h"
#include "irqchip/vgic/queue.h"

/* GICD_SGIR */
#define SGIR_FILTER(v) ((v) >> 24 & 3)
#define SGIR_TARGETS(v) ((uint32_t)((v) >> 16 & 0xff))
#define SGIR_ID(v) ((uint32_t)((v)&0xf))

/* ICC_SGI1R_EL1 */
#define SGI1R_TARGETS(v) ((uint32_t)((v)&0xffff))
#define SGI1R_AFF1(v) ((uint32_t)((v) >> 16 & 0xff))
#define SGI1R_ID(v) ((uint32_t)((v) >> 24 & 0xf))
#define SGI1R_AFF2(v) ((uint32_t)((v) >> 32 & 0xff))
#define SGI1R_IRM(v) ((v) >> 40 & 1)
#define SGI1R_AFF3(v) ((uint32_t)((v) >> 48 & 0xff))

/* ---- GICv2 ---- */

void vgic_sgir_write(const struct vgic_reg_access *at, uint64_t value)
{
	uint32_t all = (1u << vgic_nr_cpus(at->vgic)) - 1;
	uint32_t self = 1u << at->cpu->index;
	uint32_t targets = 0;

	switch (SGIR_FILTER(value)) {
	case 0: targets = SGIR_TARGETS(value) & all; break;
	case 1: targets = all & ~self; break;
	case 2: targets = self; break;
	default: break; /* reserved */
	}
	for (; targets; targets &= targets - 1)
		vgic_sgi_raise(at->vgic->cpus[__builtin_ctz(targets)],
			       SGIR_ID(value), (uint8_t)at->cpu->index);
}

/* A byte an SGI. */
static struct vgic_irq *sgi_at(const struct vgic_reg_access *at, uint32_t i)
{
	return &at->cpu->private_irqs[(at->offset + i) % VGIC_NR_SGIS];
}

uint64_t vgic_sgi_read_sources(const struct vgic_reg_access *at)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < at->len; i++) {
		struct vgic_irq *irq = sgi_at(at, i);
		struct vgic_cpu *home = vgic_irq_lock(irq);

		value |= (uint64_t)irq->sgi_sources << (8 * i);
		spin_unlock(&home->lock);
	}
	return value;
}

/* It is pending as long as it has a source. */
static void change_sources(struct vgic_irq *irq, uint8_t set, uint8_t clear)
{
	struct vgic_cpu *home = vgic_irq_lock(irq);
	unsigned int state = vgic_irq_state(irq);

	irq->sgi_sources = (uint8_t)((irq->sgi_sources & ~clear) | set);
	if (irq->sgi_sources && set)
		state |= IRQ_LATCH;
	else if (!irq->sgi_sources)
		state &= ~(unsigned int)IRQ_LATCH;
	irq_set_state(irq, state);
	vgic_irq_unlock(irq, home);
}

void vgic_sgi_clear_sources(const struct vgic_reg_access *at, uint64_t value)
{
	for (uint32_t i = 0; i < at->len; i++)
		change_sources(sgi_at(at, i), 0, (uint8_t)(value >> (8 * i)));
}

void vgic_sgi_set_sources(const struct vgic_reg_access *at, uint64_t value)
{
	for (uint32_t i = 0; i < at->len; i++)
		if (value >> (8 * i) & 0xff)
			change_sources(sgi_at(at, i),
				       (uint8_t)(value >> (8 * i)), 0);
}

/* ---- GICv3 ---- */

static void raise_v3(struct vgic_cpu *cpu, uint32_t sgi, bool group1)
{
	unsigned int state = vgic_irq_state(&cpu->private_irqs[sgi]);

	if (group1 || !(state & IRQ_GROUP1))
		vgic_sgi_raise(cpu, sgi, 0);
}

/*
 * The range selector is reserved without GICD_TYPER.RSS, and ignored.  Who is
 * not there is not interrupted.
 */
void vgic_sgi_write_v3(struct vgic_cpu *cpu, uint64_t value, bool group1)
{
	uint32_t affinity = SGI1R_AFF3(value) << 24 | SGI1R_AFF2(value) << 16 |
			    SGI1R_AFF1(value) << 8;
	struct vgic *vgic = cpu->vgic;
	uint32_t nr = vgic_nr_cpus(vgic);

	if (SGI1R_IRM(value)) {
		for (uint32_t i = 0; i < nr; i++)
			if (vgic->cpus[i] != cpu)
				raise_v3(vgic->cpus[i], SGI1R_ID(value),
					 group1);
		return;
	}
	for (uint32_t list = SGI1R_TARGETS(value); list; list &= list - 1) {
		struct vgic_cpu *target = vgic_cpu_by_mpidr(
			vgic, affinity | (uint32_t)__builtin_ctz(list));

		if (target)
			raise_v3(target, SGI1R_ID(value), group1);
	}
}

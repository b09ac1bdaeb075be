// SPDX-License-Identifier: BSD-3-Clause
/* See gic_model.h. */
#include "gic_model.h"
#include <errno.h>

#define SGI_BASE 0x10000u
#define IIDR(revision) (0x4b00043bu | (uint32_t)(revision) << 12)

void model_init(struct gic_model *model, bool v3, bool its)
{
	memset(model, 0, sizeof(*model));
	model->v3 = v3;
	model->its = its;
	model->revision = 3;
	for (unsigned int c = 0; c < GIC_CPUS; c++)
		for (unsigned int i = 0; i < 32; i++) {
			struct model_irq *irq = &model->private_irqs[c][i];

			irq->enabled = i < 16;
			irq->level = i >= 16;
			irq->group1 = v3;
			irq->targets = (uint8_t)(1u << c);
		}
	for (unsigned int i = 0; i < GIC_IRQS - 32; i++)
		model->spis[i].group1 = v3;
}

/* An interrupt as it is seen through the frame; NULL: not there. */
static struct model_irq *irq_at(struct gic_model *model,
				const struct model_access *at, uint32_t intid)
{
	if (intid < 32)
		return model->v3 && !at->redist
			       ? NULL
			       : &model->private_irqs[at->c][intid];
	return at->redist ? NULL : &model->spis[intid - 32];
}

/* The register's base, how many bits an interrupt has; 0: not such a one. */
static unsigned int bits_at(const struct gic_model *model,
			    const struct model_access *at, uint32_t *base)
{
	uint32_t offset = at->offset;
	unsigned int bits;

	if (at->redist) {
		if (offset < SGI_BASE)
			return 0;
		offset -= SGI_BASE;
	}
	if (offset >= 0x80 && offset < 0x400) {
		*base = offset & ~0x7fu;
		bits = 1;
	} else if (offset >= 0x400 && offset < (at->redist ? 0x800 : 0xc00)) {
		*base = offset & ~0x3ffu;
		bits = 8;
	} else if (offset >= 0xc00 && offset < 0xd00) {
		*base = 0xc00;
		bits = 2;
	} else if (model->v3 && !at->redist && offset >= 0x6000 &&
		   offset < 0x8000) {
		*base = 0x6000;
		bits = 64;
	} else {
		return 0;
	}
	if (at->len != 4 && !(at->len == 1 && bits == 8) &&
	    !(at->len == 8 && bits == 64))
		return 0;
	if (at->offset % at->len)
		return 0;
	/* Beyond the last interrupt there is nothing. */
	return (offset - *base) * 8 / bits < (at->redist ? 32 : GIC_IRQS) ? bits
									  : 0;
}

static bool pending(const struct model_irq *irq)
{
	return irq->latch || (irq->level && irq->line);
}

/* ---- Writes ---- */

static void write_bit(const struct gic_model *model,
		      const struct model_access *at, struct model_irq *irq,
		      uint32_t intid, uint32_t base, bool one)
{
	bool sgi_v2 = !model->v3 && intid < 16;

	switch (base) {
	case 0x080:
		if (model->v3 || !at->user || model->iidr_written)
			irq->group1 = one;
		break;
	case 0x100: irq->enabled |= one; break;
	case 0x180: irq->enabled &= !one; break;
	case 0x200:
		if (at->user && model->v3) {
			irq->latch = one;
		} else if (one && sgi_v2 && at->user) {
			irq->latch = true;
			irq->sources |= (uint8_t)(1u << at->c);
		} else if (!sgi_v2) {
			irq->latch |= one;
		}
		break;
	case 0x280:
		if (!one || (at->user && model->v3) || (sgi_v2 && !at->user))
			break;
		irq->latch = false;
		irq->sources = 0;
		break;
	case 0x300: irq->active |= one; break;
	default: irq->active &= !one; break;
	}
}

static void write_byte(const struct gic_model *model, struct model_irq *irq,
		       uint32_t intid, uint32_t base, uint8_t value)
{
	if (base == 0x400)
		irq->priority = value & 0xf8;
	else if (!model->v3 && intid >= 32)
		irq->targets = value & ((1u << GIC_CPUS) - 1);
}

static void write_bank(struct gic_model *model, const struct model_access *at,
		       unsigned int bits, uint32_t base, uint64_t value)
{
	uint32_t offset = at->offset - (at->redist ? SGI_BASE : 0) - base;

	if (bits == 64) {
		struct model_irq *irq = irq_at(model, at, offset / 8);

		if (irq && !(offset & 4))
			irq->mpidr = value & 0xffffff;
		return;
	}
	for (unsigned int i = 0; i < at->len * 8 / bits; i++) {
		uint32_t intid = offset * 8 / bits + i;
		struct model_irq *irq = irq_at(model, at, intid);

		if (!irq)
			continue;
		if (bits == 1)
			write_bit(model, at, irq, intid, base, value >> i & 1);
		else if (bits == 8)
			write_byte(model, irq, intid, base,
				   (uint8_t)(value >> (8 * i)));
		else if (intid >= 32)
			irq->level = !(value >> (2 * i) & 2);
	}
}

/* GICD_SGIR, CPENDSGIR, SPENDSGIR. */
static void write_sgi(struct gic_model *model, const struct model_access *at,
		      uint32_t value)
{
	uint32_t filter = value >> 24 & 3, list = value >> 16 & 0xff;

	for (unsigned int i = 0; at->offset >= 0xf10 && i < at->len; i++) {
		struct model_irq *irq =
			&model->private_irqs[at->c][at->offset % 16 + i];
		uint8_t byte = (uint8_t)(value >> (8 * i));

		if (at->offset >= 0xf20)
			irq->sources |= byte;
		else
			irq->sources &= (uint8_t)~byte;
		irq->latch = irq->sources;
	}
	for (unsigned int c = 0; at->offset == 0xf00 && c < GIC_CPUS; c++) {
		struct model_irq *irq = &model->private_irqs[c][value & 15];

		if (filter == 0	  ? list >> c & 1
		    : filter == 1 ? c != at->c
				  : filter == 2 && c == at->c) {
			irq->sources |= (uint8_t)(1u << at->c);
			irq->latch = true;
		}
	}
}

static bool is_sgi_register(const struct gic_model *model,
			    const struct model_access *at)
{
	if (model->v3 || at->offset % at->len)
		return false;
	if (at->offset == 0xf00)
		return at->len == 4;
	return at->offset >= 0xf10 && at->offset < 0xf30 &&
	       (at->len == 1 || at->len == 4);
}

static int write_control(struct gic_model *model, const struct model_access *at,
			 uint32_t value)
{
	uint32_t revision = value >> 12 & 15;

	if (at->len != 4 || at->redist)
		return 0;
	switch (at->offset) {
	case 0x0: model->enabled = value & (model->v3 ? 2 : 1); return 0;
	case 0x8:
		if (!at->user)
			return 0;
		if (value != IIDR(revision) || (revision != 2 && revision != 3))
			return -EINVAL;
		model->revision = (uint8_t)revision;
		model->iidr_written = true;
		return 0;
	case 0xc: return at->user && model->v3 && value ? -EINVAL : 0;
	default: return 0;
	}
}

int model_write(struct gic_model *model, const struct model_access *at,
		uint64_t value)
{
	uint32_t base;
	unsigned int bits = bits_at(model, at, &base);

	if (bits)
		write_bank(model, at, bits, base, value);
	else if (is_sgi_register(model, at))
		write_sgi(model, at, (uint32_t)value);
	else
		return write_control(model, at, (uint32_t)value);
	return 0;
}

void model_line(struct gic_model *model, unsigned int c, uint32_t intid,
		bool level)
{
	struct model_irq *irq = intid < 32 ? &model->private_irqs[c][intid]
					   : &model->spis[intid - 32];

	if (irq->level)
		irq->line = level;
	else
		irq->latch |= level;
}

void model_lines(struct gic_model *model, unsigned int c, uint32_t intid,
		 uint32_t lines)
{
	for (uint32_t i = 0; i < 32 && intid + i < GIC_IRQS; i++)
		if (intid + i >= 32)
			model->spis[intid + i - 32].line = lines >> i & 1;
		else if (intid + i >= 16)
			model->private_irqs[c][intid + i].line = lines >> i & 1;
}

/* ---- Reads ---- */

static uint64_t read_bits(const struct gic_model *model,
			  const struct model_access *at,
			  const struct model_irq *irq, uint32_t base,
			  unsigned int bits)
{
	bool latch_only = at->user && model->v3;

	switch (base) {
	case 0x080: return irq->group1;
	case 0x100:
	case 0x180: return irq->enabled;
	case 0x200: return latch_only ? irq->latch : pending(irq);
	case 0x280: return !latch_only && pending(irq);
	case 0x300:
	case 0x380: return irq->active;
	case 0x400: return irq->priority;
	case 0x800: return model->v3 ? 0 : irq->targets;
	case 0xc00: return irq->level ? 0 : 2;
	default: return bits == 64 && !(at->offset & 4) ? irq->mpidr : 0;
	}
}

static bool read_control(const struct gic_model *model,
			 const struct model_access *at, uint64_t *value)
{
	if (at->redist || at->len != 4)
		return false;
	if (at->offset == 0)
		*value =
			model->v3 ? 0x50 | model->enabled << 1 : model->enabled;
	else if (at->offset == 8)
		*value = IIDR(model->revision);
	else
		return false;
	return true;
}

bool model_read(const struct gic_model *model, const struct model_access *at,
		uint64_t *value)
{
	struct gic_model *m = (struct gic_model *)model; /* not written */
	uint32_t base, offset;
	unsigned int bits = bits_at(model, at, &base);

	*value = 0;
	if (!bits && is_sgi_register(model, at) && at->offset >= 0xf10) {
		for (unsigned int i = 0; i < at->len; i++)
			*value |= (uint64_t)model
					  ->private_irqs[at->c]
							[at->offset % 16 + i]
					  .sources
				  << (8 * i);
		return true;
	}
	if (!bits)
		return read_control(model, at, value);
	offset = at->offset - (at->redist ? SGI_BASE : 0) - base;
	for (unsigned int i = 0; i < (at->len * 8 + bits - 1) / bits; i++) {
		const struct model_irq *irq =
			irq_at(m, at, offset * 8 / bits + i);

		if (irq)
			*value |= read_bits(model, at, irq, base, bits)
				  << (bits * i);
	}
	return true;
}

/* ---- Records ---- */

static void check_irq(const struct gic_model *model,
		      const struct model_irq *irq, struct gic *gic,
		      const struct vgic_irq *ours)
{
	unsigned int state = vgic_irq_state(ours);
	const struct vgic_cpu *target;

	EQUAL(!!(state & IRQ_ENABLED), irq->enabled);
	EQUAL(!!(state & IRQ_LATCH), irq->latch);
	EQUAL(!!(state & IRQ_LINE), irq->line);
	EQUAL(!!(state & IRQ_ACTIVE), irq->active);
	EQUAL(!!(state & IRQ_LEVEL), irq->level);
	EQUAL(!!(state & IRQ_GROUP1), irq->group1);
	EQUAL(ours->priority, irq->priority);
	if (!model->v3)
		EQUAL(ours->sgi_sources, irq->sources);
	if (ours->intid < 32)
		return;
	EQUAL(ours->mpidr, irq->mpidr);
	if (model->v3) {
		target = irq->mpidr < GIC_CPUS ? gic->vcpu[irq->mpidr].cpu
					       : NULL;
	} else {
		EQUAL(ours->targets, irq->targets);
		target = gic->vcpu[irq->targets ? __builtin_ctz(irq->targets)
						: 0]
				 .cpu;
	}
	HOLDS2(ours->target == target, ours->intid, irq->mpidr);
}

void model_check(const struct gic_model *model, struct gic *gic)
{
	EQUAL(atomic_load(&gic->vgic->enabled), model->enabled);
	for (unsigned int c = 0; c < GIC_CPUS; c++)
		for (uint32_t i = 0; i < 32; i++)
			check_irq(model, &model->private_irqs[c][i], gic,
				  gic_irq(gic, c, i));
	for (uint32_t i = 32; i < GIC_IRQS; i++)
		check_irq(model, &model->spis[i - 32], gic, gic_irq(gic, 0, i));
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC's CPU interface, GICC of v2 and ICC of v3: guests that take,
 * complete and deactivate in any order, whatever is written to the registers,
 * restored by attributes or raised meanwhile.  What is taken, and how far
 * priorities drop, is compared with what the records say.
 */
#include "gic.h"
#include <errno.h>

#define FIRST 8 /* the interrupts in play: SGIs, PPIs, SPIs */
#define NR_PLAYED 40
#define ICC(crm, op2) (0xc000u | 12u << 7 | (crm) << 3 | (op2))
#define ICC_PMR (0xc000u | 4u << 7 | 6u << 3)
#define NR_ENCODINGS 0x10000u

struct fixture {
	struct input in;
	struct gic gic;
};

static uint32_t draw_intid(struct fixture *f)
{
	return FIRST + input_u8(&f->in) % NR_PLAYED;
}

/* ---- Registers by name ---- */

struct reg {
	uint32_t gicc, icc;
};

static const struct reg iar[2] = {{0x0c, ICC(8, 0)}, {0x20, ICC(12, 0)}};
static const struct reg eoir[2] = {{0x10, ICC(8, 1)}, {0x24, ICC(12, 1)}};
static const struct reg hppir[2] = {{0x18, ICC(8, 2)}, {0x28, ICC(12, 2)}};
static const struct reg dir = {0x1000, ICC(11, 1)};
static const struct reg rpr = {0x14, ICC(11, 3)};

static int msr(struct fixture *f, unsigned int c, uint32_t encoding, bool write,
	       uint64_t *data)
{
	struct virq_access access = {
		.addr = encoding, .len = 8, .write = write, .data = *data};
	int ret;

	gic_leave(&f->gic, c);
	ret = virq_vcpu_msr(f->gic.vcpu[c].vcpu, &access);
	if (!write)
		*data = access.data;
	return ret;
}

static uint64_t read_reg(struct fixture *f, unsigned int c,
			 const struct reg *reg)
{
	uint64_t value = 0;

	if (f->gic.v3)
		EQUAL(msr(f, c, reg->icc, false, &value), 0);
	else
		EQUAL(gic_mmio(&f->gic, c, GIC_GICC + reg->gicc, 4, false,
			       &value),
		      0);
	return value;
}

static void write_reg(struct fixture *f, unsigned int c, const struct reg *reg,
		      uint64_t value)
{
	if (f->gic.v3)
		EQUAL(msr(f, c, reg->icc, true, &value), 0);
	else
		EQUAL(gic_mmio(&f->gic, c, GIC_GICC + reg->gicc, 4, true,
			       &value),
		      0);
}

/* ---- Taking ---- */

/* What a read of IAR or HPPIR of @group tells if nothing is for it. */
static uint32_t expect_special(struct fixture *f, unsigned int c,
			       bool something, unsigned int of,
			       unsigned int group)
{
	const struct vgic_cpu_if *cif = &f->gic.vcpu[c].cpu->cif;

	if (something && of == group)
		return 0;
	if (something && of && !f->gic.v3)
		return cif->ack_ctl ? 0 : 1022;
	return 1023;
}

static void op_take(struct fixture *f, unsigned int c)
{
	struct vgic_cpu *cpu = f->gic.vcpu[c].cpu;
	unsigned int group = input_u8(&f->in) & 1, priority = 0, of = 0;
	uint32_t apr[2] = {cpu->cif.apr[0], cpu->cif.apr[1]};
	bool something, can;
	uint32_t special;
	struct vgic_irq *irq;
	uint64_t value;

	something = gic_best(&f->gic, c, &priority, &of);
	can = something && gic_can_take(&f->gic, c, priority, of);
	special = expect_special(f, c, something, of, group);
	value = read_reg(f, c, &hppir[group]);
	if (special)
		EQUAL(value, special);
	else
		HOLDS2((value & 0x3ff) < GIC_IRQS, value, c);
	special = expect_special(f, c, can, of, group);
	value = read_reg(f, c, &iar[group]);
	if (special) {
		EQUAL(value, special);
		EQUAL(cpu->cif.apr[0], apr[0]);
		EQUAL(cpu->cif.apr[1], apr[1]);
		return;
	}
	HOLDS2((value & 0x3ff) < GIC_IRQS, value, c);
	irq = gic_irq(&f->gic, c, value & 0x3ff);
	EQUAL(irq->priority, priority);
	HOLDS2(vgic_irq_state(irq) & IRQ_ACTIVE, value, c);
	EQUAL(!!(vgic_irq_state(irq) & IRQ_GROUP1), of);
	HOLDS(atomic_load(&irq->home) == cpu);
	/* It runs now, so nothing less urgent does. */
	HOLDS2(read_reg(f, c, &rpr) <= priority, priority, value);
}

static unsigned int highest(const struct vgic_cpu_if *cif)
{
	uint32_t active = cif->apr[0] | cif->apr[1];
	unsigned int i = 0;

	while (i < 32 && !(active >> i & 1))
		i++;
	return i;
}

static void op_complete(struct fixture *f, unsigned int c)
{
	struct vgic_cpu *cpu = f->gic.vcpu[c].cpu;
	unsigned int group = input_u8(&f->in) & 1, top = highest(&cpu->cif);
	uint32_t intid = draw_intid(f);
	struct vgic_irq *irq = gic_irq(&f->gic, c, intid);
	unsigned int before = vgic_irq_state(irq);
	bool mine = atomic_load(&irq->home) == cpu;

	/* Often what is active; of an SGI any source. */
	if (input_u8(&f->in) & 3 && !cds_list_empty(&cpu->active)) {
		irq = cds_list_entry(cpu->active.next, struct vgic_irq, node);
		intid = irq->intid;
		before = vgic_irq_state(irq);
		mine = true;
		group = before & IRQ_GROUP1 ? 1 : 0;
	}
	write_reg(f, c, &eoir[group], intid | (input_u8(&f->in) & 7) << 10);
	if (top < 32) {
		HOLDS2(highest(&cpu->cif) >= top, top, intid);
		/* It is gone, or the other group's is left. */
		HOLDS2(highest(&cpu->cif) > top || cpu->cif.apr[0] >> top & 1 ||
			       cpu->cif.apr[1] >> top & 1,
		       top, intid);
	}
	if (!mine || cpu->cif.eoi_mode)
		EQUAL(vgic_irq_state(irq) & IRQ_ACTIVE, before & IRQ_ACTIVE);
	EQUAL(read_reg(f, c, &rpr),
	      highest(&cpu->cif) < 32 ? highest(&cpu->cif) << 3 : 0xff);
}

static void op_deactivate(struct fixture *f, unsigned int c)
{
	const struct vgic_cpu *cpu = f->gic.vcpu[c].cpu;
	struct vgic_irq *irq = gic_irq(&f->gic, c, draw_intid(f));
	unsigned int before = vgic_irq_state(irq);
	uint32_t apr[2] = {cpu->cif.apr[0], cpu->cif.apr[1]};

	write_reg(f, c, &dir, irq->intid);
	EQUAL(cpu->cif.apr[0], apr[0]);
	EQUAL(cpu->cif.apr[1], apr[1]);
	EQUAL(vgic_irq_state(irq) & IRQ_ACTIVE,
	      cpu->cif.eoi_mode ? 0 : before & IRQ_ACTIVE);
}

/* ---- Around it ---- */

/* Any register that has no effect on interrupts, or any at all. */
static void op_register(struct fixture *f, unsigned int c)
{
	static const uint32_t gicc[] = {0x00, 0x04, 0x08, 0x1c, 0xd0};
	static const uint32_t icc[] = {ICC_PMR,	   ICC(8, 3),  ICC(8, 4),
				       ICC(9, 0),  ICC(12, 3), ICC(12, 4),
				       ICC(12, 6), ICC(12, 7)};
	uint16_t random = input_u16(&f->in);
	uint64_t value = input_u32(&f->in);
	bool write = input_u8(&f->in) & 3;
	uint32_t any = input_u16(&f->in);
	int ret;

	if (!f->gic.v3) {
		gic_mmio(&f->gic, c,
			 GIC_GICC + (random & 0xf00
					     ? gicc[random % 5]
					     : any % KVM_VGIC_V2_CPU_SIZE),
			 random & 0xf000 ? 4 : (uint8_t)(1u << (random & 3)),
			 write, &value);
		return;
	}
	ret = msr(f, c, random & 0xf00 ? icc[random % 8] : any % NR_ENCODINGS,
		  write, &value);
	HOLDS2(!ret || ret == -EPERM || ret == -ENODEV, -ret, any);
}

/* A state that is given back is kept. */
static void op_attribute(struct fixture *f, unsigned int c)
{
	static const uint32_t gicc[] = {0x00, 0x04, 0x08, 0x1c, 0xd0, 0xfc};
	static const uint32_t icc[] = {ICC_PMR,	   ICC(8, 3),  ICC(8, 4),
				       ICC(9, 0),  ICC(12, 3), ICC(12, 4),
				       ICC(12, 5), ICC(12, 6), ICC(12, 7)};
	unsigned int i = input_u8(&f->in);
	uint64_t value = input_u32(&f->in);
	uint32_t word = (uint32_t)value, again;
	uint64_t first, second;

	for (unsigned int v = 0; v < GIC_CPUS; v++)
		gic_leave(&f->gic, v);
	if (!f->gic.v3) {
		uint32_t offset = gicc[i % 6];

		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, c,
			       offset, true, &word),
		      0);
		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, c,
			       offset, false, &word),
		      0);
		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, c,
			       offset, true, &word),
		      0);
		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_CPU_REGS, c,
			       offset, false, &again),
		      0);
		EQUAL(word, again);
		return;
	}
	vgic_icc_set(f->gic.vcpu[c].cpu, icc[i % 9], value);
	EQUAL(vgic_icc_get(f->gic.vcpu[c].cpu, icc[i % 9], &first), 0);
	EQUAL(vgic_icc_set(f->gic.vcpu[c].cpu, icc[i % 9], first), 0);
	EQUAL(vgic_icc_get(f->gic.vcpu[c].cpu, icc[i % 9], &second), 0);
	EQUAL(first, second);
}

/* Raise, configure, or move one. */
static void op_interrupt(struct fixture *f, unsigned int c)
{
	struct vgic_irq *irq = gic_irq(&f->gic, c, draw_intid(f));
	uint64_t bit = UINT64_C(1) << irq->intid % 32;
	uint8_t how = input_u8(&f->in);
	uint64_t base = f->gic.v3 && irq->intid < 32
				? GIC_REDIST + c * GIC_REDIST_SIZE + 0x10000
				: GIC_DIST;
	uint32_t word = irq->intid / 32 * 4;
	uint64_t value;

	switch (how & 7) {
	case 0:
	case 1:
		if (irq->intid >= 16) {
			vgic_irq_inject(irq, how >> 3 & 1);
			return;
		}
		vgic_sgi_raise(f->gic.vcpu[c].cpu, irq->intid,
			       (uint8_t)(how >> 3) % GIC_CPUS);
		return;
	case 2:
		value = how & 0xf8;
		gic_mmio(&f->gic, c, base + 0x400 + irq->intid, 1, true,
			 &value);
		return;
	case 3:
		gic_mmio(&f->gic, c, base + (how & 0x80 ? 0x180 : 0x100) + word,
			 4, true, &bit);
		return;
	case 4:
		gic_mmio(&f->gic, c, base + 0x80 + word, 4, false, &value);
		value ^= bit;
		gic_mmio(&f->gic, c, base + 0x80 + word, 4, true, &value);
		return;
	case 5:
		gic_mmio(&f->gic, c, base + (how & 0x80 ? 0x380 : 0x300) + word,
			 4, true, &bit);
		return;
	case 6:
		value = how >> 3;
		if (f->gic.v3)
			gic_mmio(&f->gic, c, GIC_DIST + 0x6000 + 8 * irq->intid,
				 8, true, &value);
		else
			gic_mmio(&f->gic, c, GIC_DIST + 0x800 + irq->intid, 1,
				 true, &value);
		return;
	default:
		value = how & 0xf8 ? 3 : 0;
		gic_mmio(&f->gic, c, GIC_DIST, 4, true, &value);
		return;
	}
}

static void begin(struct fixture *f, bool v3)
{
	uint64_t all = ~UINT64_C(0);

	gic_create(&f->gic, v3, false);
	for (unsigned int c = 0; c < GIC_CPUS; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(f->gic.vcpu[c].cpu);

		cif->pmr = 0xf8;
		cif->group_enabled[0] = true;
		cif->group_enabled[1] = true;
		vgic_cpu_if_unlock(f->gic.vcpu[c].cpu);
		if (v3)
			gic_mmio(&f->gic, c,
				 GIC_REDIST + c * GIC_REDIST_SIZE + 0x10100, 4,
				 true, &all);
		else
			gic_mmio(&f->gic, c, GIC_DIST + 0x100, 4, true, &all);
	}
	gic_mmio(&f->gic, 0, GIC_DIST + 0x104, 4, true, &all);
	gic_mmio(&f->gic, 0, GIC_DIST, 4, true, &(uint64_t){3});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture f;

	f.in = (struct input){data, size};
	begin(&f, input_u8(&f.in) & 1);
	while (f.in.left) {
		uint8_t op = input_u8(&f.in);
		unsigned int c = op >> 4 & 3 ? 0 : input_below(&f.in, GIC_CPUS);

		switch (op & 15) {
		case 0 ... 3: op_take(&f, c); break;
		case 4 ... 6: op_complete(&f, c); break;
		case 7: op_deactivate(&f, c); break;
		case 8 ... 12: op_interrupt(&f, c); break;
		case 13: op_register(&f, c); break;
		case 14: op_attribute(&f, c); break;
		default: gic_enter(&f.gic, c); break;
		}
		gic_check(&f.gic);
	}
	gic_destroy(&f.gic);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC's redistributors: accesses of any width to any offset of any vCPU's
 * frames, by any vCPU and by attributes, with PPIs and SGIs that come, with and
 * without LPIs, whose tables may be no memory.  After each step the records are
 * as a model says, and the queues as the records say.
 */
#include "gic_model.h"
#include "irqchip/vgic/irq_regs.h"

#define SGI_BASE 0x10000u
#define PROPBASER_RES0 0xf8f0000000000060ull
#define PENDBASER_RES0 0xb8f000000000f07full

struct fixture {
	struct input in;
	struct gic gic;
	struct gic_model model;
};

static uint32_t draw_offset(struct fixture *f)
{
	static const uint32_t control[] = {0x00, 0x04, 0x08, 0x0c, 0x14,
					   0x70, 0x74, 0x78, 0x7c, 0xa0,
					   0xa4, 0xb0, 0xb4, 0xc0};
	uint16_t random = input_u16(&f->in);

	switch (input_u8(&f->in) % 8) {
	case 0: return random % SGI_BASE;
	case 1: return SGI_BASE + random % SGI_BASE;
	case 2: return control[random % (sizeof(control) / 4)];
	case 3: return SGI_BASE + 0x400 + random % 0x20;
	case 4: return SGI_BASE + 0xc00 + random % 8;
	case 5: return random & 1 ? 0 : 0x70 + (random & 8);
	default: return SGI_BASE + 0x80 * (1 + random % 7);
	}
}

static struct model_access draw_access(struct fixture *f, bool user)
{
	uint8_t width = input_u8(&f->in);

	return (struct model_access){
		.user = user,
		.redist = true,
		.c = input_below(&f->in, GIC_CPUS),
		.offset = draw_offset(f),
		.len = user || width & 0x80 ? 4 : (uint8_t)(1u << (width & 3)),
	};
}

static int access(struct fixture *f, const struct model_access *at, bool write,
		  uint64_t *value)
{
	unsigned int by = input_below(&f->in, GIC_CPUS);
	uint32_t word = (uint32_t)*value;
	int ret;

	if (!at->user)
		return gic_mmio(&f->gic, by,
				GIC_REDIST + at->c * GIC_REDIST_SIZE +
					at->offset,
				at->len, write, value);
	ret = gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, at->c,
		       at->offset, write, &word);
	if (!write)
		*value = word;
	return ret;
}

/* A guest that has all enabled. */
static void enable_all(struct fixture *f)
{
	struct model_access at = {
		.redist = true, .offset = SGI_BASE + 0x100, .len = 4};
	uint64_t all = UINT32_MAX;

	for (at.c = 0; at.c < GIC_CPUS; at.c++) {
		EQUAL(model_write(&f->model, &at, all), 0);
		EQUAL(gic_mmio(&f->gic, at.c,
			       GIC_REDIST + at.c * GIC_REDIST_SIZE + at.offset,
			       4, true, &all),
		      0);
	}
}

static void op_write(struct fixture *f, bool user)
{
	struct model_access at = draw_access(f, user);
	struct vgic_cpu *cpu = f->gic.vcpu[at.c].cpu;
	bool enabled = atomic_load(&cpu->lpis_enabled);
	uint64_t propbaser = atomic_load(&f->gic.vgic->propbaser);
	uint64_t pendbaser = atomic_load(&cpu->pendbaser);
	uint64_t value = input_u64(&f->in);

	if (at.len < 8)
		value &= (UINT64_C(1) << 8 * at.len) - 1;
	EQUAL(model_write(&f->model, &at, value), 0);
	EQUAL(access(f, &at, true, &value), 0);
	if (enabled) {
		EQUAL(atomic_load(&f->gic.vgic->propbaser), propbaser);
		EQUAL(atomic_load(&cpu->pendbaser), pendbaser);
	}
	if (at.offset == 0 && at.len == 4)
		EQUAL(atomic_load(&cpu->lpis_enabled),
		      f->model.its && value & 1);
	else
		EQUAL(atomic_load(&cpu->lpis_enabled), enabled);
	EQUAL(atomic_load(&f->gic.vgic->propbaser) & PROPBASER_RES0, 0);
	EQUAL(atomic_load(&cpu->pendbaser) & PENDBASER_RES0, 0);
}

/* The registers that the model has not. */
static uint64_t expect_control(struct fixture *f, const struct model_access *at,
			       bool *known)
{
	const struct vgic_cpu *cpu = f->gic.vcpu[at->c].cpu;
	uint32_t low =
		at->c << 8 | f->model.its | (at->c == GIC_CPUS - 1 ? 0x10 : 0);

	*known = at->len == 4 && !(at->offset & 3) && at->offset < SGI_BASE;
	switch (at->offset) {
	case 0x00: return 6 | atomic_load(&cpu->lpis_enabled);
	case 0x04: return 0x4b00043b;
	case 0x08: return low;
	case 0x0c: return at->c;
	case 0x70: return (uint32_t)atomic_load(&f->gic.vgic->propbaser);
	case 0x74: return atomic_load(&f->gic.vgic->propbaser) >> 32;
	case 0x78: return (uint32_t)atomic_load(&cpu->pendbaser);
	case 0x7c: return atomic_load(&cpu->pendbaser) >> 32 & ~(1u << 30);
	case 0xffe8: return 0x3b;
	default: return 0;
	}
}

static void op_read(struct fixture *f, bool user)
{
	struct model_access at = draw_access(f, user);
	uint64_t value = 0, expect;
	bool known;

	EQUAL(access(f, &at, false, &value), 0);
	if (at.len < 8)
		HOLDS2(!(value >> 8 * at.len), value, at.len);
	if (model_read(&f->model, &at, &expect)) {
		EQUAL(value, expect);
		return;
	}
	expect = expect_control(f, &at, &known);
	if (known)
		EQUAL(value, expect);
}

static void op_line(struct fixture *f)
{
	unsigned int c = input_below(&f->in, GIC_CPUS);
	uint32_t intid = 16 + input_below(&f->in, 16);
	bool level = input_u8(&f->in) & 1;

	model_line(&f->model, c, intid, level);
	vgic_irq_inject(gic_irq(&f->gic, c, intid), level);
}

#define SGI_AFFINITY 0x00ff00ff00ff0000ull /* Aff3, Aff2, Aff1 */
#define SGI_IRM (UINT64_C(1) << 40)

/* ICC_SGI1R_EL1 and the others, of a vCPU; affinities are 0.0.0.0 and so on. */
static void op_sgi(struct fixture *f)
{
	unsigned int by = input_below(&f->in, GIC_CPUS);
	uint64_t value = input_u64(&f->in);
	bool group1 = input_u8(&f->in) & 1, others;

	/* Often those that are there. */
	if (value >> 63)
		value &= ~SGI_AFFINITY;
	others = value & SGI_IRM;
	for (unsigned int c = 0; c < GIC_CPUS; c++) {
		struct model_irq *irq =
			&f->model.private_irqs[c][value >> 24 & 15];
		bool listed = !(value & SGI_AFFINITY) && value >> c & 1;

		if ((others ? c != by : listed) && (group1 || !irq->group1))
			irq->latch = true;
	}
	gic_leave(&f->gic, by);
	vgic_sgi_write_v3(f->gic.vcpu[by].cpu, value, group1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture f;
	uint8_t shape;
	bool its;

	f.in = (struct input){data, size};
	shape = input_u8(&f.in);
	its = shape & 1;
	gic_create(&f.gic, true, its);
	model_init(&f.model, true, its);
	f.model.enabled = true;
	vgic_set_enabled(f.gic.vgic, true);
	for (unsigned int c = 0; c < GIC_CPUS; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(f.gic.vcpu[c].cpu);

		cif->pmr = 0xf8;
		cif->group_enabled[0] = c != 1;
		cif->group_enabled[1] = true;
		vgic_cpu_if_unlock(f.gic.vcpu[c].cpu);
	}
	if (!(shape & 2))
		enable_all(&f);
	while (f.in.left) {
		switch (input_u8(&f.in) % 16) {
		case 0 ... 5: op_write(&f, false); break;
		case 6 ... 7: op_read(&f, false); break;
		case 8 ... 9: op_write(&f, true); break;
		case 10: op_read(&f, true); break;
		case 11: op_sgi(&f); break;
		case 12 ... 14: op_line(&f); break;
		default: gic_enter(&f.gic, input_below(&f.in, GIC_CPUS)); break;
		}
		model_check(&f.model, &f.gic);
		gic_check(&f.gic);
	}
	gic_destroy(&f.gic);
	return 0;
}

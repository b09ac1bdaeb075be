// SPDX-License-Identifier: BSD-3-Clause
/*
 * The vGIC's distributor, v2 and v3: accesses of any width to any offset, by
 * guests and by attributes, with lines that move.  After each step the records
 * are as a model says, and the queues as the records say.
 */
#include "gic_model.h"

struct fixture {
	struct input in;
	struct gic gic;
	struct gic_model model;
};

static uint32_t frame_size(const struct fixture *f)
{
	return f->gic.v3 ? KVM_VGIC_V3_DIST_SIZE : KVM_VGIC_V2_DIST_SIZE;
}

/* Mostly where registers of interrupts are. */
static uint32_t draw_offset(struct fixture *f)
{
	uint16_t random = input_u16(&f->in);

	switch (input_u8(&f->in) % 8) {
	case 0: return random % frame_size(f);
	case 1: return random % 0x30 & ~3u;
	case 2: return 0xf00 + random % 0x30;
	case 3: return (0x6000 + random % (GIC_IRQS * 8)) % frame_size(f);
	case 4: return 0x400 + random % GIC_IRQS;
	case 5: return 0x800 + random % GIC_IRQS;
	case 6: return 0xc00 + (random % 7) * 4;
	default: return 0x80 * (1 + random % 7) + (random >> 8) % 4 * 4;
	}
}

static struct model_access draw_access(struct fixture *f, bool user)
{
	uint8_t width = input_u8(&f->in);

	return (struct model_access){
		.user = user,
		.c = user && f->gic.v3 ? 0 : input_below(&f->in, GIC_CPUS),
		.offset = draw_offset(f),
		.len = user || width & 0x80 ? 4 : (uint8_t)(1u << (width & 3)),
	};
}

static void guest_write(struct fixture *f, const struct model_access *at,
			uint64_t value)
{
	EQUAL(model_write(&f->model, at, value), 0);
	EQUAL(gic_mmio(&f->gic, at->c, GIC_DIST + at->offset, at->len, true,
		       &value),
	      0);
}

static void op_write(struct fixture *f, bool user)
{
	struct model_access at = draw_access(f, user);
	uint64_t value = input_u64(&f->in);
	uint32_t word = (uint32_t)value;

	/* Often what may be written. */
	if (at.offset == 8 && value & 1)
		value = word = 0x4b00043b | (word & 0xf000);
	if (at.len < 8)
		value &= (UINT64_C(1) << 8 * at.len) - 1;
	if (user)
		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, at.c,
			       at.offset, true, &word),
		      model_write(&f->model, &at, value));
	else
		guest_write(f, &at, value);
}

static void op_read(struct fixture *f, bool user)
{
	struct model_access at = draw_access(f, user);
	uint64_t value = 0, expect;
	uint32_t word = 0;

	if (user) {
		EQUAL(gic_attr(&f->gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, at.c,
			       at.offset, false, &word),
		      0);
		value = word;
	} else {
		EQUAL(gic_mmio(&f->gic, at.c, GIC_DIST + at.offset, at.len,
			       false, &value),
		      0);
	}
	if (at.len < 8)
		HOLDS2(!(value >> 8 * at.len), value, at.len);
	if (model_read(&f->model, &at, &expect))
		EQUAL(value, expect);
}

static void op_line(struct fixture *f)
{
	unsigned int c = input_below(&f->in, GIC_CPUS);
	uint32_t intid = 16 + input_u8(&f->in) % (GIC_IRQS - 16);
	bool level = input_u8(&f->in) & 1;

	model_line(&f->model, c, intid, level);
	vgic_irq_inject(gic_irq(&f->gic, c, intid), level);
}

/* LEVEL_INFO; of v3 alone, but the function is any's. */
static void op_lines(struct fixture *f)
{
	unsigned int c = input_below(&f->in, GIC_CPUS);
	uint32_t intid = input_below(&f->in, 32) * 32;
	uint32_t lines = input_u32(&f->in);

	model_lines(&f->model, c, intid, lines);
	vgic_set_lines(f->gic.vgic, f->gic.vcpu[c].cpu, intid, lines);
}

static void begin(struct fixture *f)
{
	uint8_t shape = input_u8(&f->in);
	bool v3 = shape & 1;
	struct model_access at = {.len = 4};

	gic_create(&f->gic, v3, false);
	model_init(&f->model, v3, false);
	for (unsigned int c = 0; c < GIC_CPUS; c++) {
		struct vgic_cpu_if *cif = vgic_cpu_if_lock(f->gic.vcpu[c].cpu);

		cif->pmr = 0xf8;
		cif->group_enabled[0] = true;
		cif->group_enabled[1] = c != 1;
		vgic_cpu_if_unlock(f->gic.vcpu[c].cpu);
	}
	if (shape & 2)
		return;
	/* A guest that has all enabled. */
	guest_write(f, &at, 3);
	for (at.c = 0; at.c < GIC_CPUS; at.c++)
		for (at.offset = 0x100; at.offset < 0x10c; at.offset += 4)
			guest_write(f, &at, UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture f;

	f.in = (struct input){data, size};
	begin(&f);
	while (f.in.left) {
		switch (input_u8(&f.in) % 16) {
		case 0 ... 5: op_write(&f, false); break;
		case 6 ... 7: op_read(&f, false); break;
		case 8 ... 9: op_write(&f, true); break;
		case 10: op_read(&f, true); break;
		case 11: op_lines(&f); break;
		case 12 ... 14: op_line(&f); break;
		default: gic_enter(&f.gic, input_below(&f.in, GIC_CPUS)); break;
		}
		model_check(&f.model, &f.gic);
		gic_check(&f.gic);
	}
	gic_destroy(&f.gic);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Register frames: the row that an access meets, and the frame that an address
 * belongs to.
 *
 * Takes no lock itself.  A guest's accesses come from vCPU threads side by
 * side, in state READY, in which the addresses of all frames are final.
 */
#include <errno.h>
#include "core/rcu.h"
#include "irqchip/vgic/irq_regs.h"
#include "irqchip/vgic/its.h"
#include "irqchip/vgic/mmio.h"

static uint64_t mask_of(uint8_t len)
{
	return len < 8 ? (UINT64_C(1) << (8 * len)) - 1 : UINT64_MAX;
}

/* Rows are in the order of their offsets and do not overlap. */
static const struct vgic_row *row_at(const struct vgic_frame *frame,
				     uint32_t offset)
{
	size_t low = 0, high = frame->nr_rows;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct vgic_row *row = &frame->rows[middle];

		if (offset < row->offset)
			high = middle;
		else if (offset - row->offset >= row->size)
			low = middle + 1;
		else
			return row;
	}
	return NULL;
}

const struct vgic_row *vgic_row_find(const struct vgic_frame *frame,
				     const struct vgic_reg_access *at)
{
	const struct vgic_row *row = row_at(frame, at->offset);
	uint32_t intid;

	if (!row || !(row->widths & at->len) || at->offset % at->len)
		return NULL;
	if (!row->bits)
		return row;
	intid = vgic_reg_intid(at, row->bits);
	return intid < VGIC_NR_PRIVATE || intid < at->vgic->nr_irqs ? row
								    : NULL;
}

uint64_t vgic_frame_read(const struct vgic_frame *frame,
			 const struct vgic_reg_access *at)
{
	const struct vgic_row *row = vgic_row_find(frame, at);

	return row && row->read ? row->read(at) & mask_of(at->len) : 0;
}

void vgic_frame_write(const struct vgic_frame *frame,
		      const struct vgic_reg_access *at, uint64_t value)
{
	const struct vgic_row *row = vgic_row_find(frame, at);

	if (row && row->write)
		row->write(at, value & mask_of(at->len));
}

/* ---- By attribute ---- */

static const struct vgic_row *user_row(const struct vgic_frame *frame,
				       const struct vgic_reg_access *at)
{
	const struct vgic_row *row = vgic_row_find(frame, at);

	return row && !row->guest_only ? row : NULL;
}

int vgic_uaccess_has(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at)
{
	return user_row(frame, at) ? 0 : -ENXIO;
}

int vgic_uaccess_get(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at, uint32_t *value)
{
	const struct vgic_row *row = user_row(frame, at);

	*value = 0;
	if (row && row->get)
		*value = (uint32_t)row->get(at);
	else if (row && row->read)
		*value = (uint32_t)row->read(at);
	return 0;
}

int vgic_uaccess_set(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at, uint32_t value)
{
	const struct vgic_row *row = user_row(frame, at);

	if (row && row->set)
		return row->set(at, value);
	if (row && row->write)
		row->write(at, value);
	return 0;
}

/* ---- By address ---- */

/*
 * Redistributors are given out in the order of the vCPUs' indices and of the
 * regions: the n-th of a region belongs to the n-th vCPU after those of the
 * regions before it.
 */
static struct vgic_cpu *redist_in_regions(const struct vgic *vgic, uint64_t gpa)
{
	uint32_t before = 0;

	for (uint32_t i = 0; i < vgic->nr_regions; i++) {
		const struct vgic_redist_region *region = &vgic->regions[i];
		uint64_t n = (gpa - region->base) / KVM_VGIC_V3_REDIST_SIZE;

		if (n < region->used)
			return vgic->cpus[before + n];
		before += region->used;
	}
	return NULL;
}

static bool in_frame(uint64_t base, uint64_t size, uint64_t gpa)
{
	return base != VGIC_NO_ADDR && gpa - base < size;
}

static const struct vgic_frame *frame_v2(const struct vgic *vgic, uint64_t gpa,
					 struct vgic_reg_access *at)
{
	if (in_frame(vgic->cpu_base, vgic_gicc_v2.size, gpa)) {
		at->offset = (uint32_t)(gpa - vgic->cpu_base);
		return &vgic_gicc_v2;
	}
	if (in_frame(vgic->dist_base, vgic_dist_v2.size, gpa)) {
		at->offset = (uint32_t)(gpa - vgic->dist_base);
		return &vgic_dist_v2;
	}
	return NULL;
}

static const struct vgic_frame *frame_v3(const struct vgic *vgic, uint64_t gpa,
					 struct vgic_reg_access *at)
{
	struct vgic_cpu *cpu = at->cpu;

	if (in_frame(vgic->dist_base, vgic_dist_v3.size, gpa)) {
		at->offset = (uint32_t)(gpa - vgic->dist_base);
		return &vgic_dist_v3;
	}
	/* Mostly its own. */
	if (!in_frame(cpu->redist_base, vgic_redist_v3.size, gpa))
		cpu = redist_in_regions(vgic, gpa);
	if (!cpu)
		return NULL;
	at->cpu = cpu;
	at->offset = (uint32_t)(gpa - cpu->redist_base);
	return &vgic_redist_v3;
}

static int its_access(const struct vgic *vgic, struct virq_access *access)
{
	struct vgic_its *its;
	uint32_t offset;

	/* An ITS that is found stays until the end of the VM. */
	rcu_lock();
	its = vgic_its_at(vgic, access->addr);
	rcu_unlock();
	if (!its)
		return -ENODEV;
	offset = (uint32_t)(access->addr - vgic_its_base(its));
	if (access->write)
		vgic_its_write(its, offset, access->len,
			       access->data & mask_of(access->len));
	else
		access->data = vgic_its_read(its, offset, access->len) &
			       mask_of(access->len);
	return 0;
}

int vgic_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct vgic_cpu *cpu = vcpu_to_vgic_cpu(vcpu);
	struct vgic *vgic = cpu->vgic;
	const struct vgic_frame *frame;
	struct vgic_reg_access at = {
		.vgic = vgic, .cpu = cpu, .len = access->len};

	if (vgic_state(vgic) != VGIC_READY)
		return -ENODEV;
	frame = vgic_is_v3(vgic) ? frame_v3(vgic, access->addr, &at)
				 : frame_v2(vgic, access->addr, &at);
	if (!frame)
		return vgic_is_v3(vgic) ? its_access(vgic, access) : -ENODEV;
	if (access->write)
		vgic_frame_write(frame, &at, access->data);
	else
		access->data = vgic_frame_read(frame, &at);
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers as data: a frame is an array of rows, a row a group of registers
 * that are read and written alike.
 *
 * What no row covers, or is accessed at a width or alignment that its row does
 * not allow, reads as zero and ignores writes, as Linux's vGIC has it.
 *
 * Accesses by attributes (uaccess) come with vgic->lock held and no vCPU in
 * guest code; they save and restore, so they may differ from the guest's.
 */
#ifndef VIRQ_VGIC_MMIO_H
#define VIRQ_VGIC_MMIO_H

#include "vgic.h"

/* Whose register, and which. */
struct vgic_reg_access {
	struct vgic *vgic;
	struct vgic_cpu *cpu; /* the accessing vCPU, or the frame's own */
	uint32_t offset; /* in the frame */
	uint8_t len; /* 1, 2, 4 or 8 */
};

struct vgic_row {
	const char *name; /* the architecture's */
	uint32_t offset;
	uint32_t size; /* bytes covered */
	uint8_t widths; /* sum of the lengths allowed: 1, 2, 4, 8 */
	uint8_t bits; /* a register a number of interrupts: bits each, or 0 */
	bool guest_only; /* attributes do not reach it */
	uint64_t (*read)(const struct vgic_reg_access *at);
	void (*write)(const struct vgic_reg_access *at, uint64_t value);
	/* By attribute; NULL: as the guest's.  set: 0 or a negative errno. */
	uint64_t (*get)(const struct vgic_reg_access *at);
	int (*set)(const struct vgic_reg_access *at, uint64_t value);
};

/* A row, and one of a bank of @per_irq bits for each interrupt. */
#define VGIC_REG(reg, at, bytes, lens, ...)                                    \
	{                                                                      \
		.name = (reg), .offset = (at), .size = (bytes),                \
		.widths = (lens), ##__VA_ARGS__                                \
	}
#define VGIC_BANK_BYTES(nr_irqs, per_irq) ((nr_irqs) * (per_irq) / 8)
#define VGIC_BANK(reg, at, per_irq, lens, ...)                                 \
	VGIC_REG(reg, at, VGIC_BANK_BYTES(1024, per_irq), lens,                \
		 .bits = (per_irq), ##__VA_ARGS__)

struct vgic_frame {
	const char *name;
	uint32_t size;
	const struct vgic_row *rows; /* by offset */
	size_t nr_rows;
};

extern const struct vgic_frame vgic_dist_v2, vgic_gicc_v2;
/* The redistributor's two frames (RD_base, SGI_base) are one. */
extern const struct vgic_frame vgic_dist_v3, vgic_redist_v3;

/* The row that covers @at, or NULL. */
const struct vgic_row *vgic_row_find(const struct vgic_frame *frame,
				     const struct vgic_reg_access *at);
uint64_t vgic_frame_read(const struct vgic_frame *frame,
			 const struct vgic_reg_access *at);
void vgic_frame_write(const struct vgic_frame *frame,
		      const struct vgic_reg_access *at, uint64_t value);

/*
 * For src/device: KVM_GET/SET/HAS_DEVICE_ATTR of one 32-bit register.
 * has: 0 or -ENXIO.  get, set: 0 and zero where nothing is or the offset is
 * misaligned, as in Linux; set: what the register refuses.
 */
int vgic_uaccess_has(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at);
int vgic_uaccess_get(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at, uint32_t *value);
int vgic_uaccess_set(const struct vgic_frame *frame,
		     const struct vgic_reg_access *at, uint32_t value);

/*
 * icc.c: the system registers that attributes reach.  has: 0 or -ENXIO.  get,
 * set: -ENOENT, -EINVAL.
 */
int vgic_icc_has(struct vgic_cpu *cpu, uint32_t encoding);
int vgic_icc_get(struct vgic_cpu *cpu, uint32_t encoding, uint64_t *value);
int vgic_icc_set(struct vgic_cpu *cpu, uint32_t encoding, uint64_t value);

/* Line levels of 32 interrupts from @intid on (LEVEL_INFO). */
uint32_t vgic_get_lines(struct vgic *vgic, struct vgic_cpu *cpu,
			uint32_t intid);
void vgic_set_lines(struct vgic *vgic, struct vgic_cpu *cpu, uint32_t intid,
		    uint32_t lines);

#endif

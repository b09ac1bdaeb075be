/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LPIs and the ITS.
 *
 * LPI records are made on demand, by chunks, and live as long as the VM; one
 * that nothing maps is not pending and not enabled.  A translation (device,
 * event) -> LPI is an entry of the ITS; messages read entries under RCU and
 * look at them again under the record's lock, so nothing comes by an entry
 * after its DISCARD.
 */
#ifndef VIRQ_VGIC_ITS_H
#define VIRQ_VGIC_ITS_H

#include "vgic.h"

/* lpi.c */
int vgic_lpis_create(struct vgic *vgic); /* with guest memory: 0, -ENOMEM */
void vgic_lpis_destroy(struct vgic *vgic);
/* NULL: not an LPI, or not mapped. */
struct vgic_irq *vgic_lpi_find(const struct vgic *vgic, uint32_t intid);
/* GICR_CTLR.EnableLPIs: read the pending table; or drop what is pending. */
void vgic_lpis_set_enabled(struct vgic_cpu *cpu, bool enabled);
/* GICR_INVLPIR, GICR_INVALLR: read properties again. */
void vgic_lpi_invalidate(struct vgic *vgic, uint32_t intid);
void vgic_lpi_invalidate_all(struct vgic_cpu *cpu);
/* KVM_DEV_ARM_VGIC_SAVE_PENDING_TABLES.  -ENXIO: not initialised; -EFAULT. */
int vgic_lpis_save_pending(struct vgic *vgic);

/*
 * its.c.  An ITS is made before or after the vGIC is initialised.  create,
 * set_base: vgic->lock held.  -ENODEV: without guest memory; -ENOMEM.
 */
int vgic_its_create(struct vgic *vgic, struct vgic_its **its);
void vgic_its_destroy(struct vgic_its *its); /* at the end of the VM */
/* KVM_VGIC_ITS_ADDR_TYPE and CTRL_INIT; errno as Linux. */
int vgic_its_set_base(struct vgic_its *its, uint64_t base);
uint64_t vgic_its_base(const struct vgic_its *its);
int vgic_its_init(struct vgic_its *its);
/*
 * GITS registers by a guest, and by attribute (-ENXIO, -EINVAL, -EBUSY).  Like
 * all that follow outside RCU: a grace period may pass.
 */
uint64_t vgic_its_read(struct vgic_its *its, uint32_t offset, uint8_t len);
void vgic_its_write(struct vgic_its *its, uint32_t offset, uint8_t len,
		    uint64_t value);
int vgic_its_has_reg(struct vgic_its *its, uint64_t offset);
int vgic_its_get_reg(struct vgic_its *its, uint64_t offset, uint64_t *value);
int vgic_its_set_reg(struct vgic_its *its, uint64_t offset, uint64_t value);
int vgic_its_save_tables(struct vgic_its *its);
int vgic_its_restore_tables(struct vgic_its *its);
void vgic_its_reset(struct vgic_its *its);

/* The ITS whose frames hold @gpa, or NULL.  Inside RCU; it stays after. */
struct vgic_its *vgic_its_at(const struct vgic *vgic, uint64_t gpa);

/*
 * Messages.  Any thread, inside RCU.
 * vgic_msi_inject - KVM_SIGNAL_MSI: 1 delivered, 0 not mapped, -ENODEV,
 * -EINVAL, -EBUSY in Linux's order.
 * vgic_msi_inject_fast - by the translation cache: -EWOULDBLOCK where it has
 * no answer.
 */
int vgic_msi_inject(struct vgic *vgic, uint64_t doorbell, uint32_t flags,
		    uint32_t devid, uint32_t data);
int vgic_msi_inject_fast(struct vgic *vgic, uint64_t doorbell, uint32_t devid,
			 uint32_t data);

#endif

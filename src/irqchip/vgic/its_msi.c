// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages: from a doorbell's address, a device and an event to an LPI.
 *
 * A message finds its entry under RCU and looks at it again under the lock of
 * the LPI's home: a mapping, a collection, an ITS or a redistributor that is
 * taken away is gone for all messages when the guest's access is over.
 *
 * Linux remembers the translations that it has made, and sends those messages
 * without asking whether the device's id is valid.  So does this; an entry is
 * remembered if its epoch is that of the ITS.
 *
 * Locks: the LPI's home.
 */
#include "its_impl.h"

/* What @its makes of a message for @entry; the lock of its home is held. */
static int translate(struct vgic_its *its, const struct its_entry *entry,
		     bool cached)
{
	const struct vgic_cpu *cpu;

	/*
	 * Relaxed, here and of lpis_enabled: who has switched them off and has
	 * had this lock since has its switch seen.
	 */
	if (!atomic_load_explicit(&its->enabled, memory_order_relaxed))
		return -EBUSY;
	if (!entry->live)
		return 0;
	cpu = its_collection_cpu(its, entry->icid);
	if (!cpu)
		return 0;
	if (!atomic_load_explicit(&cpu->lpis_enabled, memory_order_relaxed))
		return -EBUSY;
	return !cached ||
	       entry->epoch ==
		       atomic_load_explicit(&its->epoch, memory_order_relaxed);
}

int its_inject(struct vgic_its *its, uint32_t devid, uint32_t event,
	       bool cached)
{
	struct its_entry *entry = its_find(its, devid, event);
	struct vgic_cpu *home;
	struct vgic_irq *irq;
	int ret;

	if (!entry) {
		if (cached)
			return -EWOULDBLOCK;
		return atomic_load(&its->enabled) ? 0 : -EBUSY;
	}
	irq = entry->irq;
	home = vgic_irq_lock(irq);
	ret = translate(its, entry, cached);
	if (ret == 1) {
		irq_set_state(irq, vgic_irq_state(irq) | IRQ_LATCH);
		entry->epoch =
			atomic_load_explicit(&its->epoch, memory_order_relaxed);
	}
	vgic_irq_unlock(irq, home);
	return ret != 1 && cached ? -EWOULDBLOCK : ret;
}

void its_lose_translations(struct vgic_its *its)
{
	atomic_fetch_add(&its->epoch, 1);
}

static struct vgic_its *next_its(const struct vgic *vgic,
				 const struct vgic_its *its)
{
	struct cds_list_head *next =
		rcu_load(*(its ? &its->node.next : &vgic->itss.next));

	return next == &vgic->itss
		       ? NULL
		       : caa_container_of(next, struct vgic_its, node);
}

/* Where @gpa is in its frames; beyond them if it has no address. */
static uint64_t its_offset(const struct vgic_its *its, uint64_t gpa)
{
	uint64_t base = vgic_its_base(its);

	return base == VGIC_NO_ADDR ? UINT64_MAX : gpa - base;
}

struct vgic_its *vgic_its_at(const struct vgic *vgic, uint64_t gpa)
{
	struct vgic_its *its = next_its(vgic, NULL);

	while (its && its_offset(its, gpa) >= GITS_SIZE)
		its = next_its(vgic, its);
	return its;
}

static struct vgic_its *its_by_doorbell(const struct vgic *vgic,
					uint64_t doorbell)
{
	struct vgic_its *its = next_its(vgic, NULL);

	while (its && its_offset(its, doorbell) != GITS_TRANSLATER)
		its = next_its(vgic, its);
	return its;
}

int vgic_msi_inject_fast(struct vgic *vgic, uint64_t doorbell, uint32_t devid,
			 uint32_t data)
{
	struct vgic_its *its = its_by_doorbell(vgic, doorbell);

	return its ? its_inject(its, devid, data, true) : -EWOULDBLOCK;
}

int vgic_msi_inject(struct vgic *vgic, uint64_t doorbell, uint32_t flags,
		    uint32_t devid, uint32_t data)
{
	struct vgic_its *its;

	if (vgic_msi_inject_fast(vgic, doorbell, devid, data) == 1)
		return 1;
	if (!next_its(vgic, NULL))
		return -ENODEV;
	if (!(flags & KVM_MSI_VALID_DEVID))
		return -EINVAL;
	its = vgic_its_at(vgic, doorbell);
	if (!its)
		return -EINVAL;
	return its_inject(its, devid, data, false);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Interrupts that are where the kernel does not look: it is made to.  See
 * known.h.
 */
#include "known.h"

#include "conform/arm/port_vgic.h"
#include "irqchip/vgic/queue.h"

static const void *home_of(const struct vgic *vgic, uint32_t intid)
{
	const struct vgic_irq *irq = vgic_irq_get(vgic, NULL, intid);

	return irq ? irq_home(irq) : NULL;
}

bool known_moved(struct machine *subject, struct known_homes *homes)
{
	const struct vgic *vgic =
		vcpu_to_vgic_cpu(arm_vgic_vcpu(subject->vm, 0))->vgic;
	const struct setup *setup = subject->setup;
	unsigned int nr = 0;
	bool moved = false;

	for (uint32_t i = VGIC_NR_PRIVATE; i < setup->irqs; i++) {
		const void *home = home_of(vgic, i);

		moved |= home != homes->home[nr];
		homes->home[nr++] = home;
	}
	for (uint32_t i = 0; i < KNOWN_NR_LPIS && setup->gic == 3; i++) {
		const void *home = home_of(vgic, VGIC_MIN_LPI + i);

		/* One that is mapped now goes where it belongs at once. */
		moved |= home && homes->home[nr] && home != homes->home[nr];
		homes->home[nr++] = home;
	}
	return moved;
}

static int enable_again(struct machine *m, uint32_t group, uint64_t attr)
{
	uint64_t value = 0;
	int rc = machine_attr(m, OP_GET, DEVICE_GIC, group, attr, &value);

	return rc ? rc
		  : machine_attr(m, OP_SET, DEVICE_GIC, group, attr, &value);
}

/* In and out of the guest, which looks at its LPIs again on the way. */
static int pass_through(struct machine *m, unsigned int vcpu)
{
	struct arm_access access = {.len = 4, .addr = GICD_GPA + GICD_TYPER};

	if (m->setup->gic == 3)
		access = (struct arm_access){
			.write = true,
			.len = 8,
			.addr = GICR_GPA + vcpu * GICR_SIZE + GICR_INVALLR,
		};
	return m->port->guest(m->vm, vcpu, &access, 1);
}

static int enable_all_again(struct machine *m)
{
	const struct setup *setup = m->setup;
	bool v3 = setup->gic == 3;
	uint32_t group = v3 ? KVM_DEV_ARM_VGIC_GRP_REDIST_REGS
			    : KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
	uint32_t offset = GICD_ISENABLER + (v3 ? GICR_SGI_FRAME : 0);
	int rc = 0;

	for (uint32_t irq = 32; irq < setup->irqs && !rc; irq += 32)
		rc = enable_again(m, KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
				  GICD_ISENABLER + irq / 8);
	for (unsigned int i = 0; i < setup->vcpus && !rc; i++)
		rc = enable_again(m, group, machine_cpu_attr(m, i, offset));
	return rc;
}

int known_requeue(struct machine *reference, struct machine *subject)
{
	int rc = enable_all_again(reference);

	known_step_round(KNOWN_REQUEUE);
	for (unsigned int i = 0; i < reference->setup->vcpus && !rc; i++) {
		rc = pass_through(reference, i);
		/* What LPIs it read is no difference. */
		if (!rc)
			rc = pass_through(subject, i);
	}
	return rc;
}

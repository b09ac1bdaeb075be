// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "kvm" on x86: KVM's in-kernel 8259, IOAPIC and local APICs.
 *
 * The kernel delivers: eventfds by its own irqfd, lines and messages by its
 * own routing table, which routes_commit keeps equal to ours.  EOIs, ack
 * notifiers and resamplefds are its own, too, and not seen from here.
 *
 * One lock, chip->lock, a leaf: it makes "OR the sources and tell the kernel"
 * one step.  KVM_IRQ_LINE under it is short and does not sleep.
 */
#include <assert.h>
#include <stdlib.h>
#include "core/spinlock.h"
#include "irqchip/table.h"
#include "irqchip/x86/gsi.h"
#include "irqchip/x86/state.h"
#include "kvm_irqfd.h"
#include "kvm_vm.h"

struct kvm_chip {
	struct x86_irqchip base;
	int vm_fd;
	bool ids32;
	struct spinlock lock;
	uint8_t sources[VIRQ_MAX_ROUTES]; /* who holds each GSI up */
};

static_assert(VIRQ_NR_SOURCES <= 8, "a byte of sources a GSI");

static struct kvm_chip *to_chip(struct virq_irqchip *chip)
{
	return (struct kvm_chip *)chip;
}

int kvm_chip_vm_fd(const struct virq_irqchip *chip)
{
	return ((const struct kvm_chip *)chip)->vm_fd;
}

static int chip_get_irqchip(struct virq_irqchip *chip,
			    struct kvm_irqchip *state)
{
	return kvm_ioctl(to_chip(chip)->vm_fd, KVM_GET_IRQCHIP, state);
}

static int chip_set_irqchip(struct virq_irqchip *chip,
			    const struct kvm_irqchip *state)
{
	return kvm_ioctl(to_chip(chip)->vm_fd, KVM_SET_IRQCHIP, state);
}

/* No CR8: it is the KVM vCPU's own, in struct kvm_run. */
static const struct x86_state_ops state_ops = {
	.get_irqchip = chip_get_irqchip,
	.set_irqchip = chip_set_irqchip,
	.get_lapic = kvm_vcpu_get_lapic,
	.set_lapic = kvm_vcpu_set_lapic,
};

static int chip_create(struct virq_vm *vm, const void *config_ptr,
		       struct virq_irqchip **out)
{
	const struct virq_kvm_config *config = config_ptr;
	struct kvm_chip *chip;
	int flags, rc;

	if (!config)
		return -EINVAL;
	flags = kvm_x2apic_flags(config);
	if (flags < 0)
		return flags;
	chip = calloc(1, sizeof(*chip));
	if (!chip)
		return -ENOMEM;
	chip->base.chip.ops = &irqchip_kvm;
	chip->base.chip.vm = vm;
	chip->base.state = &state_ops;
	chip->vm_fd = config->vm_fd;
	chip->ids32 = config->x2apic_ids32;
	spin_init(&chip->lock);
	/* The last step that can fail: the kernel's chip cannot be undone. */
	rc = kvm_ioctl(chip->vm_fd, KVM_CREATE_IRQCHIP, NULL);
	if (!rc && flags)
		rc = kvm_enable_cap(chip->vm_fd, KVM_CAP_X2APIC_API,
				    (uint64_t)flags);
	if (rc) {
		free(chip);
		return rc;
	}
	*out = &chip->base.chip;
	return 0;
}

static void chip_destroy(struct virq_irqchip *chip)
{
	free(to_chip(chip));
}

/*
 * Drive a GSI: the kernel's table finds its pins.  To the kernel all of user
 * space is one source, so the OR over ours is made here.
 */
static int gsi_set(struct kvm_chip *chip, unsigned int source_id, uint32_t gsi,
		   bool level, bool line_status, int *status)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};
	int rc;

	spin_lock(&chip->lock);
	if (gsi < VIRQ_MAX_ROUTES) {
		uint8_t bit = (uint8_t)(1u << source_id);

		if (level)
			chip->sources[gsi] |= bit;
		else
			chip->sources[gsi] &= (uint8_t)~bit;
		line.level = !!chip->sources[gsi];
	}
	rc = kvm_ioctl(chip->vm_fd,
		       line_status ? KVM_IRQ_LINE_STATUS : KVM_IRQ_LINE, &line);
	spin_unlock(&chip->lock);
	if (rc)
		return rc;
	/* KVM_IRQ_LINE does not tell what became of it. */
	*status = line_status ? line.status : 1;
	return 0;
}

static int route_set(struct virq_irqchip *chip, const struct virq_route *route,
		     unsigned int source_id, int level, bool line_status)
{
	int status;

	/*
	 * The kernel drives every pin of the GSI at once: of several routes
	 * (8259 and IOAPIC) the first does it for all.
	 */
	if (route->index)
		return -1;
	if (gsi_set(to_chip(chip), source_id, route->gsi, level, line_status,
		    &status))
		return -1;
	return status;
}

/*
 * KVM_IRQ_LINE_STATUS from user space's own source.  Past our table: what the
 * kernel answers for the GSI is the answer.
 */
static int chip_set_line(struct virq_irqchip *chip,
			 const struct kvm_irq_level *line, int *status)
{
	return gsi_set(to_chip(chip), VIRQ_SOURCE_USERSPACE, line->irq,
		       line->level, true, status);
}

static int chip_route_init(struct virq_irqchip *chip,
			   const struct kvm_irq_routing_entry *entry,
			   struct virq_route *route)
{
	route->set = route_set;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_HV_SINT:
	case KVM_IRQ_ROUTING_XEN_EVTCHN:
		/* The kernel's own business: routes_commit tells. */
		return 0;
	default: return x86_route_decode(entry, to_chip(chip)->ids32, route);
	}
}

static int chip_routes_commit(struct virq_irqchip *chip,
			      const struct kvm_irq_routing *routing)
{
	return kvm_ioctl(to_chip(chip)->vm_fd, KVM_SET_GSI_ROUTING, routing);
}

static uint32_t chip_default_routes(struct virq_irqchip *chip,
				    struct kvm_irq_routing_entry *entries,
				    uint32_t max)
{
	(void)chip;
	return x86_default_routes(entries, max);
}

const struct virq_irqchip_ops irqchip_kvm = {
	.name = "kvm",
	.flags = VIRQ_IRQCHIP_OWN_IRQFD,
	.nr_chips = X86_NR_CHIPS,
	.nr_pins = X86_NR_PINS,
	.create = chip_create,
	.destroy = chip_destroy,
	.vcpu_create = kvm_vcpu_create,
	.vcpu_destroy = kvm_vcpu_destroy,
	.irqfd_alloc = kvm_irqfd_alloc,
	.irqfd_init = kvm_irqfd_init,
	.irqfd_free = kvm_irqfd_free,
	.route_init = chip_route_init,
	.routes_commit = chip_routes_commit,
	.default_routes = chip_default_routes,
	.set_msi = kvm_set_msi,
	.set_line = chip_set_line,
};

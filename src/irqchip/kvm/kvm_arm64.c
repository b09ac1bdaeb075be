// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "kvm" on arm64: KVM's in-kernel vGIC, which the VMM has made.
 *
 * The kernel delivers: eventfds by its own irqfd, through its own routing
 * table, which routes_commit keeps equal to ours.  Completion of interrupts
 * and resamplefds are its own, too, and not seen from here.
 *
 * An interrupt has one level, whoever sets it: there is nothing to OR here, as
 * there is not in the kernel.  No locks but that of kvm_arm64_routes.h.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <virq/kvm.h>
#include <virq/routing.h>
#include "irqchip/table.h"
#include "kvm_arm64_routes.h"
#include "kvm_ioctl.h"
#include "kvm_irqfd.h"

/* GSIs and pins count SPIs, which follow 32 private interrupts. */
#define SPI_BASE 32
#define NR_PINS (1020 - SPI_BASE)

struct kvm_chip {
	struct virq_irqchip chip;
	int vm_fd;
	atomic_bool initialized; /* true: for ever; false: look again */
	struct arm64_routes routes;
};

static struct kvm_chip *to_chip(struct virq_irqchip *chip)
{
	return (struct kvm_chip *)chip;
}

int kvm_chip_vm_fd(const struct virq_irqchip *chip)
{
	return ((const struct kvm_chip *)chip)->vm_fd;
}

/*
 * The kernel's own answer, and nothing else happens: assign looks at the vGIC
 * before it looks at the descriptor.  -EBADF: initialised; -EAGAIN: not yet.
 */
static int vgic_probe(int vm_fd)
{
	struct kvm_irqfd args = {.fd = (uint32_t)-1};

	return kvm_ioctl(vm_fd, KVM_IRQFD, &args);
}

/* As the kernel's: GSI n is SPI n. */
static uint32_t chip_default_routes(struct virq_irqchip *chip,
				    struct kvm_irq_routing_entry *entries,
				    uint32_t max)
{
	uint32_t n;

	(void)chip;
	for (n = 0; n < NR_PINS && n < max; n++) {
		entries[n].gsi = n;
		entries[n].type = KVM_IRQ_ROUTING_IRQCHIP;
		entries[n].u.irqchip.pin = n;
	}
	return n;
}

/* The table that we start with, which is the kernel's own. */
static int routes_init(struct kvm_chip *chip)
{
	struct kvm_irq_routing_entry *entries =
		calloc(NR_PINS, sizeof(*entries));
	uint32_t nr;
	int rc;

	if (!entries)
		return -ENOMEM;
	nr = chip_default_routes(&chip->chip, entries, NR_PINS);
	rc = arm64_routes_init(&chip->routes, entries, nr);
	free(entries);
	return rc;
}

static int chip_create(struct virq_vm *vm, const void *config_ptr,
		       struct virq_irqchip **out)
{
	const struct virq_kvm_config *config = config_ptr;
	struct kvm_chip *chip;
	bool initialized;
	int rc;

	if (!config || config->x2apic_ids32 || config->no_broadcast_quirk)
		return -EINVAL;
	/* Tells a descriptor that is not open from vgic_probe()'s -EBADF. */
	rc = kvm_ioctl(config->vm_fd, KVM_CHECK_EXTENSION,
		       (void *)KVM_CAP_IRQFD);
	if (rc < 0)
		return rc;
	rc = vgic_probe(config->vm_fd);
	if (rc != -EBADF && rc != -EAGAIN)
		return rc ? rc : -EINVAL;
	initialized = rc == -EBADF;
	chip = calloc(1, sizeof(*chip));
	if (!chip)
		return -ENOMEM;
	chip->chip.ops = &irqchip_kvm;
	chip->chip.vm = vm;
	chip->vm_fd = config->vm_fd;
	atomic_init(&chip->initialized, initialized);
	rc = routes_init(chip);
	if (rc) {
		free(chip);
		return rc;
	}
	*out = &chip->chip;
	return 0;
}

static void chip_destroy(struct virq_irqchip *base)
{
	struct kvm_chip *chip = to_chip(base);

	arm64_routes_fini(&chip->routes);
	free(chip);
}

static struct virq_irqfd *chip_irqfd_alloc(struct virq_irqchip *chip)
{
	(void)chip;
	return arm64_routes_irqfd_alloc();
}

static int chip_irqfd_init(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	return arm64_routes_irqfd_init(&to_chip(chip)->routes, chip, irqfd);
}

static void chip_irqfd_free(struct virq_irqchip *chip, struct virq_irqfd *irqfd)
{
	arm64_routes_irqfd_free(&to_chip(chip)->routes, chip, irqfd);
}

static bool chip_initialized(struct virq_irqchip *base)
{
	struct kvm_chip *chip = to_chip(base);

	/* Relaxed: the kernel knows; this saves asking it again. */
	if (atomic_load_explicit(&chip->initialized, memory_order_relaxed))
		return true;
	if (vgic_probe(chip->vm_fd) == -EAGAIN)
		return false;
	atomic_store_explicit(&chip->initialized, true, memory_order_relaxed);
	return true;
}

/* An interrupt of the GIC's, past the kernel's table as past ours. */
static int line_set(struct virq_irqchip *chip, const struct kvm_irq_level *line,
		    int *status)
{
	int rc = kvm_ioctl(kvm_chip_vm_fd(chip), KVM_IRQ_LINE, line);

	if (rc)
		return rc;
	/* It does not tell what became of it. */
	*status = 1;
	return 0;
}

static int pin_set(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT |
		       (route->irqchip.pin + SPI_BASE),
		.level = !!level,
	};
	int status;

	(void)source_id;
	(void)line_status;
	return line_set(chip, &line, &status) ? -1 : status;
}

static int msi_set(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct kvm_msi msi = {
		.address_lo = route->msi.address_lo,
		.address_hi = route->msi.address_hi,
		.data = route->msi.data,
		.flags = route->msi.flags,
		.devid = route->msi.devid,
	};
	int rc;

	(void)source_id;
	(void)line_status;
	if (!level)
		return -1;
	rc = kvm_set_msi(chip, &msi);
	return rc < 0 ? -1 : rc;
}

static int chip_route_init(struct virq_irqchip *chip,
			   const struct kvm_irq_routing_entry *entry,
			   struct virq_route *route)
{
	const struct kvm_irq_routing_irqchip *pin = &entry->u.irqchip;
	const struct kvm_irq_routing_msi *msi = &entry->u.msi;

	(void)chip;
	switch (entry->type) {
	case KVM_IRQ_ROUTING_IRQCHIP:
		/* However many SPIs the VM has: the rest deliver nothing. */
		if (pin->irqchip >= KVM_NR_IRQCHIPS || pin->pin >= NR_PINS)
			return -EINVAL;
		route->set = pin_set;
		route->irqchip.chip = pin->irqchip;
		route->irqchip.pin = pin->pin;
		return 0;
	case KVM_IRQ_ROUTING_MSI:
		route->set = msi_set;
		route->msi.address_lo = msi->address_lo;
		route->msi.address_hi = msi->address_hi;
		route->msi.data = msi->data;
		route->msi.flags = entry->flags;
		route->msi.devid = msi->devid;
		return 0;
	default: return -EINVAL;
	}
}

/*
 * Initialising the vGIC makes the kernel replace its table by the default one,
 * which nobody tells us of: a table that would not last is refused.
 */
static int chip_routes_commit(struct virq_irqchip *chip,
			      const struct kvm_irq_routing *routing)
{
	if (!chip_initialized(chip))
		return -EAGAIN;
	return arm64_routes_commit(&to_chip(chip)->routes, chip, routing);
}

const struct virq_irqchip_ops irqchip_kvm = {
	.name = "kvm",
	.flags = VIRQ_IRQCHIP_OWN_IRQFD,
	.nr_chips = KVM_NR_IRQCHIPS,
	.nr_pins = NR_PINS,
	.create = chip_create,
	.destroy = chip_destroy,
	.intc_initialized = chip_initialized,
	.irqfd_alloc = chip_irqfd_alloc,
	.irqfd_init = chip_irqfd_init,
	.irqfd_free = chip_irqfd_free,
	.route_init = chip_route_init,
	.routes_commit = chip_routes_commit,
	.default_routes = chip_default_routes,
	.set_msi = kvm_set_msi,
	.set_line = line_set,
};

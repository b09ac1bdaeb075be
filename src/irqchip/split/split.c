// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "split": our 8259 pair and IOAPIC over KVM's local APICs.
 *
 *   line -> PIC    -> vcpu_pending/vcpu_ack of vCPU 0 -> KVM_INTERRUPT
 *   line -> IOAPIC -> KVM_SIGNAL_MSI -> local APIC
 *   MSI  ----------> KVM_SIGNAL_MSI -> local APIC
 *   EOI  -> KVM_EXIT_IOAPIC_EOI -> eoi -> IOAPIC -> ack notifiers
 *
 * Which EOIs exit is told to the kernel by eoi_routes.c.  That must be known
 * before a vCPU can take an interrupt by a new RTE, or its EOI would go
 * unseen and a level pin keep its remote IRR for ever.  The guest's write to
 * an RTE does not return before rte_changed has, and the IOAPIC holds back
 * what the pin has pending, or gets meanwhile, until then.
 *
 * Lock order: eoi_routes.lock (sleeps), then the IOAPIC's lock.
 * KVM_SIGNAL_MSI is called under the IOAPIC's lock; it sets a bit in a local
 * APIC, may send an IPI and does not sleep.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <virq/vm.h>
#include "core/clock.h"
#include "core/routing.h"
#include "eoi_routes.h"
#include "irqchip/kvm/kvm_vm.h"
#include "irqchip/table.h"
#include "irqchip/x86/gsi.h"
#include "irqchip/x86/pic_ioapic.h"
#include "msi.h"

/* Where ExtINT goes: the boot processor, as on a PC. */
#define EXTINT_VCPU 0

/* The kernel had no memory for the routes: try again so much later. */
#define ROUTES_RETRY_NS 10000000u

struct split {
	struct pic_ioapic pair;
	int vm_fd;
	atomic_bool ids32;
	struct eoi_routes eoi_routes;
	/* Deferred re-injection, and a second try at the routes. */
	struct virq_timer *timer;
};

static struct split *to_split(struct virq_irqchip *chip)
{
	return (struct split *)chip;
}

static struct split *vcpu_split(struct virq_vcpu *vcpu)
{
	return to_split(virq_vm_irqchip(virq_vcpu_vm(vcpu)));
}

/* 8259 */

static void pic_risen(void *opaque)
{
	struct split *split = opaque;
	struct virq_vcpu *vcpu =
		virq_vm_vcpu(split->pair.x86.chip.vm, EXTINT_VCPU);

	if (vcpu)
		virq_vcpu_kick(vcpu);
}

/*
 * Whether LINT0 lets ExtINT through is in the kernel, and asking
 * (KVM_GET_LAPIC) would wait for a vCPU that runs.  Yes is safe: the edges that
 * ICW1 forgets are then reported as completed, and their sources go on.
 */
static bool pic_accepted(void *opaque)
{
	struct split *split = opaque;

	return virq_vm_vcpu(split->pair.x86.chip.vm, EXTINT_VCPU);
}

static const struct pic_callbacks pic_callbacks = {
	.output = pic_risen,
	.ack = pic_ioapic_pic_ack,
	.unmasked = pic_ioapic_pic_unmasked,
	.accepted = pic_accepted,
};

/* IOAPIC */

static int ioapic_deliver(void *opaque, const struct x86_msg *msg)
{
	struct split *split = opaque;
	struct kvm_msi msi;
	int rc;

	if (msi_encode(msg, split->ids32, &msi))
		return -1;
	rc = kvm_ioctl(split->vm_fd, KVM_SIGNAL_MSI, &msi);
	return rc < 0 ? -1 : rc;
}

/*
 * A guest's write cannot be refused for want of memory in the host kernel.
 * Until the second try an EOI of the new RTE may go unseen.
 */
static void routes_update(struct split *split)
{
	if (eoi_routes_update(&split->eoi_routes, &split->pair.x86.chip,
			      split->pair.ioapic))
		virq_timer_arm(split->timer, now_ns() + ROUTES_RETRY_NS);
}

static void ioapic_rte_changed(void *opaque, unsigned int pin, uint64_t rte)
{
	(void)pin;
	(void)rte;
	routes_update(opaque);
}

static void ioapic_defer(void *opaque, uint64_t delay_ns)
{
	struct split *split = opaque;

	virq_timer_arm(split->timer, now_ns() + delay_ns);
}

static const struct ioapic_callbacks ioapic_callbacks = {
	.deliver = ioapic_deliver,
	.ack = pic_ioapic_ack,
	.unmasked = pic_ioapic_unmasked,
	.resample = pic_ioapic_resample,
	.has_ack = pic_ioapic_has_ack,
	.rte_changed = ioapic_rte_changed,
	.defer = ioapic_defer,
};

static void timer_fired(void *opaque)
{
	struct split *split = opaque;

	routes_update(split);
	ioapic_reinject(split->pair.ioapic);
}

/* State, as KVM's structs */

/* No CR8: it is the KVM vCPU's own, in struct kvm_run. */
static int set_x2apic_api(struct virq_irqchip *chip, bool ids32,
			  bool broadcast_quirk)
{
	struct split *split = to_split(chip);
	struct virq_kvm_config config = {
		.vm_fd = split->vm_fd,
		.x2apic_ids32 = ids32,
		.no_broadcast_quirk = !broadcast_quirk,
	};
	int rc, flags = kvm_x2apic_flags(&config);

	if (flags < 0)
		return flags;
	rc = kvm_enable_cap(split->vm_fd, KVM_CAP_X2APIC_API, (uint64_t)flags);
	if (rc || atomic_exchange(&split->ids32, ids32) == ids32)
		return rc;
	return vm_decode_routes(chip->vm);
}

static const struct x86_state_ops state_ops = {
	.get_irqchip = pic_ioapic_get_irqchip,
	.set_irqchip = pic_ioapic_set_irqchip,
	.get_lapic = kvm_vcpu_get_lapic,
	.set_lapic = kvm_vcpu_set_lapic,
	.set_x2apic_api = set_x2apic_api,
};

/* Life */

static void split_destroy(struct virq_irqchip *chip)
{
	struct split *split = to_split(chip);

	if (split->timer)
		virq_timer_destroy(split->timer);
	if (split->pair.ioapic)
		ioapic_destroy(split->pair.ioapic);
	if (split->pair.pic)
		pic_destroy(split->pair.pic);
	eoi_routes_fini(&split->eoi_routes);
	free(split);
}

static int split_create(struct virq_vm *vm, const void *config_ptr,
			struct virq_irqchip **out)
{
	const struct virq_kvm_config *config = config_ptr;
	struct split *split;
	int flags, rc;

	if (!config)
		return -EINVAL;
	flags = kvm_x2apic_flags(config);
	if (flags < 0)
		return flags;
	split = calloc(1, sizeof(*split));
	if (!split)
		return -ENOMEM;
	split->pair.x86.chip.ops = &irqchip_split;
	split->pair.x86.chip.vm = vm;
	split->pair.x86.state = &state_ops;
	split->vm_fd = config->vm_fd;
	split->ids32 = config->x2apic_ids32;
	rc = eoi_routes_init(&split->eoi_routes, split->vm_fd);
	if (rc) {
		free(split);
		return rc;
	}
	rc = virq_timer_create(vm, timer_fired, split, &split->timer);
	if (rc)
		goto out_destroy;
	split->pair.pic = pic_create(&pic_callbacks, split);
	split->pair.ioapic = ioapic_create(&ioapic_callbacks, split);
	rc = -ENOMEM;
	if (!split->pair.pic || !split->pair.ioapic)
		goto out_destroy;
	/* The last step that can fail: the kernel's chip cannot be undone. */
	rc = kvm_enable_cap(split->vm_fd, KVM_CAP_SPLIT_IRQCHIP,
			    IOAPIC_NR_PINS);
	if (!rc && flags)
		rc = kvm_enable_cap(split->vm_fd, KVM_CAP_X2APIC_API,
				    (uint64_t)flags);
	if (rc)
		goto out_destroy;
	*out = &split->pair.x86.chip;
	return 0;

out_destroy:
	split_destroy(&split->pair.x86.chip);
	return rc;
}

/* Routing */

static int split_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	return kvm_ioctl(to_split(chip)->vm_fd, KVM_SIGNAL_MSI, msi);
}

static int set_msi(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct kvm_msi msi = {
		.address_lo = route->msi.address_lo,
		.address_hi = route->msi.address_hi,
		.data = route->msi.data,
	};

	(void)source_id;
	(void)line_status;
	/* A message has no falling edge. */
	return level ? split_set_msi(chip, &msi) : -1;
}

/* The message of a GSI's only route; pins go through their locks. */
static int split_set_irq_inatomic(struct virq_irqchip *chip,
				  const struct virq_route *route,
				  unsigned int source_id, int level)
{
	if (route->type != KVM_IRQ_ROUTING_MSI)
		return -EWOULDBLOCK;
	return set_msi(chip, route, source_id, level, false);
}

static int split_route_init(struct virq_irqchip *chip,
			    const struct kvm_irq_routing_entry *entry,
			    struct virq_route *route)
{
	int rc = x86_route_decode(entry, to_split(chip)->ids32, route);

	if (rc)
		return rc;
	if (entry->type == KVM_IRQ_ROUTING_MSI) {
		route->set = set_msi;
	} else {
		pic_ioapic_route(route);
	}
	return 0;
}

static uint32_t split_default_routes(struct virq_irqchip *chip,
				     struct kvm_irq_routing_entry *entries,
				     uint32_t max)
{
	(void)chip;
	return x86_default_routes(entries, max);
}

/*
 * Pins have gained or lost a notifier, by themselves or because another GSI
 * now owns them.  The kernel first: an EOI that is reported and that nobody
 * wants is nothing, one that is wanted and not reported is lost.
 */
static void split_ack_set_changed(struct virq_irqchip *chip)
{
	routes_update(to_split(chip));
	ioapic_scan(to_split(chip)->pair.ioapic);
}

/* The vCPU's side */

static unsigned int split_vcpu_pending(struct virq_vcpu *vcpu)
{
	return virq_vcpu_id(vcpu) == EXTINT_VCPU &&
			       pic_output(vcpu_split(vcpu)->pair.pic)
		       ? VIRQ_EVENT_INTR
		       : 0;
}

static int split_vcpu_ack(struct virq_vcpu *vcpu)
{
	if (!split_vcpu_pending(vcpu))
		return -EAGAIN;
	return pic_intack(vcpu_split(vcpu)->pair.pic);
}

static int split_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return ioapic_mmio(vcpu_split(vcpu)->pair.ioapic, access);
}

static int split_pio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return pic_pio(vcpu_split(vcpu)->pair.pic, access);
}

/*
 * The exit names the vector only.  "Level" makes the IOAPIC clear the remote
 * IRR of its level pins, and of no other.  Its version has no EOI register, so
 * no guest can have asked for directed EOIs.
 */
static void split_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	ioapic_eoi(vcpu_split(vcpu)->pair.ioapic, vector, true, false);
}

const struct virq_irqchip_ops irqchip_split = {
	.name = "split",
	.nr_chips = X86_NR_CHIPS,
	.nr_pins = X86_NR_PINS,
	.create = split_create,
	.destroy = split_destroy,
	.vcpu_create = kvm_vcpu_create,
	.vcpu_destroy = kvm_vcpu_destroy,
	.route_init = split_route_init,
	.routes_changed = split_ack_set_changed,
	.default_routes = split_default_routes,
	.set_irq_inatomic = split_set_irq_inatomic,
	.set_msi = split_set_msi,
	.ack_set_changed = split_ack_set_changed,
	.vcpu_pending = split_vcpu_pending,
	.vcpu_ack = split_vcpu_ack,
	.mmio = split_mmio,
	.pio = split_pio,
	.eoi = split_eoi,
};

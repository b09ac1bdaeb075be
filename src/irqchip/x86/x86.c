// SPDX-License-Identifier: BSD-3-Clause
/*
 * The back end "x86": an 8259 pair, an IOAPIC and local APICs, all here.  This
 * file wires them together and to the core.
 *
 * Pins for the core's books: chip KVM_IRQCHIP_PIC_MASTER has pins 0..7,
 * _PIC_SLAVE pins 8..15, _IOAPIC pins 0..23.
 *
 * Locks, outermost first: the IOAPIC's, the local APICs' timers', those inside
 * virq_timer_arm() and virq_vcpu_kick().  The 8259's is never held over a
 * callback; the APIC bus's map_lock is taken with none of these held, and none
 * inside it.  Every way into the IOAPIC is an RCU read-side section, because
 * it delivers: set_irq runs in the core's, the others take one here.
 */
#include "apics.h"
#include "bypass.h"
#include "core/clock.h"
#include "core/rcu.h"
#include "gsi.h"
#include "irqchip/table.h"
#include "lapic_only.h"
#include "pic_ioapic.h"

#include <errno.h>
#include <stdlib.h>

struct x86_chip {
	struct pic_ioapic pair;
	struct virq_timer *reinject;
	struct apic_bus bus;
};

static struct x86_chip *to_x86(const struct virq_irqchip *chip)
{
	return (struct x86_chip *)chip;
}

static struct x86_chip *bus_to_x86(struct apic_bus *bus)
{
	return (struct x86_chip *)((char *)bus -
				   offsetof(struct x86_chip, bus));
}

/* What the chips ask of us. */

static struct lapic *first_pic_target(struct x86_chip *x86)
{
	uint32_t limit = apic_bus_limit(&x86->bus);

	for (uint32_t i = 0; i < limit; i++) {
		struct lapic *apic = apic_bus_lapic(&x86->bus, i);

		if (apic && lapic_flags(apic) & LAPIC_TAKES_PIC)
			return apic;
	}
	return NULL;
}

static void on_pic_output(void *opaque)
{
	struct lapic *apic;

	/* Pairs with the fence in lapic_update_flags(). */
	atomic_thread_fence(memory_order_seq_cst);
	apic = first_pic_target(opaque);
	if (apic)
		virq_vcpu_kick(apic->vcpu);
}

static bool on_pic_accepted(void *opaque)
{
	return first_pic_target(opaque);
}

static int on_ioapic_deliver(void *opaque, const struct x86_msg *msg)
{
	struct x86_chip *x86 = opaque;

	return apic_bus_deliver(&x86->bus, NULL, msg, APIC_DEST_FIELD);
}

static void on_ioapic_defer(void *opaque, uint64_t delay_ns)
{
	struct x86_chip *x86 = opaque;

	virq_timer_arm(x86->reinject, now_ns() + delay_ns);
}

static void on_reinject(void *opaque)
{
	struct x86_chip *x86 = opaque;

	rcu_lock();
	ioapic_reinject(x86->pair.ioapic);
	rcu_unlock();
}

/*
 * Does an EOI of the vector concern the pin?  If the APIC is where the pin
 * sends to; and also if it has the vector already: that may have come from the
 * pin before it was told to send elsewhere.
 */
static bool eoi_wanted(void *arg, const struct x86_msg *msg)
{
	const struct lapic *apic = arg;
	/* Relaxed: one that comes just now may be counted or not. */
	uint64_t irr = atomic_load_explicit(&apic->irr[msg->vector / 64],
					    memory_order_relaxed);

	return apic_bus_matches(apic->bus, apic, msg) ||
	       posted_test(&apic->posted, msg->vector) ||
	       (irr | apic->isr[msg->vector / 64]) >> (msg->vector % 64) & 1;
}

/*
 * Before anything that the vCPU does with its APIC, and after what it may have
 * changed.  The same vector may mean one device here and another elsewhere, so
 * an EOI completes only what was for this APIC, as Linux has it.
 *
 * No EOI is missed: a vector that came from a pin is in IRR or ISR until then,
 * and if the pin's entry was changed meanwhile, a scan is due.
 */
static struct lapic *vcpu_lapic_scanned(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	/* Relaxed: only its own thread, this one, changes an APIC's address. */
	unsigned int changes =
		atomic_load_explicit(&apic->bus->changes, memory_order_relaxed);

	/* Acquire: pairs with the release in on_ioapic_eois_changed(). */
	if (changes == apic->ioapic_changes &&
	    !atomic_load_explicit(&apic->ioapic_scan, memory_order_acquire))
		return apic;
	if (!(lapic_flags(apic) & LAPIC_HW_ENABLED))
		return apic;
	apic->ioapic_changes = changes;
	/* Before the look, so that a change from now on is seen next time. */
	atomic_store_explicit(&apic->ioapic_scan, false, memory_order_relaxed);
	ioapic_eoi_vectors(bus_to_x86(apic->bus)->pair.ioapic, eoi_wanted, apic,
			   apic->ioapic_eois);
	return apic;
}

/* As Linux has it, a fixed interrupt concerns those that it reaches only. */
static void on_ioapic_eois_changed(void *opaque, const struct x86_msg *before,
				   const struct x86_msg *now)
{
	struct x86_chip *x86 = opaque;
	uint32_t limit = apic_bus_limit(&x86->bus);
	bool all = !now || now->mode != X86_DM_FIXED;

	for (uint32_t i = 0; i < limit; i++) {
		struct lapic *apic = apic_bus_lapic(&x86->bus, i);

		if (apic && (all || apic_bus_matches(&x86->bus, apic, before) ||
			     apic_bus_matches(&x86->bus, apic, now)))
			/*
			 * Release: pairs with the acquire in
			 * vcpu_lapic_scanned().
			 */
			atomic_store_explicit(&apic->ioapic_scan, true,
					      memory_order_release);
	}
}

static void on_lapic_eoi(struct lapic *apic, uint8_t vector, bool level,
			 bool directed)
{
	struct x86_chip *x86 = bus_to_x86(apic->bus);

	if (!(apic->ioapic_eois[vector / 64] >> (vector % 64) & 1) ||
	    !ioapic_handles_vector(x86->pair.ioapic, vector))
		return;
	rcu_lock();
	ioapic_eoi(x86->pair.ioapic, vector, level, directed);
	rcu_unlock();
}

static const struct pic_callbacks pic_callbacks = {
	.output = on_pic_output,
	.ack = pic_ioapic_pic_ack,
	.unmasked = pic_ioapic_pic_unmasked,
	.accepted = on_pic_accepted,
};

static const struct ioapic_callbacks ioapic_callbacks = {
	.deliver = on_ioapic_deliver,
	.ack = pic_ioapic_ack,
	.unmasked = pic_ioapic_unmasked,
	.resample = pic_ioapic_resample,
	.has_ack = pic_ioapic_has_ack,
	.eois_changed = on_ioapic_eois_changed,
	.defer = on_ioapic_defer,
};

/* Life. */

static const struct x86_state_ops x86_state_ops;

static int x86_create(struct virq_vm *vm, const void *arg,
		      struct virq_irqchip **chip)
{
	static const struct virq_x86_config defaults;
	const struct virq_x86_config *config = arg ? arg : &defaults;
	struct x86_chip *x86;
	int ret;

	if (config->lapic_only)
		return irqchip_lapic_only.create(vm, config, chip);
	if (config->reserved_routes)
		return -EINVAL;
	x86 = calloc(1, sizeof(*x86));
	if (!x86)
		return -ENOMEM;
	x86->pair.x86.chip.ops = &irqchip_x86;
	x86->pair.x86.chip.vm = vm;
	x86->pair.x86.state = &x86_state_ops;
	x86->pair.x86.bus = &x86->bus;
	ret = apics_init(&x86->bus, config, on_lapic_eoi);
	if (ret)
		goto out_free;
	ret = -ENOMEM;
	x86->pair.pic = pic_create(&pic_callbacks, x86);
	if (!x86->pair.pic)
		goto out_bus;
	x86->pair.ioapic = ioapic_create(&ioapic_callbacks, x86);
	if (!x86->pair.ioapic)
		goto out_pic;
	ret = virq_timer_create(vm, on_reinject, x86, &x86->reinject);
	if (ret)
		goto out_ioapic;
	*chip = &x86->pair.x86.chip;
	return 0;

out_ioapic:
	ioapic_destroy(x86->pair.ioapic);
out_pic:
	pic_destroy(x86->pair.pic);
out_bus:
	apic_bus_destroy(&x86->bus);
out_free:
	free(x86);
	return ret;
}

static void x86_destroy(struct virq_irqchip *chip)
{
	struct x86_chip *x86 = to_x86(chip);

	virq_timer_destroy(x86->reinject);
	ioapic_destroy(x86->pair.ioapic);
	pic_destroy(x86->pair.pic);
	apic_bus_destroy(&x86->bus);
	free(x86);
}

/* Routing and delivery. */

static int x86_route_init(struct virq_irqchip *chip,
			  const struct kvm_irq_routing_entry *entry,
			  struct virq_route *route)
{
	int ret = x86_route_decode(entry, apics_bus(chip)->config.ids32, route);

	if (ret)
		return ret;
	if (entry->type == KVM_IRQ_ROUTING_MSI)
		return apics_route_msi(chip, route);
	pic_ioapic_route(route);
	return 0;
}

static uint32_t default_routes(struct virq_irqchip *chip,
			       struct kvm_irq_routing_entry *entries,
			       uint32_t max)
{
	(void)chip;
	return x86_default_routes(entries, max);
}

/* Either a notifier came or went, or a pin maps to another GSI. */
static void x86_scan(struct virq_irqchip *chip)
{
	ioapic_scan(to_x86(chip)->pair.ioapic);
}

/* The vCPU's side. */

/* Does the 8259 interrupt this vCPU now? */
static bool extint_pending(const struct lapic *apic)
{
	uint32_t flags = lapic_flags(apic);

	return (flags & (LAPIC_TAKES_PIC | LAPIC_WAIT_SIPI)) ==
		       LAPIC_TAKES_PIC &&
	       pic_output(bus_to_x86(apic->bus)->pair.pic);
}

static unsigned int x86_vcpu_pending(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	unsigned int pending = lapic_pending(apic);

	if (extint_pending(apic))
		pending |= VIRQ_EVENT_INTR;
	return pending;
}

static int x86_vcpu_ack(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic_scanned(vcpu);

	if (extint_pending(apic))
		return pic_intack(bus_to_x86(apic->bus)->pair.pic);
	return lapic_ack(apic);
}

static int x86_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct lapic *apic = vcpu_lapic_scanned(vcpu);
	int ret = lapic_mmio(apic, access);

	if (ret == -ENODEV) {
		rcu_lock();
		ret = ioapic_mmio(bus_to_x86(apic->bus)->pair.ioapic, access);
		rcu_unlock();
	}
	vcpu_lapic_scanned(vcpu);
	return ret;
}

static int x86_pio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct lapic *apic = vcpu_lapic_scanned(vcpu);

	return pic_pio(bus_to_x86(apic->bus)->pair.pic, access);
}

static int x86_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	int ret;

	vcpu_lapic_scanned(vcpu);
	ret = apics_msr(vcpu, access);
	vcpu_lapic_scanned(vcpu);
	return ret;
}

static void x86_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	vcpu_lapic_scanned(vcpu);
	apics_eoi(vcpu, vector);
}

const struct virq_irqchip_ops irqchip_x86 = {
	.name = "x86",
	.nr_chips = X86_NR_CHIPS,
	.nr_pins = X86_NR_PINS,
	.create = x86_create,
	.destroy = x86_destroy,
	.vcpu_create = apics_vcpu_create,
	.vcpu_destroy = apics_vcpu_destroy,
	.route_init = x86_route_init,
	.routes_changed = x86_scan,
	.default_routes = default_routes,
	.bypass_add_producer = x86_bypass_add_producer,
	.bypass_update = x86_bypass_update,
	.bypass_del_producer = x86_bypass_del_producer,
	.set_irq_inatomic = apics_set_irq_inatomic,
	.set_msi = apics_set_msi,
	.ack_set_changed = x86_scan,
	.vcpu_notify = apics_vcpu_notify,
	.vcpu_pending = x86_vcpu_pending,
	.vcpu_ack = x86_vcpu_ack,
	.vcpu_take = apics_vcpu_take,
	.mmio = x86_mmio,
	.pio = x86_pio,
	.msr = x86_msr,
	.eoi = x86_eoi,
};

/* State, as KVM's structs. */

static const struct x86_state_ops x86_state_ops = {
	.get_irqchip = pic_ioapic_get_irqchip,
	.set_irqchip = pic_ioapic_set_irqchip,
	.get_lapic = apics_get_lapic,
	.set_lapic = apics_set_lapic,
	.set_x2apic_api = apics_set_x2apic_api,
	.get_cr8 = apics_get_cr8,
	.set_cr8 = apics_set_cr8,
};

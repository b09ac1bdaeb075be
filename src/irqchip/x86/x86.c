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
#include "apic_map.h"
#include "core/clock.h"
#include "core/rcu.h"
#include "gsi.h"
#include "irqchip/table.h"
#include "lapic.h"
#include "msi.h"
#include "pic_ioapic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <virq/vm.h>
#include <virq/x86.h>

#define CLOCK_KHZ 1000000u /* CLOCK_MONOTONIC's */

struct x86_chip {
	struct pic_ioapic pair;
	struct virq_timer *reinject;
	struct apic_bus bus;
};

_Static_assert(sizeof(struct x86_msg) <=
		       sizeof(((struct virq_route *)0)->decoded),
	       "a route has room for a decoded MSI");

static struct x86_chip *to_x86(const struct virq_irqchip *chip)
{
	return (struct x86_chip *)chip;
}

static struct x86_chip *bus_to_x86(struct apic_bus *bus)
{
	return (struct x86_chip *)((char *)bus -
				   offsetof(struct x86_chip, bus));
}

static uint64_t default_tsc_read(void *opaque, uint32_t vcpu_id)
{
	(void)opaque;
	(void)vcpu_id;
	return now_ns();
}

/* What the chips ask of us. */

static struct lapic *first_pic_target(struct x86_chip *x86)
{
	uint32_t limit = apic_bus_limit(&x86->bus);

	for (uint32_t id = 0; id < limit; id++) {
		struct lapic *apic = apic_bus_lapic(&x86->bus, id);

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

static void on_lapic_eoi(struct apic_bus *bus, uint8_t vector, bool level,
			 bool directed)
{
	struct x86_chip *x86 = bus_to_x86(bus);

	if (!ioapic_handles_vector(x86->pair.ioapic, vector))
		return;
	rcu_lock();
	ioapic_eoi(x86->pair.ioapic, vector, level, directed);
	rcu_unlock();
}

static const struct pic_callbacks pic_callbacks = {
	.output = on_pic_output,
	.ack = pic_ioapic_pic_ack,
	.accepted = on_pic_accepted,
};

static const struct ioapic_callbacks ioapic_callbacks = {
	.deliver = on_ioapic_deliver,
	.ack = pic_ioapic_ack,
	.resample = pic_ioapic_resample,
	.has_ack = pic_ioapic_has_ack,
	.defer = on_ioapic_defer,
};

/* Life. */

static const struct x86_state_ops x86_state_ops;

static int x86_create(struct virq_vm *vm, const void *arg,
		      struct virq_irqchip **chip)
{
	static const struct virq_x86_config defaults;
	const struct virq_x86_config *config = arg ? arg : &defaults;
	struct apic_bus_config bus_config = {
		.ids32 = config->x2apic_ids32,
		.broadcast_quirk = !config->no_broadcast_quirk,
		.vector_hashing = !config->no_vector_hashing,
		.tsc_read = config->tsc_read,
		.tsc_khz = config->tsc_khz,
		.tsc_opaque = config->opaque,
		.eoi = on_lapic_eoi,
	};
	struct x86_chip *x86;
	int ret = -ENOMEM;

	/* The rate is of no use without the clock, nor the other way round. */
	if (!config->tsc_read != !config->tsc_khz)
		return -EINVAL;
	if (!config->tsc_read) {
		bus_config.tsc_read = default_tsc_read;
		bus_config.tsc_khz = CLOCK_KHZ;
	}

	x86 = calloc(1, sizeof(*x86));
	if (!x86)
		return -ENOMEM;
	x86->pair.x86.chip.ops = &irqchip_x86;
	x86->pair.x86.chip.vm = vm;
	x86->pair.x86.state = &x86_state_ops;
	apic_bus_init(&x86->bus, &bus_config);
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

static int x86_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			   void **priv)
{
	struct lapic *apic;
	int ret = lapic_create(&to_x86(chip)->bus, vcpu, &apic);

	if (!ret)
		*priv = apic;
	return ret;
}

static void x86_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			     void *priv)
{
	(void)chip;
	(void)vcpu;
	lapic_destroy(priv);
}

/* Routing and delivery. */

static struct x86_msg route_msg(const struct virq_route *route)
{
	struct x86_msg msg;

	memcpy(&msg, route->decoded, sizeof(msg));
	return msg;
}

static int set_msi(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct x86_msg msg = route_msg(route);

	(void)source_id;
	(void)line_status;
	/* A message has no falling edge. */
	if (!level)
		return -1;
	return apic_bus_deliver(&to_x86(chip)->bus, NULL, &msg,
				APIC_DEST_FIELD);
}

static int x86_route_init(struct virq_irqchip *chip,
			  const struct kvm_irq_routing_entry *entry,
			  struct virq_route *route)
{
	bool ids32 = to_x86(chip)->bus.config.ids32;
	struct x86_msg msg;
	int ret = x86_route_decode(entry, ids32, route);

	if (ret)
		return ret;
	if (entry->type == KVM_IRQ_ROUTING_MSI) {
		ret = msi_decode(route->msi.address_lo, route->msi.address_hi,
				 route->msi.data, ids32, &msg);
		if (ret)
			return ret;
		memcpy(route->decoded, &msg, sizeof(msg));
		route->set = set_msi;
	} else {
		pic_ioapic_route(route);
	}
	return 0;
}

static uint32_t default_routes(struct virq_irqchip *chip,
			       struct kvm_irq_routing_entry *entries,
			       uint32_t max)
{
	(void)chip;
	return x86_default_routes(entries, max);
}

/*
 * Only what the destination table answers is for the fast path: its time does
 * not grow with the number of vCPUs.
 */
static int x86_set_irq_inatomic(struct virq_irqchip *chip,
				const struct virq_route *route,
				unsigned int source_id, int level)
{
	struct x86_msg msg;
	int result;

	(void)source_id;
	if (route->type != KVM_IRQ_ROUTING_MSI || !level)
		return -EWOULDBLOCK;
	msg = route_msg(route);
	if (!apic_bus_deliver_fast(&to_x86(chip)->bus, NULL, &msg, &result))
		return -EWOULDBLOCK;
	return result;
}

static int x86_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	struct x86_chip *x86 = to_x86(chip);
	struct x86_msg msg;
	int ret = msi_decode(msi->address_lo, msi->address_hi, msi->data,
			     x86->bus.config.ids32, &msg);

	if (ret)
		return ret;
	return apic_bus_deliver(&x86->bus, NULL, &msg, APIC_DEST_FIELD);
}

/* Either a notifier came or went, or a pin maps to another GSI. */
static void x86_scan(struct virq_irqchip *chip)
{
	ioapic_scan(to_x86(chip)->pair.ioapic);
}

/* The vCPU's side. */

static struct lapic *vcpu_lapic(struct virq_vcpu *vcpu)
{
	return virq_vcpu_priv(vcpu);
}

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
	struct lapic *apic = vcpu_lapic(vcpu);

	if (extint_pending(apic))
		return pic_intack(bus_to_x86(apic->bus)->pair.pic);
	return lapic_ack(apic);
}

static int x86_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event)
{
	return lapic_take(vcpu_lapic(vcpu), event);
}

static int x86_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	int ret = lapic_mmio(apic, access);

	if (ret != -ENODEV)
		return ret;
	rcu_lock();
	ret = ioapic_mmio(bus_to_x86(apic->bus)->pair.ioapic, access);
	rcu_unlock();
	return ret;
}

static int x86_pio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return pic_pio(bus_to_x86(vcpu_lapic(vcpu)->bus)->pair.pic, access);
}

static int x86_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return lapic_msr(vcpu_lapic(vcpu), access);
}

static void x86_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	lapic_eoi_vector(vcpu_lapic(vcpu), vector);
}

const struct virq_irqchip_ops irqchip_x86 = {
	.name = "x86",
	.nr_chips = X86_NR_CHIPS,
	.nr_pins = X86_NR_PINS,
	.create = x86_create,
	.destroy = x86_destroy,
	.vcpu_create = x86_vcpu_create,
	.vcpu_destroy = x86_vcpu_destroy,
	.route_init = x86_route_init,
	.routes_changed = x86_scan,
	.default_routes = default_routes,
	.set_irq_inatomic = x86_set_irq_inatomic,
	.set_msi = x86_set_msi,
	.ack_set_changed = x86_scan,
	.vcpu_pending = x86_vcpu_pending,
	.vcpu_ack = x86_vcpu_ack,
	.vcpu_take = x86_vcpu_take,
	.mmio = x86_mmio,
	.pio = x86_pio,
	.msr = x86_msr,
	.eoi = x86_eoi,
};

/* State, as KVM's structs. */

static int x86_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state)
{
	lapic_get_state(vcpu_lapic(vcpu), state);
	return 0;
}

static int x86_set_lapic(struct virq_vcpu *vcpu,
			 const struct kvm_lapic_state *state)
{
	return lapic_set_state(vcpu_lapic(vcpu), state);
}

static uint8_t x86_get_cr8(struct virq_vcpu *vcpu)
{
	return (lapic_reg(vcpu_lapic(vcpu), APIC_TPR) >> 4) & 15;
}

static void x86_set_cr8(struct virq_vcpu *vcpu, uint8_t cr8)
{
	lapic_set_tpr(vcpu_lapic(vcpu), (uint8_t)(cr8 << 4));
}

static const struct x86_state_ops x86_state_ops = {
	.get_irqchip = pic_ioapic_get_irqchip,
	.set_irqchip = pic_ioapic_set_irqchip,
	.get_lapic = x86_get_lapic,
	.set_lapic = x86_set_lapic,
	.get_cr8 = x86_get_cr8,
	.set_cr8 = x86_set_cr8,
};

// SPDX-License-Identifier: BSD-3-Clause
/* What back ends with local APICs of ours have in common. */
#include "apics.h"
#include "core/clock.h"
#include "core/routing.h"
#include "msi.h"

#include <errno.h>
#include <string.h>

#define CLOCK_KHZ 1000000u /* CLOCK_MONOTONIC's */

_Static_assert(sizeof(struct x86_msg) <=
		       sizeof(((struct virq_route *)0)->decoded),
	       "a route has room for a decoded MSI");

static uint64_t default_tsc_read(void *opaque, uint32_t vcpu_id)
{
	(void)opaque;
	(void)vcpu_id;
	return now_ns();
}

int apics_init(struct apic_bus *bus, const struct virq_x86_config *config,
	       apic_bus_eoi_fn *eoi)
{
	struct apic_bus_config bus_config = {
		.ids32 = config->x2apic_ids32,
		.broadcast_quirk = !config->no_broadcast_quirk,
		.vector_hashing = !config->no_vector_hashing,
		.tsc_read = config->tsc_read,
		.tsc_khz = config->tsc_khz,
		.tsc_opaque = config->opaque,
		.eoi = eoi,
	};

	/* The rate is of no use without the clock, nor the other way round. */
	if (!config->tsc_read != !config->tsc_khz)
		return -EINVAL;
	if (!config->tsc_read) {
		bus_config.tsc_read = default_tsc_read;
		bus_config.tsc_khz = CLOCK_KHZ;
	}
	apic_bus_init(bus, &bus_config);
	return 0;
}

int apics_set_x2apic_api(struct virq_irqchip *chip, bool ids32,
			 bool broadcast_quirk)
{
	struct apic_bus *bus = apics_bus(chip);

	int ret;

	atomic_store(&bus->config.broadcast_quirk, broadcast_quirk);
	if (atomic_exchange(&bus->config.ids32, ids32) == ids32)
		return 0;
	ret = vm_decode_routes(chip->vm);
	if (ret)
		atomic_store(&bus->config.ids32, !ids32);
	return ret;
}

int apics_vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		      void **priv)
{
	struct lapic *apic;
	int ret = lapic_create(apics_bus(chip), vcpu, &apic);

	if (!ret)
		*priv = apic;
	return ret;
}

void apics_vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			void *priv)
{
	(void)chip;
	(void)vcpu;
	lapic_destroy(priv);
}

/* MSIs. */

struct x86_msg apics_route_msg(const struct virq_route *route)
{
	struct x86_msg msg;

	memcpy(&msg, route->decoded, sizeof(msg));
	return msg;
}

static int set_msi(struct virq_irqchip *chip, const struct virq_route *route,
		   unsigned int source_id, int level, bool line_status)
{
	struct x86_msg msg = apics_route_msg(route);

	(void)source_id;
	(void)line_status;
	/* A message has no falling edge. */
	if (!level)
		return -1;
	return apic_bus_deliver(apics_bus(chip), NULL, &msg, APIC_DEST_FIELD);
}

int apics_route_msi(struct virq_irqchip *chip, struct virq_route *route)
{
	struct x86_msg msg;
	int ret = msi_decode(route->msi.address_lo, route->msi.address_hi,
			     route->msi.data, apics_bus(chip)->config.ids32,
			     &msg);

	if (ret)
		return ret;
	memcpy(route->decoded, &msg, sizeof(msg));
	route->set = set_msi;
	return 0;
}

/*
 * Only what the destination table answers is for the fast path: its time does
 * not grow with the number of vCPUs.
 */
int apics_set_irq_inatomic(struct virq_irqchip *chip,
			   const struct virq_route *route,
			   unsigned int source_id, int level)
{
	struct x86_msg msg;
	int result;

	(void)source_id;
	if (route->type != KVM_IRQ_ROUTING_MSI || !level)
		return -EWOULDBLOCK;
	msg = apics_route_msg(route);
	if (!apic_bus_deliver_fast(apics_bus(chip), NULL, &msg, &result))
		return -EWOULDBLOCK;
	return result;
}

int apics_set_msi(struct virq_irqchip *chip, const struct kvm_msi *msi)
{
	struct apic_bus *bus = apics_bus(chip);
	struct x86_msg msg;
	int ret = msi_decode(msi->address_lo, msi->address_hi, msi->data,
			     bus->config.ids32, &msg);

	if (ret)
		return ret;
	return apic_bus_deliver(bus, NULL, &msg, APIC_DEST_FIELD);
}

/* The vCPU's side. */

void apics_vcpu_notify(struct virq_vcpu *vcpu, enum virq_notify how)
{
	posted_notify(vcpu_lapic(vcpu), how);
}

int apics_vcpu_take(struct virq_vcpu *vcpu, enum virq_event event)
{
	return lapic_take(vcpu_lapic(vcpu), event);
}

int apics_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return lapic_msr(vcpu_lapic(vcpu), access);
}

void apics_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	lapic_eoi_vector(vcpu_lapic(vcpu), vector);
}

/* State, as KVM's structs. */

int apics_get_lapic(struct virq_vcpu *vcpu, struct kvm_lapic_state *state)
{
	lapic_get_state(vcpu_lapic(vcpu), state);
	return 0;
}

int apics_set_lapic(struct virq_vcpu *vcpu, const struct kvm_lapic_state *state)
{
	return lapic_set_state(vcpu_lapic(vcpu), state);
}

uint8_t apics_get_cr8(struct virq_vcpu *vcpu)
{
	return (lapic_reg(vcpu_lapic(vcpu), APIC_TPR) >> 4) & 15;
}

void apics_set_cr8(struct virq_vcpu *vcpu, uint8_t cr8)
{
	lapic_set_tpr(vcpu_lapic(vcpu), (uint8_t)(cr8 << 4));
}

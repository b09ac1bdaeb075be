// SPDX-License-Identifier: BSD-3-Clause
/*
 * The EOIs that KVM shall report.
 *
 * routes->lock is a mutex, held over KVM_SET_GSI_ROUTING, which sleeps.  It is
 * taken inside the VM's routing mutex (an ack notifier or the table changed)
 * or inside nothing (the guest wrote an RTE), and never by the delivery path.
 * The IOAPIC's lock nests in it, for a copy of the registers.
 *
 * Whoever changed something calls in after the change and the RTEs are read
 * here, under the lock; so the last caller leaves the kernel with the last
 * state, in whatever order the calls come, and a restore of all 24 RTEs is one
 * update.
 */
#include "eoi_routes.h"
#include <string.h>
#include "irqchip/kvm/kvm_vm.h"
#include "msi.h"

#define RTC_PIN 8

/*
 * Shall the EOI of @pin be reported?  A level pin's for its remote IRR; any
 * pin's for an ack notifier; the RTC's because KVM_IRQ_LINE_STATUS coalesces
 * its ticks until the EOI.
 *
 * The mask bit does not matter: an interrupt sent before is completed after,
 * and guests flip it for every interrupt.
 */
static bool wants_eoi(struct virq_irqchip *chip,
		      const struct kvm_ioapic_state *state, unsigned int pin)
{
	return state->redirtbl[pin].fields.trig_mode || pin == RTC_PIN ||
	       virq_irqchip_has_ack(chip, KVM_IRQCHIP_IOAPIC, pin);
}

/*
 * The route for @pin: vector and destination are what the kernel looks at.
 * Always level, because it reports no EOI of an edge: the message proper goes
 * by KVM_SIGNAL_MSI with the trigger mode that the RTE has.
 */
static struct kvm_irq_routing_msi route_of(const struct kvm_ioapic_state *state,
					   unsigned int pin)
{
	struct x86_msg msg = {
		.dest = state->redirtbl[pin].fields.dest_id,
		.vector = state->redirtbl[pin].fields.vector,
		.mode = X86_DM_FIXED,
		.logical = state->redirtbl[pin].fields.dest_mode,
		.level_triggered = true,
		.assert_level = true,
	};
	struct kvm_msi msi = {0};

	/* Cannot fail: an RTE has 8 bits of destination. */
	msi_encode(&msg, false, &msi);
	return (struct kvm_irq_routing_msi){
		.address_lo = msi.address_lo,
		.data = msi.data,
	};
}

static int push(const struct eoi_routes *routes,
		const struct kvm_irq_routing_msi *pins)
{
	_Alignas(struct kvm_irq_routing) unsigned char
		buf[sizeof(struct kvm_irq_routing) +
		    IOAPIC_NR_PINS * sizeof(struct kvm_irq_routing_entry)] = {
			0};
	struct kvm_irq_routing *table = (struct kvm_irq_routing *)buf;

	for (uint32_t pin = 0; pin < IOAPIC_NR_PINS; pin++)
		if (pins[pin].data)
			table->entries[table->nr++] =
				(struct kvm_irq_routing_entry){
					.gsi = pin,
					.type = KVM_IRQ_ROUTING_MSI,
					.u.msi = pins[pin],
				};
	return kvm_ioctl(routes->vm_fd, KVM_SET_GSI_ROUTING, table);
}

int eoi_routes_update(struct eoi_routes *routes, struct virq_irqchip *chip,
		      struct ioapic *ioapic)
{
	struct kvm_irq_routing_msi pins[IOAPIC_NR_PINS];
	struct kvm_ioapic_state state;
	int rc = 0;

	memset(pins, 0, sizeof(pins));
	pthread_mutex_lock(&routes->lock);
	ioapic_get_state(ioapic, &state);
	for (unsigned int pin = 0; pin < IOAPIC_NR_PINS; pin++)
		if (wants_eoi(chip, &state, pin))
			pins[pin] = route_of(&state, pin);
	if (memcmp(routes->pins, pins, sizeof(pins)) != 0) {
		rc = push(routes, pins);
		if (!rc)
			memcpy(routes->pins, pins, sizeof(pins));
	}
	pthread_mutex_unlock(&routes->lock);
	return rc;
}

int eoi_routes_init(struct eoi_routes *routes, int vm_fd)
{
	*routes = (struct eoi_routes){.vm_fd = vm_fd};
	return -pthread_mutex_init(&routes->lock, NULL);
}

void eoi_routes_fini(struct eoi_routes *routes)
{
	pthread_mutex_destroy(&routes->lock);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Local APICs alone; see lapic_only.h.
 *
 * Which EOIs are reported follows Linux: each vCPU has a set of vectors, made
 * from the level-triggered routes of the reserved GSIs.  A vector is in it if
 * the vCPU is a destination of the route, or has the vector pending or in
 * service when the set is made: it may have come by a route that was there
 * before, and the VMM's IOAPIC waits for its completion.  When the routes or
 * the addressing of an APIC have changed, the set is made anew on the vCPU's
 * thread before whatever it does next.
 *
 * Locks: routes_lock guards the list of reserved routes; a leaf, taken inside
 * the VM's routing mutex (a new table) or inside nothing (a vCPU).  The
 * delivery path takes no lock here.
 */
#include "lapic_only.h"
#include "apics.h"
#include "bypass.h"
#include "gsi.h"
#include "msi.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <virq/routing.h>

#define NO_VECTOR (-1)

/*
 * The level-triggered messages of the reserved GSIs; immutable.  As the VMM
 * wrote them: how their destination reads may change later.
 */
struct reserved {
	uint32_t nr;
	struct kvm_irq_routing_msi msis[];
};

struct lapic_only_chip {
	struct x86_irqchip x86;
	struct apic_bus bus;
	uint32_t reserved_routes; /* GSIs below this */
	pthread_mutex_t routes_lock;
	struct reserved *reserved; /* NULL: none */
	/* Of a table that is good, but not in force yet; the VM's mutex. */
	struct reserved *next;
};

/* A vCPU's.  All but `extint` is its own thread's. */
struct lapic_only {
	uint64_t handled[4]; /* vectors whose EOI is reported */
	unsigned int changes; /* what bus.changes was then */
	bool rescan; /* `handled` must be made anew in any case */
	/* The highest in `handled` for being pending only, or NO_VECTOR. */
	int leftover;
	int eoi; /* to be reported, or NO_VECTOR */
	_Atomic int extint; /* from the VMM's 8259, or NO_VECTOR */
};

static struct lapic_only_chip *to_lapic_only(const struct virq_irqchip *chip)
{
	return (struct lapic_only_chip *)chip;
}

/* EOIs. */

static uint64_t vector_bit(uint8_t vector)
{
	return UINT64_C(1) << (vector % 64);
}

static bool vector_pending(const struct lapic *apic, uint8_t vector)
{
	/* Relaxed: one that comes just now may be counted or not. */
	uint64_t irr = atomic_load_explicit(&apic->irr[vector / 64],
					    memory_order_relaxed);

	return (irr | apic->isr[vector / 64]) & vector_bit(vector) ||
	       posted_test(&apic->posted, vector);
}

static void scan_routes(struct lapic *apic)
{
	struct lapic_only_chip *chip =
		(struct lapic_only_chip *)((char *)apic->bus -
					   offsetof(struct lapic_only_chip,
						    bus));
	struct lapic_only *only = apic->only;

	memset(only->handled, 0, sizeof(only->handled));
	only->leftover = NO_VECTOR;
	pthread_mutex_lock(&chip->routes_lock);
	for (uint32_t i = 0; chip->reserved && i < chip->reserved->nr; i++) {
		const struct kvm_irq_routing_msi *msi =
			&chip->reserved->msis[i];
		struct x86_msg msg;
		bool targeted;

		if (msi_decode(msi->address_lo, msi->address_hi, msi->data,
			       apic->bus->config.ids32, &msg))
			continue;
		targeted = apic_bus_matches(apic->bus, apic, &msg);
		if (!targeted && !vector_pending(apic, msg.vector))
			continue;
		only->handled[msg.vector / 64] |= vector_bit(msg.vector);
		if (!targeted && msg.vector > only->leftover)
			only->leftover = msg.vector;
	}
	pthread_mutex_unlock(&chip->routes_lock);
}

/*
 * Before anything that the vCPU does with its APIC: what it takes or completes
 * from here on is judged by the present routes.
 */
static struct lapic *vcpu_lapic_scanned(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	struct lapic_only *only = apic->only;
	/* Acquire: pairs with the release in routes_changed(). */
	unsigned int changes =
		atomic_load_explicit(&apic->bus->changes, memory_order_acquire);

	if ((changes == only->changes && !only->rescan) ||
	    !(lapic_flags(apic) & LAPIC_HW_ENABLED))
		return apic;
	only->changes = changes;
	only->rescan = false;
	scan_routes(apic);
	return apic;
}

/*
 * Trigger mode and SVR do not count: what the guest programmed there is for
 * the IOAPIC's side to interpret, which is the VMM's.
 */
static void on_eoi(struct lapic *apic, uint8_t vector, bool level,
		   bool directed)
{
	struct lapic_only *only = apic->only;

	(void)level;
	(void)directed;
	if (!(only->handled[vector / 64] & vector_bit(vector)))
		return;
	/* No more of it is expected here. */
	if (vector == only->leftover)
		only->rescan = true;
	only->eoi = vector;
}

int lapic_only_take_eoi(struct virq_vcpu *vcpu)
{
	struct lapic_only *only = vcpu_lapic(vcpu)->only;
	int vector = only->eoi;

	if (vector == NO_VECTOR) {
		vcpu_lapic_scanned(vcpu);
		return -EAGAIN;
	}
	only->eoi = NO_VECTOR;
	return vector;
}

/* Routing. */

static int lapic_only_route_init(struct virq_irqchip *chip,
				 const struct kvm_irq_routing_entry *entry,
				 struct virq_route *route)
{
	int ret;

	if (entry->type != KVM_IRQ_ROUTING_MSI)
		return -EINVAL;
	ret = x86_route_decode(entry, apics_bus(chip)->config.ids32, route);
	return ret ? ret : apics_route_msi(chip, route);
}

static int routes_commit(struct virq_irqchip *chip,
			 const struct kvm_irq_routing *routing)
{
	struct lapic_only_chip *only = to_lapic_only(chip);
	struct reserved *next;

	next = calloc(1, sizeof(*next) + routing->nr * sizeof(next->msis[0]));
	if (!next)
		return -ENOMEM;
	for (uint32_t i = 0; i < routing->nr; i++) {
		const struct kvm_irq_routing_entry *entry =
			&routing->entries[i];

		if (entry->gsi < only->reserved_routes &&
		    entry->u.msi.data & MSI_DATA_LEVEL_TRIGGERED)
			next->msis[next->nr++] = entry->u.msi;
	}
	only->next = next;
	return 0;
}

/*
 * The new table is in force: not earlier, or a vCPU would look before the last
 * of the old one came.  Or the old one reads differently.
 */
static void routes_changed(struct virq_irqchip *chip)
{
	struct lapic_only_chip *only = to_lapic_only(chip);

	if (only->next) {
		struct reserved *old = only->reserved;

		pthread_mutex_lock(&only->routes_lock);
		only->reserved = only->next;
		pthread_mutex_unlock(&only->routes_lock);
		only->next = NULL;
		free(old);
	}
	/* Release: who sees the new count finds the new routes. */
	atomic_fetch_add_explicit(&only->bus.changes, 1, memory_order_release);
}

/* A resampler needs a pin. */
static bool irqfd_allowed(struct virq_irqchip *chip,
			  const struct kvm_irqfd *args)
{
	(void)chip;
	return !(args->flags & KVM_IRQFD_FLAG_RESAMPLE);
}

/* Life. */

static const struct x86_state_ops state_ops = {
	.get_lapic = apics_get_lapic,
	.set_lapic = apics_set_lapic,
	.set_x2apic_api = apics_set_x2apic_api,
	.get_cr8 = apics_get_cr8,
	.set_cr8 = apics_set_cr8,
};

static int lapic_only_create(struct virq_vm *vm, const void *arg,
			     struct virq_irqchip **chip)
{
	static const struct virq_x86_config defaults;
	const struct virq_x86_config *config = arg ? arg : &defaults;
	struct lapic_only_chip *only;
	int ret;

	if (config->reserved_routes > VIRQ_MAX_ROUTES)
		return -EINVAL;
	only = calloc(1, sizeof(*only));
	if (!only)
		return -ENOMEM;
	only->x86.chip.ops = &irqchip_lapic_only;
	only->x86.chip.vm = vm;
	only->x86.state = &state_ops;
	only->x86.bus = &only->bus;
	only->reserved_routes = config->reserved_routes;
	ret = apics_init(&only->bus, config, on_eoi);
	if (ret) {
		free(only);
		return ret;
	}
	pthread_mutex_init(&only->routes_lock, NULL);
	*chip = &only->x86.chip;
	return 0;
}

static void lapic_only_destroy(struct virq_irqchip *chip)
{
	struct lapic_only_chip *only = to_lapic_only(chip);

	apic_bus_destroy(&only->bus);
	pthread_mutex_destroy(&only->routes_lock);
	free(only->reserved);
	free(only);
}

static int vcpu_create(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
		       void **priv)
{
	struct lapic_only *only = calloc(1, sizeof(*only));
	int ret;

	if (!only)
		return -ENOMEM;
	only->rescan = true;
	only->leftover = NO_VECTOR;
	only->eoi = NO_VECTOR;
	atomic_init(&only->extint, NO_VECTOR);
	ret = apics_vcpu_create(chip, vcpu, priv);
	if (ret) {
		free(only);
		return ret;
	}
	((struct lapic *)*priv)->only = only;
	return 0;
}

static void vcpu_destroy(struct virq_irqchip *chip, struct virq_vcpu *vcpu,
			 void *priv)
{
	struct lapic_only *only = ((struct lapic *)priv)->only;

	apics_vcpu_destroy(chip, vcpu, priv);
	free(only);
}

/* The vCPU's side. */

/* Does the VMM's 8259 interrupt this vCPU now? */
static bool extint_pending(const struct lapic *apic)
{
	uint32_t flags = lapic_flags(apic);

	return (flags & (LAPIC_TAKES_PIC | LAPIC_WAIT_SIPI)) ==
		       LAPIC_TAKES_PIC &&
	       atomic_load(&apic->only->extint) != NO_VECTOR;
}

static unsigned int lapic_only_pending(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic(vcpu);
	unsigned int pending = lapic_pending(apic);

	if (extint_pending(apic))
		pending |= VIRQ_EVENT_INTR;
	return pending;
}

static int lapic_only_ack(struct virq_vcpu *vcpu)
{
	struct lapic *apic = vcpu_lapic_scanned(vcpu);

	if (extint_pending(apic))
		return atomic_exchange(&apic->only->extint, NO_VECTOR);
	return lapic_ack(apic);
}

static int lapic_only_mmio(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return lapic_mmio(vcpu_lapic_scanned(vcpu), access);
}

static int lapic_only_msr(struct virq_vcpu *vcpu, struct virq_access *access)
{
	return lapic_msr(vcpu_lapic_scanned(vcpu), access);
}

static void lapic_only_eoi(struct virq_vcpu *vcpu, uint8_t vector)
{
	lapic_eoi_vector(vcpu_lapic_scanned(vcpu), vector);
}

int lapic_only_set_extint(struct virq_vcpu *vcpu, uint8_t vector)
{
	struct lapic_only *only = vcpu_lapic(vcpu)->only;
	int none = NO_VECTOR;

	if (!atomic_compare_exchange_strong(&only->extint, &none, vector))
		return -EEXIST;
	virq_vcpu_kick_ordered(vcpu);
	return 0;
}

bool lapic_only_takes_extint(struct virq_vcpu *vcpu)
{
	const struct lapic *apic = vcpu_lapic(vcpu);

	return lapic_flags(apic) & LAPIC_TAKES_PIC &&
	       atomic_load(&apic->only->extint) == NO_VECTOR;
}

void lapic_only_set_x2apic(struct virq_vcpu *vcpu, bool x2apic)
{
	struct lapic *apic = vcpu_lapic(vcpu);

	apic->directed_eoi = x2apic;
	lapic_set_reg(apic, APIC_VERSION, lapic_version(apic));
}

const struct virq_irqchip_ops irqchip_lapic_only = {
	.name = "x86-lapic",
	.create = lapic_only_create,
	.destroy = lapic_only_destroy,
	.vcpu_create = vcpu_create,
	.vcpu_destroy = vcpu_destroy,
	.irqfd_allowed = irqfd_allowed,
	.route_init = lapic_only_route_init,
	.routes_commit = routes_commit,
	.routes_changed = routes_changed,
	.bypass_add_producer = x86_bypass_add_producer,
	.bypass_update = x86_bypass_update,
	.bypass_del_producer = x86_bypass_del_producer,
	.set_irq_inatomic = apics_set_irq_inatomic,
	.set_msi = apics_set_msi,
	.vcpu_notify = apics_vcpu_notify,
	.vcpu_pending = lapic_only_pending,
	.vcpu_ack = lapic_only_ack,
	.vcpu_take = apics_vcpu_take,
	.mmio = lapic_only_mmio,
	.msr = lapic_only_msr,
	.eoi = lapic_only_eoi,
};

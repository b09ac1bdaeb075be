// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sources, irqfds, the loop and vCPUs that run and sleep, with everything
 * changing under the raises: mask, assign and deassign, routes (posted to
 * either vCPU, or by a pin of the IOAPIC through the loop), and whether a vCPU
 * runs or is blocked.
 *
 * Each raiser has a source of its own, raises in bursts, and after each waits
 * until the guest has seen its last raise: one that is lost never comes.
 * Device 0 raises one at a time: each is taken once, exactly.  The others raise
 * many: no more is taken than was raised and not merged.
 *
 * VIRQ_RACE_RAISES in the environment sets the number of raises.
 */
#include "race.h"
#include <linux/kvm.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "pc.h"

#define NR_DEVICES 3u
#define RAISES 60000ul
#define ALONE(raises) ((raises) < 2000000ul ? (raises) / 20 : 100000ul)
/* The vector of device n; its GSI is a pin that the IOAPIC has for itself. */
#define VECTOR(n) (0x51u + 0x10u * (n))
#define PIN(n) (18u + (n))
#define IOAPIC_REDIR(pin) (0x10u + 2u * (pin))
#define SECOND UINT64_C(1000000000)
#define PATIENCE (20 * SECOND)

struct device {
	struct machine *m;
	uint32_t number;
	struct virq_source *source;
	int fd;
	atomic_ulong raised; /* before each raise */
	atomic_ulong seen; /* of these, by a handler */
	atomic_ulong acks;
	unsigned long share; /* raises; bursts of device 0 */
	/* The raiser's. */
	unsigned long fresh; /* raises that answered 1 */
	unsigned long lost;
	unsigned long duplicated;
	unsigned long bursts;
	/* The control plane's. */
	bool masked;
	bool assigned;
	uint32_t dest; /* a vCPU; PC_VCPUS: by the IOAPIC */
};

struct vcpu {
	struct machine *m;
	uint32_t number;
	atomic_bool kicked;
	unsigned long blocks;
	unsigned long runs;
	unsigned long strange; /* vectors */
};

struct machine {
	struct pc *pc;
	struct device devices[NR_DEVICES];
	struct vcpu vcpus[PC_VCPUS];
	atomic_uint raising;
	atomic_bool stop;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static uint32_t draw(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static void kick(void *opaque)
{
	atomic_store(&((struct vcpu *)opaque)->kicked, true);
}

static void handle(struct vcpu *vcpu, int vector)
{
	for (uint32_t i = 0; i < NR_DEVICES; i++) {
		struct device *device = &vcpu->m->devices[i];

		if ((uint32_t)vector != VECTOR(i))
			continue;
		/* First the count: who sees the raise sees that, too. */
		atomic_fetch_add(&device->acks, 1);
		atomic_store(&device->seen, atomic_load(&device->raised));
		return;
	}
	vcpu->strange++;
}

static void run_guest(struct vcpu *vcpu)
{
	struct virq_vcpu *self = vcpu->m->pc->vcpu[vcpu->number];

	atomic_store(&vcpu->kicked, false);
	if (!virq_vcpu_enter(self))
		return;
	vcpu->runs++;
	while (!atomic_load(&vcpu->kicked))
		sched_yield();
	virq_vcpu_exit(self);
}

/* In turns the guest halts, and runs until it is interrupted. */
static void *run_vcpu(void *opaque)
{
	struct vcpu *vcpu = opaque;
	struct machine *m = vcpu->m;
	int vector;

	for (unsigned long n = 0; !atomic_load(&m->stop); n++) {
		while ((vector = pc_take(m->pc, vcpu->number)) >= 0)
			handle(vcpu, vector);
		switch (n % 4) {
		case 0:
			(void)virq_vcpu_block(m->pc->vcpu[vcpu->number],
					      UINT64_MAX);
			vcpu->blocks++;
			break;
		case 1:
		case 2: run_guest(vcpu); break;
		case 3: break; /* looks by itself */
		}
	}
	return NULL;
}

/* Until the guest has taken one for the last raise; false: it never comes. */
static bool await_guest(struct device *device)
{
	unsigned long last = atomic_load(&device->raised);
	uint64_t until = now() + PATIENCE;

	while (atomic_load(&device->seen) < last) {
		if (now() > until)
			return false;
		sched_yield();
	}
	return true;
}

static void burst(struct device *device, unsigned long length)
{
	for (unsigned long i = 0; i < length; i++) {
		atomic_fetch_add(&device->raised, 1);
		device->fresh +=
			(unsigned long)virq_source_raise(device->source);
	}
	device->bursts++;
	if (!await_guest(device))
		device->lost++;
	if (atomic_load(&device->acks) > device->fresh)
		device->duplicated++;
}

static void *raise_in_bursts(void *opaque)
{
	static const unsigned long lengths[] = {2, 5, 20, 100, 500};
	struct device *device = opaque;
	struct machine *m = device->m;

	for (unsigned long n = 0; n < device->share && !device->lost;) {
		unsigned long length = lengths[device->bursts % 5];

		burst(device, length);
		n += length;
	}
	atomic_fetch_sub(&m->raising, 1);
	return NULL;
}

/* As long as the others, and some. */
static void *raise_one_by_one(void *opaque)
{
	struct device *device = opaque;
	struct machine *m = device->m;

	while ((atomic_load(&m->raising) > 1 ||
		device->bursts < device->share) &&
	       !device->lost) {
		race_jitter(device->bursts, 1);
		burst(device, 1);
	}
	atomic_fetch_sub(&m->raising, 1);
	return NULL;
}

static void set_route(struct kvm_irq_routing_entry *entry,
		      const struct device *device)
{
	entry->gsi = PIN(device->number);
	if (device->dest < PC_VCPUS) {
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->u.msi.address_lo = 0xfee00000u | device->dest << 12;
		entry->u.msi.data = VECTOR(device->number);
	} else {
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entry->u.irqchip.pin = PIN(device->number);
	}
}

static void set_routes_of(struct machine *m)
{
	struct kvm_irq_routing_entry entries[NR_DEVICES];

	memset(entries, 0, sizeof(entries));
	for (uint32_t i = 0; i < NR_DEVICES; i++)
		set_route(&entries[i], &m->devices[i]);
	assert_int_equal(set_routes(m->pc->vm, entries, NR_DEVICES), 0);
}

static void toggle_mask(struct device *device)
{
	device->masked = !device->masked;
	virq_source_mask(device->source, device->masked);
}

static void toggle_irqfd(struct device *device)
{
	struct pc *pc = device->m->pc;

	assert_int_equal(
		device->assigned
			? pc_deassign(pc, device->fd, PIN(device->number))
			: pc_assign(pc, device->fd, PIN(device->number), 0, 0),
		0);
	device->assigned = !device->assigned;
}

static void change(struct machine *m, uint64_t *seed)
{
	struct device *device = &m->devices[draw(seed) % NR_DEVICES];

	switch (draw(seed) % 3) {
	case 0: toggle_mask(device); break;
	case 1: toggle_irqfd(device); break;
	case 2:
		device->dest = draw(seed) % (PC_VCPUS + 1);
		set_routes_of(m);
		break;
	}
}

static void device_init(struct machine *m, uint32_t number,
			unsigned long raises)
{
	struct device *device = &m->devices[number];

	*device = (struct device){
		.m = m,
		.number = number,
		.fd = pc_eventfd(),
		.share = number ? raises / (NR_DEVICES - 1) : ALONE(raises),
	};
	assert_int_equal(virq_source_create(device->fd, 1, 0, &device->source),
			 0);
	toggle_irqfd(device);
	pc_ioapic_write(m->pc, IOAPIC_REDIR(PIN(number)), VECTOR(number));
}

static void report(const struct machine *m, unsigned long changes,
		   unsigned long raises)
{
	struct virq_source_info sum = {0}, info;
	unsigned long acks = 0, lost = 0, duplicated = 0, runs = 0, blocks = 0;

	for (uint32_t i = 0; i < NR_DEVICES; i++) {
		const struct device *device = &m->devices[i];

		virq_source_query(device->source, &info);
		sum.posted += info.posted;
		sum.coalesced += info.coalesced;
		sum.signalled += info.signalled;
		sum.held += info.held;
		/* All raises, and what they answered, are accounted for. */
		assert_int_equal(info.posted + info.coalesced + info.signalled +
					 info.held,
				 device->raised);
		assert_int_equal(info.coalesced,
				 device->raised - device->fresh);
		acks += device->acks;
		lost += device->lost;
		duplicated += device->duplicated;
	}
	for (uint32_t i = 0; i < PC_VCPUS; i++) {
		runs += m->vcpus[i].runs;
		blocks += m->vcpus[i].blocks;
	}
	print_message("# %lu raises, %lu alone, %lu changes, vCPUs ran %lu "
		      "slept %lu: posted %lu coalesced %lu signalled %lu held "
		      "%lu; acks %lu, lost %lu, duplicated %lu\n",
		      raises, atomic_load(&m->devices[0].raised), changes, runs,
		      blocks, sum.posted, sum.coalesced, sum.signalled,
		      sum.held, acks, lost, duplicated);
	assert_int_equal(lost, 0);
	assert_int_equal(duplicated, 0);
}

static void raises_against_routes_irqfds_masks_and_sleep(void **state)
{
	static const struct virq_vcpu_ops ops = {.kick = kick};
	static struct machine m;
	const char *text = getenv("VIRQ_RACE_RAISES");
	unsigned long raises =
		text ? strtoul(text, NULL, 10) : race_rounds(RAISES);
	pthread_t raisers[NR_DEVICES], vcpus[PC_VCPUS];
	unsigned long changes = 0, all = 0;
	uint64_t seed = 1;

	m.pc = *state;
	for (uint32_t i = 0; i < PC_VCPUS; i++)
		m.vcpus[i] = (struct vcpu){.m = &m, .number = i};
	pc_open_with(m.pc, &ops, m.vcpus, sizeof(m.vcpus[0]));
	atomic_store(&m.raising, NR_DEVICES);
	for (uint32_t i = 0; i < NR_DEVICES; i++)
		device_init(&m, i, raises);
	set_routes_of(&m);
	assert_int_equal(virq_loop_start(m.pc->loop), 0);
	for (uint32_t i = 0; i < PC_VCPUS; i++)
		assert_int_equal(
			pthread_create(&vcpus[i], NULL, run_vcpu, &m.vcpus[i]),
			0);
	for (uint32_t i = 0; i < NR_DEVICES; i++)
		assert_int_equal(
			pthread_create(&raisers[i], NULL,
				       i ? raise_in_bursts : raise_one_by_one,
				       &m.devices[i]),
			0);
	while (atomic_load(&m.raising)) {
		change(&m, &seed);
		race_jitter(++changes, 3);
	}
	/* What is still waited for is let through. */
	for (uint32_t i = 0; i < NR_DEVICES; i++) {
		if (m.devices[i].masked)
			toggle_mask(&m.devices[i]);
		if (!m.devices[i].assigned)
			toggle_irqfd(&m.devices[i]);
	}
	for (uint32_t i = 0; i < NR_DEVICES; i++) {
		pthread_join(raisers[i], NULL);
		all += m.devices[i].raised;
	}
	/* Nothing comes from an irqfd that is gone: count once more. */
	for (uint32_t i = 0; i < NR_DEVICES; i++)
		toggle_irqfd(&m.devices[i]);
	atomic_store(&m.stop, true);
	for (uint32_t i = 0; i < PC_VCPUS; i++) {
		virq_vcpu_kick(m.pc->vcpu[i]);
		pthread_join(vcpus[i], NULL);
		assert_int_equal(m.vcpus[i].strange, 0);
	}
	for (uint32_t i = 0; i < NR_DEVICES; i++)
		m.devices[i].duplicated +=
			m.devices[i].acks > m.devices[i].fresh;
	report(&m, changes, all);
	assert_int_equal(m.devices[0].acks, m.devices[0].raised);
	for (uint32_t i = 0; i < NR_DEVICES; i++) {
		virq_source_destroy(m.devices[i].source);
		close(m.devices[i].fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			raises_against_routes_irqfds_masks_and_sleep, pc_setup,
			pc_teardown),
	};

	return cmocka_run_group_tests_name("race source vm", tests, NULL, NULL);
}

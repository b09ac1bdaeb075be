// SPDX-License-Identifier: BSD-3-Clause
/*
 * The whole state of a world, through the requests that read it, and how two
 * of them differ.
 */
#include "random_impl.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

#define MSR_APIC_BASE 0x1b
#define APIC_VERSION 0x30
#define VERSION_DIRECTED_EOI (1u << 24)
#define APIC_PPR 0xa0
#define APIC_ICR_HIGH 0x304
#define APIC_TMCCT 0x390

/* ---- Capture ---- */

static void lapic_clear(struct kvm_lapic_state *lapic, unsigned int reg,
			enum known why)
{
	static const uint32_t nothing;

	if (!memcmp(lapic->regs + reg, &nothing, sizeof(nothing)))
		return;
	known_count(why);
	memset(lapic->regs + reg, 0, sizeof(nothing));
}

/* The host offers what its own IOAPIC could not do. */
static void version_clear(struct kvm_lapic_state *lapic)
{
	uint32_t version;

	memcpy(&version, lapic->regs + APIC_VERSION, sizeof(version));
	if (!(version & VERSION_DIRECTED_EOI))
		return;
	known_count(KNOWN_VERSION);
	version &= ~VERSION_DIRECTED_EOI;
	memcpy(lapic->regs + APIC_VERSION, &version, sizeof(version));
}

static void vcpu_capture(const struct world *w, int fd, bool base,
			 struct vcpu_state *s)
{
	const struct conform_port *port = w->port;

	/* First: a pending INIT takes effect by it, and resets the APIC. */
	s->mp_result = port->ioctl(fd, KVM_GET_MP_STATE, (uintptr_t)&s->mp);
	s->lapic_result = port->ioctl(fd, KVM_GET_LAPIC, (uintptr_t)&s->lapic);
	s->events_result =
		port->ioctl(fd, KVM_GET_VCPU_EVENTS, (uintptr_t)&s->events);
	if (base)
		s->base_result = world_msr(w, fd, KVM_GET_MSRS, MSR_APIC_BASE,
					   &s->apic_base);
	if (w->rules.host_apics)
		version_clear(&s->lapic);
	lapic_clear(&s->lapic, APIC_PPR, KNOWN_PPR);
	lapic_clear(&s->lapic, APIC_TMCCT, KNOWN_TIME);
	lapic_clear(&s->lapic, APIC_ICR_HIGH, KNOWN_ICR);
}

static void vm_capture(const struct world *w, unsigned int index, bool base,
		       struct vm_state *s)
{
	const struct world_vm *vm = &w->vm[index];

	for (uint32_t id = 0; vm->fd >= 0 && id < KVM_NR_IRQCHIPS; id++) {
		s->chip[id].chip_id = id;
		s->chip_result[id] = w->port->ioctl(vm->fd, KVM_GET_IRQCHIP,
						    (uintptr_t)&s->chip[id]);
	}
	if (vm->fd >= 0)
		s->pit_result = w->port->ioctl(vm->fd, KVM_GET_PIT2,
					       (uintptr_t)&s->pit);
	for (unsigned int i = 0; i < 3; i++)
		s->pit.channels[i].count_load_time = 0;
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		if (vm->vcpu[i] >= 0)
			vcpu_capture(w, vm->vcpu[i], base, &s->vcpu[i]);
}

/* poll() tells at once which counters are 0; most are. */
static void counters_capture(const struct world *w, struct world_state *s)
{
	struct pollfd poll_fds[NR_SLOTS];

	for (unsigned int i = 0; i < NR_SLOTS; i++)
		poll_fds[i] = (struct pollfd){
			.fd = w->slot[i].sort == SLOT_EVENTFD ? w->slot[i].fd
							      : -1,
			.events = POLLIN | POLLOUT,
		};
	poll(poll_fds, NR_SLOTS, 0);
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		s->revents[i] = poll_fds[i].revents;
		if (poll_fds[i].revents & (POLLIN | POLLERR))
			s->counter[i] = world_counter(w, i);
	}
}

void state_capture(struct world *w, const struct op *op, struct answer answer,
		   struct world_state *s)
{
	memset(s, 0, sizeof(*s));
	s->answer = answer;
	s->lost = w->lost;
	for (unsigned int i = 0; i < NR_VMS; i++)
		vm_capture(w, i, op_specs[op->kind].writes_base, &s->vm[i]);
	counters_capture(w, s);
}

bool state_equal(const struct world_state *a, const struct world_state *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* ---- Differences ---- */

struct diff {
	FILE *file; /* or NULL */
	const char *prefix;
	char *first; /* of @size, empty until something differs */
	size_t size;
	char where[32]; /* "VM 1 vCPU 0 " */
};

/* @sort: the field without its indices. */
static void differs(struct diff *d, const char *sort, const char *name,
		    uint64_t a, uint64_t b)
{
	if (a == b)
		return;
	if (!d->first[0])
		snprintf(d->first, d->size, "%s", sort);
	if (d->file)
		fprintf(d->file, "%s%s%s: %#" PRIx64 ", %#" PRIx64 "\n",
			d->prefix, d->where, name, a, b);
}

static void numbered(struct diff *d, const char *sort, unsigned int number,
		     uint64_t a, uint64_t b)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %u", sort, number);
	differs(d, sort, name, a, b);
}

/* An answer's numbers are signed. */
static void answers(struct diff *d, const char *name, int64_t a, int64_t b)
{
	if (a == b)
		return;
	if (!d->first[0])
		snprintf(d->first, d->size, "%s", name);
	if (d->file)
		fprintf(d->file, "%s%s%s: %" PRId64 ", %" PRId64 "\n",
			d->prefix, d->where, name, a, b);
}

static const char *lapic_reg_name(unsigned int reg)
{
	static const char *const names[APIC_STATE_REGS] = {
		[0x02] = "ID",	  [0x03] = "VERSION", [0x08] = "TPR",
		[0x09] = "APR",	  [0x0b] = "EOI",     [0x0d] = "LDR",
		[0x0e] = "DFR",	  [0x0f] = "SVR",     [0x28] = "ESR",
		[0x2f] = "CMCI",  [0x30] = "ICR",     [0x31] = "ICR2",
		[0x32] = "LVTT",  [0x33] = "LVTTHMR", [0x34] = "LVTPC",
		[0x35] = "LINT0", [0x36] = "LINT1",   [0x37] = "LVTERR",
		[0x38] = "TMICT", [0x3e] = "TDCR",    [0x3f] = "SELF_IPI",
	};

	if (reg >= 0x10 && reg < 0x28)
		return reg < 0x18 ? "ISR" : reg < 0x20 ? "TMR" : "IRR";
	return names[reg] ? names[reg] : "reserved";
}

static void diff_lapic(struct diff *d, const struct kvm_lapic_state *a,
		       const struct kvm_lapic_state *b)
{
	for (unsigned int offset = 0; offset < sizeof(a->regs); offset += 4) {
		const char *sort = lapic_reg_name(offset >> 4);
		uint32_t x, y;
		char name[64];

		memcpy(&x, a->regs + offset, sizeof(x));
		memcpy(&y, b->regs + offset, sizeof(y));
		snprintf(name, sizeof(name), "LAPIC %s (%#x)", sort, offset);
		differs(d, sort, name, x, y);
	}
}

static void diff_events(struct diff *d, const struct kvm_vcpu_events *a,
			const struct kvm_vcpu_events *b)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

	differs(d, "nmi.injected", "nmi.injected", a->nmi.injected,
		b->nmi.injected);
	differs(d, "nmi.pending", "nmi.pending", a->nmi.pending,
		b->nmi.pending);
	differs(d, "interrupt.injected", "interrupt.injected",
		a->interrupt.injected, b->interrupt.injected);
	differs(d, "interrupt.nr", "interrupt.nr", a->interrupt.nr,
		b->interrupt.nr);
	differs(d, "sipi_vector", "sipi_vector", a->sipi_vector,
		b->sipi_vector);
	differs(d, "events.flags", "events.flags", a->flags, b->flags);
	differs(d, "smi", "smi.pending", a->smi.pending, b->smi.pending);
	differs(d, "smi", "smi.latched_init", a->smi.latched_init,
		b->smi.latched_init);
	if (d->first[0])
		return;
	for (unsigned int i = 0; i < sizeof(*a); i++)
		numbered(d, "events byte", i, x[i], y[i]);
}

static void diff_vcpu(struct diff *d, const struct vcpu_state *a,
		      const struct vcpu_state *b)
{
	answers(d, "GET_MP_STATE", a->mp_result, b->mp_result);
	differs(d, "mp_state", "mp_state", a->mp.mp_state, b->mp.mp_state);
	answers(d, "GET_LAPIC", a->lapic_result, b->lapic_result);
	diff_lapic(d, &a->lapic, &b->lapic);
	answers(d, "GET_VCPU_EVENTS", a->events_result, b->events_result);
	diff_events(d, &a->events, &b->events);
	answers(d, "GET_MSRS", a->base_result, b->base_result);
	differs(d, "APIC_BASE", "APIC_BASE", a->apic_base, b->apic_base);
}

static void diff_ioapic(struct diff *d, const struct kvm_ioapic_state *a,
			const struct kvm_ioapic_state *b)
{
	differs(d, "IOAPIC base", "IOAPIC base_address", a->base_address,
		b->base_address);
	differs(d, "IOAPIC ioregsel", "IOAPIC ioregsel", a->ioregsel,
		b->ioregsel);
	differs(d, "IOAPIC id", "IOAPIC id", a->id, b->id);
	differs(d, "IOAPIC irr", "IOAPIC irr", a->irr, b->irr);
	differs(d, "IOAPIC pad", "IOAPIC pad", a->pad, b->pad);
	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		numbered(d, "RTE", pin, a->redirtbl[pin].bits,
			 b->redirtbl[pin].bits);
}

static void diff_pic(struct diff *d, uint32_t id, const void *a, const void *b)
{
	const uint8_t *x = a, *y = b;

	for (unsigned int i = 0; i < NR_PIC_REGS; i++) {
		char sort[64], name[96];

		snprintf(sort, sizeof(sort), "PIC %s", pic_reg_names[i]);
		snprintf(name, sizeof(name), "%s of the %s", sort,
			 id ? "slave" : "master");
		differs(d, sort, name, x[i], y[i]);
	}
}

static void diff_pit(struct diff *d, const struct kvm_pit_state2 *a,
		     const struct kvm_pit_state2 *b)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

	for (unsigned int i = 0; i < sizeof(*a); i++)
		numbered(d, "PIT state byte", i, x[i], y[i]);
}

static void diff_vm(struct diff *d, unsigned int vm, const struct vm_state *a,
		    const struct vm_state *b)
{
	snprintf(d->where, sizeof(d->where), "VM %u ", vm);
	for (uint32_t id = 0; id < KVM_NR_IRQCHIPS; id++) {
		answers(d, "GET_IRQCHIP", a->chip_result[id],
			b->chip_result[id]);
		if (id == KVM_IRQCHIP_IOAPIC)
			diff_ioapic(d, &a->chip[id].chip.ioapic,
				    &b->chip[id].chip.ioapic);
		else
			diff_pic(d, id, &a->chip[id].chip.pic,
				 &b->chip[id].chip.pic);
	}
	answers(d, "GET_PIT2", a->pit_result, b->pit_result);
	diff_pit(d, &a->pit, &b->pit);
	for (unsigned int i = 0; i < NR_VCPUS; i++) {
		snprintf(d->where, sizeof(d->where), "VM %u vCPU %u ", vm, i);
		diff_vcpu(d, &a->vcpu[i], &b->vcpu[i]);
	}
	d->where[0] = '\0';
}

void state_diff(FILE *file, const char *prefix, const struct world_state *a,
		const struct world_state *b, char *first, size_t size)
{
	struct diff d = {
		.file = file, .prefix = prefix, .first = first, .size = size};

	first[0] = '\0';
	answers(&d, "answer", a->answer.result, b->answer.result);
	differs(&d, "answered value", "answered value", a->answer.value,
		b->answer.value);
	differs(&d, "lost signal", "lost signal", a->lost, b->lost);
	for (unsigned int i = 0; i < NR_VMS; i++)
		diff_vm(&d, i, &a->vm[i], &b->vm[i]);
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		numbered(&d, "counter of slot", i, a->counter[i],
			 b->counter[i]);
		numbered(&d, "events of slot", i, (uint64_t)a->revents[i],
			 (uint64_t)b->revents[i]);
	}
	if (!first[0])
		snprintf(first, size, "padding");
}

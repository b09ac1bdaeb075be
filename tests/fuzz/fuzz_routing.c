// SPDX-License-Identifier: BSD-3-Clause
/*
 * Routing tables, irqfds, lines and messages through the whole path: eventfds
 * are signalled, the loop runs, guests take and complete.  Which tables and
 * irqfds are accepted, with which errno, is worked out here; a vector may be
 * pending only if an entry, a route or a message has named it.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "core/eventfd.h"
#include "irqchip/table.h"
#include "machine.h"
#include "routing_model.h"

#define NR_VMS 2
#define NR_EVENTFDS 5
#define SEMAPHORE 4 /* this one of them */
#define FD_DUP NR_EVENTFDS /* of the first */
#define FD_PIPE (NR_EVENTFDS + 1)
#define FD_CLOSED (NR_EVENTFDS + 2)
#define NR_FDS (NR_EVENTFDS + 3)
#define NR_RESAMPLEFDS 3
#define NR_NOTIFIERS 4
#define MSI_BASE 0xfee00000u
#define IOAPIC_LEVEL (1u << 15)
#define IOAPIC_MASKED (1u << 16)

struct fixture;

struct bound {
	bool bound;
	unsigned int vm;
	uint32_t gsi;
	bool resample;
};

struct notifier {
	struct virq_ack_notifier *notifier;
	struct fixture *f;
	uint32_t gsi;
	bool raise; /* what it does with the line */
};

struct fixture {
	struct machine m;
	struct virq_vm *vms[NR_VMS]; /* the second has no vCPUs */
	struct input in;
	bool ids32;
	int fds[NR_FDS];
	int pipe_end;
	int resamplefds[NR_RESAMPLEFDS];
	bool resampled[NR_RESAMPLEFDS]; /* has been given to an irqfd */
	struct bound bound[NR_EVENTFDS];
	struct notifier notifiers[NR_NOTIFIERS];
	unsigned int depth; /* of callbacks */
	uint64_t named[4]; /* vectors that something has named */
	struct kvm_irq_routing *routing; /* room for ROUTING_MAX */
	uint8_t routed[NR_VMS][VIRQ_MAX_ROUTES]; /* routes of each GSI */
};

static void name_vector(struct fixture *f, uint8_t vector)
{
	f->named[vector / 64] |= UINT64_C(1) << (vector % 64);
}

/* A descriptor's eventfd, or -1 for none, with the errno. */
static int eventfd_of(unsigned int fd, int *error)
{
	*error = fd == FD_PIPE ? -EINVAL : fd == FD_CLOSED ? -EBADF : 0;
	if (*error)
		return -1;
	return fd == FD_DUP ? 0 : (int)fd;
}

static void op_routing(struct fixture *f)
{
	unsigned int vm = input_u8(&f->in) >= 0xe0;
	struct kvm_irq_routing *routing = f->routing;
	bool valid;

	input_routing(&f->in, routing);
	valid = routing_valid(routing, f->ids32);
	EQUAL(virq_vm_set_gsi_routing(f->vms[vm], routing),
	      valid ? 0 : -EINVAL);
	if (!valid)
		return;
	memset(f->routed[vm], 0, sizeof(f->routed[vm]));
	for (unsigned int i = 0; i < routing->nr; i++) {
		const struct kvm_irq_routing_entry *e = &routing->entries[i];

		f->routed[vm][e->gsi]++;
		if (e->type == KVM_IRQ_ROUTING_MSI && !vm)
			name_vector(f, (uint8_t)e->u.msi.data);
	}
}

static uint64_t take_count(int fd)
{
	uint64_t count = 0;

	(void)!read(fd, &count, sizeof(count));
	return count;
}

static void op_assign(struct fixture *f)
{
	uint8_t how = input_u8(&f->in);
	unsigned int fd = input_below(&f->in, NR_FDS);
	unsigned int resamplefd = (how >> 2 & 3) % (NR_RESAMPLEFDS + 1);
	unsigned int vm = how >= 0xc0;
	struct kvm_irqfd args = {
		.fd = (uint32_t)f->fds[fd],
		.gsi = input_gsi(&f->in),
		.flags = how & 2 ? KVM_IRQFD_FLAG_RESAMPLE : 0,
		.resamplefd = resamplefd < NR_RESAMPLEFDS
				      ? (uint32_t)f->resamplefds[resamplefd]
				      : (uint32_t)f->fds[FD_PIPE],
	};
	int error, expect, id = eventfd_of(fd, &expect);

	if (how & 0x20)
		args.flags |= input_u32(&f->in) << 2;
	if (!expect && how & 2 && resamplefd == NR_RESAMPLEFDS)
		expect = -EINVAL;
	if (args.flags &
	    ~(uint32_t)(KVM_IRQFD_FLAG_RESAMPLE | VIRQ_IRQFD_FLAG_NO_BYPASS))
		expect = -EINVAL;
	if (!expect && f->bound[id].bound)
		expect = -EBUSY;
	error = virq_vm_irqfd(f->vms[vm], &args);
	EQUAL(error, expect);
	if (error)
		return;
	f->bound[id] = (struct bound){true, vm, args.gsi, how & 2};
	if (how & 2)
		f->resampled[resamplefd] = true;
}

static void op_deassign(struct fixture *f)
{
	unsigned int fd = input_below(&f->in, NR_FDS);
	uint8_t how = input_u8(&f->in);
	unsigned int vm = how & 1;
	struct kvm_irqfd args = {
		.fd = (uint32_t)f->fds[fd],
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};
	int expect, id = eventfd_of(fd, &expect);
	struct bound *bound = id < 0 ? NULL : &f->bound[id];

	args.gsi = how & 2 || !bound ? input_gsi(&f->in) : bound->gsi;
	EQUAL(virq_vm_irqfd(f->vms[vm], &args), expect);
	if (!bound || !bound->bound || bound->vm != vm ||
	    bound->gsi != args.gsi)
		return;
	bound->bound = false;
	/* Drained, but of a semaphore a deassign takes one unit, as a read. */
	if (id != SEMAPHORE)
		HOLDS(!take_count(f->fds[fd]));
}

static void op_query(struct fixture *f)
{
	unsigned int fd = input_below(&f->in, NR_FDS);
	unsigned int vm = input_u8(&f->in) & 1;
	struct virq_irqfd_info info;
	int expect, id = eventfd_of(fd, &expect);

	if (!expect && (!f->bound[id].bound || f->bound[id].vm != vm))
		expect = -ENOENT;
	EQUAL(virq_vm_irqfd_query(f->vms[vm], f->fds[fd], &info), expect);
	if (expect)
		return;
	EQUAL(info.gsi, f->bound[id].gsi);
	EQUAL(info.resample, f->bound[id].resample);
	EQUAL(info.signals, info.delivered + info.coalesced + info.ignored);
}

static void op_signal(struct fixture *f)
{
	unsigned int fd = input_below(&f->in, NR_EVENTFDS + 1);
	uint64_t value = 1 + input_u8(&f->in) % 3;

	(void)!write(f->fds[fd], &value, sizeof(value));
}

static void op_dispatch(struct fixture *f)
{
	HOLDS(virq_loop_dispatch(f->m.loop) >= 0);
}

static void op_line(struct fixture *f)
{
	uint8_t how = input_u8(&f->in);
	unsigned int vm = how >= 0xc0;
	struct kvm_irq_level level = {.irq = input_gsi(&f->in),
				      .level = how & 1};
	int status = -2;

	if (how & 2) {
		unsigned int source = (how >> 2 & 15) % (VIRQ_NR_SOURCES + 1);

		status = virq_vm_set_irq(f->vms[vm], source, level.irq, how & 1,
					 false);
	} else {
		EQUAL(virq_vm_irq_line(f->vms[vm], &level, &status), 0);
	}
	HOLDS2(status >= -1, status, how);
	if (level.irq >= VIRQ_MAX_ROUTES || !f->routed[vm][level.irq])
		EQUAL(status, -1);
}

static void op_msi(struct fixture *f)
{
	struct kvm_msi msi = {
		.address_lo = MSI_BASE | (uint32_t)input_u8(&f->in) << 12,
		.data = input_u8(&f->in),
	};

	name_vector(f, (uint8_t)msi.data);
	HOLDS(virq_vm_signal_msi(f->m.vm, &msi) >= -1);
}

static void on_acked(void *opaque)
{
	struct notifier *n = opaque;
	struct fixture *f = n->f;

	if (f->depth >= 2)
		return;
	f->depth++;
	virq_vm_set_irq(f->vms[0], VIRQ_SOURCE_TIMER, n->gsi, n->raise, false);
	f->depth--;
}

static void op_notifier(struct fixture *f)
{
	struct notifier *n = &f->notifiers[input_below(&f->in, NR_NOTIFIERS)];

	if (n->notifier) {
		virq_vm_remove_ack_notifier(f->vms[0], n->notifier);
		n->notifier = NULL;
		return;
	}
	n->f = f;
	n->gsi = input_gsi(&f->in);
	n->raise = input_u8(&f->in) & 1;
	EQUAL(virq_vm_add_ack_notifier(f->vms[0], n->gsi, on_acked, n,
				       &n->notifier),
	      0);
}

static void ioapic_write(struct machine_vcpu *v, uint32_t select, uint32_t data)
{
	struct virq_access access = {
		.addr = 0xfec00000, .len = 4, .write = true, .data = select};

	EQUAL(virq_vcpu_mmio(v->vcpu, &access), 0);
	access.addr += 0x10;
	access.data = data;
	EQUAL(virq_vcpu_mmio(v->vcpu, &access), 0);
}

static void op_ioapic(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint32_t select = 0x10 + input_below(&f->in, 48);
	uint32_t data = input_u32(&f->in);

	if (!(select & 1))
		name_vector(f, (uint8_t)data);
	ioapic_write(v, select, data);
}

/* An entry as system software writes it: to a vCPU by its id, unmasked. */
static void op_ioapic_entry(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	unsigned int pin = input_below(&f->in, 24);
	uint8_t how = input_u8(&f->in), vector = input_u8(&f->in);

	name_vector(f, vector);
	ioapic_write(v, 0x11 + 2 * pin,
		     lapic_reg(v->apic, APIC_ID) & 0xff000000);
	ioapic_write(v, 0x10 + 2 * pin,
		     vector | (how & 1 ? IOAPIC_LEVEL : 0) |
			     (how >= 0xf0 ? IOAPIC_MASKED : 0));
}

static void op_pic(struct fixture *f)
{
	static const uint16_t ports[] = {0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1};
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	uint8_t how = input_u8(&f->in);
	struct virq_access access = {
		.addr = ports[(how >> 1) % 6],
		.len = 1,
		.write = how & 1,
		.data = input_u8(&f->in),
	};

	EQUAL(virq_vcpu_pio(v->vcpu, &access), 0);
}

static void op_ack(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);
	bool pending = virq_vcpu_pending(v->vcpu) & VIRQ_EVENT_INTR;
	int vector = virq_vcpu_ack(v->vcpu);

	EQUAL(vector >= 0, pending);
	HOLDS2(vector <= 0xff && (pending || vector == -EAGAIN), vector,
	       pending);
}

/* An interrupt's whole way: out of the loop, taken, completed. */
static void op_serve(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);

	op_dispatch(f);
	if (virq_vcpu_ack(v->vcpu) >= 0)
		machine_write(v, APIC_EOI, 0);
}

static void op_eoi(struct fixture *f)
{
	struct machine_vcpu *v = machine_actor(&f->m, &f->in);

	machine_write(v, APIC_EOI, 0);
}

/* The resamplefds that no irqfd was ever given to are never signalled. */
static void op_resamplefd(struct fixture *f)
{
	unsigned int i = input_below(&f->in, NR_RESAMPLEFDS);
	uint64_t count = take_count(f->resamplefds[i]);

	HOLDS2(!count || f->resampled[i], i, count);
}

static void check(struct fixture *f)
{
	for (unsigned int i = 0; i < NR_VCPUS; i++)
		for (unsigned int w = 0; w < 4; w++)
			HOLDS2(!(f->m.vcpu[i].apic->irr[w] & ~f->named[w]),
			       f->m.vcpu[i].apic->irr[w], w);
	machine_check_kicks(&f->m);
}

static void run_op(struct fixture *f)
{
	switch (input_u8(&f->in) % 24) {
	case 0 ... 1: op_routing(f); break;
	case 2 ... 4: op_assign(f); break;
	case 5: op_deassign(f); break;
	case 6: op_query(f); break;
	case 7 ... 8: op_signal(f); break;
	case 9: op_dispatch(f); break;
	case 10: op_line(f); break;
	case 11: op_msi(f); break;
	case 12: op_notifier(f); break;
	case 13 ... 14: op_ioapic(f); break;
	case 15: op_pic(f); break;
	case 16: op_ack(f); break;
	case 17: op_eoi(f); break;
	case 18: op_resamplefd(f); break;
	case 19 ... 20: op_serve(f); break;
	case 21 ... 22: op_ioapic_entry(f); break;
	default:
		if (input_u8(&f->in) & 1)
			machine_advance(&f->m, &f->in);
		else
			machine_schedule(&f->m, &f->in);
		break;
	}
	check(f);
}

static void open_fds(struct fixture *f)
{
	int ends[2];

	for (unsigned int i = 0; i < NR_EVENTFDS; i++)
		f->fds[i] = eventfd(
			0, EFD_NONBLOCK | (i == SEMAPHORE ? EFD_SEMAPHORE : 0));
	for (unsigned int i = 0; i < NR_RESAMPLEFDS; i++)
		f->resamplefds[i] = eventfd(0, EFD_NONBLOCK);
	f->fds[FD_DUP] = dup(f->fds[0]);
	HOLDS(!pipe(ends));
	f->fds[FD_PIPE] = ends[0];
	f->pipe_end = ends[1];
	/* Open nowhere: descriptors are small numbers here. */
	f->fds[FD_CLOSED] = 1000;
}

static void close_fds(struct fixture *f)
{
	for (unsigned int i = 0; i < FD_CLOSED; i++)
		close(f->fds[i]);
	for (unsigned int i = 0; i < NR_RESAMPLEFDS; i++)
		close(f->resamplefds[i]);
	close(f->pipe_end);
}

/* What the machine starts with: the table of a PC. */
static void default_routes(struct fixture *f, unsigned int vm)
{
	for (unsigned int gsi = 0; gsi < 24; gsi++)
		f->routed[vm][gsi] = gsi < 16 ? 2 : 1;
}

static void second_vm(struct fixture *f)
{
	struct virq_vm_config config = {.loops = &f->m.loop, .nr_loops = 1};
	struct virq_x86_config x86 = {.x2apic_ids32 = f->ids32};

	EQUAL(virq_vm_create(&config, &f->vms[1]), 0);
	EQUAL(virq_vm_create_irqchip(f->vms[1], &irqchip_x86, &x86), 0);
	default_routes(f, 1);
}

/* From the first resamplefd on the process keeps a descriptor for them all. */
static void first_resamplefd(const struct fixture *f)
{
	struct eventfd_signal signal;

	EQUAL(eventfd_signal_init(&signal, f->resamplefds[0]), 0);
	eventfd_signal_fini(&signal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fixture *f = calloc(1, sizeof(*f));
	uint8_t backend;

	HOLDS(f);
	f->in = (struct input){data, size};
	f->ids32 = size && data[0] & 1;
	f->routing = malloc(sizeof(*f->routing) +
			    ROUTING_MAX * sizeof(f->routing->entries[0]));
	HOLDS(f->routing);
	open_fds(f);
	first_resamplefd(f);
	backend = size > 1 ? data[1] : 0;
	/* AUTO: io_uring where the machine has it. */
	machine_create(&f->m, &f->in,
		       backend & 1 ? VIRQ_LOOP_AUTO : VIRQ_LOOP_EPOLL);
	input_u8(&f->in);
	f->vms[0] = f->m.vm;
	default_routes(f, 0);
	second_vm(f);
	while (f->in.left)
		run_op(f);
	for (unsigned int i = 0; i < NR_NOTIFIERS; i++)
		if (f->notifiers[i].notifier)
			virq_vm_remove_ack_notifier(f->vms[0],
						    f->notifiers[i].notifier);
	virq_vm_close(f->vms[1]);
	machine_destroy(&f->m);
	close_fds(f);
	free(f->routing);
	free(f);
	return 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The control plane while signals and other requests come from other threads */
#include "cases.h"
#include "worker.h"

#define GSI WORKER_GSI
#define VECTOR WORKER_VECTOR
#define OTHER WORKER_OTHER_VECTOR

static void check_delivers(struct conform *c, const struct pc *pc, int fd,
			   uint8_t vector)
{
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc->vcpu, vector));
}

static void check_silent(struct conform *c, const struct pc *pc)
{
	lapic_clear(c, pc->vcpu);
	for (unsigned int i = 0; i < 100; i++)
		CHECK_EQ(c, lapic_irr_count(c, pc->vcpu), 0);
}

/* Cases. */
static void routing_while_signalled(struct conform *c)
{
	struct pc pc = pc_new(c);
	atomic_bool stop = false;
	struct worker signaller = {
		.step = worker_signal,
		.stop = &stop,
		.fd = event_open(c, 0),
	};
	uint64_t start_ns = conform_now_ns();

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, signaller.fd, GSI), 0);
	worker_start(c, &signaller);
	for (unsigned int i = 0; worker_round(i, start_ns); i++) {
		uint8_t vector = i % 2 ? VECTOR : OTHER;

		routing_one(c, pc.vm, ROUTE_MSI(GSI, vector));
		AWAIT(c, lapic_irr(c, pc.vcpu, vector));
		lapic_clear(c, pc.vcpu);
		/* An MSI is sent in irqfd_wakeup(), which the update awaits. */
		AWAIT(c, lapic_irr(c, pc.vcpu, vector));
		CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 1);
		lapic_clear(c, pc.vcpu);
	}
	atomic_store(&stop, true);
	worker_join(&signaller);
	CHECK_EQ(c, signaller.nr_other, 0);
}

static void no_route_while_signalled(struct conform *c)
{
	struct pc pc = pc_new(c);
	atomic_bool stop = false;
	struct worker signaller = {
		.step = worker_signal,
		.stop = &stop,
		.fd = event_open(c, 0),
	};

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, signaller.fd, GSI), 0);
	worker_start(c, &signaller);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_RET(c, routing_set(c, pc.vm, 0, NULL), 0);
	check_silent(c, &pc);
	atomic_store(&stop, true);
	worker_join(&signaller);
}

static void deassign_while_signalled(struct conform *c)
{
	struct pc pc = pc_new(c);
	atomic_bool stop = false;
	struct worker signaller = {
		.step = worker_signal,
		.stop = &stop,
		.fd = event_open(c, 0),
	};

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	worker_start(c, &signaller);
	for (unsigned int i = 0; i < 20; i++) {
		CHECK_RET(c, irqfd_assign(c, pc.vm, signaller.fd, GSI), 0);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		CHECK_RET(c, irqfd_deassign(c, pc.vm, signaller.fd, GSI), 0);
		check_silent(c, &pc);
	}
	AWAIT(c, !event_empty(c, signaller.fd));
	atomic_store(&stop, true);
	worker_join(&signaller);
}

static void updates_and_assigns(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct worker router = {.step = worker_routing, .vm = pc.vm};
	struct worker juggler = {
		.step = worker_juggle,
		.vm = pc.vm,
		.fd = event_open(c, 1),
		.gsi = GSI,
	};

	worker_start(c, &router);
	worker_start(c, &juggler);
	worker_join(&router);
	worker_join(&juggler);
	worker_check(c, &router);
	worker_check(c, &juggler);
	CHECK_EQ(c, juggler.nr_ok, juggler.nr_steps);
	CHECK_EQ(c, router.nr_ok, router.nr_steps);
	lapic_clear(c, pc.vcpu);
	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, juggler.fd, GSI), 0);
	check_delivers(c, &pc, juggler.fd, VECTOR);
}

static void two_routers(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct worker router[2] = {
		{.step = worker_routing, .vm = pc.vm},
		{.step = worker_routing, .vm = pc.vm},
	};

	for (unsigned int i = 0; i < 2; i++)
		worker_start(c, &router[i]);
	for (unsigned int i = 0; i < 2; i++)
		worker_join(&router[i]);
	for (unsigned int i = 0; i < 2; i++)
		CHECK_EQ(c, router[i].nr_ok, router[i].nr_steps);
	CHECK_EQ(c, irq_line_status(c, pc.vm, GSI, 1), 1);
}

/* One eventfd, thrown back and forth. */
static void juggle(struct conform *c, bool one_vm, bool signalled)
{
	struct pc pc[2] = {pc_new(c), pc_new(c)};
	atomic_bool stop = false;
	int fd = event_open(c, 0);
	struct worker signaller = {
		.step = worker_signal,
		.stop = &stop,
		.fd = fd,
	};
	struct worker juggler[2];

	for (unsigned int i = 0; i < 2; i++) {
		routing_one(c, pc[i].vm, ROUTE_MSI(GSI, VECTOR));
		juggler[i] = (struct worker){
			.step = worker_juggle,
			.vm = pc[one_vm ? 0 : i].vm,
			.fd = fd,
			.gsi = GSI,
		};
	}
	if (signalled)
		worker_start(c, &signaller);
	for (unsigned int i = 0; i < 2; i++)
		worker_start(c, &juggler[i]);
	for (unsigned int i = 0; i < 2; i++)
		worker_join(&juggler[i]);
	atomic_store(&stop, true);
	if (signalled)
		worker_join(&signaller);
	for (unsigned int i = 0; i < 2; i++) {
		worker_check(c, &juggler[i]);
		CHECK_EQ(c, juggler[i].nr_ok + juggler[i].nr_busy,
			 juggler[i].nr_steps);
	}
	CHECK(c, juggler[0].nr_ok + juggler[1].nr_ok);
	/* Before 6.17 each VM looks at its own irqfds only. */
	if (!one_vm && c->port->version < KERNEL_VERSION(6, 17, 0))
		CHECK_EQ(c, juggler[0].nr_busy + juggler[1].nr_busy, 0);

	/* Nobody has it: a signal stays, and either VM may bind it. */
	event_read(c, fd);
	event_write(c, fd, 1);
	CHECK_EQ(c, event_read(c, fd), 1);
	for (unsigned int i = 0; i < 2; i++)
		check_silent(c, &pc[i]);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_RET(c, irqfd_assign(c, pc[i].vm, fd, GSI), 0);
		check_delivers(c, &pc[i], fd, VECTOR);
		CHECK_RET(c, irqfd_deassign(c, pc[i].vm, fd, GSI), 0);
	}
}

static void juggle_two_vms(struct conform *c)
{
	juggle(c, false, false);
}

static void juggle_two_vms_signalled(struct conform *c)
{
	juggle(c, false, true);
}

static void juggle_one_vm(struct conform *c)
{
	juggle(c, true, false);
}

static void juggle_one_vm_signalled(struct conform *c)
{
	juggle(c, true, true);
}

static void lines_by_threads(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	struct worker w[3];

	for (unsigned int i = 0; i < 3; i++) {
		w[i] = (struct worker){
			.step = worker_line,
			.vm = vm,
			.gsi = 20 + i,
		};
		worker_start(c, &w[i]);
	}
	for (unsigned int i = 0; i < 3; i++)
		worker_join(&w[i]);
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(c, w[i].nr_ok, 2 * w[i].nr_steps);
	CHECK_EQ(c, ioapic_get(c, vm).irr, 0);
}

static void same_line_by_threads(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	struct worker w[2];

	for (unsigned int i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.step = worker_line, .vm = vm, .gsi = 20};
		worker_start(c, &w[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		worker_join(&w[i]);
	CHECK_EQ(c, ioapic_get(c, vm).irr, 0);
}

static void msis_by_threads(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct worker w[4];

	for (unsigned int i = 0; i < 4; i++) {
		/* One word of IRR. */
		w[i] = (struct worker){
			.step = worker_msi,
			.vm = pc.vm,
			.gsi = 0x60 + i,
		};
		worker_start(c, &w[i]);
	}
	for (unsigned int i = 0; i < 4; i++)
		worker_join(&w[i]);
	for (unsigned int i = 0; i < 4; i++)
		CHECK_EQ(c, w[i].nr_ok, w[i].nr_steps);
	CHECK_EQ(c, lapic_reg(c, pc.vcpu, APIC_IRR + 3 * 0x10), 0xf);
}

static void resample_by_threads(struct conform *c)
{
	struct pc pc = pc_new(c);
	atomic_bool stop = false;
	struct worker w[2], signaller = {.step = worker_signal, .stop = &stop};

	ioapic_set_rte(c, pc.vm, 20, VECTOR | RTE_LEVEL);
	for (unsigned int i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.step = worker_resample,
			.vm = pc.vm,
			.fd = event_open(c, 0),
			.gsi = 20,
		};
	}
	signaller.fd = w[0].fd;
	worker_start(c, &signaller);
	for (unsigned int i = 0; i < 2; i++)
		worker_start(c, &w[i]);
	for (unsigned int i = 0; i < 2; i++)
		worker_join(&w[i]);
	atomic_store(&stop, true);
	worker_join(&signaller);
	for (unsigned int i = 0; i < 2; i++)
		CHECK_EQ(c, w[i].nr_ok, 2 * w[i].nr_steps);
	/* Nobody holds the line. */
	CHECK(c, !ioapic_irr(c, pc.vm, 20));
}

static void state_while_signalled(struct conform *c)
{
	struct pc pc = pc_new(c);
	atomic_bool stop = false;
	struct worker reader = {
		.step = worker_chip, .vm = pc.vm, .stop = &stop};
	struct worker liner = {.step = worker_line, .vm = pc.vm, .gsi = 20};

	worker_start(c, &reader);
	worker_start(c, &liner);
	worker_join(&liner);
	atomic_store(&stop, true);
	worker_join(&reader);
	worker_check(c, &reader);
	worker_check(c, &liner);
}

static void close_while_signalled(struct conform *c)
{
	atomic_bool stop = false;
	struct worker signaller = {
		.step = worker_signal,
		.stop = &stop,
		.fd = event_open(c, 0),
	};

	worker_start(c, &signaller);
	for (unsigned int i = 0; i < 20; i++) {
		struct pc pc = pc_new(c);

		routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
		CHECK_RET(c, irqfd_assign(c, pc.vm, signaller.fd, GSI), 0);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		fd_close(c, pc.vm);
		check_silent(c, &pc);
		fd_close(c, pc.vcpu);
	}
	atomic_store(&stop, true);
	worker_join(&signaller);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "load/" name_, .rule = rule_, .run = run_              \
	}
#define JUGGLE                                                                 \
	"two threads assign and deassign one eventfd: answers are 0 and "      \
	"EBUSY only, and in the end nobody has it"

static const struct conform_case cases[] = {
	CASE("routing-while-signalled", routing_while_signalled,
	     "a routing update waits for MSIs by the old table "
	     "(synchronize_srcu_expedited()): after it, none comes"),
	CASE("route-removed-while-signalled", no_route_while_signalled,
	     "once the route is gone, signals are delivered nowhere"),
	CASE("deassign-while-signalled", deassign_while_signalled,
	     "when deassign returns, later signals reach nothing"),
	CASE("updates-and-assigns", updates_and_assigns,
	     "routing updates and assigns may race; each is as if alone"),
	CASE("two-routers", two_routers,
	     "two threads may update the routing at once"),
	CASE("juggle-two-vms", juggle_two_vms, JUGGLE " (two VMs)"),
	CASE("juggle-two-vms-signalled", juggle_two_vms_signalled,
	     JUGGLE " (two VMs, a third thread signals)"),
	CASE("juggle-one-vm", juggle_one_vm, JUGGLE " (one VM)"),
	CASE("juggle-one-vm-signalled", juggle_one_vm_signalled,
	     JUGGLE " (one VM, a third thread signals)"),
	CASE("lines-by-threads", lines_by_threads,
	     "threads may drive lines of their own at once"),
	CASE("same-line-by-threads", same_line_by_threads,
	     "threads may drive one line at once: the last level counts"),
	CASE("msis-by-threads", msis_by_threads,
	     "MSIs of several threads to one word of IRR are all delivered"),
	CASE("resample-by-threads", resample_by_threads,
	     "resample irqfds of one GSI may come and go at once, and the last "
	     "leaves the line low"),
	CASE("state-while-signalled", state_while_signalled,
	     "KVM_GET_IRQCHIP may be called at any time"),
	CASE("close-while-signalled", close_while_signalled,
	     "a VM may be closed while its eventfds are signalled"),
};

CONFORM_GROUP(load);

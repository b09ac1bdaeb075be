// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a signal on a bound eventfd does, and one that came before:
 * irqfd_wakeup(), irqfd_inject() and the poll at the end of kvm_irqfd_assign().
 */
#include "cases.h"
#include "fds.h"
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#define GSI 24 /* an MSI route of the case */
#define VECTOR 0x61
#define PIN 5 /* of the default table: master pin 5 and IOAPIC pin 5 */

/* A vCPU, and GSI routed to it. */
static struct pc msi_new(struct conform *c)
{
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	return pc;
}

static bool pic_latched(struct conform *c, const struct pc *pc)
{
	return pic_get(c, pc->vm, false).irr >> PIN & 1;
}

static void msi(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 1);
	CHECK(c, !lapic_bit(c, pc.vcpu, APIC_TMR, VECTOR));
	AWAIT(c, event_empty(c, fd));
}

static void split_msi(struct conform *c)
{
	int vm = vm_new(c, VM_SPLIT);
	int vcpu = vcpu_new_enabled(c, vm, 0);
	int fd = event_open(c, 0);

	routing_one(c, vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, vm, fd, GSI), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, vcpu, VECTOR));
}

static void large_value(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, UINT64_C(0xfffffffffffffffe));
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	AWAIT(c, event_empty(c, fd));
	lapic_clear(c, pc.vcpu);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
}

static void zero_value(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void many(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	for (unsigned int i = 0; i < 100; i++) {
		event_write(c, fd, 1);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		lapic_clear(c, pc.vcpu);
	}
}

static void semaphore(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = fd_new(c, FD_SEMAPHORE, -1);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 3);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	/* Each read takes one as well. */
	CHECK_EQ(c, event_read(c, fd), 1);
	CHECK_EQ(c, event_read(c, fd), 1);
	CHECK_EQ(c, event_read(c, fd), 0);
}

static void semaphore_signals(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = fd_new(c, FD_SEMAPHORE, -1);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	for (unsigned int i = 0; i < 3; i++) {
		event_write(c, fd, 1);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		lapic_clear(c, pc.vcpu);
	}
	CHECK_EQ(c, event_read(c, fd), 0);
}

static void blocking(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = fd_new(c, FD_BLOCKING, -1);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	AWAIT(c, event_empty(c, fd));
}

static void pin(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	/* A pulse: the lines are down again, the 8259 has latched the edge. */
	CHECK(c, pic_latched(c, &pc));
	CHECK_EQ(c, pic_get(c, pc.vm, false).last_irr >> PIN & 1, 0);
	CHECK(c, !ioapic_irr(c, pc.vm, PIN));
}

static void masked_edge(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR | RTE_MASKED);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	AWAIT(c, pic_latched(c, &pc));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	ioapic_set_rte(c, pc.vm, PIN, VECTOR);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
}

static void level_pin_pulse(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	CHECK(c, lapic_bit(c, pc.vcpu, APIC_TMR, VECTOR));
	CHECK(c, ioapic_rte(c, pc.vm, PIN) & RTE_REMOTE_IRR);
	CHECK(c, !ioapic_irr(c, pc.vm, PIN));
}

static void no_route(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI + 1), 0);
	event_write(c, fd, 1);
	AWAIT(c, event_empty(c, fd));
	/* Linux looks for routes in a work item, which a deassign awaits. */
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI + 1), 0);
	routing_one(c, pc.vm, ROUTE_MSI(GSI + 1, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI + 1), 0);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI + 1), 0);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
}

static void gsi_beyond(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, ~0u), 0);
	event_write(c, fd, 1);
	AWAIT(c, event_empty(c, fd));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, ~0u), 0);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
}

static void two_eventfds(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd[2] = {event_open(c, 0), event_open(c, 0)};

	for (unsigned int i = 0; i < 2; i++)
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd[i], GSI), 0);
	for (unsigned int i = 0; i < 2; i++) {
		event_write(c, fd[i], 1);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		lapic_clear(c, pc.vcpu);
	}
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd[0], GSI), 0);
	event_write(c, fd[1], 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void *write_thread(void *arg)
{
	uint64_t one = 1;

	return (void *)(intptr_t)write(*(int *)arg, &one, sizeof(one));
}

static void other_thread(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);
	pthread_t thread;
	void *wrote;

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, pthread_create(&thread, NULL, write_thread, &fd), 0);
	pthread_join(thread, &wrote);
	CHECK_EQ(c, (intptr_t)wrote, sizeof(uint64_t));
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void epoll_sees_nothing(struct conform *c)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);
	int epoll = fd_new(c, FD_EPOLL, -1);

	CHECK_RET(c, epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	AWAIT(c, event_empty(c, fd));
	CHECK_EQ(c, epoll_wait(epoll, &event, 1, 0), 0);
}

/* Signalled before assign. */
static void before_msi(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 3);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_EQ(c, event_read(c, fd), 3);
}

static void before_pin(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 1);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	AWAIT(c, pic_latched(c, &pc));
	CHECK_EQ(c, event_read(c, fd), 1);
}

static void before_resample(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 2);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, PIN, event_open(c, 0)), 0);
	AWAIT(c, ioapic_irr(c, pc.vm, PIN));
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_EQ(c, event_read(c, fd), 2);
}

static void before_next(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 3);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	lapic_clear(c, pc.vcpu);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	AWAIT(c, event_empty(c, fd));
}

static void before_semaphore(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = fd_new(c, FD_SEMAPHORE, -1);

	event_write(c, fd, 3);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	lapic_clear(c, pc.vcpu);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	for (unsigned int i = 0; i < 3; i++)
		CHECK_EQ(c, event_read(c, fd), 1);
	CHECK_EQ(c, event_read(c, fd), 0);
}

static void before_full(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);
	uint64_t one = 1;

	event_write(c, fd, UINT64_C(0xfffffffffffffffe));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_EQ(c, write(fd, &one, sizeof(one)), -1);
	CHECK_EQ(c, errno, EAGAIN);
}

static void between(struct conform *c)
{
	struct pc pc = msi_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	event_write(c, fd, 1);
	CHECK(c, !event_empty(c, fd));
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "signal/" name_, .rule = rule_, .run = run_            \
	}

static const struct conform_case cases[] = {
	CASE("msi", msi,
	     "a signal is one edge MSI, and irqfd_wakeup() takes the count"),
	CASE("msi-split-irqchip", split_msi,
	     "irqfds with MSI routes work with a split irqchip"),
	CASE("pin-is-pulsed", pin,
	     "irqfd_inject() drives a plain irqfd's GSI to 1 and back to 0: "
	     "8259 and IOAPIC see an edge"),
	CASE("pin-masked-edge-lost", masked_edge,
	     "an edge on a masked IOAPIC pin is gone with the pulse's end"),
	CASE("pin-level-pulse", level_pin_pulse,
	     "a pulse on a level pin leaves remote IRR and TMR set and the "
	     "line down"),
	CASE("large-value-is-one", large_value,
	     "one write is one interrupt, whatever its value"),
	CASE("zero-value-is-one", zero_value,
	     "a write of 0 wakes the waiter (eventfd_write()) and so is an "
	     "interrupt"),
	CASE("hundred-signals", many,
	     "a signal after the interrupt was taken is a new interrupt"),
	CASE("semaphore-takes-one", semaphore,
	     "of an EFD_SEMAPHORE eventfd irqfd_wakeup() takes 1 a signal "
	     "(eventfd_ctx_do_read())"),
	CASE("semaphore-each-signal", semaphore_signals,
	     "each signal of an EFD_SEMAPHORE eventfd is an interrupt"),
	CASE("blocking-eventfd", blocking,
	     "whether the eventfd is EFD_NONBLOCK does not matter"),
	CASE("no-route-is-lost", no_route,
	     "a signal whose GSI has no route is taken and lost"),
	CASE("gsi-beyond-table-is-lost", gsi_beyond,
	     "a signal whose GSI is beyond the table is taken and lost"),
	CASE("two-eventfds-one-gsi", two_eventfds,
	     "several eventfds may drive one GSI, each by itself"),
	CASE("from-another-thread", other_thread, "any thread may signal"),
	CASE("epoll-sees-nothing", epoll_sees_nothing,
	     "KVM's waiter takes the count first: a poller of the same eventfd "
	     "finds nothing"),
	CASE("before-assign-msi", before_msi,
	     "an eventfd that is readable at assign injects once "
	     "(vfs_poll() in kvm_irqfd_assign()), and its count stays"),
	CASE("before-assign-pin", before_pin,
	     "an eventfd that is readable at assign pulses its pin"),
	CASE("before-assign-resample", before_resample,
	     "an eventfd that is readable at assign raises a resample "
	     "irqfd's line"),
	CASE("before-assign-next-signal-drains", before_next,
	     "the next signal takes old and new count and is one interrupt"),
	CASE("before-assign-semaphore", before_semaphore,
	     "with EFD_SEMAPHORE the next signal takes 1 of the old count"),
	CASE("before-assign-full-counter", before_full,
	     "a full counter stays full after assign: a write is EAGAIN"),
	CASE("while-deassigned-is-kept", between,
	     "a signal while deassigned stays in the eventfd, and the next "
	     "assign injects it"),
};

CONFORM_GROUP(signal);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * What goes away with what: an irqfd with its eventfd (EPOLLHUP in
 * irqfd_wakeup()) and with its VM's descriptor (kvm_irqfd_release()).
 */
#include "cases.h"
#include "env.h"
#include "process.h"
#include <errno.h>
#include <unistd.h>

#define GSI 24
#define VECTOR 0x61
#define PIN 5

/* A level line that @fd has raised, with a resamplefd. */
static struct pc raised_new(struct conform *c, int fd)
{
	struct pc pc = pc_new(c);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, PIN, event_open(c, 0)), 0);
	event_write(c, fd, 1);
	AWAIT(c, ioapic_irr(c, pc.vm, PIN));
	return pc;
}

static void last_close(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = raised_new(c, fd);

	fd_close(c, fd);
	/* The irqfd was the resampler's last: its line goes down. */
	AWAIT(c, !ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), -EBADF);
}

static void not_last_close(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = raised_new(c, fd);
	int copy = fd_dup(c, fd);

	fd_close(c, fd);
	CHECK(c, ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_assign(c, pc.vm, copy, PIN), -EBUSY);
	fd_close(c, copy);
	AWAIT(c, !ioapic_irr(c, pc.vm, PIN));
}

static void close_one_of_two(struct conform *c)
{
	int fd[2] = {event_open(c, 0), event_open(c, 0)};
	struct pc pc = raised_new(c, fd[0]);

	CHECK_RET(c, irqfd_resample(c, pc.vm, fd[1], PIN, event_open(c, 0)), 0);
	fd_close(c, fd[0]);
	/* A deassign waits for the shutdown of all that were closed. */
	CHECK_RET(c, irqfd_deassign(c, pc.vm, event_open(c, 0), 0), 0);
	CHECK(c, ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd[1], PIN), 0);
	CHECK(c, !ioapic_irr(c, pc.vm, PIN));
}

static void close_after_signal(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	fd_close(c, fd);
	AWAIT(c, pic_get(c, pc.vm, false).irr >> PIN & 1);
}

static void close_dup2(struct conform *c)
{
	int fd = event_open(c, 0), other = event_open(c, 0);
	struct pc pc = raised_new(c, fd);

	/* dup2() closes what its target was. */
	CHECK_RET(c, dup2(other, fd), fd);
	c->port->dup(other, fd);
	AWAIT(c, !ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
}

static void close_resamplefd(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0), resamplefd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, PIN, resamplefd), 0);
	fd_close(c, resamplefd);
	event_write(c, fd, 1);
	AWAIT(c, ioapic_irr(c, pc.vm, PIN));
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, PIN), 0);
	CHECK(c, !ioapic_irr(c, pc.vm, PIN));
}

static void gsi_is_free(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd;

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	for (unsigned int i = 0; i < 20; i++) {
		fd = event_open(c, 0);
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
		event_write(c, fd, 1);
		AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
		lapic_clear(c, pc.vcpu);
		fd_close(c, fd);
	}
}

static int hold(struct conform *c, void *arg)
{
	uint64_t one = 1;
	int *fds = arg;
	char byte;

	(void)c;
	/* Signal only after the parent has closed its own. */
	if (read(fds[1], &byte, 1) != 1 ||
	    write(fds[0], &one, sizeof(one)) != sizeof(one))
		return 1;
	return 0;
}

static void held_by_child(struct conform *c)
{
	struct pc pc = pc_new(c);
	struct mail mail = mail_new(c);
	int fds[2] = {event_open(c, 0), mail.ends[0]};
	pid_t pid;

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fds[0], GSI), 0);
	pid = fork();
	CHECK(c, pid >= 0);
	if (!pid)
		_exit(hold(c, fds));
	/* A child that has not signalled yet keeps it open. */
	fd_close(c, fds[0]);
	CHECK_EQ(c, write(mail.ends[1], "", 1), 1);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

/* The VM's descriptor. */
static void vm_close(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	fd_close(c, pc.vm);
	/* The vCPU is still there to be interrupted. */
	event_write(c, fd, 1);
	CHECK_EQ(c, event_read(c, fd), 1);
	CHECK_EQ(c, lapic_irr_count(c, pc.vcpu), 0);
}

static void vm_close_frees(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = pc_new(c);
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, irqfd_assign(c, vm, fd, PIN), 0);
	fd_close(c, vm);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	AWAIT(c, pic_get(c, pc.vm, false).irr >> PIN & 1);
}

static void vm_close_vcpu_left_frees(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = pc_new(c), other = pc_new(c);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	fd_close(c, pc.vm);
	CHECK_RET(c, irqfd_assign(c, other.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	AWAIT(c, pic_get(c, other.vm, false).irr >> PIN & 1);
}

static void vm_close_drains(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 4);

	CHECK_RET(c, irqfd_assign(c, vm, fd, PIN), 0);
	fd_close(c, vm);
	CHECK_EQ(c, event_read(c, fd), 0);
}

static void vm_close_delivers(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, PIN, VECTOR);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, PIN), 0);
	event_write(c, fd, 1);
	fd_close(c, pc.vm);
	CHECK(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void vm_close_many(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), other = vm_new(c, VM_FULL);
	int fd[60];

	for (unsigned int i = 0; i < 60; i++) {
		fd[i] = event_open(c, 0);
		if (i % 2)
			CHECK_RET(c, irqfd_assign(c, vm, fd[i], i % 24), 0);
		else
			CHECK_RET(c,
				  irqfd_resample(c, vm, fd[i], i % 24, fd[0]),
				  0);
	}
	fd_close(c, vm);
	for (unsigned int i = 0; i < 60; i++)
		CHECK_RET(c, irqfd_assign(c, other, fd[i], 0), 0);
}

static void event_then_vm(struct conform *c)
{
	int vm, fd;

	/* Both teardowns at once. */
	for (unsigned int i = 0; i < 20; i++) {
		vm = vm_new(c, VM_FULL);
		fd = event_open(c, 0);
		CHECK_RET(c, irqfd_resample(c, vm, fd, PIN, fd), 0);
		event_write(c, fd, 1);
		fd_close(c, fd);
		fd_close(c, vm);
	}
}

static void run_mapping(struct conform *c)
{
	struct pc pc = pc_new(c);
	int size = port_ioctl_value(c, kvm_new(c), KVM_GET_VCPU_MMAP_SIZE, 0);
	struct kvm_run *run = c->port->mmap(pc.vcpu, (size_t)size);

	CHECK(c, (void *)run != (void *)-1);
	fd_close(c, pc.vcpu);
	fd_close(c, pc.vm);
	run->immediate_exit = 1;
	CHECK_EQ(c, run->immediate_exit, 1);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "close/" name_, .rule = rule_, .run = run_             \
	}
#define VM_RELEASE                                                             \
	"the last close of a VM's descriptor shuts its irqfds down "           \
	"(kvm_irqfd_release()), even if vCPUs keep the VM"

static const struct conform_case cases[] = {
	CASE("eventfd", last_close,
	     "the last close of an eventfd raises EPOLLHUP and its irqfd goes "
	     "(irqfd_deactivate()), the resampler's line with it"),
	CASE("eventfd-not-the-last", not_last_close,
	     "an irqfd stays while any descriptor of its eventfd is open"),
	CASE("eventfd-one-of-two", close_one_of_two,
	     "the line of a shared resampler stays up until its last irqfd is "
	     "gone (irqfd_resampler_shutdown())"),
	CASE("eventfd-after-signal", close_after_signal,
	     "a signal before the close is delivered: the shutdown flushes the "
	     "injection"),
	CASE("eventfd-by-dup2", close_dup2,
	     "dup2() over an eventfd's last descriptor closes it"),
	CASE("eventfd-held-by-child", held_by_child,
	     "a child's descriptor keeps the irqfd"),
	CASE("eventfds-in-turn", gsi_is_free,
	     "a closed eventfd leaves its GSI to the next"),
	CASE("resamplefd", close_resamplefd,
	     "closing the resamplefd changes nothing: KVM holds its context"),
	CASE("vm-silences", vm_close, VM_RELEASE ": later signals stay"),
	CASE("vm-frees-eventfd", vm_close_frees,
	     VM_RELEASE ": another VM may bind the eventfd at once"),
	CASE("vm-frees-eventfd-vcpu-left", vm_close_vcpu_left_frees,
	     VM_RELEASE ": another VM may bind the eventfd at once"),
	CASE("vm-drains", vm_close_drains,
	     VM_RELEASE ": what is in the eventfd is taken"),
	CASE("vm-delivers-before", vm_close_delivers,
	     VM_RELEASE ": what was signalled before is delivered"),
	CASE("vm-many-irqfds", vm_close_many, VM_RELEASE ": all of them"),
	CASE("eventfd-then-vm", event_then_vm,
	     "an eventfd and its VM may be closed in one breath"),
	CASE("vcpu-mapping-stays", run_mapping,
	     "the mapping of kvm_run outlives the descriptors"),
};

CONFORM_GROUP(close);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * One irqfd an eventfd: EBUSY from kvm_irqfd_assign(), and since Linux 6.17
 * from the exclusive waiter (add_wait_queue_priority_exclusive()).
 */
#include "cases.h"
#include "env.h"
#include <errno.h>
#include <unistd.h>

#define GSI 24
#define VECTOR 0x61

static void check_delivers(struct conform *c, const struct pc *pc, int fd)
{
	lapic_clear(c, pc->vcpu);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc->vcpu, VECTOR));
}

static struct pc bound_new(struct conform *c, int fd)
{
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	return pc;
}

static void same_gsi(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), -EBUSY);
	check_delivers(c, &pc, fd);
}

static void other_gsi(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI + 1), -EBUSY);
	check_delivers(c, &pc, fd);
}

static void duplicate(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd_dup(c, fd), GSI + 1), -EBUSY);
}

static void signalled(struct conform *c)
{
	int fd = event_open(c, 5);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), -EBUSY);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
	CHECK_EQ(c, event_read(c, fd), 5);
}

static void plain_then_resample(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, GSI, event_open(c, 0)),
		  -EBUSY);
	check_delivers(c, &pc, fd);
}

static void resample_then_plain(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 0);

	CHECK_RET(c, irqfd_resample(c, vm, fd, 5, event_open(c, 0)), 0);
	CHECK_RET(c, irqfd_assign(c, vm, fd, 5), -EBUSY);
}

static void busy_resample_detaches(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd[2] = {event_open(c, 0), event_open(c, 0)};
	int resamplefd = event_open(c, 0);

	ioapic_set_rte(c, pc.vm, 5, VECTOR | RTE_LEVEL);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd[0], 5, resamplefd), 0);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd[0], 5, event_open(c, 0)),
		  -EBUSY);
	event_write(c, fd[0], 1);
	AWAIT(c, ioapic_irr(c, pc.vm, 5));
	/* Refused while the line is up: the other one keeps it up. */
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd[0], 5, resamplefd), -EBUSY);
	CHECK(c, ioapic_irr(c, pc.vm, 5));
	/* And the last one that is really there lowers it. */
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd[0], 5), 0);
	CHECK(c, !ioapic_irr(c, pc.vm, 5));
}

static void after_deassign(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	check_delivers(c, &pc, fd);
}

static void after_deassign_other_vm(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc first = bound_new(c, fd), second;

	CHECK_RET(c, irqfd_deassign(c, first.vm, fd, GSI), 0);
	second = bound_new(c, fd);
	check_delivers(c, &second, fd);
	CHECK_EQ(c, lapic_irr_count(c, first.vcpu), 0);
}

static void after_wrong_gsi(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI + 1), 0);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI + 1), -EBUSY);
}

static void two_vms_busy(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);
	int other = vm_new(c, VM_FULL);

	CHECK_RET(c, irqfd_assign(c, other, fd, GSI), -EBUSY);
	CHECK_RET(c, irqfd_assign(c, other, fd_dup(c, fd), 5), -EBUSY);
	check_delivers(c, &pc, fd);
	CHECK_RET(c, irqfd_deassign(c, pc.vm, fd, GSI), 0);
	CHECK_RET(c, irqfd_assign(c, other, fd, GSI), 0);
}

static void two_vms_both(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc first = bound_new(c, fd), second = bound_new(c, fd);

	/* The older waiter is asked first, and takes the count. */
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, first.vcpu, VECTOR));
	CHECK_RET(c, irqfd_deassign(c, first.vm, fd, GSI), 0);
	CHECK_EQ(c, lapic_irr_count(c, second.vcpu), 0);
	check_delivers(c, &second, fd);
}

static void resamplefd_shared(struct conform *c)
{
	int vm[2] = {vm_new(c, VM_FULL), vm_new(c, VM_FULL)};
	int resamplefd = event_open(c, 0);

	CHECK_RET(c, irqfd_resample(c, vm[0], event_open(c, 0), 5, resamplefd),
		  0);
	CHECK_RET(c, irqfd_resample(c, vm[0], event_open(c, 0), 5, resamplefd),
		  0);
	CHECK_RET(c, irqfd_resample(c, vm[0], event_open(c, 0), 6, resamplefd),
		  0);
	CHECK_RET(c, irqfd_resample(c, vm[1], event_open(c, 0), 5, resamplefd),
		  0);
}

static void resamplefd_is_trigger(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, irqfd_resample(c, pc.vm, event_open(c, 0), 5, fd), 0);
	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 5, event_open(c, 0)), -EBUSY);
	check_delivers(c, &pc, fd);
}

static void many_on_one_gsi(struct conform *c)
{
	int fd[64];
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	for (unsigned int i = 0; i < 64; i++) {
		fd[i] = event_open(c, 0);
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd[i], GSI), 0);
	}
	for (unsigned int i = 0; i < 64; i++)
		CHECK_RET(c, irqfd_assign(c, pc.vm, fd[i], GSI), -EBUSY);
	for (unsigned int i = 0; i < 63; i++)
		CHECK_RET(c, irqfd_deassign(c, pc.vm, fd[i], GSI), 0);
	check_delivers(c, &pc, fd[63]);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "unique/" name_, .rule = rule_, .run = run_            \
	}

static const struct conform_case cases[] = {
	CASE("same-vm-same-gsi", same_gsi,
	     "an eventfd that is bound is EBUSY, and the irqfd lives on"),
	CASE("same-vm-other-gsi", other_gsi,
	     "an eventfd that is bound is EBUSY for another GSI as well"),
	CASE("duplicate-descriptor", duplicate,
	     "what counts is the eventfd, not the descriptor: a dup() is "
	     "EBUSY"),
	CASE("busy-takes-nothing", signalled,
	     "an assign that is EBUSY neither reads nor injects"),
	CASE("plain-then-resample", plain_then_resample,
	     "an eventfd bound as plain irqfd is EBUSY as resample irqfd"),
	CASE("resample-then-plain", resample_then_plain,
	     "an eventfd bound as resample irqfd is EBUSY as plain irqfd"),
	CASE("busy-resample-detaches", busy_resample_detaches,
	     "an assign that is EBUSY leaves the resampler (irqfd_resampler_"
	     "shutdown()) with those that were there"),
	CASE("free-after-deassign", after_deassign,
	     "deassign has unhooked the eventfd when it returns"),
	CASE("free-after-deassign-for-another-vm", after_deassign_other_vm,
	     "after deassign another VM may bind the eventfd"),
	CASE("bound-after-other-gsi-deassign", after_wrong_gsi,
	     "a deassign that matched nothing frees nothing"),
	{
		.name = "unique/two-vms-busy",
		.rule = "an eventfd that another VM has bound is EBUSY "
			"(kvm_irqfd_register())",
		.since = KERNEL_VERSION(6, 17, 0),
		.run = two_vms_busy,
	},
	{
		.name = "unique/two-vms-both",
		.rule = "two VMs may bind one eventfd, and the older takes "
			"every signal (add_wait_queue_priority())",
		.until = KERNEL_VERSION(6, 17, 0),
		.run = two_vms_both,
	},
	CASE("resamplefd-shared", resamplefd_shared,
	     "one resamplefd may serve several irqfds, GSIs and VMs"),
	CASE("resamplefd-may-be-bound", resamplefd_is_trigger,
	     "a resamplefd may be another irqfd's trigger"),
	CASE("many-eventfds-one-gsi", many_on_one_gsi,
	     "any number of eventfds may be bound to one GSI"),
};

CONFORM_GROUP(unique);

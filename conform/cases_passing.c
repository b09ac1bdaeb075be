// SPDX-License-Identifier: BSD-3-Clause
/*
 * Descriptors are names: what an irqfd, a VM or a vCPU is does not depend on
 * which of its descriptors is used, and a VM belongs to the memory of the
 * process that made it.
 */
#include "cases.h"
#include "fds.h"
#include "process.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GSI 24
#define VECTOR 0x61

static struct pc bound_new(struct conform *c, int fd)
{
	struct pc pc = pc_new(c);

	routing_one(c, pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, GSI), 0);
	return pc;
}

static void check_delivers(struct conform *c, const struct pc *pc, int fd)
{
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, pc->vcpu, VECTOR));
	lapic_clear(c, pc->vcpu);
}

/* Nothing reaches the VM any more. */
static void check_silent(struct conform *c, const struct pc *pc, int fd)
{
	event_write(c, fd, 1);
	CHECK(c, !event_empty(c, fd));
	CHECK_EQ(c, lapic_irr_count(c, pc->vcpu), 0);
}

/* Signal and deassign by @copy, after the descriptor of the assign is gone. */
static void use_copy(struct conform *c, const struct pc *pc, int fd, int copy)
{
	fd_close(c, fd);
	check_delivers(c, pc, copy);
	CHECK_RET(c, irqfd_assign(c, pc->vm, copy, GSI), -EBUSY);
	CHECK_RET(c, irqfd_deassign(c, pc->vm, copy, GSI), 0);
	check_silent(c, pc, copy);
}

static void event_dup(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	use_copy(c, &pc, fd, fd_dup(c, fd));
}

static void event_dup_before(struct conform *c)
{
	int fd = event_open(c, 0);
	int copy = fd_dup(c, fd);
	struct pc pc = bound_new(c, fd);

	use_copy(c, &pc, fd, copy);
}

static void event_dup2(struct conform *c)
{
	int fd = event_open(c, 0), copy = fd_new(c, FD_NULL, -1);
	struct pc pc = bound_new(c, fd);

	CHECK_RET(c, dup2(fd, copy), copy);
	c->port->dup(fd, copy);
	use_copy(c, &pc, fd, copy);
}

static void event_fcntl(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);
	int copy = fd_keep(c, fcntl(fd, F_DUPFD_CLOEXEC, 300));

	c->port->dup(fd, copy);
	use_copy(c, &pc, fd, copy);
}

static void event_scm_rights(struct conform *c)
{
	struct mail mail = mail_new(c);
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	mail_send(c, &mail, fd);
	use_copy(c, &pc, fd, mail_receive(c, &mail, fd));
}

static void event_in_flight(struct conform *c)
{
	struct mail mail = mail_new(c);
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	mail_send(c, &mail, fd);
	fd_close(c, fd);
	/* Only the message refers to it now. */
	check_delivers(c, &pc, mail_receive(c, &mail, fd));
}

static int write_event(struct conform *c, void *arg)
{
	uint64_t one = 1;

	(void)c;
	return write(*(int *)arg, &one, sizeof(one)) == sizeof(one) ? 0 : 1;
}

static void event_in_child(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);

	CHECK_EQ(c, child_run(c, write_event, &fd), 0);
	AWAIT(c, lapic_irr(c, pc.vcpu, VECTOR));
}

static void resamplefd_dup(struct conform *c)
{
	struct pc pc = pc_new(c);
	int fd = event_open(c, 0), resamplefd = event_open(c, 0);
	int copy = fd_dup(c, resamplefd);

	CHECK_RET(c, irqfd_resample(c, pc.vm, fd, 5, copy), 0);
	fd_close(c, copy);
	CHECK_RET(c,
		  irqfd(c, pc.vm, fd, 5,
			KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE,
			resamplefd),
		  0);
	CHECK_RET(c, irqfd_assign(c, pc.vm, fd, 5), 0);
}

static void vm_dup(struct conform *c)
{
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);
	int copy = fd_dup(c, pc.vm);

	CHECK_RET(c, irqfd_assign(c, copy, fd, GSI), -EBUSY);
	fd_close(c, pc.vm);
	pc.vm = copy;
	check_delivers(c, &pc, fd);
	CHECK_RET(c, irqfd_deassign(c, copy, fd, GSI), 0);
	check_silent(c, &pc, fd);
}

static void vm_scm_rights(struct conform *c)
{
	struct mail mail = mail_new(c);
	int fd = event_open(c, 0);
	struct pc pc = bound_new(c, fd);
	int copy;

	mail_send(c, &mail, pc.vm);
	copy = mail_receive(c, &mail, pc.vm);
	fd_close(c, pc.vm);
	pc.vm = copy;
	check_delivers(c, &pc, fd);
	CHECK_RET(c, irq_line(c, copy, 5, 1), 0);
}

static void vcpu_dup(struct conform *c)
{
	struct pc pc = pc_new(c);
	int copy = fd_dup(c, pc.vcpu);

	fd_close(c, pc.vcpu);
	CHECK_EQ(c, lapic_reg(c, copy, APIC_SPIV), 0x1ff);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, VECTOR), 1);
	CHECK(c, lapic_irr(c, copy, VECTOR));
}

static void kvm_dup(struct conform *c)
{
	int kvm = kvm_new(c);
	int copy = fd_dup(c, kvm);

	fd_close(c, kvm);
	CHECK_RET(c, port_ioctl_value(c, copy, KVM_GET_API_VERSION, 0), 12);
	fd_keep(c, port_ioctl_value(c, copy, KVM_CREATE_VM, 0));
}

static void vm_outlives_kvm(struct conform *c)
{
	struct pc pc = pc_new(c); /* has closed its /dev/kvm */

	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, VECTOR), 1);
}

static void vm_closed_vcpu_left(struct conform *c)
{
	struct pc pc = pc_new(c);

	fd_close(c, pc.vm);
	CHECK_EQ(c, lapic_reg(c, pc.vcpu, APIC_SPIV), 0x1ff);
	lapic_write(c, pc.vcpu, APIC_TPR, 0x20);
	CHECK_EQ(c, lapic_reg(c, pc.vcpu, APIC_TPR), 0x20);
}

/* In another process. */
struct calls {
	struct pc pc;
	int event, kvm, device;
	unsigned long request;
};

static int child_vm(struct conform *c, void *arg)
{
	struct calls *calls = arg;

	return child_answer(irqfd_assign(c, calls->pc.vm, calls->event, 5));
}

static int child_bad_pointer(struct conform *c, void *arg)
{
	struct calls *calls = arg;

	return child_answer(port_ioctl_value(c, calls->pc.vm, KVM_IRQFD, 1));
}

static int child_unknown(struct conform *c, void *arg)
{
	struct calls *calls = arg;

	return child_answer(
		port_ioctl_value(c, calls->pc.vm, _IO(KVMIO, 0xff), 0));
}

static int child_vcpu(struct conform *c, void *arg)
{
	static struct kvm_lapic_state lapic;
	struct calls *calls = arg;

	return child_answer(
		port_ioctl(c, calls->pc.vcpu, KVM_GET_LAPIC, &lapic));
}

static int child_system(struct conform *c, void *arg)
{
	struct calls *calls = arg;
	int version = port_ioctl_value(c, calls->kvm, KVM_GET_API_VERSION, 0);

	return version;
}

static int child_own_vm(struct conform *c, void *arg)
{
	struct calls *calls = arg;
	int vm = port_ioctl_value(c, calls->kvm, KVM_CREATE_VM, 0);
	int ret;

	if (vm < 0)
		return child_answer(vm);
	ret = port_ioctl_value(c, vm, KVM_CREATE_IRQCHIP, 0);
	if (!ret)
		ret = irqfd_assign(c, vm, calls->event, 5);
	return child_answer(ret);
}

static int child_close(struct conform *c, void *arg)
{
	struct calls *calls = arg;

	c->port->close(calls->pc.vcpu);
	c->port->close(calls->pc.vm);
	return 0;
}

static void in_child(struct conform *c, int (*run)(struct conform *, void *),
		     int answer)
{
	struct calls calls = {.kvm = kvm_new(c), .pc = pc_new(c)};

	calls.event = event_open(c, 0);
	CHECK_EQ(c, child_run(c, run, &calls), answer);
	/* The parent's VM is none the worse. */
	routing_one(c, calls.pc.vm, ROUTE_MSI(GSI, VECTOR));
	CHECK_RET(c, irqfd_assign(c, calls.pc.vm, calls.event, GSI), 0);
	check_delivers(c, &calls.pc, calls.event);
}

static void fork_vm(struct conform *c)
{
	in_child(c, child_vm, EIO);
}

static void fork_bad_pointer(struct conform *c)
{
	in_child(c, child_bad_pointer, EIO);
}

static void fork_unknown(struct conform *c)
{
	in_child(c, child_unknown, EIO);
}

static void fork_vcpu(struct conform *c)
{
	in_child(c, child_vcpu, EIO);
}

static void fork_system(struct conform *c)
{
	in_child(c, child_system, 12);
}

static void fork_own_vm(struct conform *c)
{
	in_child(c, child_own_vm, 0);
}

static void fork_close(struct conform *c)
{
	in_child(c, child_close, 0);
}

static void fork_busy(struct conform *c)
{
	struct calls calls = {.kvm = kvm_new(c)};

	calls.event = event_open(c, 0);
	calls.pc = bound_new(c, calls.event);
	CHECK_EQ(c, child_run(c, child_own_vm, &calls), EBUSY);
}

static void fork_busy_later(struct conform *c)
{
	struct mail mail = mail_new(c);
	int fd = event_open(c, 0), kvm = kvm_new(c), status;
	char byte = 0;
	pid_t pid = fork();

	CHECK(c, pid >= 0);
	if (!pid) {
		struct calls calls = {.kvm = kvm, .event = fd};

		/* Once the parent has bound it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (read(mail.ends[1], &byte, 1) != 1)
			_exit(1);
		_exit(child_own_vm(c, &calls));
	}
	bound_new(c, fd);
	CHECK_EQ(c, write(mail.ends[0], &byte, 1), 1);
	CHECK_EQ(c, waitpid(pid, &status, 0), pid);
	CHECK_EQ(c, WEXITSTATUS(status), EBUSY);
}

static void fork_received(struct conform *c)
{
	struct mail mail = mail_new(c);
	struct calls calls = {.pc = pc_new(c)};

	/* The way it came to the other process does not matter. */
	mail_send(c, &mail, calls.pc.vm);
	calls.pc.vm = mail_receive(c, &mail, calls.pc.vm);
	calls.event = event_open(c, 0);
	CHECK_EQ(c, child_run(c, child_vm, &calls), EIO);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "passing/" name_, .rule = rule_, .run = run_           \
	}
#define SAME_EVENTFD                                                           \
	"an irqfd is bound to the eventfd: any descriptor of it signals, is "  \
	"EBUSY and deassigns, also when the one of the assign is closed"
#define OTHER_PROCESS                                                          \
	"a VM's and a vCPU's requests are EIO in another process than the "    \
	"one that made the VM (kvm_vm_ioctl(), kvm_vcpu_ioctl())"

static const struct conform_case cases[] = {
	CASE("eventfd-dup", event_dup, SAME_EVENTFD),
	CASE("eventfd-dup-before-assign", event_dup_before, SAME_EVENTFD),
	CASE("eventfd-dup2", event_dup2, SAME_EVENTFD),
	CASE("eventfd-fcntl", event_fcntl, SAME_EVENTFD),
	CASE("eventfd-scm-rights", event_scm_rights, SAME_EVENTFD),
	CASE("eventfd-in-flight", event_in_flight,
	     "a descriptor in an unread SCM_RIGHTS message keeps the eventfd "
	     "open, and so the irqfd"),
	CASE("eventfd-in-child", event_in_child,
	     "a signal from a child process is one"),
	CASE("resamplefd-dup", resamplefd_dup,
	     "deassign ignores which descriptor the resamplefd was"),
	CASE("vm-dup", vm_dup,
	     "a duplicate of a VM's descriptor is the VM, and keeps it when "
	     "the first is closed"),
	CASE("vm-scm-rights", vm_scm_rights,
	     "a VM's descriptor that came through a socket is the VM"),
	CASE("vcpu-dup", vcpu_dup,
	     "a duplicate of a vCPU's descriptor is the vCPU"),
	CASE("kvm-dup", kvm_dup, "a duplicate of /dev/kvm's descriptor is it"),
	CASE("vm-outlives-dev-kvm", vm_outlives_kvm,
	     "a VM needs no descriptor of /dev/kvm"),
	CASE("vcpu-outlives-vm", vm_closed_vcpu_left,
	     "a vCPU works on when its VM's descriptor is closed"),
	CASE("fork-vm", fork_vm, OTHER_PROCESS),
	CASE("fork-vm-bad-pointer", fork_bad_pointer,
	     OTHER_PROCESS ", before the argument is read"),
	CASE("fork-vm-unknown-request", fork_unknown,
	     OTHER_PROCESS ", whatever the request"),
	CASE("fork-vcpu", fork_vcpu, OTHER_PROCESS),
	CASE("fork-received-vm", fork_received, OTHER_PROCESS),
	CASE("fork-dev-kvm", fork_system,
	     "/dev/kvm's requests work in any process"),
	CASE("fork-own-vm", fork_own_vm,
	     "a child can make VMs of its own by an inherited /dev/kvm"),
	CASE("fork-child-closes", fork_close,
	     "a child that closes its descriptors of a VM leaves it alone"),
	{
		.name = "passing/fork-eventfd-busy",
		.rule = "an eventfd that a VM of another process has bound is "
			"EBUSY (kvm_irqfd_register())",
		.since = KERNEL_VERSION(6, 17, 0),
		.run = fork_busy,
	},
	{
		.name = "passing/fork-eventfd-busy-later",
		.rule = "an eventfd that a VM of another process has bound is "
			"EBUSY (kvm_irqfd_register()), the order of the fork "
			"and the bind does not matter",
		.since = KERNEL_VERSION(6, 17, 0),
		.run = fork_busy_later,
	},
};

CONFORM_GROUP(passing);

// SPDX-License-Identifier: BSD-3-Clause
/* How the register executor runs: see guest.h. */
#include "guest_impl.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUN_SECONDS 10
#define WATCHDOG_SIGNAL (SIGRTMAX - 1)

/* ---- The watchdog: signals again and again, so that none is too soon ---- */

static void on_watchdog(int signal)
{
	(void)signal;
}

int guest_watchdog_create(struct conform_guest *guest)
{
	const struct sigaction action = {.sa_handler = on_watchdog};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = WATCHDOG_SIGNAL,
	};

	/* glibc has no name for it that fits every version. */
	event._sigev_un._tid = gettid();
	if (sigaction(WATCHDOG_SIGNAL, &action, NULL) ||
	    timer_create(CLOCK_MONOTONIC, &event, &guest->watchdog))
		return -errno;
	guest->has_watchdog = true;
	return 0;
}

static void watchdog_set(struct conform_guest *guest, bool on)
{
	const struct itimerspec spec = {
		.it_value.tv_sec = on ? RUN_SECONDS : 0,
		.it_interval.tv_sec = on,
	};

	timer_settime(guest->watchdog, 0, &spec, NULL);
}

static bool watchdog_barked(const struct conform_guest *guest)
{
	struct itimerspec left;

	/* Once it has gone off, the interval is what is left at most. */
	return !timer_gettime(guest->watchdog, &left) &&
	       left.it_value.tv_sec <= left.it_interval.tv_sec;
}

int conform_guest_vm_fd(const struct conform_guest *guest)
{
	return guest->vm_fd;
}

int conform_guest_vcpu_fd(const struct conform_guest *guest, unsigned int vcpu)
{
	return guest->vcpus[vcpu].fd;
}

const char *conform_guest_error(const struct conform_guest *guest)
{
	return guest->error;
}

/* ---- Running ---- */

static int fail_at(struct conform_guest *guest, unsigned int vcpu,
		   const char *what, unsigned long long detail)
{
	struct kvm_regs regs = {0};
	struct kvm_mp_state mp = {0};

	guest_ioctl(guest, guest->vcpus[vcpu].fd, KVM_GET_REGS, &regs);
	guest_ioctl(guest, guest->vcpus[vcpu].fd, KVM_GET_MP_STATE, &mp);
	snprintf(guest->error, sizeof(guest->error),
		 "vCPU %u, operation %u: %s (%#llx) at rip %#llx, flags %#llx, "
		 "mp state %u",
		 vcpu, box_of(guest, vcpu)->next, what, detail,
		 (unsigned long long)regs.rip, (unsigned long long)regs.rflags,
		 mp.mp_state);
	return -EIO;
}

/*
 * An access that the port's chips do not have came out to us: nobody has it,
 * so a read is all ones.  That it came is part of its outcome.
 */
static void unclaimed(struct conform_guest *guest, unsigned int vcpu,
		      void *data, size_t size, bool write)
{
	struct exec_box *box = box_of(guest, vcpu);

	if (box->next < EXEC_MAX_OPS)
		box->op[box->next].unclaimed = 1;
	if (!write)
		memset(data, 0xff, size);
}

/* 1: the batch is done. */
static int handle_io(struct conform_guest *guest, unsigned int vcpu)
{
	struct kvm_run *run = guest->vcpus[vcpu].run;
	const struct exec_box *box = box_of(guest, vcpu);
	bool write = run->io.direction == KVM_EXIT_IO_OUT;

	if (write && run->io.port == EXEC_PORT_DONE)
		return 1;
	if (write && run->io.port == EXEC_PORT_LOST) {
		snprintf(guest->error, sizeof(guest->error),
			 "vCPU %u, operation %u: vector %llu%s at rip %#llx",
			 vcpu, box->next,
			 (unsigned long long)box->lost_vector & 0xff,
			 box->lost_vector & EXEC_FAULT ? " (with error code)"
						       : "",
			 (unsigned long long)box->lost_rip);
		return -EIO;
	}
	if (write && run->io.port == EXEC_PORT_WINDOW)
		return 0;
	unclaimed(guest, vcpu, (uint8_t *)run + run->io.data_offset,
		  (size_t)run->io.size * run->io.count, write);
	return 0;
}

static int handle_exit(struct conform_guest *guest, unsigned int vcpu)
{
	struct kvm_run *run = guest->vcpus[vcpu].run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO: return handle_io(guest, vcpu);
	case KVM_EXIT_MMIO:
		unclaimed(guest, vcpu, run->mmio.data, sizeof(run->mmio.data),
			  run->mmio.is_write);
		return 0;
	case KVM_EXIT_INTR: return 0;
	case KVM_EXIT_SHUTDOWN: return fail_at(guest, vcpu, "triple fault", 0);
	case KVM_EXIT_FAIL_ENTRY:
		return fail_at(guest, vcpu, "no entry",
			       run->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_INTERNAL_ERROR:
		return fail_at(guest, vcpu, "internal error",
			       run->internal.suberror);
	default: return fail_at(guest, vcpu, "exit", run->exit_reason);
	}
}

static int run_batch(struct conform_guest *guest, unsigned int vcpu)
{
	int ret;

	for (;;) {
		ret = guest_ioctl(guest, guest->vcpus[vcpu].fd, KVM_RUN, NULL);
		if (!ret)
			ret = handle_exit(guest, vcpu);
		if (ret == 1)
			return 0;
		/* EAGAIN: a vCPU changed its state; go on. */
		if (ret == -EINTR || ret == -EAGAIN) {
			if (!watchdog_barked(guest))
				continue;
			fail_at(guest, vcpu, "it does not come back", 0);
			return -ETIMEDOUT;
		}
		if (!ret)
			continue;
		if (!guest->error[0])
			fail_at(guest, vcpu, "KVM_RUN",
				(unsigned long long)-ret);
		return ret;
	}
}

int conform_guest_run(struct conform_guest *guest, unsigned int vcpu,
		      struct exec_op *ops, unsigned int nr)
{
	struct exec_box *box = box_of(guest, vcpu);
	int ret;

	if (nr > EXEC_MAX_OPS || vcpu >= guest->nr_vcpus)
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++) {
		box->op[i] = ops[i];
		box->op[i].faulted = 0;
		box->op[i].unclaimed = 0;
		box->op[i].nr_taken = 0;
	}
	box->nr = nr;
	box->next = 0;
	watchdog_set(guest, true);
	ret = run_batch(guest, vcpu);
	watchdog_set(guest, false);
	if (nr)
		memcpy(ops, box->op, nr * sizeof(*ops));
	return ret;
}

int conform_guest_access(struct conform_guest *guest, unsigned int vcpu,
			 struct virq_access *access, enum exec_what what)
{
	struct exec_op op = {
		.what = (uint8_t)what,
		.len = access->len,
		.write = access->write,
		.addr = access->addr,
		.data = access->data,
	};
	int ret = conform_guest_run(guest, vcpu, &op, 1);

	if (ret)
		return ret;
	if (op.faulted)
		return -EPERM;
	if (op.unclaimed)
		return -ENODEV;
	if (!access->write)
		access->data = op.data;
	return 0;
}

unsigned int conform_guest_take_nmis(struct conform_guest *guest,
				     unsigned int vcpu)
{
	struct exec_box *box = box_of(guest, vcpu);
	unsigned int nmis = box->nmis;

	box->nmis = 0;
	return nmis;
}

// SPDX-License-Identifier: BSD-3-Clause
/* The kernel's machine: a guest makes the accesses. */
#include "world.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RTC_GSI 8
#define MAX_NMIS 4 /* the kernel keeps two */

struct theirs {
	const struct conform_port *port;
	struct conform_guest *guest;
};

static int vm_ioctl(const struct theirs *theirs, unsigned long request,
		    void *arg)
{
	return theirs->port->ioctl(conform_guest_vm_fd(theirs->guest), request,
				   (uintptr_t)arg);
}

static int vcpu_ioctl(const struct theirs *theirs, unsigned int vcpu,
		      unsigned long request, void *arg)
{
	return theirs->port->ioctl(conform_guest_vcpu_fd(theirs->guest, vcpu),
				   request, (uintptr_t)arg);
}

/*
 * The kernel makes its table of destinations while a vCPU is being created,
 * before that counts as one, and next when a register changes: make it look.
 */
static int prime(struct theirs *theirs)
{
	struct kvm_lapic_state lapic;
	int ret = 0;

	for (unsigned int i = 0; i < NR_VCPUS && !ret; i++) {
		ret = vcpu_ioctl(theirs, i, KVM_GET_LAPIC, &lapic);
		if (!ret)
			ret = vcpu_ioctl(theirs, i, KVM_SET_LAPIC, &lapic);
	}
	return ret;
}

int theirs_create(const struct conform_port *port, struct theirs **out)
{
	struct theirs *theirs = calloc(1, sizeof(*theirs));
	int ret;

	if (!theirs)
		return -ENOMEM;
	theirs->port = port;
	ret = conform_guest_create(port, NR_VCPUS, &theirs->guest);
	if (!ret)
		ret = prime(theirs);
	if (ret) {
		theirs_destroy(theirs);
		return ret;
	}
	*out = theirs;
	return 0;
}

void theirs_destroy(struct theirs *theirs)
{
	if (theirs->guest)
		conform_guest_destroy(theirs->guest);
	free(theirs);
}

const char *theirs_error(const struct theirs *theirs)
{
	return conform_guest_error(theirs->guest);
}

/*
 * Of the clock's pin KVM_IRQ_LINE_STATUS answers by what other vCPUs have not
 * completed yet, which is not compared here: plain KVM_IRQ_LINE.
 */
static void do_line(struct theirs *theirs, const struct op *op,
		    struct outcome *outcome)
{
	struct kvm_irq_level line = {.irq = (uint32_t)op->addr,
				     .level = (uint32_t)op->data};

	outcome->ret = vm_ioctl(theirs,
				op->addr == RTC_GSI ? KVM_IRQ_LINE
						    : KVM_IRQ_LINE_STATUS,
				&line);
	if (op->addr != RTC_GSI)
		outcome->data = (uint64_t)(int64_t)(int32_t)line.status;
}

static void do_msi(struct theirs *theirs, const struct op *op,
		   struct outcome *outcome)
{
	struct kvm_msi msi = {.address_lo = (uint32_t)op->addr,
			      .address_hi = (uint32_t)(op->addr >> 32),
			      .data = (uint32_t)op->data};

	outcome->ret = vm_ioctl(theirs, KVM_SIGNAL_MSI, &msi);
}

/*
 * The kernel looks at what is pending when something has asked it to.  It is
 * not asked when LINT0 or the APIC's base begin to let the 8259s through, nor
 * on any vCPU but the first that they reach.  Setting registers asks.
 */
static int look_for_interrupts(struct theirs *theirs, unsigned int vcpu)
{
	struct kvm_regs regs;
	int ret = vcpu_ioctl(theirs, vcpu, KVM_GET_REGS, &regs);

	return ret ? ret : vcpu_ioctl(theirs, vcpu, KVM_SET_REGS, &regs);
}

/*
 * Have the vCPU take its NMIs.  One that it sent itself is taken after the
 * instruction that sent it or, where the kernel runs the guest by software,
 * when it is entered next; a second one when the first has been handled.
 */
static int settle_nmis(struct theirs *theirs, unsigned int vcpu)
{
	struct kvm_vcpu_events events;
	int ret;

	for (int i = 0; i < MAX_NMIS; i++) {
		ret = vcpu_ioctl(theirs, vcpu, KVM_GET_VCPU_EVENTS, &events);
		if (ret || !(events.nmi.pending || events.nmi.injected))
			return ret;
		ret = conform_guest_run(theirs->guest, vcpu, NULL, 0);
		if (ret)
			return ret;
	}
	return -EIO;
}

static int do_guest(struct theirs *theirs, const struct op *op,
		    struct outcome *outcome)
{
	static const uint8_t what[] = {
		[OP_MMIO] = EXEC_MMIO,	   [OP_PIO] = EXEC_PIO,
		[OP_MSR] = EXEC_MSR,	   [OP_CR8] = EXEC_CR8,
		[OP_WINDOW] = EXEC_WINDOW, [OP_HALT] = EXEC_HALT,
	};
	struct exec_op exec = {
		.what = what[op->kind],
		.len = op->len,
		.write = op->write,
		.addr = op->addr,
		.data = op->data,
	};
	int ret = 0;

	/* In a window, an NMI could not be told from an interrupt 2. */
	if (op->kind == OP_WINDOW || op->kind == OP_HALT)
		ret = settle_nmis(theirs, op->vcpu);
	if (!ret && (op->kind == OP_WINDOW || op->kind == OP_HALT))
		ret = look_for_interrupts(theirs, op->vcpu);
	if (!ret)
		ret = conform_guest_run(theirs->guest, op->vcpu, &exec, 1);
	if (ret)
		return ret;
	outcome->ret = exec.faulted ? -EPERM : exec.unclaimed ? -ENODEV : 0;
	if (!outcome->ret && !op->write && op->kind <= OP_CR8)
		outcome->data = exec.data;
	outcome->nr_taken = exec.nr_taken;
	memcpy(outcome->taken, exec.taken, exec.nr_taken);
	ret = settle_nmis(theirs, op->vcpu);
	outcome->nmis = conform_guest_take_nmis(theirs->guest, op->vcpu);
	return ret;
}

int theirs_do(struct theirs *theirs, const struct op *op,
	      struct outcome *outcome)
{
	*outcome = (struct outcome){0};
	switch (op->kind) {
	case OP_LINE: do_line(theirs, op, outcome); return 0;
	case OP_MSI: do_msi(theirs, op, outcome); return 0;
	default: return do_guest(theirs, op, outcome);
	}
}

int theirs_snapshot(struct theirs *theirs, struct snapshot *snapshot)
{
	int ret = 0;

	memset(snapshot, 0, sizeof(*snapshot));
	for (uint32_t id = 0; id < KVM_NR_IRQCHIPS && !ret; id++) {
		snapshot->chip[id].chip_id = id;
		ret = vm_ioctl(theirs, KVM_GET_IRQCHIP, &snapshot->chip[id]);
	}
	for (unsigned int i = 0; i < NR_VCPUS && !ret; i++)
		ret = vcpu_ioctl(theirs, i, KVM_GET_LAPIC, &snapshot->lapic[i]);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Who is idle, and vmm_quiesce(); and pausing.
 *
 * Where a halt comes to the monitor, a vCPU says when it blocks.  Where KVM
 * keeps it to itself the vCPU is asked: it is kicked out of the guest, looks,
 * and answers.
 */
#include "vmm_internal.h"
#include <errno.h>
#include <linux/kvm.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000u
/* KVM does not tell of its halts, so busy vCPUs are asked again. */
#define PROBE_PERIOD_NS 500000u

uint64_t vmm_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int vmm_wait(struct vmm *vmm, uint64_t deadline_ns)
{
	struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / NS_PER_S),
		.tv_nsec = (long)(deadline_ns % NS_PER_S),
	};

	return -pthread_cond_timedwait(&vmm->changed, &vmm->lock, &deadline);
}

void vmm_wake(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
}

/*
 * The store of idle and the load of waiters, both seq_cst, pair with the store
 * of waiters and the load of idle in wait_idle(): one of the two sees the
 * other, so either it finds us idle or we wake it.
 */
void vmm_vcpu_block(struct vmm_vcpu *vcpu)
{
	atomic_store(&vcpu->idle, true);
	if (atomic_load(&vcpu->vmm->waiters))
		vmm_wake(vcpu->vmm);
	virq_vcpu_block(vcpu->virq, UINT64_MAX);
	atomic_store(&vcpu->idle, false);
}

void vmm_probe_answer(struct vmm_vcpu *vcpu, bool idle)
{
	atomic_store(&vcpu->probe, idle ? PROBE_IDLE : PROBE_BUSY);
	vmm_wake(vcpu->vmm);
}

static int check_failed(struct vmm *vmm)
{
	return atomic_load(&vmm->failed) ? -EIO : 0;
}

/*
 * Pending is looked at first: an event that has gone from there was taken by
 * a vCPU that had said before that it is not idle.
 */
static bool all_idle(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		if (virq_vcpu_pending(vmm->vcpus[i].virq))
			return false;
		if (!atomic_load(&vmm->vcpus[i].idle))
			return false;
	}
	return true;
}

static int wait_idle(struct vmm *vmm, uint64_t deadline_ns)
{
	int ret = 0;

	pthread_mutex_lock(&vmm->lock);
	atomic_fetch_add(&vmm->waiters, 1);
	while (!all_idle(vmm)) {
		ret = check_failed(vmm);
		if (!ret)
			ret = vmm_wait(vmm, deadline_ns);
		if (ret)
			break;
	}
	atomic_fetch_sub(&vmm->waiters, 1);
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

static bool probes_open(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		if (vmm_probe_asked(&vmm->vcpus[i]))
			return true;
	}
	return false;
}

static bool probes_idle(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		if (atomic_load(&vmm->vcpus[i].probe) != PROBE_IDLE)
			return false;
	}
	return true;
}

/* Ask every vCPU once; 1 all are idle, 0 not all, or a negative errno. */
static int probe_once(struct vmm *vmm, enum vmm_probe ask, uint64_t deadline_ns)
{
	int ret = 0;

	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		atomic_store(&vmm->vcpus[i].probe, ask);
		virq_vcpu_kick(vmm->vcpus[i].virq);
	}
	pthread_mutex_lock(&vmm->lock);
	while (!ret && probes_open(vmm)) {
		ret = check_failed(vmm);
		if (!ret)
			ret = vmm_wait(vmm, deadline_ns);
	}
	pthread_mutex_unlock(&vmm->lock);
	return ret ? ret : probes_idle(vmm);
}

static int probe_idle(struct vmm *vmm, uint64_t deadline_ns)
{
	int ret = probe_once(vmm, PROBE_FIRST, deadline_ns);

	while (!ret) {
		uint64_t next = vmm_now() + PROBE_PERIOD_NS;

		if (next > deadline_ns)
			return -ETIMEDOUT;
		pthread_mutex_lock(&vmm->lock);
		vmm_wait(vmm, next);
		pthread_mutex_unlock(&vmm->lock);
		ret = probe_once(vmm, PROBE_ASKED, deadline_ns);
	}
	return ret < 0 ? ret : 0;
}

/* A turn of the loop: what it had taken up before, it has delivered after. */
static int loop_turn(struct vmm *vmm, uint64_t deadline_ns)
{
	uint64_t before;
	int ret = 0;

	pthread_mutex_lock(&vmm->lock);
	before = vmm->barriers;
	pthread_mutex_unlock(&vmm->lock);
	virq_timer_arm(vmm->timer, 0);
	pthread_mutex_lock(&vmm->lock);
	while (!ret && vmm->barriers == before)
		ret = vmm_wait(vmm, deadline_ns);
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

/* Has the loop read every device's eventfd? */
static bool all_taken_up(struct vmm *vmm)
{
	struct virq_eventfd_info info;

	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		if (!virq_eventfd_query(vmm->devices[i].irq_fd, &info) &&
		    info.count)
			return false;
	}
	return true;
}

/*
 * What is readable now has been handled: the first turn ends one that may have
 * looked already, the second has begun after that.
 */
static int loop_flush(struct vmm *vmm, uint64_t deadline_ns)
{
	int ret = loop_turn(vmm, deadline_ns);

	return ret ? ret : loop_turn(vmm, deadline_ns);
}

/* The loop's own irqfds: turn it until the counters are 0, and flush it. */
static int settle_loop(struct vmm *vmm, uint64_t deadline_ns)
{
	int ret;

	do {
		ret = loop_turn(vmm, deadline_ns);
		if (!ret && vmm_now() > deadline_ns)
			ret = -ETIMEDOUT;
	} while (!ret && !all_taken_up(vmm));
	return ret ? ret : loop_flush(vmm, deadline_ns);
}

/*
 * The kernel's irqfds: it injects from a work item, and deassign waits for
 * that.  What is signalled meanwhile stays in the counter for the next assign.
 * A second irqfd on the GSI, with the same resamplefd, keeps a level line up
 * and its device informed; in the short time in which both exist, an EOI
 * asks the device twice.
 */
static int settle_kernel_irqfd(struct vmm *vmm, unsigned int device)
{
	int irq_fd = vmm->devices[device].irq_fd, keeper = -1, ret;

	if (vmm->devices[device].kind == VMM_LEVEL) {
		keeper = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (keeper < 0)
			return -errno;
		ret = vmm_irqfd(vmm, device, keeper, 0);
		if (ret)
			goto out_close;
	}
	ret = vmm_irqfd(vmm, device, irq_fd, KVM_IRQFD_FLAG_DEASSIGN);
	if (!ret)
		ret = vmm_irqfd(vmm, device, irq_fd, 0);
	if (keeper < 0)
		return ret;
	vmm_irqfd(vmm, device, keeper, KVM_IRQFD_FLAG_DEASSIGN);
out_close:
	close(keeper);
	return ret;
}

static int settle(struct vmm *vmm, uint64_t deadline_ns)
{
	/* A source that the loop serves now signals its eventfd, if it must. */
	int ret = loop_flush(vmm, deadline_ns);

	if (ret)
		return ret;
	if (!(vmm->irqchip->flags & VIRQ_IRQCHIP_OWN_IRQFD))
		return settle_loop(vmm, deadline_ns);
	for (unsigned int i = 0; i < vmm->nr_devices; i++) {
		ret = settle_kernel_irqfd(vmm, i);

		if (ret)
			return ret;
	}
	return 0;
}

int vmm_quiesce(struct vmm *vmm, uint64_t timeout_ns)
{
	uint64_t now = vmm_now();
	uint64_t deadline_ns = timeout_ns > UINT64_MAX / 2 - now
				       ? UINT64_MAX / 2
				       : now + timeout_ns;
	int ret = check_failed(vmm);

	if (!ret)
		ret = settle(vmm, deadline_ns);
	if (ret)
		return ret;
	return vmm->kernel_halt ? probe_idle(vmm, deadline_ns)
				: wait_idle(vmm, deadline_ns);
}

/*
 * The store of paused and the kick pair with the run loop's look at it after
 * it has come out: a vCPU that enters after the store is kicked out again.
 */
int vmm_pause(struct vmm *vmm)
{
	unsigned int running = 0;
	int ret = 0;

	for (unsigned int i = 0; i < vmm->nr_vcpus; i++)
		running += vmm->vcpus[i].has_thread;
	atomic_store(&vmm->paused, true);
	vmm_kick_all(vmm);
	pthread_mutex_lock(&vmm->lock);
	while (!ret && vmm->nr_paused != running) {
		ret = check_failed(vmm);
		if (!ret)
			vmm_wait(vmm, vmm_now() + NS_PER_S);
	}
	pthread_mutex_unlock(&vmm->lock);
	return ret;
}

/* Those that have not woken yet count until they are out. */
void vmm_resume(struct vmm *vmm)
{
	pthread_mutex_lock(&vmm->lock);
	atomic_store(&vmm->paused, false);
	pthread_cond_broadcast(&vmm->changed);
	while (vmm->nr_paused)
		vmm_wait(vmm, vmm_now() + NS_PER_S);
	pthread_mutex_unlock(&vmm->lock);
}

void vmm_vcpu_pause(struct vmm_vcpu *vcpu)
{
	struct vmm *vmm = vcpu->vmm;

	if (!atomic_load(&vmm->paused))
		return;
	pthread_mutex_lock(&vmm->lock);
	vmm->nr_paused++;
	pthread_cond_broadcast(&vmm->changed);
	while (atomic_load(&vmm->paused))
		vmm_wait(vmm, vmm_now() + NS_PER_S);
	vmm->nr_paused--;
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
}

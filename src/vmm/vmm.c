// SPDX-License-Identifier: BSD-3-Clause
/* Life of a VM: create, start, stop, destroy. */
#include "vmm_internal.h"
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Emulated guests on a busy host take a second; a healthy one never this. */
#define START_TIMEOUT_NS 20000000000u

int vmm_fail(struct vmm *vmm, int error, const char *format, ...)
{
	va_list args;

	pthread_mutex_lock(&vmm->lock);
	if (!atomic_load(&vmm->failed)) {
		va_start(args, format);
		vsnprintf(vmm->error, sizeof(vmm->error), format, args);
		va_end(args);
		atomic_store(&vmm->failed, true);
	}
	pthread_mutex_unlock(&vmm->lock);
	vmm_halt_all(vmm);
	vmm_wake(vmm);
	return error;
}

const char *vmm_error(const struct vmm *vmm)
{
	return atomic_load(&vmm->failed) ? vmm->error : NULL;
}

void vmm_kick_all(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		if (vmm->vcpus[i].virq)
			virq_vcpu_kick(vmm->vcpus[i].virq);
	}
}

void vmm_halt_all(struct vmm *vmm)
{
	atomic_store(&vmm->stop, true);
	vmm_kick_all(vmm);
}

/* On the loop's thread. */
static void barrier_passed(void *opaque)
{
	struct vmm *vmm = opaque;

	pthread_mutex_lock(&vmm->lock);
	vmm->barriers++;
	pthread_cond_broadcast(&vmm->changed);
	pthread_mutex_unlock(&vmm->lock);
}

static struct vmm *vmm_alloc(void)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	pthread_condattr_t attr;

	if (!vmm)
		return NULL;
	pthread_mutex_init(&vmm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vmm->changed, &attr);
	pthread_condattr_destroy(&attr);
	for (unsigned int i = 0; i < GUEST_MAX_VCPUS; i++) {
		vmm->vcpus[i].vmm = vmm;
		vmm->vcpus[i].id = i;
	}
	for (unsigned int i = 0; i < GUEST_MAX_DEVICES; i++)
		vmm->acks[i].fd = -1;
	return vmm;
}

static int create_memory(struct vmm *vmm)
{
	void *memory =
		mmap(NULL, vmm->machine->memory_size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return vmm_fail(vmm, -ENOMEM, "no memory for the guest");
	vmm->memory = memory;
	return 0;
}

static int create_loop(struct vmm *vmm, const struct virq_loop_config *config)
{
	int ret = virq_loop_create(config, &vmm->loop);

	if (ret)
		return vmm_fail(vmm, ret, "event loop: %s", strerror(-ret));
	ret = virq_loop_start(vmm->loop);
	if (ret)
		return vmm_fail(vmm, ret, "event loop's thread: %s",
				strerror(-ret));
	return 0;
}

static int create_vm(struct vmm *vmm)
{
	const struct virq_vm_config config = {
		.loops = &vmm->loop,
		.nr_loops = 1,
		.bypass = vmm->bypass,
	};
	const void *irqchip_config = NULL;
	int ret;

	ret = virq_vm_create(&config, &vmm->vm);
	if (ret)
		return vmm_fail(vmm, ret, "VM: %s", strerror(-ret));
	ret = vmm->ops->vm_setup(vmm, &irqchip_config);
	if (ret)
		return ret;
	ret = virq_vm_create_irqchip(vmm->vm, vmm->irqchip, irqchip_config);
	if (ret)
		return vmm_fail(vmm, ret, "irqchip %s: %s", vmm->irqchip->name,
				strerror(-ret));
	ret = virq_timer_create(vmm->vm, barrier_passed, vmm, &vmm->timer);
	if (ret)
		return vmm_fail(vmm, ret, "timer: %s", strerror(-ret));
	return 0;
}

static int create_vcpus(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		int ret = vmm->ops->vcpu_setup(&vmm->vcpus[i]);

		if (ret)
			return ret;
		virq_vcpu_set_halt_poll(vmm->vcpus[i].virq, vmm->halt_poll_ns);
	}
	return vmm->ops->vm_ready ? vmm->ops->vm_ready(vmm) : 0;
}

int vmm_create(const struct vmm_config *config, struct vmm **result, char *err,
	       size_t err_len)
{
	struct vmm *vmm = vmm_alloc();
	int ret;

	if (!vmm) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	ret = vmm_configure(vmm, config);
	if (!ret)
		ret = create_memory(vmm);
	if (!ret)
		ret = create_loop(vmm, &config->loop);
	if (!ret)
		ret = create_vm(vmm);
	if (!ret)
		ret = create_vcpus(vmm);
	if (ret)
		goto out_destroy;
	vmm_write_params(vmm);
	ret = vmm_connect(vmm);
	if (ret)
		goto out_destroy;
	*result = vmm;
	return 0;

out_destroy:
	snprintf(err, err_len, "%s", vmm->error);
	vmm_destroy(vmm);
	return ret;
}

static void *vcpu_thread(void *opaque)
{
	struct vmm_vcpu *vcpu = opaque;

	vcpu->vmm->ops->run(vcpu);
	vmm_guest_drain(vcpu);
	return NULL;
}

/* All signals belong to other threads, but those that a run loop opens. */
static int start_threads(struct vmm *vmm)
{
	sigset_t all, old;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; i < vmm->nr_vcpus && !ret; i++) {
		struct vmm_vcpu *vcpu = &vmm->vcpus[i];

		ret = -pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
		vcpu->has_thread = !ret;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret)
		return vmm_fail(vmm, ret, "vCPU thread: %s", strerror(-ret));
	return 0;
}

int vmm_start(struct vmm *vmm)
{
	uint64_t deadline_ns = vmm_now() + START_TIMEOUT_NS;
	uint32_t all = (1u << vmm->nr_vcpus) - 1;
	uint32_t ready;
	int ret;

	if (start_threads(vmm))
		return -EIO;
	pthread_mutex_lock(&vmm->lock);
	do {
		ret = 0;
		if (atomic_load(&vmm->failed))
			ret = -EIO;
		else if (vmm->ready != all)
			ret = vmm_wait(vmm, deadline_ns);
	} while (!ret && vmm->ready != all);
	ready = vmm->ready;
	pthread_mutex_unlock(&vmm->lock);
	if (ret == -ETIMEDOUT)
		vmm_fail(vmm, ret,
			 "the guest did not start: vCPUs 0x%x of 0x%x", ready,
			 all);
	return ret;
}

int vmm_stop(struct vmm *vmm)
{
	vmm_halt_all(vmm);
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		if (!vmm->vcpus[i].has_thread)
			continue;
		pthread_join(vmm->vcpus[i].thread, NULL);
		vmm->vcpus[i].has_thread = false;
	}
	return atomic_load(&vmm->failed) ? -EIO : 0;
}

void vmm_destroy(struct vmm *vmm)
{
	if (!vmm)
		return;
	vmm_stop(vmm);
	if (vmm->timer)
		virq_timer_destroy(vmm->timer);
	if (vmm->vm)
		virq_vm_close(vmm->vm);
	for (unsigned int i = 0; i < vmm->nr_vcpus; i++)
		vmm->ops->vcpu_cleanup(&vmm->vcpus[i]);
	if (vmm->ops)
		vmm->ops->vm_cleanup(vmm);
	if (vmm->board)
		vmm->machine->cleanup(vmm);
	if (vmm->loop)
		virq_loop_destroy(vmm->loop);
	for (unsigned int i = 0; i < GUEST_MAX_DEVICES; i++)
		eventfd_signal_fini(&vmm->acks[i]);
	if (vmm->memory)
		munmap(vmm->memory, vmm->machine->memory_size);
	pthread_cond_destroy(&vmm->changed);
	pthread_mutex_destroy(&vmm->lock);
	free(vmm);
}

unsigned int vmm_lines_up(struct vmm *vmm)
{
	return vmm->machine->lines_up(vmm);
}

unsigned int vmm_gic(const struct vmm *vmm)
{
	return vmm->machine->gic ? vmm->machine->gic(vmm) : 0;
}

int vmm_query_irqfd(struct vmm *vmm, unsigned int device,
		    struct virq_irqfd_info *info)
{
	return virq_vm_irqfd_query(vmm->vm, vmm->devices[device].irq_fd, info);
}

struct virq_vm *vmm_vm(struct vmm *vmm)
{
	return vmm->vm;
}

struct virq_loop *vmm_loop(struct vmm *vmm)
{
	return vmm->loop;
}

const char *vmm_irqchip(const struct vmm *vmm)
{
	return vmm->irqchip->name;
}

enum vmm_guest vmm_guest(const struct vmm *vmm)
{
	return vmm->guest;
}

uint64_t vmm_clock_accuracy_ns(const struct vmm *vmm)
{
	return vmm->ops->clock_accuracy_ns
		       ? vmm->ops->clock_accuracy_ns(&vmm->vcpus[0])
		       : 0;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vCPU: life, and where its requests go.
 *
 *   the controllers are	requests			KVM_RUN
 *   the client's or none	the host's			the host's, but
 *								for ioeventfds
 *   ours, local APIC too	vcpu_requests.c, then the	vcpu_run.c
 *				host's or vcpu_regs.c
 *   ours over the host's	the host's			vcpu_run.c
 *   local APIC
 *
 * As in Linux a vCPU lives as long as its VM, whether or not it has a
 * descriptor, and its id is taken for good.
 *
 * vcpu->lock is one request at a time; it is outside vm->lock.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "files.h"
#include "irqchip/x86/lapic_host.h"
#include "irqchip/x86/lapic_host.h"
#include "vcpu.h"

/* kvm_run, the port data, the coalesced MMIO ring: as Linux has on x86. */
#define RUN_SIZE 12288u

#define APIC_BASE_DEFAULT 0xfee00000u
#define APIC_BASE_BSP (1u << 8)
#define APIC_BASE_ENABLE (1u << 11)

/* ---- The vCPU below ---- */

int vcpu_lower(struct uapi_vcpu *vcpu, unsigned int request, uintptr_t arg)
{
	if (vcpu->host_fd >= 0)
		return uapi_host_ioctl(vcpu->host_fd, request, arg);
	return vcpu_regs_ioctl(vcpu, request, arg);
}

size_t uapi_vcpu_mmap_size(const struct uapi_system *system)
{
	int size = -1;

	if (system->host_fd >= 0)
		size = uapi_host_ioctl(system->host_fd, KVM_GET_VCPU_MMAP_SIZE,
				       0);
	return size > 0 ? (size_t)size : RUN_SIZE;
}

/* ---- Life ---- */

static void *map_run(struct uapi_vcpu *vcpu, int fd)
{
	size_t size = uapi_vcpu_mmap_size(vcpu->vm->system);
	void *run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return run == MAP_FAILED ? NULL : run;
}

/* The state that INIT goes back to is the one after creation. */
static int read_reset_state(struct uapi_vcpu *vcpu)
{
	int ret = vcpu_lower_ptr(vcpu, KVM_GET_REGS, &vcpu->reset_regs);

	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_GET_SREGS, &vcpu->reset_sregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_GET_DEBUGREGS,
				     &vcpu->reset_debugregs);
	if (!ret)
		ret = vcpu_lower_ptr(vcpu, KVM_GET_VCPU_EVENTS,
				     &vcpu->reset_events);
	return ret;
}

static int setup_our_apic(struct uapi_vcpu *vcpu)
{
	bool boot = vcpu->id == vcpu->vm->boot_cpu_id;
	uint64_t base = APIC_BASE_DEFAULT | APIC_BASE_ENABLE;
	int ret;

	if (boot)
		base |= APIC_BASE_BSP;
	vcpu->mp_state =
		boot ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED;
	lapic_host_set_boot(vcpu->virq, boot);
	lapic_host_set_tsc_deadline(vcpu->virq, false);
	ret = vcpu_set_apic_base(vcpu, base);
	if (!ret)
		ret = read_reset_state(vcpu);
	if (!ret)
		vcpu_tsc_init(vcpu);
	return ret;
}

static int build_host(struct uapi_vcpu *vcpu)
{
	int fd;

	if (vcpu->vm->host_fd < 0)
		return vcpu->regs ? 0 : vcpu_regs_create(vcpu);
	if (vcpu->host_fd < 0) {
		fd = uapi_host_ioctl(vcpu->vm->host_fd, KVM_CREATE_VCPU,
				     vcpu->id);
		if (fd < 0)
			return fd;
		vcpu->host_fd = uapi_hide_fd(fd);
	}
	if (!vcpu->run)
		vcpu->run = map_run(vcpu, vcpu->host_fd);
	return vcpu->run ? 0 : -ENOMEM;
}

/*
 * Neither the host's vCPU nor ours can be undone, so what a failure leaves is
 * gone on with when the client tries again.
 */
static int build(struct uapi_vcpu *vcpu)
{
	int ret = build_host(vcpu);

	if (!ret && vcpu->signal_fd < 0)
		ret = vcpu_signal_init(vcpu);
	if (!ret && !vcpu->virq)
		ret = virq_vcpu_create(vcpu->vm->virq, vcpu->id,
				       &uapi_vcpu_kick_ops, vcpu, &vcpu->virq);
	if (ret)
		return ret;
	switch (vcpu->kind) {
	case VCPU_OUR_APIC: return setup_our_apic(vcpu);
	case VCPU_HOST_APIC:
		return virq_kvm_set_vcpu_fd(vcpu->virq, vcpu->host_fd);
	default: return 0;
	}
}

static enum vcpu_kind kind_of(struct uapi_vm *vm)
{
	if (atomic_load(&vm->user_apic))
		return VCPU_OUR_APIC;
	return atomic_load(&vm->irqchip) == UAPI_IRQCHIP_FULL ? VCPU_HOST_APIC
							      : VCPU_PLAIN;
}

static struct uapi_vcpu *alloc_vcpu(struct uapi_vm *vm, uint32_t id)
{
	struct uapi_vcpu *vcpu = calloc(1, sizeof(*vcpu));

	if (!vcpu)
		return NULL;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->kind = kind_of(vm);
	vcpu->host_fd = -1;
	vcpu->signal_fd = -1;
	vcpu->eoi_vector = -1;
	vcpu->stale = true;
	pthread_mutex_init(&vcpu->lock, NULL);
	return vcpu;
}

/*
 * The lock: somebody may guess the descriptor before it is handed out.  Nobody
 * can hold it yet, so the order of locks does not matter.
 */
static int open_file(struct uapi_vcpu *vcpu)
{
	bool own_memory = vcpu->host_fd < 0;
	int fd;

	uapi_vm_get(vcpu->vm);
	pthread_mutex_lock(&vcpu->lock);
	fd = uapi_file_open(&uapi_vcpu_ops, UAPI_NAME_PREFIX "vcpu", vcpu,
			    own_memory ? RUN_SIZE : 0);
	if (fd >= 0 && own_memory)
		vcpu->run = map_run(vcpu, fd);
	pthread_mutex_unlock(&vcpu->lock);
	if (fd < 0) {
		uapi_vm_put(vcpu->vm);
		return fd;
	}
	if (!vcpu->run) {
		virq_uapi_close(fd);
		return -ENOMEM;
	}
	vcpu->opened = true;
	return fd;
}

int uapi_vcpu_create(struct uapi_vm *vm, unsigned long id)
{
	struct uapi_vcpu *vcpu;
	int ret;

	if (id >= UAPI_MAX_VCPUS || vm->nr_vcpus >= UAPI_MAX_VCPUS)
		return -EINVAL;
	vcpu = vm->vcpus[id];
	if (vcpu && vcpu->opened)
		return -EEXIST;
	if (!vcpu) {
		vcpu = alloc_vcpu(vm, (uint32_t)id);
		if (!vcpu)
			return -ENOMEM;
		/* Release: pairs with uapi_vcpu_read_tsc(). */
		__atomic_store_n(&vm->vcpus[id], vcpu, __ATOMIC_RELEASE);
		vm->nr_vcpus++;
	}
	ret = build(vcpu);
	return ret ? ret : open_file(vcpu);
}

void uapi_vcpu_free(struct uapi_vcpu *vcpu)
{
	if (!vcpu)
		return;
	if (vcpu->run)
		munmap(vcpu->run, uapi_vcpu_mmap_size(vcpu->vm->system));
	if (vcpu->host_fd >= 0)
		uapi_raw_close(vcpu->host_fd);
	vcpu_signal_free(vcpu);
	vcpu_regs_free(vcpu->regs);
	pthread_mutex_destroy(&vcpu->lock);
	free(vcpu);
}

struct virq_vcpu *uapi_vcpu_virq(struct uapi_vcpu *vcpu)
{
	return vcpu->virq;
}

struct virq_vcpu *virq_uapi_vcpu(int fd)
{
	struct uapi_file *file = uapi_file_get(fd);
	struct virq_vcpu *virq = NULL;

	if (!file)
		return NULL;
	if (file->ops == &uapi_vcpu_ops)
		virq = uapi_vcpu_virq(file->object);
	uapi_file_put(file);
	return virq;
}

/* ---- Requests ---- */

static int locked_ioctl(struct uapi_vcpu *vcpu, unsigned int request,
			uintptr_t arg)
{
	if (request == KVM_RUN)
		return arg ? -EINVAL : vcpu_run(vcpu);
	/* What is known of the processor may not hold any more. */
	vcpu->stale = true;
	vcpu->events_waiting = true;
	switch (vcpu->kind) {
	case VCPU_OUR_APIC: return vcpu_request(vcpu, request, arg);
	case VCPU_HOST_APIC: return vcpu_host_apic_request(vcpu, request, arg);
	default: return vcpu_lower(vcpu, request, arg);
	}
}

static int vcpu_ioctl(struct uapi_file *file, unsigned int request,
		      uintptr_t arg)
{
	struct uapi_vcpu *vcpu = file->object;
	int ret;

	if (_IOC_TYPE(request) != KVMIO)
		return -EINVAL;
	pthread_mutex_lock(&vcpu->lock);
	ret = locked_ioctl(vcpu, request, arg);
	pthread_mutex_unlock(&vcpu->lock);
	return ret;
}

static void vcpu_release(struct uapi_file *file)
{
	struct uapi_vcpu *vcpu = file->object;

	uapi_vm_put(vcpu->vm);
}

static int vcpu_host_fd(struct uapi_file *file)
{
	struct uapi_vcpu *vcpu = file->object;

	return vcpu->host_fd;
}

const struct uapi_file_ops uapi_vcpu_ops = {
	.ioctl = vcpu_ioctl,
	.release = vcpu_release,
	.host_fd = vcpu_host_fd,
	.bound_to_process = true,
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A VM: life, settings, and what goes to the host as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "files.h"
#include "irqchip/table.h"
#include "irqchip/x86/pit.h"
#include "core/clock.h"
#include "core/internal.h"
#include "loop.h"
#include "vm.h"

#define PAGE_SIZE 4096u
#define MEMORY_FLAGS (KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY)
/* An io_uring task work of the caller's can interrupt KVM_CREATE_VM. */
#define CREATE_TRIES 16

/* ---- Life ---- */

static int host_create_vm(struct uapi_system *system, unsigned long type)
{
	int fd = -EINTR;

	/* Without a host a VM is what Linux's type 0 is. */
	if (system->host_fd < 0)
		return type ? -EINVAL : -1;
	for (int i = 0; i < CREATE_TRIES && fd == -EINTR; i++)
		fd = uapi_host_ioctl(system->host_fd, KVM_CREATE_VM, type);
	return fd < 0 ? fd : uapi_hide_fd(fd);
}

static void vm_free(struct uapi_vm *vm)
{
	if (vm->virq)
		uapi_stats_vm_end(vm);
	uapi_ioeventfd_free_all(vm);
	if (vm->pit)
		pit_destroy(vm->pit);
	if (vm->virq) {
		virq_vm_close(vm->virq);
		uapi_loop_put();
	}
	/* After the APICs' timers, which read the vCPUs' TSCs. */
	for (unsigned int i = 0; i < UAPI_MAX_VCPUS; i++)
		uapi_vcpu_free(vm->vcpus[i]);
	if (vm->host_fd >= 0)
		uapi_raw_close(vm->host_fd);
	uapi_system_put(vm->system);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

void uapi_vm_get(struct uapi_vm *vm)
{
	atomic_fetch_add(&vm->refs, 1);
}

void uapi_vm_put(struct uapi_vm *vm)
{
	if (atomic_fetch_sub(&vm->refs, 1) == 1)
		vm_free(vm);
}

static int vm_create_virq(struct uapi_vm *vm)
{
	struct virq_loop *loop;
	struct virq_vm_config config = {.loops = &loop, .nr_loops = 1};
	int ret = uapi_loop_get(&loop);

	if (ret)
		return ret;
	ret = virq_vm_create(&config, &vm->virq);
	if (ret)
		uapi_loop_put();
	else
		uapi_stats_vm_begin(vm);
	return ret;
}

int uapi_vm_create(struct uapi_system *system, unsigned long type)
{
	int host_fd = host_create_vm(system, type);
	struct uapi_vm *vm;
	int ret;

	if (host_fd < -1)
		return host_fd;
	vm = calloc(1, sizeof(*vm));
	if (!vm) {
		if (host_fd >= 0)
			uapi_raw_close(host_fd);
		return -ENOMEM;
	}
	atomic_fetch_add(&system->refs, 1);
	vm->system = system;
	vm->host_fd = host_fd;
	atomic_init(&vm->clock_offset, -now_ns());
	atomic_init(&vm->refs, 1);
	pthread_mutex_init(&vm->lock, NULL);
	ret = vm_create_virq(vm);
	if (!ret)
		ret = uapi_file_open(&uapi_vm_ops, UAPI_NAME_PREFIX "vm", vm,
				     0);
	if (ret < 0)
		uapi_vm_put(vm);
	return ret;
}

/* The VM's last descriptor: its irqfds go, whoever still holds a vCPU. */
static void vm_release(struct uapi_file *file)
{
	struct uapi_vm *vm = file->object;

	irqfd_shutdown_all(vm->virq);
	uapi_vm_put(vm);
}

struct virq_vm *virq_uapi_vm(int fd)
{
	struct uapi_file *file = uapi_file_get(fd);
	struct virq_vm *virq = NULL;

	if (!file)
		return NULL;
	if (file->ops == &uapi_vm_ops)
		virq = ((struct uapi_vm *)file->object)->virq;
	uapi_file_put(file);
	return virq;
}

/* ---- KVM_ENABLE_CAP ---- */

static int enable_max_vcpu_id(struct uapi_vm *vm, uint64_t max)
{
	int ret = 0;

	if (!max || max > UAPI_MAX_VCPU_IDS)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (vm->max_vcpu_id == max)
		ret = 0;
	else if (vm->max_vcpu_id || vm->nr_vcpus)
		ret = -EINVAL;
	else
		vm->max_vcpu_id = (uint32_t)max;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static int enable_cap(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_enable_cap cap;
	int ret = user_copy_in(&cap, arg, sizeof(cap));

	if (ret)
		return ret;
	if (cap.flags)
		return -EINVAL;
	switch (cap.cap) {
	case KVM_CAP_SPLIT_IRQCHIP:
		return uapi_vm_enable_split(vm, cap.args[0]);
	case KVM_CAP_X2APIC_API:
		return uapi_vm_enable_x2apic_api(vm, cap.args[0]);
	case KVM_CAP_MAX_VCPU_ID: return enable_max_vcpu_id(vm, cap.args[0]);
	default: break;
	}
	/* What CHECK_EXTENSION denies cannot be had. */
	if (vm->host_fd < 0 || !uapi_check_extension(vm->system, vm, cap.cap))
		return -EINVAL;
	if (cap.cap == KVM_CAP_X86_USER_SPACE_MSR)
		return uapi_vm_set_msr_exits(vm, &cap);
	return uapi_host_ioctl(vm->host_fd, KVM_ENABLE_CAP, (uintptr_t)&cap);
}

/* ---- vCPUs ---- */

static int create_vcpu(struct uapi_vm *vm, unsigned long id)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	if (id >= UAPI_MAX_VCPU_IDS ||
	    (vm->max_vcpu_id && id >= vm->max_vcpu_id))
		ret = -EINVAL;
	else
		ret = uapi_vcpu_create(vm, id);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

static int set_boot_cpu_id(struct uapi_vm *vm, unsigned long id)
{
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	if (vm->nr_vcpus)
		ret = -EBUSY;
	else if (id >= UAPI_MAX_VCPU_IDS)
		ret = -EINVAL;
	else if (vm->host_fd >= 0)
		ret = uapi_host_ioctl(vm->host_fd, KVM_SET_BOOT_CPU_ID, id);
	if (!ret)
		vm->boot_cpu_id = (uint32_t)id;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

/* ---- Without a host: what a VMM sets before it runs a guest ---- */

static int check_memory_region(uintptr_t arg)
{
	struct kvm_userspace_memory_region region;
	int ret = user_copy_in(&region, arg, sizeof(region));

	if (ret)
		return ret;
	if (region.flags & ~MEMORY_FLAGS || region.memory_size % PAGE_SIZE ||
	    region.guest_phys_addr % PAGE_SIZE ||
	    region.userspace_addr % PAGE_SIZE ||
	    (region.slot & 0xffff) >= UAPI_MAX_MEMORY_SLOTS ||
	    region.guest_phys_addr + region.memory_size <
		    region.guest_phys_addr)
		return -EINVAL;
	return 0;
}

static int set_identity_map(struct uapi_vm *vm, uintptr_t arg)
{
	uint64_t addr;
	int ret;

	pthread_mutex_lock(&vm->lock);
	ret = user_copy_in(&addr, arg, sizeof(addr));
	if (!ret && vm->nr_vcpus)
		ret = -EINVAL;
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

/* Nanoseconds since the VM was made, moved by what the client sets. */
static int get_clock(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_clock_data data = {
		.clock = now_ns() + atomic_load(&vm->clock_offset),
	};

	return user_copy_out(arg, &data, sizeof(data));
}

static int set_clock(struct uapi_vm *vm, uintptr_t arg)
{
	struct kvm_clock_data data;
	int ret = user_copy_in(&data, arg, sizeof(data));

	if (ret)
		return ret;
	/* Of the flags a client may give one: @realtime counts. */
	if (data.flags & ~(uint32_t)KVM_CLOCK_REALTIME)
		return -EINVAL;
	atomic_store(&vm->clock_offset, data.clock - now_ns());
	return 0;
}

static int vm_ioctl_no_host(struct uapi_vm *vm, unsigned int request,
			    uintptr_t arg)
{
	switch (request) {
	case KVM_SET_USER_MEMORY_REGION: return check_memory_region(arg);
	case KVM_SET_TSS_ADDR:
		return arg > UINT32_MAX - 3 * PAGE_SIZE ? -EINVAL : 0;
	case KVM_SET_IDENTITY_MAP_ADDR: return set_identity_map(vm, arg);
	case KVM_GET_CLOCK: return get_clock(vm, arg);
	case KVM_SET_CLOCK: return set_clock(vm, arg);
	default: return -ENOTTY;
	}
}

/* ---- Requests ---- */

static int vm_ioctl(struct uapi_file *file, unsigned int request, uintptr_t arg)
{
	struct uapi_vm *vm = file->object;
	int ret;

	switch (request) {
	case KVM_CREATE_VCPU: return create_vcpu(vm, arg);
	case KVM_ENABLE_CAP: return enable_cap(vm, arg);
	case KVM_CHECK_EXTENSION:
		return uapi_check_extension(vm->system, vm, arg);
	case KVM_SET_BOOT_CPU_ID: return set_boot_cpu_id(vm, arg);
	case KVM_IOEVENTFD: return uapi_vm_ioeventfd(vm, arg);
	case KVM_CREATE_DEVICE: return uapi_vm_create_device(vm, arg);
	case KVM_X86_SET_MSR_FILTER:
		if (vm->host_fd >= 0)
			return uapi_vm_set_msr_filter(vm, arg);
		break;
	}
	ret = uapi_vm_irq_ioctl(vm, request, arg);
	if (ret != -ENOTTY)
		return ret;
	if (vm->host_fd < 0)
		return vm_ioctl_no_host(vm, request, arg);
	return uapi_host_ioctl(vm->host_fd, request, arg);
}

const struct uapi_file_ops uapi_vm_ops = {
	.ioctl = vm_ioctl,
	.release = vm_release,
	.bound_to_process = true,
};

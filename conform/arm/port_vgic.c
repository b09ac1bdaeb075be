// SPDX-License-Identifier: BSD-3-Clause
/*
 * The port "vgic": the library's.  The thread that calls is the vCPUs' and
 * drives the loop.  What the guest does goes to the registers directly.
 */
#include "port_vgic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <virq/device.h>
#include <virq/vgic.h>

#define MAX_DEVICES 16
/* A loop that never comes to rest is an error of its own. */
#define MAX_DISPATCHES 1000

struct arm_vgic_vm {
	struct virq_loop *loop;
	struct virq_vm *vm;
	uint8_t *memory;
	int nr_devices;
	struct virq_device *device[MAX_DEVICES];
};

static struct arm_vgic_vm *to_vgic_vm(struct arm_vm *vm)
{
	return (struct arm_vgic_vm *)vm;
}

static const char *unusable(void)
{
	return NULL;
}

static void *memory(struct arm_vm *opaque, uint64_t gpa, size_t size)
{
	if (gpa < ARM_RAM_GPA || size > ARM_RAM_SIZE ||
	    gpa - ARM_RAM_GPA > ARM_RAM_SIZE - size)
		return NULL;
	return to_vgic_vm(opaque)->memory + (gpa - ARM_RAM_GPA);
}

static int read_memory(void *opaque, uint64_t gpa, void *data, size_t len)
{
	const void *at = memory(opaque, gpa, len);

	if (!at)
		return -EFAULT;
	memcpy(data, at, len);
	return 0;
}

static int write_memory(void *opaque, uint64_t gpa, const void *data,
			size_t len)
{
	void *at = memory(opaque, gpa, len);

	if (!at)
		return -EFAULT;
	memcpy(at, data, len);
	return 0;
}

static void vm_destroy(struct arm_vm *opaque)
{
	struct arm_vgic_vm *vm = to_vgic_vm(opaque);

	if (vm->vm)
		virq_vm_close(vm->vm);
	if (vm->loop)
		virq_loop_destroy(vm->loop);
	if (vm->memory)
		munmap(vm->memory, ARM_RAM_SIZE);
	free(vm);
}

static int vm_create(struct arm_vm **out)
{
	/* One eventfd after the other: the cheaper back end to set up. */
	static const struct virq_loop_config loop_config = {
		.backend = VIRQ_LOOP_EPOLL,
	};
	struct arm_vgic_vm *vm = calloc(1, sizeof(*vm));
	struct virq_vm_config vm_config = {.nr_loops = 1};
	struct virq_vgic_config config = {
		.read_memory = read_memory,
		.write_memory = write_memory,
		.opaque = vm,
	};
	void *ram;
	int rc;

	if (!vm)
		return -ENOMEM;
	ram = mmap(NULL, ARM_RAM_SIZE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rc = ram == MAP_FAILED ? -errno : 0;
	if (!rc)
		vm->memory = ram;
	if (!rc)
		rc = virq_loop_create(&loop_config, &vm->loop);
	vm_config.loops = &vm->loop;
	if (!rc)
		rc = virq_vm_create(&vm_config, &vm->vm);
	if (!rc)
		rc = virq_vm_create_irqchip(vm->vm, virq_irqchip_find("vgic"),
					    &config);
	if (rc) {
		vm_destroy((struct arm_vm *)vm);
		return rc;
	}
	*out = (struct arm_vm *)vm;
	return 0;
}

static int vcpu_create(struct arm_vm *vm, uint32_t id)
{
	struct virq_vcpu *vcpu;

	return virq_vcpu_create(to_vgic_vm(vm)->vm, id, NULL, NULL, &vcpu);
}

struct virq_vcpu *arm_vgic_vcpu(struct arm_vm *vm, uint32_t id)
{
	return virq_vm_vcpu(to_vgic_vm(vm)->vm, id);
}

static int device_create(struct arm_vm *opaque, uint32_t type, uint32_t flags)
{
	struct arm_vgic_vm *vm = to_vgic_vm(opaque);
	int rc;

	if (vm->nr_devices == MAX_DEVICES)
		return -E2BIG;
	rc = virq_device_create(vm->vm, type, flags,
				&vm->device[vm->nr_devices]);
	if (rc || flags & KVM_CREATE_DEVICE_TEST)
		return rc;
	return vm->nr_devices++;
}

static struct virq_device *device_of(struct arm_vm *opaque, int device)
{
	struct arm_vgic_vm *vm = to_vgic_vm(opaque);

	return device >= 0 && device < vm->nr_devices ? vm->device[device]
						      : NULL;
}

static int set_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	struct virq_device *of = device_of(vm, device);

	return of ? virq_device_set_attr(of, attr) : -EBADF;
}

static int get_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	struct virq_device *of = device_of(vm, device);

	return of ? virq_device_get_attr(of, attr) : -EBADF;
}

static int has_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	struct virq_device *of = device_of(vm, device);

	return of ? virq_device_has_attr(of, attr) : -EBADF;
}

static int irqfd(struct arm_vm *vm, const struct kvm_irqfd *args)
{
	int rc = virq_vm_irqfd(to_vgic_vm(vm)->vm, args);

	/* What has been assigned is watched from the first dispatch on. */
	if (!rc)
		virq_loop_dispatch(to_vgic_vm(vm)->loop);
	return rc;
}

static int irq_line(struct arm_vm *vm, const struct kvm_irq_level *level)
{
	return virq_vm_irq_line(to_vgic_vm(vm)->vm, level, NULL);
}

static int set_gsi_routing(struct arm_vm *vm,
			   const struct kvm_irq_routing *routing)
{
	return virq_vm_set_gsi_routing(to_vgic_vm(vm)->vm, routing);
}

static int signal_msi(struct arm_vm *vm, const struct kvm_msi *msi)
{
	return virq_vm_signal_msi(to_vgic_vm(vm)->vm, msi);
}

static int settle(struct arm_vm *vm)
{
	int rc = 1;

	for (int i = 0; i < MAX_DISPATCHES && rc > 0; i++)
		rc = virq_loop_dispatch(to_vgic_vm(vm)->loop);
	return rc > 0 ? -ELOOP : rc;
}

static int make_access(struct virq_vcpu *vcpu, struct arm_access *made)
{
	struct virq_access access = {
		.addr = made->addr,
		.len = made->len,
		.write = made->write,
		.data = made->write ? made->data : 0,
	};
	int rc;

	/* What the guest's instruction carries. */
	if (made->len < 8)
		access.data &= (UINT64_C(1) << (8 * made->len)) - 1;
	if (made->sysreg)
		rc = virq_vcpu_msr(vcpu, &access);
	else
		rc = virq_vcpu_mmio(vcpu, &access);
	if (!made->write)
		made->data = access.data;
	if (!made->write && made->len < 8)
		made->data &= (UINT64_C(1) << (8 * made->len)) - 1;
	/* A system register that nothing has is an undefined instruction. */
	if (rc == -EPERM || (rc == -ENODEV && made->sysreg))
		return -EFAULT;
	return rc;
}

static int guest(struct arm_vm *vm, uint32_t id, struct arm_access *access,
		 size_t nr)
{
	struct virq_vcpu *vcpu = arm_vgic_vcpu(vm, id);
	int rc = vcpu ? virq_vgic_map(to_vgic_vm(vm)->vm) : -EINVAL;

	for (size_t i = 0; i < nr && !rc; i++)
		rc = make_access(vcpu, &access[i]);
	return rc;
}

const struct arm_port arm_port_vgic = {
	.name = "vgic",
	.unusable = unusable,
	.vm_create = vm_create,
	.vm_destroy = vm_destroy,
	.vcpu_create = vcpu_create,
	.device_create = device_create,
	.set_attr = set_attr,
	.get_attr = get_attr,
	.has_attr = has_attr,
	.irqfd = irqfd,
	.irq_line = irq_line,
	.set_gsi_routing = set_gsi_routing,
	.signal_msi = signal_msi,
	.settle = settle,
	.guest = guest,
	.memory = memory,
};

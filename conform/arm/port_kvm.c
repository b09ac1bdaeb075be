// SPDX-License-Identifier: BSD-3-Clause
/* The port "kvm": this kernel's vGIC.  See port_kvm.h. */
#include "port_kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static struct arm_kvm_vm *to_kvm(struct arm_vm *vm)
{
	return (struct arm_kvm_vm *)vm;
}

static int call(int fd, unsigned long request, const void *arg)
{
	int rc = ioctl(fd, request, arg);

	return rc < 0 ? -errno : rc;
}

static const char *unusable(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (kvm < 0)
		return "there is no /dev/kvm that can be opened";
	close(kvm);
	return NULL;
}

static int add_memory(struct arm_kvm_vm *vm)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = ARM_RAM_GPA,
		.memory_size = ARM_RAM_SIZE,
	};
	void *memory = mmap(NULL, ARM_RAM_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	vm->memory = memory;
	region.userspace_addr = (uintptr_t)memory;
	arm_kvm_guest_load(vm);
	return call(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
}

static void vm_destroy(struct arm_vm *opaque)
{
	struct arm_kvm_vm *vm = to_kvm(opaque);

	for (unsigned int i = 0; i < vm->nr_devices; i++)
		close(vm->device[i]);
	for (unsigned int i = 0; i < vm->nr_vcpus; i++) {
		munmap(vm->vcpu[i].run, vm->run_size);
		close(vm->vcpu[i].fd);
	}
	if (vm->fd >= 0)
		close(vm->fd);
	if (vm->memory)
		munmap(vm->memory, ARM_RAM_SIZE);
	close(vm->kvm);
	free(vm);
}

static int vm_create(struct arm_vm **out)
{
	struct arm_kvm_vm *vm = calloc(1, sizeof(*vm));
	int rc;

	if (!vm)
		return -ENOMEM;
	vm->fd = -1;
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0) {
		rc = -errno;
		free(vm);
		return rc;
	}
	rc = call(vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	if (rc < 0)
		goto out_destroy;
	vm->run_size = (size_t)rc;
	vm->fd = rc = call(vm->kvm, KVM_CREATE_VM, NULL);
	if (rc < 0)
		goto out_destroy;
	rc = add_memory(vm);
	if (rc)
		goto out_destroy;
	*out = (struct arm_vm *)vm;
	return 0;

out_destroy:
	vm_destroy((struct arm_vm *)vm);
	return rc;
}

struct arm_kvm_vcpu *arm_kvm_vcpu(struct arm_kvm_vm *vm, uint32_t id)
{
	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpu[i].id == id)
			return &vm->vcpu[i];
	return NULL;
}

static int vcpu_create(struct arm_vm *opaque, uint32_t id)
{
	struct arm_kvm_vm *vm = to_kvm(opaque);
	struct arm_kvm_vcpu *vcpu = &vm->vcpu[vm->nr_vcpus];
	struct kvm_vcpu_init init;
	int rc;

	if (vm->nr_vcpus == ARM_KVM_MAX_VCPUS)
		return -E2BIG;
	/* The number is the argument. */
	rc = ioctl(vm->fd, KVM_CREATE_VCPU, id);
	if (rc < 0)
		return -errno;
	*vcpu = (struct arm_kvm_vcpu){.id = id, .fd = rc};
	vcpu->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 vcpu->fd, 0);
	if (vcpu->run == MAP_FAILED) {
		rc = -errno;
		close(vcpu->fd);
		return rc;
	}
	vm->nr_vcpus++;
	rc = call(vm->fd, KVM_ARM_PREFERRED_TARGET, &init);
	if (!rc)
		rc = call(vcpu->fd, KVM_ARM_VCPU_INIT, &init);
	return rc;
}

static int device_create(struct arm_vm *opaque, uint32_t type, uint32_t flags)
{
	struct arm_kvm_vm *vm = to_kvm(opaque);
	struct kvm_create_device device = {.type = type, .flags = flags};
	int rc;

	if (vm->nr_devices == ARM_KVM_MAX_DEVICES)
		return -E2BIG;
	rc = call(vm->fd, KVM_CREATE_DEVICE, &device);
	if (rc || flags & KVM_CREATE_DEVICE_TEST)
		return rc;
	vm->device[vm->nr_devices++] = (int)device.fd;
	return (int)device.fd;
}

static int set_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	(void)vm;
	return call(device, KVM_SET_DEVICE_ATTR, attr);
}

static int get_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	(void)vm;
	return call(device, KVM_GET_DEVICE_ATTR, attr);
}

static int has_attr(struct arm_vm *vm, int device,
		    const struct kvm_device_attr *attr)
{
	(void)vm;
	return call(device, KVM_HAS_DEVICE_ATTR, attr);
}

static int irqfd(struct arm_vm *vm, const struct kvm_irqfd *args)
{
	return call(to_kvm(vm)->fd, KVM_IRQFD, args);
}

static int irq_line(struct arm_vm *vm, const struct kvm_irq_level *level)
{
	return call(to_kvm(vm)->fd, KVM_IRQ_LINE, level);
}

static int set_gsi_routing(struct arm_vm *vm,
			   const struct kvm_irq_routing *routing)
{
	return call(to_kvm(vm)->fd, KVM_SET_GSI_ROUTING, routing);
}

static int signal_msi(struct arm_vm *vm, const struct kvm_msi *msi)
{
	return call(to_kvm(vm)->fd, KVM_SIGNAL_MSI, msi);
}

/*
 * An SPI arrives in the write to its eventfd, and so does an LPI that the
 * kernel's translation cache knows.  Others come by the kernel's work queue,
 * of which nothing tells: whoever cares looks again.
 */
static int settle(struct arm_vm *vm)
{
	(void)vm;
	return 0;
}

static void *memory(struct arm_vm *opaque, uint64_t gpa, size_t size)
{
	if (gpa < ARM_RAM_GPA || size > ARM_RAM_SIZE ||
	    gpa - ARM_RAM_GPA > ARM_RAM_SIZE - size)
		return NULL;
	return to_kvm(opaque)->memory + (gpa - ARM_RAM_GPA);
}

const struct arm_port arm_port_kvm = {
	.name = "kvm",
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
	.guest = arm_kvm_guest,
	.memory = memory,
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * An irqfd that comes before its controller is initialised is -EAGAIN: without
 * a controller, and while it is only made; whoever's the GIC is.
 */
#include "harness.h"
#include "vmm_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <virq/virq.h>

struct early {
	struct virq_loop *loop;
	struct virq_vm *vm;
	int kvm_fd, vm_fd; /* -1: the GIC is ours */
	int device_fd;
	struct virq_device *device;
	int irq_fd;
};

static int assign(struct early *early)
{
	const struct kvm_irqfd args = {.fd = (uint32_t)early->irq_fd, .gsi = 3};

	return virq_vm_irqfd(early->vm, &args);
}

static int open_vm(struct early *early, bool kernel)
{
	struct virq_kvm_config kvm = {.vm_fd = -1};
	struct virq_vm_config config = {.nr_loops = 1};
	int ret;

	if (kernel) {
		early->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
		early->vm_fd = kvm_vm_open(early->kvm_fd);
		if (early->vm_fd < 0)
			return early->vm_fd;
		kvm.vm_fd = early->vm_fd;
	}
	ret = virq_loop_create(NULL, &early->loop);
	if (ret)
		return ret;
	config.loops = &early->loop;
	ret = virq_vm_create(&config, &early->vm);
	if (ret)
		return ret;
	return virq_vm_create_irqchip(
		early->vm, virq_irqchip_find(kernel ? "kvm" : "vgic"),
		kernel ? &kvm : NULL);
}

static int make_controller(struct early *early, uint32_t type)
{
	struct kvm_create_device args = {.type = type};

	if (early->vm_fd < 0)
		return virq_device_create(early->vm, type, 0, &early->device);
	if (ioctl(early->vm_fd, KVM_CREATE_DEVICE, &args))
		return -errno;
	early->device_fd = (int)args.fd;
	return 0;
}

static int init_controller(struct early *early)
{
	const struct kvm_device_attr init = {
		.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
		.attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
	};

	if (early->device)
		return virq_device_set_attr(early->device, &init);
	return ioctl(early->device_fd, KVM_SET_DEVICE_ATTR, &init) ? -errno : 0;
}

static void close_vm(struct early *early)
{
	if (early->vm)
		virq_vm_close(early->vm);
	if (early->loop)
		virq_loop_destroy(early->loop);
	if (early->device_fd >= 0)
		close(early->device_fd);
	if (early->vm_fd >= 0)
		close(early->vm_fd);
	if (early->kvm_fd >= 0)
		close(early->kvm_fd);
	if (early->irq_fd >= 0)
		close(early->irq_fd);
}

void check_early(const char *name, bool kernel, unsigned int gic)
{
	struct early early = {
		.kvm_fd = -1,
		.vm_fd = -1,
		.device_fd = -1,
		.irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	uint32_t type =
		gic == 2 ? KVM_DEV_TYPE_ARM_VGIC_V2 : KVM_DEV_TYPE_ARM_VGIC_V3;
	int none = 0, made = 0, ready = -1;
	char why[128];
	int ret = open_vm(&early, kernel);

	if (!ret) {
		none = assign(&early);
		ret = make_controller(&early, type);
	}
	if (!ret) {
		made = assign(&early);
		ret = init_controller(&early);
	}
	if (!ret)
		ready = assign(&early);
	close_vm(&early);
	snprintf(why, sizeof(why),
		 "%d; without a controller %d, made %d, initialised %d", ret,
		 none, made, ready);
	report(!ret && none == -EAGAIN && made == -EAGAIN && !ready, name, why);
}

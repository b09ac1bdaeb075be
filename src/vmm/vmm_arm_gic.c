// SPDX-License-Identifier: BSD-3-Clause
/*
 * The GIC of an Arm machine.  The library's controller and KVM's are made, set
 * up and read by the same attributes; only the call differs.
 */
#include "vmm_arm.h"
#include "vmm_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GICD_ISPENDR 0x200

static int create(struct vmm *vmm, int vm_fd, uint32_t type,
		  struct vmm_arm_device *device)
{
	struct kvm_create_device args = {.type = type};

	if (vm_fd < 0)
		return virq_device_create(vmm->vm, type, 0, &device->virq);
	if (ioctl(vm_fd, KVM_CREATE_DEVICE, &args))
		return -errno;
	device->fd = (int)args.fd;
	return 0;
}

static int access_attr(const struct vmm_arm_device *device, bool set,
		       uint32_t group, uint64_t attr, void *value)
{
	const struct kvm_device_attr args = {
		.group = group,
		.attr = attr,
		.addr = (uint64_t)(uintptr_t)value,
	};

	if (device->virq)
		return set ? virq_device_set_attr(device->virq, &args)
			   : virq_device_get_attr(device->virq, &args);
	if (ioctl(device->fd, set ? KVM_SET_DEVICE_ATTR : KVM_GET_DEVICE_ATTR,
		  &args))
		return -errno;
	return 0;
}

static int set_address(const struct vmm_arm_device *device, uint64_t type,
		       uint64_t address)
{
	return access_attr(device, true, KVM_DEV_ARM_VGIC_GRP_ADDR, type,
			   &address);
}

static int init(const struct vmm_arm_device *device)
{
	return access_attr(device, true, KVM_DEV_ARM_VGIC_GRP_CTRL,
			   KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
}

static int set_nr_irqs(const struct vmm_arm_device *device)
{
	uint32_t nr = VMM_ARM_NR_IRQS;

	return access_attr(device, true, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &nr);
}

static int setup_v2(struct vmm *vmm, int vm_fd)
{
	struct vmm_arm_device *gic = &vmm_arm_board(vmm)->controller;
	int ret = create(vmm, vm_fd, KVM_DEV_TYPE_ARM_VGIC_V2, gic);

	if (!ret)
		ret = set_nr_irqs(gic);
	if (!ret)
		ret = set_address(gic, KVM_VGIC_V2_ADDR_TYPE_DIST,
				  ARM_GICD_GPA);
	if (!ret)
		ret = set_address(gic, KVM_VGIC_V2_ADDR_TYPE_CPU, ARM_GICC_GPA);
	return ret ? ret : init(gic);
}

/* The ITS before the controller is initialised, which looks for one then. */
static int setup_v3(struct vmm *vmm, int vm_fd)
{
	struct vmm_arm_device *gic = &vmm_arm_board(vmm)->controller;
	struct vmm_arm_device *its = &vmm_arm_board(vmm)->its;
	int ret = create(vmm, vm_fd, KVM_DEV_TYPE_ARM_VGIC_V3, gic);

	if (!ret)
		ret = create(vmm, vm_fd, KVM_DEV_TYPE_ARM_VGIC_ITS, its);
	if (!ret)
		ret = set_nr_irqs(gic);
	if (!ret)
		ret = set_address(gic, KVM_VGIC_V3_ADDR_TYPE_DIST,
				  ARM_GICD_GPA);
	if (!ret)
		ret = set_address(gic, KVM_VGIC_V3_ADDR_TYPE_REDIST,
				  ARM_GICR_GPA);
	if (!ret)
		ret = set_address(its, KVM_VGIC_ITS_ADDR_TYPE, ARM_ITS_GPA);
	if (!ret)
		ret = init(gic);
	return ret ? ret : init(its);
}

int vmm_arm_gic_setup(struct vmm *vmm, int vm_fd)
{
	unsigned int gic = vmm_arm_board(vmm)->gic;
	int ret = gic == 2 ? setup_v2(vmm, vm_fd) : setup_v3(vmm, vm_fd);

	/* KVM does this by itself when the first vCPU runs. */
	if (!ret && vm_fd < 0)
		ret = virq_vgic_map(vmm->vm);
	if (ret)
		return vmm_fail(vmm, ret, "GICv%u: %s", gic, strerror(-ret));
	return 0;
}

void vmm_arm_gic_cleanup(struct vmm_arm_board *board)
{
	if (board->its.fd >= 0)
		close(board->its.fd);
	if (board->controller.fd >= 0)
		close(board->controller.fd);
}

int vmm_arm_gic_lines(struct vmm *vmm, uint32_t intid, uint32_t *lines)
{
	const struct vmm_arm_board *board = vmm_arm_board(vmm);

	/* GICv2 has no LEVEL_INFO; its pending bits have the lines in them. */
	if (board->gic == 2)
		return access_attr(&board->controller, false,
				   KVM_DEV_ARM_VGIC_GRP_DIST_REGS,
				   GICD_ISPENDR + intid / 32 * 4, lines);
	return access_attr(
		&board->controller, false, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO,
		VGIC_LEVEL_INFO_LINE_LEVEL
				<< KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT |
			intid,
		lines);
}

/* KVM says it of a VM, which is made for that and goes again. */
bool vmm_kvm_has_gic(unsigned int gic, const char **why)
{
	struct kvm_create_device test = {
		.type = gic == 2 ? KVM_DEV_TYPE_ARM_VGIC_V2
				 : KVM_DEV_TYPE_ARM_VGIC_V3,
		.flags = KVM_CREATE_DEVICE_TEST,
	};
	const char *reason = "this KVM does not offer it";
	int kvm_fd, vm_fd;
	bool has;

	if (why)
		*why = reason;
	if (!vmm_kvm_usable(why))
		return false;
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	vm_fd = kvm_fd < 0 ? -errno : kvm_vm_open(kvm_fd);
	if (vm_fd < 0)
		reason = "KVM makes no VM";
	has = vm_fd >= 0 && !ioctl(vm_fd, KVM_CREATE_DEVICE, &test);
	if (vm_fd >= 0)
		close(vm_fd);
	if (kvm_fd >= 0)
		close(kvm_fd);
	if (why)
		*why = has ? NULL : reason;
	return has;
}

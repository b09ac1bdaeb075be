// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_CREATE_DEVICE, with the device that x86 has: KVM-VFIO
 * (Documentation/virt/kvm/devices/vfio.rst).
 */
#include "cases.h"
#include "fds.h"
#include "process.h"
#include <errno.h>

static int create(struct conform *c, int vm, uint32_t type, uint32_t flags,
		  int *fd)
{
	struct kvm_create_device args = {
		.type = type,
		.fd = 0x55555555,
		.flags = flags,
	};
	int ret = port_ioctl(c, vm, KVM_CREATE_DEVICE, &args);

	*fd = (int)args.fd;
	return ret;
}

/* A kernel may be built without the device. */
static int device_new(struct conform *c, int vm)
{
	int fd, ret = create(c, vm, KVM_DEV_TYPE_VFIO, 0, &fd);

	if (ret == -ENODEV)
		conform_skip(c, "no KVM-VFIO device here");
	CHECK_RET(c, ret, 0);
	return fd_keep(c, fd);
}

static void unknown_types(struct conform *c)
{
	static const uint32_t types[] = {0, 200, ~0u};
	int vm = vm_new(c, VM_FULL), fd;

	for (unsigned int i = 0; i < 3; i++) {
		CHECK_RET(c, create(c, vm, types[i], 0, &fd), -ENODEV);
		CHECK_EQ(c, fd, 0x55555555);
		CHECK_RET(c,
			  create(c, vm, types[i], KVM_CREATE_DEVICE_TEST, &fd),
			  -ENODEV);
	}
}

static void arm_types(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), fd;

	CHECK_RET(c, create(c, vm, KVM_DEV_TYPE_ARM_VGIC_V2, 0, &fd), -ENODEV);
	CHECK_RET(c, create(c, vm, KVM_DEV_TYPE_ARM_VGIC_V3, 0, &fd), -ENODEV);
	CHECK_RET(c, create(c, vm, KVM_DEV_TYPE_ARM_VGIC_ITS, 0, &fd), -ENODEV);
}

static void test_flag(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), fd;

	fd_close(c, device_new(c, vm_new(c, VM_FULL)));
	CHECK_RET(c,
		  create(c, vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST, &fd),
		  0);
	CHECK_EQ(c, fd, 0x55555555);
	/* Nothing was made: the first real one is not the second. */
	device_new(c, vm);
	CHECK_RET(c,
		  create(c, vm, KVM_DEV_TYPE_VFIO, KVM_CREATE_DEVICE_TEST, &fd),
		  0);
}

static void second(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), fd;

	device_new(c, vm);
	CHECK_RET(c, create(c, vm, KVM_DEV_TYPE_VFIO, 0, &fd), -EBUSY);
	device_new(c, vm_new(c, VM_FULL));
}

static void no_irqchip(struct conform *c)
{
	device_new(c, vm_new(c, VM_BARE));
}

enum attr_op {
	ATTR_SET,
	ATTR_GET,
	ATTR_HAS,
};

struct attr_row {
	enum attr_op op;
	uint32_t group;
	uint64_t attr;
	bool bad_pointer;
	enum fd_kind fd; /* what addr leads to */
	int want;
};

static void run_attr(struct conform *c)
{
	static const unsigned long requests[] = {
		[ATTR_SET] = KVM_SET_DEVICE_ATTR,
		[ATTR_GET] = KVM_GET_DEVICE_ATTR,
		[ATTR_HAS] = KVM_HAS_DEVICE_ATTR,
	};
	const struct attr_row *row = c->test->row;
	int device = device_new(c, vm_new(c, VM_FULL));
	int32_t fd = fd_new(c, row->fd, -1);
	struct kvm_device_attr attr = {
		.group = row->group,
		.attr = row->attr,
		.addr = row->bad_pointer ? 1 : (uintptr_t)&fd,
	};

	CHECK_RET(c, port_ioctl(c, device, requests[row->op], &attr),
		  row->want);
}

static void unknown_request(struct conform *c)
{
	int device = device_new(c, vm_new(c, VM_FULL));

	CHECK_RET(c, port_ioctl_value(c, device, _IO(KVMIO, 0xff), 0), -ENOTTY);
	CHECK_RET(c, port_ioctl_value(c, device, KVM_IRQFD, 0), -ENOTTY);
	CHECK_RET(c, port_ioctl_value(c, device, KVM_SET_DEVICE_ATTR, 0),
		  -EFAULT);
}

static int child_attr(struct conform *c, void *arg)
{
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_ADD};

	return child_answer(
		port_ioctl(c, *(int *)arg, KVM_HAS_DEVICE_ATTR, &attr));
}

static void in_child(struct conform *c)
{
	int device = device_new(c, vm_new(c, VM_FULL));

	CHECK_EQ(c, child_run(c, child_attr, &device), EIO);
}

static void outlives_vm(struct conform *c)
{
	struct kvm_device_attr attr = {.group = KVM_DEV_VFIO_GROUP,
				       .attr = KVM_DEV_VFIO_GROUP_ADD};
	int vm = vm_new(c, VM_FULL);
	int device = device_new(c, vm);

	fd_close(c, vm);
	CHECK_RET(c, port_ioctl(c, device, KVM_HAS_DEVICE_ATTR, &attr), 0);
}

#define ATTR(name_, rule_, ...)                                                \
	{                                                                      \
		.name = "device/" name_, .rule = rule_, .run = run_attr,       \
		.row = &(const struct attr_row){__VA_ARGS__},                  \
	}
#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "device/" name_, .rule = rule_, .run = run_            \
	}

#define GROUP KVM_DEV_VFIO_GROUP
#define ADD KVM_DEV_VFIO_GROUP_ADD
#define DEL KVM_DEV_VFIO_GROUP_DEL

static const struct conform_case cases[] = {
	CASE("unknown-type", unknown_types,
	     "KVM_CREATE_DEVICE of an unknown type is ENODEV"),
	CASE("type-of-arm", arm_types,
	     "KVM_CREATE_DEVICE of another architecture's type is ENODEV"),
	CASE("test-flag", test_flag,
	     "KVM_CREATE_DEVICE_TEST of a known type is 0 and makes nothing"),
	CASE("one-a-vm", second, "a VM's second KVM-VFIO device is EBUSY"),
	CASE("no-irqchip", no_irqchip, "KVM-VFIO needs no irqchip"),
	ATTR("has-add", "KVM_HAS_DEVICE_ATTR of a known attribute is 0",
	     ATTR_HAS, GROUP, ADD, true),
	ATTR("has-del", "KVM_HAS_DEVICE_ATTR of a known attribute is 0",
	     ATTR_HAS, GROUP, DEL),
	ATTR("has-unknown-attr", "an unknown attribute is ENXIO", ATTR_HAS,
	     GROUP, 99, .want = -ENXIO),
	ATTR("has-unknown-group", "an unknown group is ENXIO", ATTR_HAS, 99,
	     ADD, .want = -ENXIO),
	ATTR("get", "KVM_GET_DEVICE_ATTR is EPERM: the device has none to get",
	     ATTR_GET, GROUP, ADD, .want = -EPERM),
	ATTR("set-unknown-attr", "an unknown attribute is ENXIO", ATTR_SET,
	     GROUP, 99, .want = -ENXIO),
	ATTR("set-unknown-group", "an unknown group is ENXIO", ATTR_SET, 99,
	     ADD, .want = -ENXIO),
	ATTR("add-bad-pointer", "the attribute's address is read: EFAULT",
	     ATTR_SET, GROUP, ADD, true, .want = -EFAULT),
	ATTR("add-closed", "a descriptor that is not open is EBADF", ATTR_SET,
	     GROUP, ADD, .fd = FD_CLOSED, .want = -EBADF),
	ATTR("add-eventfd", "a file that is not VFIO's is EINVAL", ATTR_SET,
	     GROUP, ADD, .fd = FD_EVENT, .want = -EINVAL),
	ATTR("del-bad-pointer", "the attribute's address is read: EFAULT",
	     ATTR_SET, GROUP, DEL, true, .want = -EFAULT),
	ATTR("del-closed", "a descriptor that is not open is EBADF", ATTR_SET,
	     GROUP, DEL, .fd = FD_CLOSED, .want = -EBADF),
	ATTR("del-never-added", "a file that was not added is ENOENT", ATTR_SET,
	     GROUP, DEL, .fd = FD_EVENT, .want = -ENOENT),
	CASE("requests", unknown_request,
	     "a device knows the attribute requests only, else ENOTTY"),
	CASE("in-another-process", in_child,
	     "a device's requests are EIO in another process "
	     "(kvm_device_ioctl())"),
	CASE("outlives-vm", outlives_vm,
	     "a device works on when its VM's descriptor is closed"),
};

CONFORM_GROUP(device);

// SPDX-License-Identifier: BSD-3-Clause
/* Requests that a descriptor does not know, and what /dev/kvm says of itself */
#include "cases.h"
#include "env.h"
#include <errno.h>

enum fd_of {
	OF_KVM,
	OF_BARE_VM,
	OF_VM,
	OF_SPLIT_VM,
	OF_VCPU,
	OF_EVENTFD,
};

struct request_row {
	enum fd_of of;
	unsigned long request;
	uintptr_t arg;
	int want;
};

static int target_new(struct conform *c, enum fd_of of)
{
	switch (of) {
	case OF_KVM: return kvm_new(c);
	case OF_BARE_VM: return vm_new(c, VM_BARE);
	case OF_VM: return vm_new(c, VM_FULL);
	case OF_SPLIT_VM: return vm_new(c, VM_SPLIT);
	case OF_VCPU: return pc_new(c).vcpu;
	case OF_EVENTFD: return event_open(c, 0);
	}
	return -1;
}

static void run_row(struct conform *c)
{
	const struct request_row *row = c->test->row;
	int fd = target_new(c, row->of);

	CHECK_RET(c, port_ioctl_value(c, fd, row->request, row->arg),
		  row->want);
}

#define ROW(name_, rule_, ...)                                                 \
	{                                                                      \
		.name = "request/" name_, .rule = rule_, .run = run_row,       \
		.row = &(const struct request_row){__VA_ARGS__},               \
	}

#define KVM_UNKNOWN _IO(KVMIO, 0xff)
#define NOT_KVM _IO('x', 0x01)

#define SYSTEM_UNKNOWN                                                         \
	"what /dev/kvm does not know is EINVAL on x86 (kvm_arch_dev_ioctl())"
#define VM_UNKNOWN "what a VM does not know is ENOTTY (kvm_arch_vm_ioctl())"
#define VCPU_UNKNOWN                                                           \
	"what a vCPU does not know is EINVAL on x86 (kvm_arch_vcpu_ioctl())"
#define NO_ARGUMENT "a request without an argument takes 0 only, else EINVAL"

static void closed_fd(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	fd_close(c, vm);
	CHECK_RET(c, irqfd_assign(c, vm, event_open(c, 0), 5), -EBADF);
	CHECK_RET(c, port_ioctl_value(c, -1, KVM_CHECK_EXTENSION, 0), -EBADF);
}

static void upper_bits(struct conform *c)
{
	int kvm = kvm_new(c);

	/* The system call's request is an unsigned int. */
	CHECK_RET(c,
		  port_ioctl_value(c, kvm,
				   KVM_GET_API_VERSION | UINT64_C(1) << 32, 0),
		  12);
}

static void mmap_size(struct conform *c)
{
	int size = port_ioctl_value(c, kvm_new(c), KVM_GET_VCPU_MMAP_SIZE, 0);

	CHECK(c, size >= (int)sizeof(struct kvm_run));
	CHECK_EQ(c, size % 4096, 0);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "request/" name_, .rule = rule_, .run = run_           \
	}

static const struct conform_case cases[] = {
	ROW("api-version", "KVM_GET_API_VERSION is 12", OF_KVM,
	    KVM_GET_API_VERSION, 0, 12),
	ROW("api-version-argument", NO_ARGUMENT, OF_KVM, KVM_GET_API_VERSION, 1,
	    -EINVAL),
	CASE("request-is-32-bit", upper_bits,
	     "ioctl(2) takes the low 32 bits of a request"),
	CASE("vcpu-mmap-size", mmap_size,
	     "KVM_GET_VCPU_MMAP_SIZE is whole pages that hold struct kvm_run"),
	ROW("vcpu-mmap-size-argument", NO_ARGUMENT, OF_KVM,
	    KVM_GET_VCPU_MMAP_SIZE, 1, -EINVAL),
	ROW("create-vm-unknown-type",
	    "KVM_CREATE_VM of a type that is not supported is EINVAL", OF_KVM,
	    KVM_CREATE_VM, 0x12345, -EINVAL),
	ROW("system-unknown", SYSTEM_UNKNOWN, OF_KVM, KVM_UNKNOWN, 0, -EINVAL),
	ROW("system-other-type", SYSTEM_UNKNOWN, OF_KVM, NOT_KVM, 0, -EINVAL),
	ROW("system-irqfd", SYSTEM_UNKNOWN, OF_KVM, KVM_IRQFD, 0, -EINVAL),
	ROW("system-run", SYSTEM_UNKNOWN, OF_KVM, KVM_RUN, 0, -EINVAL),
	ROW("vm-unknown", VM_UNKNOWN, OF_VM, KVM_UNKNOWN, 0, -ENOTTY),
	ROW("vm-other-type", VM_UNKNOWN, OF_VM, NOT_KVM, 0, -ENOTTY),
	ROW("vm-create-vm", VM_UNKNOWN, OF_VM, KVM_CREATE_VM, 0, -ENOTTY),
	ROW("vm-api-version", VM_UNKNOWN, OF_VM, KVM_GET_API_VERSION, 0,
	    -ENOTTY),
	ROW("vm-run", VM_UNKNOWN, OF_VM, KVM_RUN, 0, -ENOTTY),
	ROW("vm-get-lapic", VM_UNKNOWN, OF_VM, KVM_GET_LAPIC, 0, -ENOTTY),
	ROW("vm-irqfd-other-size", VM_UNKNOWN ", and the size is part of it",
	    OF_VM, _IOC(_IOC_WRITE, KVMIO, 0x76, 16), 0, -ENOTTY),
	ROW("vm-irqfd-other-direction",
	    VM_UNKNOWN ", and the direction is part of it", OF_VM,
	    _IOC(_IOC_READ, KVMIO, 0x76, 32), 0, -ENOTTY),
	ROW("vm-set-device-attr", VM_UNKNOWN, OF_VM, KVM_SET_DEVICE_ATTR, 0,
	    -ENOTTY),
	ROW("vcpu-unknown", VCPU_UNKNOWN, OF_VCPU, KVM_UNKNOWN, 0, -EINVAL),
	ROW("vcpu-other-type",
	    "a vCPU answers EINVAL to requests that are not KVM's "
	    "(kvm_vcpu_ioctl())",
	    OF_VCPU, NOT_KVM, 0, -EINVAL),
	ROW("vcpu-irqfd", VCPU_UNKNOWN, OF_VCPU, KVM_IRQFD, 0, -EINVAL),
	ROW("vcpu-create-vcpu", VCPU_UNKNOWN, OF_VCPU, KVM_CREATE_VCPU, 1,
	    -EINVAL),
	ROW("vcpu-run-argument", NO_ARGUMENT, OF_VCPU, KVM_RUN, 1, -EINVAL),
	ROW("eventfd", "an eventfd has no KVM requests: ENOTTY", OF_EVENTFD,
	    KVM_IRQFD, 0, -ENOTTY),
	CASE("closed", closed_fd, "a closed descriptor is EBADF"),
};

CONFORM_GROUP(requests);

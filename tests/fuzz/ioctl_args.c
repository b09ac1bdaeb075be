// SPDX-License-Identifier: BSD-3-Clause
/* See ioctl_args.h. */
#include "ioctl_args.h"
#include <sys/ioctl.h>
#include <sys/mman.h>

#define ATTR_OFFSET ARENA_PAGE /* where KVM_SET_DEVICE_ATTR's value is */
#define MAX_PATCHES 8

uint8_t *arena;
static uint8_t *read_only;

const struct request requests[] = {
	{KVM_GET_API_VERSION, SYSTEM, ARG_NONE},
	{KVM_CREATE_VM, SYSTEM, ARG_NUMBER},
	{KVM_CHECK_EXTENSION, SYSTEM, ARG_NUMBER},
	{KVM_GET_VCPU_MMAP_SIZE, SYSTEM, ARG_NONE},
	{KVM_GET_SUPPORTED_CPUID, SYSTEM, ARG_STRUCT},
	{KVM_GET_EMULATED_CPUID, SYSTEM, ARG_STRUCT},
	{KVM_GET_MSR_INDEX_LIST, SYSTEM, ARG_STRUCT},
	{KVM_CREATE_VCPU, VM, ARG_NUMBER},
	{KVM_ENABLE_CAP, VM, ARG_STRUCT},
	{KVM_CREATE_IRQCHIP, VM, ARG_NONE},
	{KVM_GET_IRQCHIP, VM, ARG_STRUCT},
	{KVM_SET_IRQCHIP, VM, ARG_STRUCT},
	{KVM_CREATE_PIT, VM, ARG_NONE},
	{KVM_CREATE_PIT2, VM, ARG_STRUCT},
	{KVM_GET_PIT, VM, ARG_STRUCT},
	{KVM_SET_PIT, VM, ARG_STRUCT},
	{KVM_GET_PIT2, VM, ARG_STRUCT},
	{KVM_SET_PIT2, VM, ARG_STRUCT},
	{KVM_REINJECT_CONTROL, VM, ARG_STRUCT},
	{KVM_IRQFD, VM, ARG_STRUCT},
	{KVM_IOEVENTFD, VM, ARG_STRUCT},
	{KVM_SET_GSI_ROUTING, VM, ARG_STRUCT},
	{KVM_SIGNAL_MSI, VM, ARG_STRUCT},
	{KVM_IRQ_LINE, VM, ARG_STRUCT},
	{KVM_IRQ_LINE_STATUS, VM, ARG_STRUCT},
	{KVM_CREATE_DEVICE, VM, ARG_STRUCT},
	{KVM_SET_DEVICE_ATTR, DEVICE, ARG_STRUCT},
	{KVM_GET_DEVICE_ATTR, DEVICE, ARG_STRUCT},
	{KVM_HAS_DEVICE_ATTR, DEVICE, ARG_STRUCT},
	{KVM_SET_USER_MEMORY_REGION, VM, ARG_STRUCT},
	{KVM_SET_TSS_ADDR, VM, ARG_NUMBER},
	{KVM_SET_IDENTITY_MAP_ADDR, VM, ARG_STRUCT},
	{KVM_SET_BOOT_CPU_ID, VM, ARG_NUMBER},
	{KVM_SET_TSC_KHZ, VM, ARG_NUMBER},
	{KVM_GET_TSC_KHZ, VM, ARG_NONE},
	{KVM_GET_CLOCK, VM, ARG_STRUCT},
	{KVM_SET_CLOCK, VM, ARG_STRUCT},
	{KVM_GET_LAPIC, VCPU, ARG_STRUCT},
	{KVM_SET_LAPIC, VCPU, ARG_STRUCT},
	{KVM_INTERRUPT, VCPU, ARG_STRUCT},
	{KVM_NMI, VCPU, ARG_NONE},
	{KVM_SMI, VCPU, ARG_NONE},
	{KVM_GET_MP_STATE, VCPU, ARG_STRUCT},
	{KVM_SET_MP_STATE, VCPU, ARG_STRUCT},
	{KVM_GET_VCPU_EVENTS, VCPU, ARG_STRUCT},
	{KVM_SET_VCPU_EVENTS, VCPU, ARG_STRUCT},
	{KVM_GET_REGS, VCPU, ARG_STRUCT},
	{KVM_SET_REGS, VCPU, ARG_STRUCT},
	{KVM_GET_SREGS, VCPU, ARG_STRUCT},
	{KVM_SET_SREGS, VCPU, ARG_STRUCT},
	{KVM_GET_SREGS2, VCPU, ARG_STRUCT},
	{KVM_SET_SREGS2, VCPU, ARG_STRUCT},
	{KVM_GET_FPU, VCPU, ARG_STRUCT},
	{KVM_SET_FPU, VCPU, ARG_STRUCT},
	{KVM_GET_XSAVE, VCPU, ARG_STRUCT},
	{KVM_SET_XSAVE, VCPU, ARG_STRUCT},
	{KVM_GET_XCRS, VCPU, ARG_STRUCT},
	{KVM_SET_XCRS, VCPU, ARG_STRUCT},
	{KVM_GET_DEBUGREGS, VCPU, ARG_STRUCT},
	{KVM_SET_DEBUGREGS, VCPU, ARG_STRUCT},
	{KVM_GET_MSRS, VCPU, ARG_STRUCT},
	{KVM_SET_MSRS, VCPU, ARG_STRUCT},
	{KVM_SET_CPUID2, VCPU, ARG_STRUCT},
	{KVM_GET_CPUID2, VCPU, ARG_STRUCT},
	{KVM_SET_SIGNAL_MASK, VCPU, ARG_STRUCT},
	{KVM_TPR_ACCESS_REPORTING, VCPU, ARG_STRUCT},
	{KVM_SET_VAPIC_ADDR, VCPU, ARG_STRUCT},
	{KVM_X86_SET_MSR_FILTER, VM, ARG_STRUCT},
};
const unsigned int nr_requests = sizeof(requests) / sizeof(requests[0]);

void arena_create(void)
{
	uint8_t *memory =
		mmap(NULL, ARENA_SIZE + 2 * ARENA_PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	HOLDS(memory != MAP_FAILED);
	arena = memory;
	HOLDS(!mprotect(memory + ARENA_SIZE, ARENA_PAGE, PROT_NONE));
	read_only = memory + ARENA_SIZE + ARENA_PAGE;
	HOLDS(!mprotect(read_only, ARENA_PAGE, PROT_READ));
}

static void put32(size_t offset, uint32_t value)
{
	memcpy(arena + offset, &value, sizeof(value));
}

/* Some requests are worth more than chance: give them likely values. */
static void likely_irqfd(struct input *in, const int *fds)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fds[0],
		.gsi = input_u8(in) % 28,
		.flags = input_u8(in) & 3,
		.resamplefd = (uint32_t)fds[1],
	};

	memcpy(arena, &args, sizeof(args));
}

static void likely_ioeventfd(struct input *in, const int *fds)
{
	static const uint32_t lens[] = {0, 1, 2, 4, 8, 3};
	struct kvm_ioeventfd args = {
		.datamatch = input_u8(in) & 3,
		.addr = input_u8(in) & 7,
		.len = lens[input_below(in, 6)],
		.fd = fds[0],
		.flags = input_u8(in) & 15,
	};

	memcpy(arena, &args, sizeof(args));
}

static void likely_routing(struct input *in)
{
	struct kvm_irq_routing header = {.nr = input_below(in, 8)};
	size_t at = sizeof(header);

	memcpy(arena, &header, sizeof(header));
	for (uint32_t i = 0; i < header.nr; i++) {
		struct kvm_irq_routing_entry entry = {
			.gsi = input_u8(in),
			.type = 1 + (input_u8(in) & 1),
		};

		if (entry.type == KVM_IRQ_ROUTING_IRQCHIP) {
			entry.u.irqchip.irqchip = input_below(in, 3);
			entry.u.irqchip.pin = input_below(in, 25);
		} else {
			entry.u.msi.address_lo = 0xfee00000u | input_u16(in);
			entry.u.msi.data = input_u16(in);
		}
		memcpy(arena + at, &entry, sizeof(entry));
		at += sizeof(entry);
	}
}

static void likely_cap(struct input *in)
{
	static const uint32_t caps[] = {KVM_CAP_SPLIT_IRQCHIP,
					KVM_CAP_X2APIC_API, KVM_CAP_MAX_VCPU_ID,
					KVM_CAP_X86_USER_SPACE_MSR};
	struct kvm_enable_cap args = {
		.cap = caps[input_below(in, 4)],
		.args = {input_u8(in)},
	};

	memcpy(arena, &args, sizeof(args));
}

static void likely_attr(struct input *in, const int *fds)
{
	struct kvm_device_attr args = {
		.group = input_u8(in) & 3,
		.attr = input_u8(in) & 3,
		.addr = (uintptr_t)arena + ATTR_OFFSET,
	};
	int32_t fd = fds[0];

	memcpy(arena, &args, sizeof(args));
	memcpy(arena + ATTR_OFFSET, &fd, sizeof(fd));
}

static void likely_list(struct input *in, size_t entry_size)
{
	/* A count, padding, and entries as they were left. */
	put32(0, input_below(in, (unsigned int)(ARENA_PAGE / entry_size)));
	put32(4, 0);
}

void arena_fill(struct input *in, unsigned int request, const int *fds)
{
	switch (request) {
	case KVM_IRQFD: likely_irqfd(in, fds); break;
	case KVM_IOEVENTFD: likely_ioeventfd(in, fds); break;
	case KVM_SET_GSI_ROUTING: likely_routing(in); break;
	case KVM_ENABLE_CAP: likely_cap(in); break;
	case KVM_SET_DEVICE_ATTR:
	case KVM_GET_DEVICE_ATTR:
	case KVM_HAS_DEVICE_ATTR: likely_attr(in, fds); break;
	case KVM_CREATE_DEVICE:
		put32(0, input_u8(in) % (KVM_DEV_TYPE_VFIO + 2));
		put32(8, input_u8(in) & 1);
		break;
	case KVM_GET_IRQCHIP:
	case KVM_SET_IRQCHIP:
	case KVM_SET_MP_STATE: put32(0, input_u8(in) & 15); break;
	case KVM_IRQ_LINE:
	case KVM_IRQ_LINE_STATUS:
		put32(0, input_u8(in) % 28);
		put32(4, input_u8(in) & 1);
		break;
	case KVM_GET_MSRS:
	case KVM_SET_MSRS:
	case KVM_GET_SUPPORTED_CPUID:
	case KVM_GET_MSR_INDEX_LIST:
	case KVM_SET_CPUID2:
	case KVM_GET_CPUID2:
		likely_list(in, sizeof(struct kvm_cpuid_entry2));
		break;
	case KVM_SET_SIGNAL_MASK: put32(0, 8); break;
	default: break;
	}
}

void arena_patch(struct input *in, unsigned int request)
{
	size_t words = _IOC_SIZE(request) / 4 + 8;

	for (unsigned int n = input_below(in, MAX_PATCHES); n; n--) {
		size_t at = input_u16(in) % words;

		put32(4 * at, input_u32(in));
	}
}

bool arena_bad_pointer(struct input *in, uintptr_t *arg)
{
	switch (input_below(in, 8)) {
	case 0: *arg = 0; return true;
	case 1: *arg = UINT64_C(0xffff800000000000); return true;
	case 2: *arg = UINT64_C(0x0000900000000000); return true;
	case 3: *arg = UINTPTR_MAX - input_u8(in); return true;
	case 4: *arg = (uintptr_t)arena + ARENA_SIZE; return true;
	case 5: *arg = (uintptr_t)read_only; return false;
	default:
		*arg = (uintptr_t)arena + ARENA_SIZE - input_u8(in);
		return false;
	}
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Bad pointers: copy_from_user() and copy_to_user() fail, the request is
 * EFAULT, and nothing else has happened.
 */
#include "cases.h"
#include "env.h"
#include "memory.h"
#include <errno.h>
#include <stdlib.h>

enum fd_of {
	OF_KVM,
	OF_VM, /* with the full irqchip */
	OF_BARE_VM, /* without one */
	OF_PIT_VM, /* with the full irqchip and a PIT */
	OF_VCPU,
	OF_BARE_VCPU, /* of a VM without an irqchip */
};

struct pointer_row {
	enum fd_of of;
	enum pointer_kind pointer;
	unsigned long request;
	int want; /* 0: -EFAULT */
};

static int target_new(struct conform *c, enum fd_of of)
{
	struct kvm_pit_config pit = {0};
	int vm;

	switch (of) {
	case OF_KVM: return kvm_new(c);
	case OF_BARE_VM: return vm_new(c, VM_BARE);
	case OF_VCPU: return pc_new(c).vcpu;
	case OF_BARE_VCPU: return vcpu_new(c, vm_new(c, VM_BARE), 0);
	case OF_VM:
	case OF_PIT_VM:
		vm = vm_new(c, VM_FULL);
		if (of == OF_PIT_VM)
			CHECK_RET(c, port_ioctl(c, vm, KVM_CREATE_PIT2, &pit),
				  0);
		return vm;
	}
	return -1;
}

static void run_row(struct conform *c)
{
	const struct pointer_row *row = c->test->row;
	int fd = target_new(c, row->of);

	CHECK_RET(c,
		  port_ioctl_value(c, fd, row->request,
				   pointer_new(c, row->pointer)),
		  row->want ? row->want : -EFAULT);
}

#define RULE(request)                                                          \
#request " with an argument that cannot be read or written is EFAULT"

#define ROW(name_, of_, pointer_, request_)                                    \
	{                                                                      \
		.name = "pointer/" name_, .rule = RULE(request_),              \
		.run = run_row,                                                \
		.row = &(const struct pointer_row){                            \
			.of = of_,                                             \
			.pointer = POINTER_##pointer_,                         \
			.request = request_,                                   \
		},                                                             \
	}

static void irqfd_short(struct conform *c)
{
	struct kvm_irqfd args = {0};
	int vm = vm_new(c, VM_FULL);

	args.fd = (uint32_t)event_open(c, 0);
	CHECK_RET(c,
		  port_ioctl(c, vm, KVM_IRQFD,
			     pointer_short(c, &args, sizeof(args) - 1)),
		  -EFAULT);
	/* Refused as a whole: the eventfd is still free. */
	CHECK_RET(c,
		  port_ioctl(c, vm, KVM_IRQFD,
			     pointer_short(c, &args, sizeof(args))),
		  0);
}

static void msi_short(struct conform *c)
{
	struct kvm_msi msi = {.address_lo = 0xfee00000, .data = 0x40};
	struct pc pc = pc_new(c);

	CHECK_RET(c,
		  port_ioctl(c, pc.vm, KVM_SIGNAL_MSI,
			     pointer_short(c, &msi, sizeof(msi) - 1)),
		  -EFAULT);
	CHECK(c, !lapic_irr(c, pc.vcpu, 0x40));
	CHECK_RET(c,
		  port_ioctl(c, pc.vm, KVM_SIGNAL_MSI,
			     pointer_short(c, &msi, sizeof(msi))),
		  1);
}

static void routing_entries_short(struct conform *c)
{
	const struct kvm_irq_routing_entry entries[] = {
		ROUTE_MSI(0, 0x40),
		ROUTE_MSI(1, 0x41),
	};
	struct kvm_irq_routing *table = routing_new(c, 2, entries);
	size_t size = sizeof(*table) + sizeof(entries);
	struct pc pc = pc_new(c);

	CHECK_RET(c,
		  port_ioctl(c, pc.vm, KVM_SET_GSI_ROUTING,
			     pointer_short(c, table, size - 1)),
		  -EFAULT);
	/* The default table is still in force: GSI 0 is a pin. */
	CHECK_RET(c, irq_line(c, pc.vm, 0, 1), 0);
	CHECK(c, pic_get(c, pc.vm, false).irr & 1);
	CHECK_RET(c,
		  port_ioctl(c, pc.vm, KVM_SET_GSI_ROUTING,
			     pointer_short(c, table, size)),
		  0);
	free(table);
}

static void line_status_read_only(struct conform *c)
{
	struct pc pc = pc_new(c);

	/* All zero: GSI 0 low.  Injected first, told afterwards. */
	CHECK_RET(c, irq_line(c, pc.vm, 0, 1), 0);
	CHECK_RET(c,
		  port_ioctl_value(c, pc.vm, KVM_IRQ_LINE_STATUS,
				   pointer_new(c, POINTER_READ_ONLY)),
		  -EFAULT);
	CHECK_EQ(c, pic_get(c, pc.vm, false).last_irr & 1, 0);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "pointer/" name_, .rule = rule_, .run = run_           \
	}

static const struct conform_case cases[] = {
	/* Every sort of bad pointer. */
	ROW("irqfd-null", OF_VM, NULL, KVM_IRQFD),
	ROW("irqfd-low", OF_VM, LOW, KVM_IRQFD),
	ROW("irqfd-no-access", OF_VM, NO_ACCESS, KVM_IRQFD),
	ROW("irqfd-kernel-address", OF_VM, KERNEL, KVM_IRQFD),
	ROW("irqfd-non-canonical", OF_VM, NON_CANONICAL, KVM_IRQFD),
	ROW("irqfd-no-irqchip", OF_BARE_VM, NO_ACCESS, KVM_IRQFD),
	CASE("irqfd-last-byte", irqfd_short,
	     "KVM_IRQFD reads all 32 bytes of struct kvm_irqfd, or is EFAULT"),
	CASE("signal-msi-last-byte", msi_short,
	     "KVM_SIGNAL_MSI reads all 32 bytes of struct kvm_msi, or is "
	     "EFAULT and delivers nothing"),
	CASE("set-gsi-routing-last-byte", routing_entries_short,
	     "KVM_SET_GSI_ROUTING reads every entry before it changes "
	     "anything (memdup_user), or is EFAULT"),
	CASE("irq-line-status-read-only", line_status_read_only,
	     "KVM_IRQ_LINE_STATUS drives the line and is then EFAULT if the "
	     "status cannot be written"),

	/* Every request that has an argument to read. */
	ROW("set-gsi-routing", OF_VM, NO_ACCESS, KVM_SET_GSI_ROUTING),
	ROW("set-gsi-routing-no-irqchip", OF_BARE_VM, NO_ACCESS,
	    KVM_SET_GSI_ROUTING),
	ROW("signal-msi", OF_VM, NO_ACCESS, KVM_SIGNAL_MSI),
	ROW("signal-msi-no-irqchip", OF_BARE_VM, NO_ACCESS, KVM_SIGNAL_MSI),
	ROW("irq-line", OF_VM, NO_ACCESS, KVM_IRQ_LINE),
	ROW("irq-line-no-irqchip", OF_BARE_VM, NO_ACCESS, KVM_IRQ_LINE),
	ROW("irq-line-status", OF_VM, NO_ACCESS, KVM_IRQ_LINE_STATUS),
	ROW("ioeventfd", OF_VM, NO_ACCESS, KVM_IOEVENTFD),
	ROW("create-device", OF_VM, NO_ACCESS, KVM_CREATE_DEVICE),
	ROW("enable-cap", OF_VM, NO_ACCESS, KVM_ENABLE_CAP),
	ROW("create-pit2", OF_VM, NO_ACCESS, KVM_CREATE_PIT2),
	ROW("set-pit2", OF_PIT_VM, NO_ACCESS, KVM_SET_PIT2),
	ROW("get-irqchip", OF_VM, NO_ACCESS, KVM_GET_IRQCHIP),
	ROW("set-irqchip", OF_VM, NO_ACCESS, KVM_SET_IRQCHIP),
	ROW("set-user-memory-region", OF_VM, NO_ACCESS,
	    KVM_SET_USER_MEMORY_REGION),
	ROW("set-clock", OF_VM, NO_ACCESS, KVM_SET_CLOCK),
	ROW("set-lapic", OF_VCPU, NO_ACCESS, KVM_SET_LAPIC),
	ROW("set-mp-state", OF_VCPU, NO_ACCESS, KVM_SET_MP_STATE),
	ROW("set-regs", OF_VCPU, NO_ACCESS, KVM_SET_REGS),
	ROW("set-sregs", OF_VCPU, NO_ACCESS, KVM_SET_SREGS),
	ROW("set-msrs", OF_VCPU, NO_ACCESS, KVM_SET_MSRS),
	ROW("get-msrs", OF_VCPU, NO_ACCESS, KVM_GET_MSRS),
	ROW("set-cpuid2", OF_VCPU, NO_ACCESS, KVM_SET_CPUID2),
	ROW("set-vcpu-events", OF_VCPU, NO_ACCESS, KVM_SET_VCPU_EVENTS),
	ROW("set-fpu", OF_VCPU, NO_ACCESS, KVM_SET_FPU),
	ROW("interrupt", OF_BARE_VCPU, NO_ACCESS, KVM_INTERRUPT),
	ROW("get-supported-cpuid", OF_KVM, NO_ACCESS, KVM_GET_SUPPORTED_CPUID),
	ROW("get-msr-index-list", OF_KVM, NO_ACCESS, KVM_GET_MSR_INDEX_LIST),

	/* And to write. */
	ROW("get-irqchip-read-only", OF_VM, READ_ONLY, KVM_GET_IRQCHIP),
	ROW("get-lapic", OF_VCPU, NO_ACCESS, KVM_GET_LAPIC),
	ROW("get-lapic-read-only", OF_VCPU, READ_ONLY, KVM_GET_LAPIC),
	ROW("get-mp-state-read-only", OF_VCPU, READ_ONLY, KVM_GET_MP_STATE),
	ROW("get-regs-read-only", OF_VCPU, READ_ONLY, KVM_GET_REGS),
	ROW("get-sregs-read-only", OF_VCPU, READ_ONLY, KVM_GET_SREGS),
	ROW("get-vcpu-events-read-only", OF_VCPU, READ_ONLY,
	    KVM_GET_VCPU_EVENTS),
	ROW("get-pit2-read-only", OF_PIT_VM, READ_ONLY, KVM_GET_PIT2),
	ROW("get-clock-read-only", OF_VM, READ_ONLY, KVM_GET_CLOCK),
};

CONFORM_GROUP(pointers);

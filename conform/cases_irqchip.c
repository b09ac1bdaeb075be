// SPDX-License-Identifier: BSD-3-Clause
/*
 * Making irqchips and vCPUs, and in which order: KVM_CREATE_IRQCHIP,
 * KVM_ENABLE_CAP, KVM_CREATE_VCPU, and what a vCPU starts with.
 */
#include "cases.h"
#include "env.h"
#include <errno.h>

static int create_irqchip(struct conform *c, int vm)
{
	return port_ioctl_value(c, vm, KVM_CREATE_IRQCHIP, 0);
}

static int enable_split(struct conform *c, int vm, uint64_t routes)
{
	return vm_enable_cap(c, vm, KVM_CAP_SPLIT_IRQCHIP, routes);
}

static void twice(struct conform *c)
{
	CHECK_RET(c, create_irqchip(c, vm_new(c, VM_FULL)), -EEXIST);
}

static void after_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_BARE);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, create_irqchip(c, vm), -EINVAL);
}

static void twice_after_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, create_irqchip(c, vm), -EEXIST);
}

static void full_after_split(struct conform *c)
{
	CHECK_RET(c, create_irqchip(c, vm_new(c, VM_SPLIT)), -EEXIST);
}

static void split_after_full(struct conform *c)
{
	CHECK_RET(c, enable_split(c, vm_new(c, VM_FULL), 24), -EEXIST);
}

static void split_twice(struct conform *c)
{
	CHECK_RET(c, enable_split(c, vm_new(c, VM_SPLIT), 24), -EEXIST);
}

static void split_after_vcpu(struct conform *c)
{
	int vm = vm_new(c, VM_BARE);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, enable_split(c, vm, 24), -EEXIST);
}

static void split_routes(struct conform *c)
{
	CHECK_RET(c, enable_split(c, vm_new(c, VM_BARE), 0), 0);
	CHECK_RET(c, enable_split(c, vm_new(c, VM_BARE), 4096), 0);
	CHECK_RET(c, enable_split(c, vm_new(c, VM_BARE), 4097), -EINVAL);
	CHECK_RET(c, enable_split(c, vm_new(c, VM_BARE), ~UINT64_C(0)),
		  -EINVAL);
	/* Before it is found that there is one. */
	CHECK_RET(c, enable_split(c, vm_new(c, VM_SPLIT), 4097), -EINVAL);
}

static void split_refused_is_none(struct conform *c)
{
	int vm = vm_new(c, VM_BARE);

	CHECK_RET(c, enable_split(c, vm, 4097), -EINVAL);
	CHECK_RET(c, create_irqchip(c, vm), 0);
}

static void cap_flags(struct conform *c)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.flags = 1,
		.args = {24},
	};

	CHECK_RET(c, port_ioctl(c, vm_new(c, VM_BARE), KVM_ENABLE_CAP, &cap),
		  -EINVAL);
}

static void cap_unknown(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, vm_enable_cap(c, vm, 0x7fffffff, 0), -EINVAL);
	CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_IRQCHIP, 0), -EINVAL);
}

static void x2apic_api(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	for (uint64_t flags = 0; flags < 4; flags++)
		CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_X2APIC_API, flags),
			  0);
	CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_X2APIC_API, 1u << 16),
		  -EINVAL);
	CHECK_RET(c,
		  vm_enable_cap(c, vm, KVM_CAP_X2APIC_API, UINT64_C(1) << 63),
		  -EINVAL);
}

static void x2apic_api_sticks(struct conform *c)
{
	struct kvm_irq_routing_entry route = ROUTE_MSI(0, 0x61);
	int vm = vm_new(c, VM_FULL);

	CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_X2APIC_API, 1), 0);
	CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_X2APIC_API, 0), 0);
	route.u.msi.address_hi = 1;
	CHECK_RET(c, routing_set(c, vm, 1, &route), -EINVAL);
}

/* vCPUs. */
static void vcpu_twice(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	vcpu_new(c, vm, 0);
	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_VCPU, 0), -EEXIST);
	/* Also when its descriptor is closed. */
	fd_close(c, vcpu_new(c, vm, 1));
	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_VCPU, 1), -EEXIST);
}

static void vcpu_id_range(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int max = port_ioctl_value(c, vm, KVM_CHECK_EXTENSION,
				   KVM_CAP_MAX_VCPU_ID);

	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_VCPU, max), -EINVAL);
	CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_VCPU, 0xffffffff),
		  -EINVAL);
	vcpu_new(c, vm, (unsigned long)max - 1);
}

static void vcpu_any_order(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int vcpu = vcpu_new_enabled(c, vm, 9);

	vcpu_new_enabled(c, vm, 2);
	CHECK_RET(c, signal_msi(c, vm, 0xfee00000 | 9 << 12, 0, 0x61), 1);
	CHECK(c, lapic_irr(c, vcpu, 0x61));
}

static void vcpu_later(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);
	int fd = event_open(c, 0), vcpu;

	routing_one(c, vm, ROUTE_MSI(24, 0x61));
	CHECK_RET(c, irqfd_assign(c, vm, fd, 24), 0);
	vcpu = vcpu_new_enabled(c, vm, 0);
	event_write(c, fd, 1);
	AWAIT(c, lapic_irr(c, vcpu, 0x61));
}

static void boot_cpu(struct conform *c)
{
	int vm = vm_new(c, VM_FULL), vcpu[2];

	CHECK_RET(c, port_ioctl_value(c, vm, KVM_SET_BOOT_CPU_ID, 1), 0);
	for (unsigned int i = 0; i < 2; i++)
		vcpu[i] = vcpu_new(c, vm, i);
	/* LINT0 is open on the boot processor. */
	CHECK_EQ(c, lapic_reg(c, vcpu[0], APIC_LINT0), 0x10000);
	CHECK_EQ(c, lapic_reg(c, vcpu[1], APIC_LINT0), 0x700);
}

static void boot_cpu_late(struct conform *c)
{
	struct pc pc = pc_new(c);

	CHECK_RET(c, port_ioctl_value(c, pc.vm, KVM_SET_BOOT_CPU_ID, 1),
		  -EBUSY);
}

/* Multiprocessing state. */
static int mp_get(struct conform *c, int vcpu)
{
	struct kvm_mp_state mp = {.mp_state = ~0u};

	CHECK_RET(c, port_ioctl(c, vcpu, KVM_GET_MP_STATE, &mp), 0);
	return (int)mp.mp_state;
}

static int mp_set(struct conform *c, int vcpu, uint32_t state)
{
	struct kvm_mp_state mp = {.mp_state = state};

	return port_ioctl(c, vcpu, KVM_SET_MP_STATE, &mp);
}

static void mp_start(struct conform *c)
{
	int vm = vm_new(c, VM_FULL);

	CHECK_EQ(c, mp_get(c, vcpu_new(c, vm, 0)), KVM_MP_STATE_RUNNABLE);
	CHECK_EQ(c, mp_get(c, vcpu_new(c, vm, 1)), KVM_MP_STATE_UNINITIALIZED);
}

static void mp_start_bare(struct conform *c)
{
	int vm = vm_new(c, VM_BARE);

	CHECK_EQ(c, mp_get(c, vcpu_new(c, vm, 0)), KVM_MP_STATE_RUNNABLE);
	CHECK_EQ(c, mp_get(c, vcpu_new(c, vm, 1)), KVM_MP_STATE_RUNNABLE);
}

static void mp_states(struct conform *c)
{
	static const uint32_t states[] = {
		KVM_MP_STATE_RUNNABLE,
		KVM_MP_STATE_UNINITIALIZED,
		KVM_MP_STATE_INIT_RECEIVED,
		KVM_MP_STATE_HALTED,
	};
	int vcpu = vcpu_new(c, vm_new(c, VM_FULL), 1);

	for (unsigned int i = 0; i < 4; i++) {
		CHECK_RET(c, mp_set(c, vcpu, states[i]), 0);
		CHECK_EQ(c, mp_get(c, vcpu), states[i]);
	}
}

static void mp_sipi(struct conform *c)
{
	int vcpu = vcpu_new(c, vm_new(c, VM_FULL), 1);

	CHECK_RET(c, mp_set(c, vcpu, KVM_MP_STATE_SIPI_RECEIVED), 0);
	CHECK_EQ(c, mp_get(c, vcpu), KVM_MP_STATE_RUNNABLE);
}

static void mp_bare(struct conform *c)
{
	int vcpu = vcpu_new(c, vm_new(c, VM_BARE), 0);

	CHECK_RET(c, mp_set(c, vcpu, KVM_MP_STATE_RUNNABLE), 0);
	CHECK_RET(c, mp_set(c, vcpu, KVM_MP_STATE_HALTED), -EINVAL);
	CHECK_RET(c, mp_set(c, vcpu, KVM_MP_STATE_UNINITIALIZED), -EINVAL);
	CHECK_RET(c, mp_set(c, vcpu, KVM_MP_STATE_SIPI_RECEIVED), -EINVAL);
}

/* KVM_INTERRUPT: for those who have no irqchip in the kernel. */
static int interrupt(struct conform *c, int vcpu, uint32_t irq)
{
	struct kvm_interrupt args = {.irq = irq};

	return port_ioctl(c, vcpu, KVM_INTERRUPT, &args);
}

static void interrupt_full(struct conform *c)
{
	CHECK_RET(c, interrupt(c, pc_new(c).vcpu, 0x61), -ENXIO);
}

static void interrupt_bare(struct conform *c)
{
	int vcpu = vcpu_new(c, vm_new(c, VM_BARE), 0);

	CHECK_RET(c, interrupt(c, vcpu, 0x61), 0);
	/* It replaces what has not been taken. */
	CHECK_RET(c, interrupt(c, vcpu, 0x62), 0);
}

static void interrupt_range(struct conform *c)
{
	int bare = vcpu_new(c, vm_new(c, VM_BARE), 0);

	CHECK_RET(c, interrupt(c, bare, 255), 0);
	CHECK_RET(c, interrupt(c, bare, 256), -EINVAL);
	/* Before it is found that there is an irqchip. */
	CHECK_RET(c, interrupt(c, pc_new(c).vcpu, 256), -EINVAL);
}

static void interrupt_split(struct conform *c)
{
	int vcpu = vcpu_new(c, vm_new(c, VM_SPLIT), 0);

	CHECK_RET(c, interrupt(c, vcpu, 0x61), 0);
	CHECK_RET(c, interrupt(c, vcpu, 0x62), -EEXIST);
}

static void nmi(struct conform *c)
{
	CHECK_RET(c, port_ioctl_value(c, pc_new(c).vcpu, KVM_NMI, 0), 0);
}

static void nmi_msi_pending(struct conform *c)
{
	struct kvm_vcpu_events events;
	struct pc pc = pc_new(c);

	CHECK_RET(c, port_ioctl(c, pc.vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
	CHECK_EQ(c, events.nmi.pending, 0);
	CHECK_RET(c, signal_msi(c, pc.vm, 0xfee00000, 0, 0x400), 1);
	CHECK_RET(c, port_ioctl(c, pc.vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
	CHECK_EQ(c, events.nmi.pending, 1);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "irqchip/" name_, .rule = rule_, .run = run_           \
	}

static const struct conform_case cases[] = {
	CASE("create-twice", twice, "a second KVM_CREATE_IRQCHIP is EEXIST"),
	CASE("create-after-vcpu", after_vcpu,
	     "KVM_CREATE_IRQCHIP after a vCPU is EINVAL"),
	CASE("create-twice-after-vcpu", twice_after_vcpu,
	     "that there is one already is found first: EEXIST"),
	CASE("create-after-split", full_after_split,
	     "KVM_CREATE_IRQCHIP after KVM_CAP_SPLIT_IRQCHIP is EEXIST"),
	CASE("split-after-create", split_after_full,
	     "KVM_CAP_SPLIT_IRQCHIP after KVM_CREATE_IRQCHIP is EEXIST"),
	CASE("split-twice", split_twice,
	     "a second KVM_CAP_SPLIT_IRQCHIP is EEXIST"),
	CASE("split-after-vcpu", split_after_vcpu,
	     "KVM_CAP_SPLIT_IRQCHIP after a vCPU is EEXIST"),
	CASE("split-routes", split_routes,
	     "KVM_CAP_SPLIT_IRQCHIP reserves at most 4096 routes, else "
	     "EINVAL"),
	CASE("split-refused", split_refused_is_none,
	     "a KVM_CAP_SPLIT_IRQCHIP that was refused leaves no irqchip"),
	CASE("enable-cap-flags", cap_flags,
	     "KVM_ENABLE_CAP has no flags: EINVAL"),
	CASE("enable-cap-unknown", cap_unknown,
	     "KVM_ENABLE_CAP of what cannot be enabled is EINVAL"),
	CASE("x2apic-api-flags", x2apic_api,
	     "KVM_CAP_X2APIC_API takes its known flags, at any time, else "
	     "EINVAL"),
	CASE("x2apic-api-sticks", x2apic_api_sticks,
	     "KVM_CAP_X2APIC_API only adds flags, it never clears them"),
	CASE("vcpu-twice", vcpu_twice,
	     "KVM_CREATE_VCPU with an id that was given is EEXIST"),
	CASE("vcpu-id-range", vcpu_id_range,
	     "KVM_CREATE_VCPU takes ids below KVM_CAP_MAX_VCPU_ID, else "
	     "EINVAL"),
	CASE("vcpu-any-order", vcpu_any_order,
	     "ids of vCPUs need no order, and are their APIC ids"),
	CASE("vcpu-after-irqfd", vcpu_later,
	     "vCPUs that come after irqfds and routes take their interrupts"),
	CASE("boot-cpu", boot_cpu,
	     "KVM_SET_BOOT_CPU_ID decides whose LINT0 is open at reset"),
	CASE("boot-cpu-after-vcpu", boot_cpu_late,
	     "KVM_SET_BOOT_CPU_ID after a vCPU is EBUSY"),
	CASE("mp-state-at-start", mp_start,
	     "vCPU 0 starts runnable, others uninitialized"),
	CASE("mp-state-at-start-no-irqchip", mp_start_bare,
	     "without an irqchip every vCPU is runnable"),
	CASE("mp-state-set", mp_states, "KVM_SET_MP_STATE's states come back"),
	CASE("mp-state-sipi", mp_sipi,
	     "SIPI_RECEIVED is a SIPI that is pending, and "
	     "KVM_GET_MP_STATE lets it start the vCPU first "
	     "(kvm_apic_accept_events())"),
	CASE("mp-state-no-irqchip", mp_bare,
	     "without a local APIC in the kernel RUNNABLE is the only state, "
	     "else EINVAL"),
	CASE("interrupt-full", interrupt_full,
	     "KVM_INTERRUPT is ENXIO when the kernel has the 8259"),
	CASE("interrupt-no-irqchip", interrupt_bare,
	     "without an irqchip KVM_INTERRUPT queues a vector"),
	CASE("interrupt-range", interrupt_range,
	     "KVM_INTERRUPT of a vector above 255 is EINVAL, irqchip or not"),
	CASE("interrupt-split", interrupt_split,
	     "with a split irqchip one ExtINT waits, a second is EEXIST"),
	CASE("nmi", nmi, "KVM_NMI is accepted"),
	CASE("nmi-by-msi", nmi_msi_pending,
	     "an NMI that came as an MSI shows in KVM_GET_VCPU_EVENTS"),
};

CONFORM_GROUP(irqchip);

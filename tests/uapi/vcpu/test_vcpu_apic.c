// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vCPU's requests about its local APIC.  With the real KVM below and without
 * the answers are the same; Linux's rules are those for an irqchip in the
 * kernel.
 */
#include "vcpu_fixture.h"
#include <errno.h>
#include <string.h>

#define BAD_POINTER ((void *)8)
#define APIC_BASE_BSP_ON 0xfee00900u
#define APIC_BASE_ON 0xfee00800u

struct vm {
	int kvm, vm, vcpu[2];
};

static enum virq_uapi_host host;

static void vm_create(struct vm *v, enum chips chips)
{
	struct virq_uapi_config config = {.host = host};
	struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP};

	v->kvm = virq_uapi_open(&config);
	assert_true(v->kvm >= 0);
	v->vm = ask(v->kvm, KVM_CREATE_VM, NULL);
	assert_true(v->vm >= 0);
	if (chips == CHIPS_FULL)
		assert_int_equal(ask(v->vm, KVM_CREATE_IRQCHIP, NULL), 0);
	else if (chips == CHIPS_SPLIT)
		assert_int_equal(ask(v->vm, KVM_ENABLE_CAP, &split), 0);
	for (uintptr_t i = 0; i < 2; i++) {
		v->vcpu[i] = virq_ioctl(v->vm, KVM_CREATE_VCPU, i);
		assert_true(v->vcpu[i] >= 0);
	}
}

/* Linux finds a new APIC by a message only after some APIC was set up. */
static void touch_lapic(struct vm *v)
{
	struct kvm_lapic_state apic;

	assert_int_equal(ask(v->vcpu[1], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(ask(v->vcpu[1], KVM_SET_LAPIC, &apic), 0);
}

static void vm_destroy(struct vm *v)
{
	for (int i = 0; i < 2; i++)
		assert_int_equal(virq_uapi_close(v->vcpu[i]), 0);
	assert_int_equal(virq_uapi_close(v->vm), 0);
	assert_int_equal(virq_uapi_close(v->kvm), 0);
}

/* ---- The local APIC's ---- */

/* Linux kvm_set_apic_base() for a VMM: any mode to any, no bad one. */
static void test_apic_base(void **state)
{
	static const struct {
		uint64_t base;
		int ret;
	} cases[] = {
		{0xfee00900, 0},
		{0xfee00800, 0},
		{0xfee00100, 0},
		{0xfee00d00, -EINVAL}, /* no CPUID bit */
		{0xfee00500, -EINVAL},
		{0xfee00901, -EINVAL},
		{0xfee00b00, -EINVAL},
		{0xfed00900, 0},
		{0, 0},
		{UINT64_C(1) << 50, -EINVAL},
	};
	struct one_msr msr = {.nmsrs = 1, .entry.index = 0x1b};
	struct kvm_sregs sregs;
	uint64_t good = APIC_BASE_BSP_ON;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
		sregs.apic_base = cases[i].base;
		assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs),
				 cases[i].ret);
		if (!cases[i].ret)
			good = cases[i].base;
		assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
		assert_int_equal(sregs.apic_base, good);
		msr.entry.data = cases[i].base;
		assert_int_equal(ask(v.vcpu[0], KVM_SET_MSRS, &msr),
				 cases[i].ret ? 0 : 1);
		assert_int_equal(ask(v.vcpu[0], KVM_GET_MSRS, &msr), 1);
		assert_int_equal(msr.entry.data, good);
	}
	vm_destroy(&v);
}

static void test_x2apic_base(void **state)
{
	struct one_cpuid cpuid = {
		.nent = 1,
		.entry = {.function = 1, .ecx = 1u << 21, .edx = 1u << 9}};
	struct kvm_lapic_state apic;
	struct kvm_sregs sregs;
	uint32_t ldr;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[1], KVM_SET_CPUID2, &cpuid), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_SREGS, &sregs), 0);
	sregs.apic_base = 0xfee00c00;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_LAPIC, &apic), 0);
	memcpy(&ldr, apic.regs + 0xd0, sizeof(ldr));
	assert_int_equal(ldr, 2);
	/* A guest could not: it would have to switch the APIC off. */
	sregs.apic_base = 0xfee00800;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_SREGS, &sregs), 0);
	sregs.apic_base = 0;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_SREGS, &sregs), 0);
	sregs.apic_base = 0xfee00c00;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_SREGS, &sregs), 0);
	vm_destroy(&v);
}

/* LVT_TIMER has the TSC-deadline mode if CPUID has. */
static void test_tsc_deadline_mode(void **state)
{
	struct one_cpuid cpuid = {
		.nent = 1,
		.entry = {.function = 1, .ecx = 1u << 21, .edx = 1u << 9}};
	struct one_msr lvt = {.nmsrs = 1, .entry.index = 0x832};
	struct kvm_sregs sregs;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	for (int available = 0; available < 2; available++) {
		cpuid.entry.ecx |= (uint32_t)available << 24;
		assert_int_equal(ask(v.vcpu[0], KVM_SET_CPUID2, &cpuid), 0);
		assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
		sregs.apic_base |= 0x400;
		assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), 0);
		lvt.entry.data = 0x70041;
		assert_int_equal(ask(v.vcpu[0], KVM_SET_MSRS, &lvt), 1);
		assert_int_equal(ask(v.vcpu[0], KVM_GET_MSRS, &lvt), 1);
		assert_int_equal(lvt.entry.data, available ? 0x70041 : 0x30041);
	}
	vm_destroy(&v);
}

/* CR8 is the task priority's upper half. */
static void test_cr8(void **state)
{
	struct kvm_lapic_state apic;
	struct kvm_sregs sregs;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	sregs.cr8 = 5;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(apic.regs[0x80], 0x50);
	sregs.cr8 = 20; /* ignored */
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.cr8, 5);
	vm_destroy(&v);
}

static void test_lapic_needs_irqchip(void **state)
{
	struct kvm_vapic_addr vapic = {0};
	struct kvm_lapic_state apic;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_NONE);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_LAPIC, &apic), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_LAPIC, BAD_POINTER), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_VAPIC_ADDR, &vapic), -EINVAL);
	vm_destroy(&v);
	vm_create(&v, CHIPS_SPLIT);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_LAPIC, &apic), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_LAPIC, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_LAPIC, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_VAPIC_ADDR, &vapic), 0);
	vm_destroy(&v);
}

static void test_tpr_access_reporting(void **state)
{
	struct kvm_tpr_access_ctl ctl = {.flags = 1};
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_TPR_ACCESS_REPORTING, &ctl),
			 -EINVAL);
	ctl.flags = 0;
	assert_int_equal(ask(v.vcpu[0], KVM_TPR_ACCESS_REPORTING, &ctl), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_TPR_ACCESS_REPORTING, BAD_POINTER),
			 -EFAULT);
	vm_destroy(&v);
}

/* Linux kvm_vcpu_ioctl_interrupt(): who may speak for the 8259. */
static void test_interrupt(void **state)
{
	struct kvm_interrupt bad = {.irq = 256}, good = {.irq = 33};
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &bad), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &good), -ENXIO);
	vm_destroy(&v);
	vm_create(&v, CHIPS_SPLIT);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &bad), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &good), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &good), -EEXIST);
	vm_destroy(&v);
	vm_create(&v, CHIPS_NONE);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &bad), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &good), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_INTERRUPT, &good), 0);
	vm_destroy(&v);
}

static void test_mp_state(void **state)
{
	/* What each number reads as afterwards; 0: the same as before. */
	static const struct {
		int ret;
		uint32_t reads;
	} with_irqchip[] = {
		[KVM_MP_STATE_RUNNABLE] = {0, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_UNINITIALIZED] = {0, KVM_MP_STATE_UNINITIALIZED},
		[KVM_MP_STATE_INIT_RECEIVED] = {0, KVM_MP_STATE_INIT_RECEIVED},
		[KVM_MP_STATE_HALTED] = {0, KVM_MP_STATE_HALTED},
		[KVM_MP_STATE_SIPI_RECEIVED] = {0, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_STOPPED] = {-EINVAL, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_CHECK_STOP] = {-EINVAL, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_OPERATING] = {-EINVAL, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_LOAD] = {-EINVAL, KVM_MP_STATE_RUNNABLE},
		[KVM_MP_STATE_AP_RESET_HOLD] = {0, KVM_MP_STATE_AP_RESET_HOLD},
		[10] = {-EINVAL, KVM_MP_STATE_AP_RESET_HOLD},
	};
	struct kvm_sregs sregs;
	struct kvm_mp_state mp;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	for (uint32_t i = 0; i < sizeof(with_irqchip) / sizeof(with_irqchip[0]);
	     i++) {
		mp.mp_state = i;
		assert_int_equal(ask(v.vcpu[1], KVM_SET_MP_STATE, &mp),
				 with_irqchip[i].ret);
		assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
		assert_int_equal(mp.mp_state, with_irqchip[i].reads);
	}
	assert_int_equal(ask(v.vcpu[1], KVM_SET_MP_STATE, BAD_POINTER),
			 -EFAULT);
	/* The boot processor's reset by its registers alone wakes it. */
	mp.mp_state = KVM_MP_STATE_HALTED;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_MP_STATE, &mp), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	vm_destroy(&v);

	vm_create(&v, CHIPS_NONE);
	for (mp.mp_state = 0; mp.mp_state < 11; mp.mp_state++)
		assert_int_equal(ask(v.vcpu[1], KVM_SET_MP_STATE, &mp),
				 mp.mp_state ? -EINVAL : 0);
	vm_destroy(&v);
}

/* INIT and SIPI by messages; reading the state takes them. */
static void test_init_sipi(void **state)
{
	struct kvm_msi init = {.address_lo = 0xfee01000, .data = 0x4500};
	struct kvm_msi sipi = {.address_lo = 0xfee01000, .data = 0x4677};
	struct kvm_regs regs = {.rax = 5, .rip = 0x1234, .rflags = 2};
	struct kvm_sregs sregs;
	struct kvm_mp_state mp;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	touch_lapic(&v);
	assert_int_equal(ask(v.vcpu[1], KVM_SET_REGS, &regs), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_SREGS, &sregs), 0);
	sregs.cr0 = 0x10; /* caches on: INIT leaves them so */
	sregs.cs.base = 0;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_SREGS, &sregs), 0);
	/* A SIPI that no INIT came before is nothing. */
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &sipi), 1);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_UNINITIALIZED);
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &init), 1);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_INIT_RECEIVED);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rax, 0);
	assert_int_equal(regs.rip, 0xfff0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.cr0, 0x10);
	assert_int_equal(sregs.cs.base, 0xffff0000);
	assert_int_equal(sregs.apic_base, APIC_BASE_ON);
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &sipi), 1);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(mp.mp_state, KVM_MP_STATE_RUNNABLE);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.cs.selector, 0x7700);
	assert_int_equal(sregs.cs.base, 0x77000);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rip, 0);
	vm_destroy(&v);
}

static void test_events(void **state)
{
	struct kvm_msi nmi = {.address_lo = 0xfee00000, .data = 0x4400};
	struct kvm_msi init = {.address_lo = 0xfee00000, .data = 0x4500};
	struct kvm_vcpu_events events;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.nmi.pending, 0);
	assert_int_equal(events.smi.latched_init, 0);
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &nmi), 1);
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &init), 1);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.nmi.pending, 1);
	assert_int_equal(events.smi.latched_init, 1);
	events.nmi.pending = 0;
	events.smi.latched_init = 0;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_VCPU_EVENTS, &events), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.nmi.pending, 0);
	assert_int_equal(events.smi.latched_init, 0);
	events.flags = 0x1000;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_VCPU_EVENTS, &events), -EINVAL);
	vm_destroy(&v);
}

static int use_host(void **state)
{
	(void)state;
	host = VIRQ_UAPI_HOST_KVM;
	return 0;
}

static int use_none(void **state)
{
	(void)state;
	host = VIRQ_UAPI_HOST_NONE;
	return 0;
}

int main(void)
{
#define HOST(name) cmocka_unit_test_setup(name, use_host)
#define NONE(name)                                                             \
	{                                                                      \
#name "_without_host", name, use_none, NULL, NULL              \
	}
#define BOTH(name) NONE(name), HOST(name)
	const struct CMUnitTest tests[] = {
		BOTH(test_apic_base),		BOTH(test_x2apic_base),
		BOTH(test_tsc_deadline_mode),	BOTH(test_cr8),
		BOTH(test_lapic_needs_irqchip), BOTH(test_tpr_access_reporting),
		BOTH(test_interrupt),		BOTH(test_mp_state),
		BOTH(test_init_sipi),		BOTH(test_events),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

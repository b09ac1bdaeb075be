// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vCPU's requests, with the real KVM below and without: the same answers.
 * Where Linux's own rule is quoted, it is the one for an irqchip in the kernel.
 */
#include "vcpu_fixture.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* ---- Life ---- */

static void test_create(void **state)
{
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(virq_ioctl(v.vm, KVM_CREATE_VCPU, 1), -EEXIST);
	assert_int_equal(virq_ioctl(v.vm, KVM_CREATE_VCPU, 1u << 20), -EINVAL);
	/* A vCPU outlives its descriptor, and its id is taken. */
	assert_int_equal(virq_uapi_close(v.vcpu[1]), 0);
	assert_int_equal(virq_ioctl(v.vm, KVM_CREATE_VCPU, 1), -EEXIST);
	/* A descriptor works after its VM's is closed. */
	assert_int_equal(virq_uapi_close(v.vm), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_NMI, NULL), 0);
	assert_int_equal(virq_uapi_close(v.vcpu[0]), 0);
	assert_int_equal(virq_uapi_close(v.kvm), 0);
}

static void test_unknown_requests(void **state)
{
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], _IO(KVMIO, 0xff), NULL), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], _IO('x', 1), NULL), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_CREATE_VM, NULL), -EINVAL);
	vm_destroy(&v);
}

static void test_run_size(void **state)
{
	struct kvm_run *run;
	struct vm v;
	int size;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	size = ask(v.kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);
	assert_int_equal(size, 12288);
	run = virq_uapi_mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
			     MAP_SHARED, v.vcpu[0], 0);
	assert_true(run != MAP_FAILED);
	/* The one that KVM_RUN looks at. */
	run->immediate_exit = 1;
	assert_int_equal(ask(v.vcpu[0], KVM_RUN, NULL), -EINTR);
	assert_int_equal(run->apic_base, APIC_BASE_BSP_ON);
	run->immediate_exit = 0;
	if (host == VIRQ_UAPI_HOST_NONE)
		assert_int_equal(ask(v.vcpu[0], KVM_RUN, NULL), -EOPNOTSUPP);
	munmap(run, (size_t)size);
	vm_destroy(&v);
}

/* ---- State ---- */

static void test_reset_state(void **state)
{
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	struct kvm_fpu fpu;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rip, 0xfff0);
	assert_int_equal(regs.rflags, 2);
	assert_int_equal(regs.rdx, 0x600);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.cs.selector, 0xf000);
	assert_int_equal(sregs.cs.base, 0xffff0000);
	assert_int_equal(sregs.cs.limit, 0xffff);
	/* "Accessed", and 16 or 32 bits, are up to the processor's maker. */
	assert_int_equal(sregs.cs.type | 1, 0xb);
	assert_int_equal(sregs.ds.type | 1, 3);
	assert_int_equal(sregs.tr.type | 8, 0xb);
	assert_int_equal(sregs.ldt.type, 2);
	assert_int_equal(sregs.cr0, 0x60000010);
	assert_int_equal(sregs.apic_base, APIC_BASE_BSP_ON);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_SREGS, &sregs), 0);
	assert_int_equal(sregs.apic_base, APIC_BASE_ON);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_FPU, &fpu), 0);
	assert_int_equal(fpu.fcw, 0x37f);
	assert_int_equal(fpu.mxcsr, 0); /* in struct kvm_xsave only */
	assert_int_equal(ask(v.vcpu[0], KVM_GET_DEBUGREGS, &debug), 0);
	assert_int_equal(debug.dr6, 0xffff0ff0);
	assert_int_equal(debug.dr7, 0x400);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_VCPU_EVENTS, &events), 0);
	assert_int_equal(events.flags, KVM_VCPUEVENT_VALID_NMI_PENDING |
					       KVM_VCPUEVENT_VALID_SHADOW |
					       KVM_VCPUEVENT_VALID_SMM);
	vm_destroy(&v);
}

static void test_registers_kept(void **state)
{
	struct kvm_regs regs, back;
	struct kvm_sregs sregs;
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;
	struct vm v;

	(void)state;
	vm_create(&v, CHIPS_FULL);
	memset(&regs, 0x5a, sizeof(regs));
	regs.rflags = 0;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_REGS, &regs), 0);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_REGS, &back), 0);
	regs.rflags = 2; /* always set */
	assert_memory_equal(&regs, &back, sizeof(regs));
	assert_int_equal(ask(v.vcpu[0], KVM_GET_REGS, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_REGS, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, BAD_POINTER), -EFAULT);
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, BAD_POINTER), -EFAULT);

	assert_int_equal(ask(v.vcpu[0], KVM_GET_SREGS, &sregs), 0);
	sregs.cr0 = 0x80000000; /* paging without protection */
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), -EINVAL);
	sregs.cr0 = 0x20000011; /* NW without CD */
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), -EINVAL);
	sregs.cr0 = 0x10;
	sregs.efer = 0x400; /* long mode active, but not enabled */
	assert_int_equal(ask(v.vcpu[0], KVM_SET_SREGS, &sregs), -EINVAL);

	assert_int_equal(ask(v.vcpu[0], KVM_GET_DEBUGREGS, &debug), 0);
	debug.flags = 1;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_DEBUGREGS, &debug), -EINVAL);
	debug.flags = 0;
	debug.dr7 |= UINT64_C(1) << 32;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_DEBUGREGS, &debug), -EINVAL);
	assert_int_equal(ask(v.vcpu[0], KVM_GET_XCRS, &xcrs), 0);
	xcrs.nr_xcrs = KVM_MAX_XCRS + 1;
	assert_int_equal(ask(v.vcpu[0], KVM_SET_XCRS, &xcrs), -EINVAL);
	vm_destroy(&v);
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
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entry;
	} msr = {.header.nmsrs = 1, .entry.index = 0x1b};
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
	struct {
		struct kvm_cpuid2 header;
		struct kvm_cpuid_entry2 entry;
	} cpuid = {.header.nent = 1,
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
	struct {
		struct kvm_cpuid2 header;
		struct kvm_cpuid_entry2 entry;
	} cpuid = {.header.nent = 1,
		   .entry = {.function = 1, .ecx = 1u << 21, .edx = 1u << 9}};
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entry;
	} lvt = {.header.nmsrs = 1, .entry.index = 0x832};
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

/* ---- MSRs and CPUID ---- */

/* In order up to the first that is refused; the answer says how many. */
static void test_msrs(void **state)
{
	struct {
		struct kvm_msrs header;
		struct kvm_msr_entry entries[300];
	} *msrs = calloc(1, sizeof(*msrs));
	struct vm v;

	(void)state;
	assert_non_null(msrs);
	vm_create(&v, CHIPS_FULL);
	msrs->header.nmsrs = 4;
	msrs->entries[0].index = 0x10;
	msrs->entries[1].index = 0x1b;
	msrs->entries[2].index = 0x6e0;
	msrs->entries[3].index = 0x808; /* not in xAPIC mode */
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, msrs), 3);
	assert_int_not_equal(msrs->entries[0].data, 0);
	assert_int_equal(msrs->entries[1].data, APIC_BASE_ON);
	assert_int_equal(msrs->entries[2].data, 0);
	msrs->entries[0].data = 1000;
	msrs->entries[2].index = 0x808;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_MSRS, msrs), 2);
	msrs->header.nmsrs = 256;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, msrs), -E2BIG);
	msrs->header.nmsrs = 0;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, msrs), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, BAD_POINTER), -EFAULT);
	vm_destroy(&v);
	free(msrs);
}

static void test_cpuid(void **state)
{
	struct {
		struct kvm_cpuid2 header;
		struct kvm_cpuid_entry2 entries[256];
	} *cpuid = calloc(1, sizeof(*cpuid));
	struct kvm_msi init = {.address_lo = 0xfee01000, .data = 0x4500};
	struct kvm_mp_state mp;
	struct kvm_regs regs;
	struct vm v;

	(void)state;
	assert_non_null(cpuid);
	vm_create(&v, CHIPS_FULL);
	touch_lapic(&v);
	cpuid->header.nent = 257;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_CPUID2, cpuid), -E2BIG);
	cpuid->header.nent = 2;
	cpuid->entries[1].function = 1;
	cpuid->entries[1].eax = 0x123456;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_CPUID2, cpuid), 0);
	cpuid->header.nent = 1;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_CPUID2, cpuid), -E2BIG);
	cpuid->header.nent = 256;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_CPUID2, cpuid), 0);
	assert_in_range(cpuid->header.nent, 2, 256);
	/* After INIT the processor's signature is in RDX. */
	assert_int_equal(ask(v.vm, KVM_SIGNAL_MSI, &init), 1);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MP_STATE, &mp), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_REGS, &regs), 0);
	assert_int_equal(regs.rdx, 0x123456);
	vm_destroy(&v);
	free(cpuid);
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
		BOTH(test_create),
		BOTH(test_unknown_requests),
		BOTH(test_run_size),
		BOTH(test_reset_state),
		BOTH(test_registers_kept),
		BOTH(test_apic_base),
		BOTH(test_x2apic_base),
		BOTH(test_tsc_deadline_mode),
		BOTH(test_cr8),
		BOTH(test_lapic_needs_irqchip),
		BOTH(test_tpr_access_reporting),
		BOTH(test_interrupt),
		BOTH(test_mp_state),
		BOTH(test_init_sipi),
		BOTH(test_events),
		BOTH(test_msrs),
		BOTH(test_cpuid),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

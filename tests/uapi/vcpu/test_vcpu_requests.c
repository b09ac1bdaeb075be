// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vCPU's life and registers.  With the real KVM below and without the answers
 * are the same; Linux's rules are those for an irqchip in the kernel.
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

/* ---- MSRs and CPUID ---- */

/* In order up to the first that is refused; the answer says how many. */
static void test_msrs(void **state)
{
	struct {
		uint32_t nmsrs, pad;
		struct kvm_msr_entry entries[300];
	} *msrs = calloc(1, sizeof(*msrs));
	struct vm v;

	(void)state;
	assert_non_null(msrs);
	vm_create(&v, CHIPS_FULL);
	msrs->nmsrs = 4;
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
	msrs->nmsrs = 256;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, msrs), -E2BIG);
	msrs->nmsrs = 0;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, msrs), 0);
	assert_int_equal(ask(v.vcpu[1], KVM_GET_MSRS, BAD_POINTER), -EFAULT);
	vm_destroy(&v);
	free(msrs);
}

static void test_cpuid(void **state)
{
	struct {
		uint32_t nent, padding;
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
	cpuid->nent = 257;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_CPUID2, cpuid), -E2BIG);
	cpuid->nent = 2;
	cpuid->entries[1].function = 1;
	cpuid->entries[1].eax = 0x123456;
	assert_int_equal(ask(v.vcpu[1], KVM_SET_CPUID2, cpuid), 0);
	cpuid->nent = 1;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_CPUID2, cpuid), -E2BIG);
	cpuid->nent = 256;
	assert_int_equal(ask(v.vcpu[1], KVM_GET_CPUID2, cpuid), 0);
	assert_in_range(cpuid->nent, 2, 256);
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
		BOTH(test_create),	   BOTH(test_unknown_requests),
		BOTH(test_run_size),	   BOTH(test_reset_state),
		BOTH(test_registers_kept), BOTH(test_msrs),
		BOTH(test_cpuid),
	};

	if (!machine_usable())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * A KVM VM and its vCPUs, for the three places where interrupt controllers can
 * be: all in the kernel ("kvm"), local APICs in the kernel ("split"), all in
 * user space ("x86").
 */
#include "vmm_kvm_x86.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define MAX_CPUID_ENTRIES 256
/* Three pages that Intel's KVM wants below 4 GiB, away from everything. */
#define TSS_GPA 0xfffbd000ul

#define MSR_IA32_APICBASE 0x1b

#define CPUID_1_EBX_APIC_ID_SHIFT 24
#define CPUID_1_ECX_X2APIC (1u << 21)
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)
#define CPUID_1_EDX_APIC (1u << 9)

extern const uint8_t guest_apic[], guest_apic_end[];
extern const uint8_t guest_pic[], guest_pic_end[];

static void load_program(struct vmm *vmm)
{
	if (vmm_pc_board(vmm)->program == VMM_PROGRAM_PIC)
		memcpy(vmm->memory + GUEST_LOAD_GPA, guest_pic,
		       (size_t)(guest_pic_end - guest_pic));
	else
		memcpy(vmm->memory + GUEST_LOAD_GPA, guest_apic,
		       (size_t)(guest_apic_end - guest_apic));
}

static int read_cpuid(struct kvm_x86_guest *kvm, int kvm_fd)
{
	kvm->cpuid = calloc(1, sizeof(*kvm->cpuid) +
				       MAX_CPUID_ENTRIES *
					       sizeof(kvm->cpuid->entries[0]));
	if (!kvm->cpuid)
		return -ENOMEM;
	kvm->cpuid->nent = MAX_CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, kvm->cpuid))
		return -errno;
	return 0;
}

/*
 * KVM without its local APIC refuses the x2APIC's MSRs and answers for
 * IA32_APICBASE itself; both are ours.
 */
static int take_apic_msrs(const struct kvm_guest *kvm)
{
	static uint8_t deny; /* a clear bit a MSR */
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] =
			KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_FILTER,
	};
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges[0] =
			{
				.flags = KVM_MSR_FILTER_READ |
					 KVM_MSR_FILTER_WRITE,
				.nmsrs = 1,
				.base = MSR_IA32_APICBASE,
				.bitmap = &deny,
			},
	};

	if (ioctl(kvm->vm_fd, KVM_ENABLE_CAP, &cap) ||
	    ioctl(kvm->vm_fd, KVM_X86_SET_MSR_FILTER, &filter))
		return -errno;
	return 0;
}

static int setup_vm(struct vmm *vmm, struct kvm_x86_guest *guest, int kvm_fd)
{
	int ret;

	if (ioctl(guest->kvm.vm_fd, KVM_SET_TSS_ADDR, TSS_GPA))
		return vmm_fail(vmm, -errno, "KVM_SET_TSS_ADDR: %s",
				strerror(errno));
	ret = read_cpuid(guest, kvm_fd);
	if (ret)
		return vmm_fail(vmm, ret, "KVM_GET_SUPPORTED_CPUID: %s",
				strerror(-ret));
	if (!vmm_pc_kernel_apic(vmm)) {
		ret = take_apic_msrs(&guest->kvm);
		if (ret)
			return vmm_fail(vmm, ret,
					"this KVM keeps the APIC's MSRs to "
					"itself (%s); use irqchip kvm or split",
					strerror(-ret));
	}
	return 0;
}

/* Where the local APICs are KVM's, so is HLT, and what it does first. */
static int set_halt_poll(struct vmm *vmm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_HALT_POLL,
		.args[0] = vmm->halt_poll_ns,
	};

	if (!vmm_pc_kernel_apic(vmm) || !vmm->halt_poll_ns ||
	    !ioctl(vmm->kvm->vm_fd, KVM_ENABLE_CAP, &cap))
		return 0;
	return vmm_fail(vmm, -errno,
			"this KVM cannot be told how long to poll (%s); "
			"use irqchip x86",
			strerror(errno));
}

static int x86_vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	struct kvm_x86_guest *guest = calloc(1, sizeof(*guest));
	int kvm_fd, ret;

	ret = kvm_guest_open(vmm, guest ? &guest->kvm : NULL, 0, &kvm_fd);
	if (!ret)
		ret = setup_vm(vmm, guest, kvm_fd);
	if (!ret)
		ret = set_halt_poll(vmm);
	if (kvm_fd >= 0)
		close(kvm_fd);
	if (ret)
		return ret;
	load_program(vmm);
	*irqchip_config = vmm_pc_kernel_apic(vmm) ? &guest->kvm.config : NULL;
	return 0;
}

static void x86_vm_cleanup(struct vmm *vmm)
{
	if (vmm->kvm)
		free(to_x86_guest(vmm)->cpuid);
	kvm_guest_close(vmm);
}

/*
 * What KVM offers, with this vCPU's APIC in it.  The x2APIC is KVM's or, by
 * the MSR exits, ours; the TSC-deadline timer needs the guest's TSC, which
 * the irqchip has not been told.
 */
static int set_cpuid(struct kvm_vcpu *v)
{
	struct kvm_cpuid2 *cpuid = to_x86_guest(v->vcpu->vmm)->cpuid;
	uint32_t id = v->vcpu->id;

	for (uint32_t i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		if (entry->function == 1) {
			entry->ebx &= (1u << CPUID_1_EBX_APIC_ID_SHIFT) - 1;
			entry->ebx |= id << CPUID_1_EBX_APIC_ID_SHIFT;
			entry->ecx |= CPUID_1_ECX_X2APIC;
			entry->ecx &= ~CPUID_1_ECX_TSC_DEADLINE;
			entry->edx |= CPUID_1_EDX_APIC;
		} else if (entry->function == 0xb) {
			entry->edx = id;
		}
	}
	return ioctl(v->fd, KVM_SET_CPUID2, cpuid) ? -errno : 0;
}

/* The state that INIT goes back to, and for vCPU 0 the start. */
static int set_start(struct kvm_x86_vcpu *v)
{
	int fd = v->kvm.fd;

	if (ioctl(fd, KVM_GET_REGS, &v->reset_regs) ||
	    ioctl(fd, KVM_GET_SREGS, &v->reset_sregs) ||
	    ioctl(fd, KVM_GET_VCPU_EVENTS, &v->reset_events))
		return -errno;
	if (!v->kvm.vcpu->id)
		return kvm_x86_vcpu_start(v, GUEST_LOAD_GPA >> 12);
	/* KVM's own APIC keeps the others waiting by itself. */
	v->wait_for_sipi = v->user_apic;
	return 0;
}

static int connect_vcpu(struct kvm_x86_vcpu *v)
{
	int ret = kvm_vcpu_connect(&v->kvm);

	if (ret || v->user_apic)
		return ret;
	return virq_kvm_set_vcpu_fd(v->kvm.virq, v->kvm.fd);
}

static int x86_vcpu_setup(struct vmm_vcpu *vcpu)
{
	struct kvm_x86_vcpu *v = calloc(1, sizeof(*v));
	int ret;

	ret = kvm_vcpu_open(vcpu, v ? &v->kvm : NULL);
	if (!ret) {
		v->user_apic = !vmm_pc_kernel_apic(vcpu->vmm);
		ret = set_cpuid(&v->kvm);
	}
	if (!ret)
		ret = set_start(v);
	if (!ret)
		ret = vmm_time_init(&v->kvm.time, v->kvm.fd);
	if (!ret)
		ret = connect_vcpu(v);
	if (ret)
		return vmm_fail(vcpu->vmm, ret, "vCPU %u: %s", vcpu->id,
				strerror(-ret));
	return 0;
}

static bool x86_kernel_halt(const struct vmm *vmm)
{
	return strcmp(vmm->irqchip->name, "x86") != 0;
}

const struct vmm_guest_ops vmm_kvm_x86_ops = {
	.vm_setup = x86_vm_setup,
	.vm_cleanup = x86_vm_cleanup,
	.vcpu_setup = x86_vcpu_setup,
	.vcpu_cleanup = kvm_vcpu_close,
	.run = kvm_x86_vcpu_run,
	.clock_sync = kvm_clock_sync,
	.clock_ns = kvm_clock_ns,
	.clock_accuracy_ns = kvm_clock_accuracy_ns,
	.kernel_halt = x86_kernel_halt,
};

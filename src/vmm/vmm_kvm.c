// SPDX-License-Identifier: BSD-3-Clause
/*
 * A KVM VM and its vCPUs, for the three places where interrupt controllers can
 * be: all in the kernel ("kvm"), local APICs in the kernel ("split"), all in
 * user space ("x86").
 */
#include "vmm_kvm.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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
	if (vmm->program == VMM_PROGRAM_PIC)
		memcpy(vmm->memory + GUEST_LOAD_GPA, guest_pic,
		       (size_t)(guest_pic_end - guest_pic));
	else
		memcpy(vmm->memory + GUEST_LOAD_GPA, guest_apic,
		       (size_t)(guest_apic_end - guest_apic));
}

static int read_cpuid(struct kvm_guest *kvm, int kvm_fd)
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
static int take_apic_msrs(struct kvm_guest *kvm)
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

static int create_vm(struct vmm *vmm, int kvm_fd)
{
	struct kvm_guest *kvm = vmm->kvm;
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY_SIZE,
		.userspace_addr = (uint64_t)(uintptr_t)vmm->memory,
	};
	int ret;

	ret = ioctl(kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (ret < 0)
		return vmm_fail(vmm, -errno, "KVM_GET_VCPU_MMAP_SIZE: %s",
				strerror(errno));
	kvm->run_size = (size_t)ret;
	/* A task work of the caller's io_uring interrupts this one. */
	do {
		kvm->vm_fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
	} while (kvm->vm_fd < 0 && errno == EINTR);
	if (kvm->vm_fd < 0)
		return vmm_fail(vmm, -errno, "KVM_CREATE_VM: %s",
				strerror(errno));
	if (ioctl(kvm->vm_fd, KVM_SET_TSS_ADDR, TSS_GPA) ||
	    ioctl(kvm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region))
		return vmm_fail(vmm, -errno, "KVM memory: %s", strerror(errno));
	ret = read_cpuid(kvm, kvm_fd);
	if (ret)
		return vmm_fail(vmm, ret, "KVM_GET_SUPPORTED_CPUID: %s",
				strerror(-ret));
	if (!vmm->kernel_apic) {
		ret = take_apic_msrs(kvm);
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

	if (!vmm->kernel_apic || !vmm->halt_poll_ns ||
	    !ioctl(vmm->kvm->vm_fd, KVM_ENABLE_CAP, &cap))
		return 0;
	return vmm_fail(vmm, -errno,
			"this KVM cannot be told how long to poll (%s); "
			"use irqchip x86",
			strerror(errno));
}

static int kvm_vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	int kvm_fd, ret;

	ret = kvm_kick_init();
	if (ret)
		return vmm_fail(vmm, ret, "kick signal: %s", strerror(-ret));
	vmm->kvm = calloc(1, sizeof(*vmm->kvm));
	if (!vmm->kvm)
		return vmm_fail(vmm, -ENOMEM, "out of memory");
	vmm->kvm->vm_fd = -1;
	kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm_fd < 0)
		return vmm_fail(vmm, -errno, "/dev/kvm: %s", strerror(errno));
	ret = create_vm(vmm, kvm_fd);
	close(kvm_fd);
	if (!ret)
		ret = set_halt_poll(vmm);
	if (ret)
		return ret;
	load_program(vmm);
	vmm->kvm->config.vm_fd = vmm->kvm->vm_fd;
	*irqchip_config = vmm->kernel_apic ? &vmm->kvm->config : NULL;
	return 0;
}

static void kvm_vm_cleanup(struct vmm *vmm)
{
	if (!vmm->kvm)
		return;
	if (vmm->kvm->vm_fd >= 0)
		close(vmm->kvm->vm_fd);
	free(vmm->kvm->cpuid);
	free(vmm->kvm);
	vmm->kvm = NULL;
}

/*
 * What KVM offers, with this vCPU's APIC in it.  The x2APIC is KVM's or, by
 * the MSR exits, ours; the TSC-deadline timer needs the guest's TSC, which
 * the irqchip has not been told.
 */
static int set_cpuid(struct kvm_vcpu *v)
{
	struct kvm_cpuid2 *cpuid = v->vcpu->vmm->kvm->cpuid;
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
static int set_start(struct kvm_vcpu *v)
{
	if (ioctl(v->fd, KVM_GET_REGS, &v->reset_regs) ||
	    ioctl(v->fd, KVM_GET_SREGS, &v->reset_sregs) ||
	    ioctl(v->fd, KVM_GET_VCPU_EVENTS, &v->reset_events))
		return -errno;
	if (!v->vcpu->id)
		return kvm_vcpu_start(v, GUEST_LOAD_GPA >> 12);
	/* KVM's own APIC keeps the others waiting by itself. */
	v->wait_for_sipi = v->user_apic;
	return 0;
}

static int create_kvm_vcpu(struct vmm_vcpu *vcpu, struct kvm_vcpu *v)
{
	struct vmm *vmm = vcpu->vmm;
	void *run;

	v->fd = ioctl(vmm->kvm->vm_fd, KVM_CREATE_VCPU,
		      (unsigned long)vcpu->id);
	if (v->fd < 0)
		return -errno;
	run = mmap(NULL, vmm->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   v->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	v->run = run;
	return 0;
}

static int create_virq_vcpu(struct vmm_vcpu *vcpu, struct kvm_vcpu *v)
{
	struct vmm *vmm = vcpu->vmm;
	int ret = virq_vcpu_create(vmm->vm, vcpu->id, &kvm_vcpu_ops, v,
				   &vcpu->virq);

	if (ret)
		return ret;
	v->virq = vcpu->virq;
	return vmm->kernel_apic ? virq_kvm_set_vcpu_fd(vcpu->virq, v->fd) : 0;
}

static int kvm_vcpu_setup(struct vmm_vcpu *vcpu)
{
	struct kvm_vcpu *v = calloc(1, sizeof(*v));
	int ret = -ENOMEM;

	if (v) {
		v->vcpu = vcpu;
		v->fd = -1;
		v->user_apic = !vcpu->vmm->kernel_apic;
		vcpu->kvm = v;
		ret = create_kvm_vcpu(vcpu, v);
	}
	if (!ret)
		ret = set_cpuid(v);
	if (!ret)
		ret = set_start(v);
	if (!ret)
		ret = vmm_time_init(&v->time, v->fd);
	if (!ret)
		ret = create_virq_vcpu(vcpu, v);
	if (ret)
		return vmm_fail(vcpu->vmm, ret, "vCPU %u: %s", vcpu->id,
				strerror(-ret));
	return 0;
}

static void kvm_vcpu_cleanup(struct vmm_vcpu *vcpu)
{
	struct kvm_vcpu *v = vcpu->kvm;

	if (!v)
		return;
	if (v->run)
		munmap(v->run, vcpu->vmm->kvm->run_size);
	if (v->fd >= 0)
		close(v->fd);
	free(v);
	vcpu->kvm = NULL;
}

static void kvm_clock_sync(struct vmm_vcpu *vcpu)
{
	vcpu->kvm->time_now = vmm_time_read(&vcpu->kvm->time);
}

static uint64_t kvm_clock_ns(const struct vmm_vcpu *vcpu, uint64_t time)
{
	return vmm_time_convert(&vcpu->kvm->time, &vcpu->kvm->time_now, time);
}

static uint64_t kvm_clock_accuracy_ns(const struct vmm_vcpu *vcpu)
{
	return vcpu->kvm->time.accuracy_ns;
}

const struct vmm_guest_ops vmm_kvm_ops = {
	.vm_setup = kvm_vm_setup,
	.vm_cleanup = kvm_vm_cleanup,
	.vcpu_setup = kvm_vcpu_setup,
	.vcpu_cleanup = kvm_vcpu_cleanup,
	.run = kvm_vcpu_run,
	.clock_sync = kvm_clock_sync,
	.clock_ns = kvm_clock_ns,
	.clock_accuracy_ns = kvm_clock_accuracy_ns,
};

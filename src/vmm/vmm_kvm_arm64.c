// SPDX-License-Identifier: BSD-3-Clause
/*
 * An Arm machine on KVM.  It is also the example of how a VMM uses a struct
 * virq_vcpu there:
 *
 *   irqchip	what comes out of KVM_RUN	what goes in
 *   "kvm"	nothing of interest		nothing
 *   "vgic"	GICD and GICC accesses		IRQ and FIQ lines, as
 *						virq_vcpu_pending() has them
 *
 * Without a vGIC in the kernel a vCPU has two inputs, driven by KVM_IRQ_LINE of
 * type CPU.  They are levels: before each entry they are made what the vCPU
 * could take, and a kick ends the stay when that changes.
 *
 * WFI is KVM's in both, and it says nothing of it.  But the guest counts its
 * waits, and takes what is pending before each: see idle().
 */
#include "vmm_arm.h"
#include "vmm_kvm.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NR_PORTS 0x10000
#define PORT_SIZE 4
/* Waits without an interrupt after which there is none to come. */
#define IDLE_WAITS 2

extern const uint8_t guest_gic[], guest_gic_end[];

struct kvm_arm64_vcpu {
	struct kvm_vcpu kvm;
	unsigned int lines; /* VIRQ_EVENT_INTR, _FIQ: as KVM has them */
	/* When idle() last saw that the guest had something to take. */
	uint32_t seen_head, seen_waits;
};

static int arm64_vm_setup(struct vmm *vmm, const void **irqchip_config)
{
	struct kvm_guest *kvm = calloc(1, sizeof(*kvm));
	int kvm_fd, ret;

	ret = kvm_guest_open(vmm, kvm, ARM_RAM_GPA, &kvm_fd);
	if (kvm_fd >= 0)
		close(kvm_fd);
	if (ret)
		return ret;
	memcpy(vmm->memory + GUEST_LOAD_GPA, guest_gic,
	       (size_t)(guest_gic_end - guest_gic));
	/* A GICv2 reads no memory. */
	*irqchip_config = vmm_arm_in_kernel(vmm) ? (const void *)&kvm->config
						 : &vmm_arm_board(vmm)->config;
	return 0;
}

static int set_reg(const struct kvm_vcpu *v, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = {
		.id = id,
		.addr = (uint64_t)(uintptr_t)&value,
	};

	return ioctl(v->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

#define CORE_REG(member)                                                       \
	(KVM_REG_ARM64 | KVM_REG_ARM_CORE | KVM_REG_SIZE_U64 |                 \
	 KVM_REG_ARM_CORE_REG(member))

/* The first starts at the program's entry; PSCI starts the others there. */
static int init_vcpu(const struct kvm_vcpu *v)
{
	struct kvm_vcpu_init init;
	int ret;

	if (ioctl(v->vcpu->vmm->kvm->vm_fd, KVM_ARM_PREFERRED_TARGET, &init))
		return -errno;
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (v->vcpu->id)
		init.features[0] |= 1u << KVM_ARM_VCPU_POWER_OFF;
	if (ioctl(v->fd, KVM_ARM_VCPU_INIT, &init))
		return -errno;
	if (v->vcpu->id)
		return 0;
	ret = set_reg(v, CORE_REG(regs.regs[0]), v->vcpu->id);
	return ret ? ret
		   : set_reg(v, CORE_REG(regs.pc),
			     ARM_RAM_GPA + GUEST_LOAD_GPA);
}

static int arm64_vcpu_setup(struct vmm_vcpu *vcpu)
{
	struct kvm_arm64_vcpu *v = calloc(1, sizeof(*v));
	int ret = kvm_vcpu_open(vcpu, v ? &v->kvm : NULL);

	if (!ret)
		ret = init_vcpu(&v->kvm);
	if (!ret)
		ret = kvm_vcpu_connect(&v->kvm);
	if (ret)
		return vmm_fail(vcpu->vmm, ret, "vCPU %u: %s", vcpu->id,
				strerror(-ret));
	return 0;
}

/*
 * A VM's first KVM_RUN registers the distributor; and Linux 6.1 tells the
 * other vCPUs that it is there before it is.  What they do to it meanwhile
 * comes out here and is lost.  So one vCPU begins, and ends at once, before any
 * does in earnest.
 */
static int register_distributor(const struct kvm_vcpu *v)
{
	int ret;

	v->run->immediate_exit = 1;
	ret = ioctl(v->fd, KVM_RUN, 0);
	if (!ret || errno == EINTR)
		return 0;
	return vmm_fail(v->vcpu->vmm, -errno, "vCPU %u: KVM_RUN: %s",
			v->vcpu->id, strerror(errno));
}

/* Linux moves every vCPU's counter when one is made: it is looked at here. */
static int arm64_vm_ready(struct vmm *vmm)
{
	int ret;

	for (unsigned int i = 0; i < vmm->nr_vcpus; i++) {
		struct kvm_vcpu *v = vmm->vcpus[i].kvm;

		ret = vmm_time_init(&v->time, v->fd);
		if (ret)
			return vmm_fail(vmm, ret, "vCPU %u: its counter: %s", i,
					strerror(-ret));
	}
	if (!vmm_arm_in_kernel(vmm))
		return vmm_arm_gic_setup(vmm, -1);
	ret = vmm_arm_gic_setup(vmm, vmm->kvm->vm_fd);
	return ret ? ret : register_distributor(vmm->vcpus[0].kvm);
}

static int set_line(struct kvm_arm64_vcpu *v, uint32_t line, bool level)
{
	struct kvm_irq_level args = {
		.irq = KVM_ARM_IRQ_TYPE_CPU << KVM_ARM_IRQ_TYPE_SHIFT |
		       v->kvm.vcpu->id << KVM_ARM_IRQ_VCPU_SHIFT | line,
		.level = level,
	};

	return ioctl(v->kvm.vcpu->vmm->kvm->vm_fd, KVM_IRQ_LINE, &args) ? -errno
									: 0;
}

/* With KVM's vGIC nothing is ever pending here. */
static void set_lines(struct kvm_arm64_vcpu *v)
{
	unsigned int events = virq_vcpu_pending(v->kvm.virq) &
			      (VIRQ_EVENT_INTR | VIRQ_EVENT_FIQ);
	unsigned int changed = events ^ v->lines;
	int ret = 0;

	if (changed & VIRQ_EVENT_INTR)
		ret = set_line(v, KVM_ARM_IRQ_CPU_IRQ,
			       events & VIRQ_EVENT_INTR);
	if (!ret && changed & VIRQ_EVENT_FIQ)
		ret = set_line(v, KVM_ARM_IRQ_CPU_FIQ, events & VIRQ_EVENT_FIQ);
	if (ret)
		kvm_vcpu_fail(&v->kvm, "KVM_IRQ_LINE", -ret);
	v->lines = events;
}

/* What a vCPU stops at for good, with the place. */
static void fail_at(struct kvm_vcpu *v, const char *what, uint64_t detail)
{
	uint64_t pc = 0;
	struct kvm_one_reg reg = {
		.id = CORE_REG(regs.pc),
		.addr = (uint64_t)(uintptr_t)&pc,
	};

	ioctl(v->fd, KVM_GET_ONE_REG, &reg);
	vmm_fail(v->vcpu->vmm, -EIO, "vCPU %u: %s (0x%llx) at pc 0x%llx",
		 v->vcpu->id, what, (unsigned long long)detail,
		 (unsigned long long)pc);
}

static bool is_gic(uint64_t gpa)
{
	return gpa >= ARM_GICD_GPA && gpa < ARM_PORTS_GPA;
}

static void exit_mmio(struct kvm_vcpu *v)
{
	struct kvm_run *run = v->run;
	uint64_t port = run->mmio.phys_addr - ARM_PORTS_GPA;
	struct virq_access access = {
		.addr = run->mmio.phys_addr,
		.len = (uint8_t)run->mmio.len,
		.write = run->mmio.is_write,
	};

	if (access.write)
		memcpy(&access.data, run->mmio.data, access.len);
	if (access.write && access.len == PORT_SIZE && port < NR_PORTS &&
	    vmm_guest_out(v->vcpu, (uint16_t)port, (uint32_t)access.data))
		return;
	if (virq_vcpu_mmio(v->virq, &access)) {
		/* What nobody has reads as all ones. */
		access.data = UINT64_MAX;
		if (vmm_arm_in_kernel(v->vcpu->vmm) && is_gic(access.addr))
			fail_at(v, "KVM does not know its GIC", access.addr);
	}
	if (!access.write)
		memcpy(run->mmio.data, &access.data, access.len);
}

static void handle_exit(struct kvm_vcpu *v)
{
	struct kvm_run *run = v->run;
	const char *what;
	uint64_t detail;

	switch (run->exit_reason) {
	case KVM_EXIT_MMIO: exit_mmio(v); break;
	case KVM_EXIT_INTR: break;
	case KVM_EXIT_SYSTEM_EVENT:
		fail_at(v, "the guest switches itself off",
			run->system_event.type);
		break;
	default:
		what = kvm_exit_failure(run, &detail);
		fail_at(v, what, detail);
		break;
	}
}

/*
 * Waiting, with nothing on its way?  A kick takes the guest out of its WFI;
 * when it goes on it takes what is pending, and waits again.  So if it has
 * begun to wait since without having taken anything, nothing was pending when
 * it went on.  Twice, because list registers that are full are filled up on the
 * way through WFI only.
 */
static bool idle(struct kvm_arm64_vcpu *v)
{
	struct guest_ring *ring = vmm_vcpu_ring(v->kvm.vcpu);
	/* Pairs with the releases of the guest, waits being the later. */
	uint32_t waits = __atomic_load_n(&ring->waits, __ATOMIC_ACQUIRE);
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	if (atomic_load(&v->kvm.vcpu->probe) == PROBE_FIRST ||
	    head != v->seen_head || virq_vcpu_pending(v->kvm.virq)) {
		v->seen_head = head;
		v->seen_waits = waits;
	}
	return waits - v->seen_waits >= IDLE_WAITS;
}

static void arm64_vcpu_run(struct vmm_vcpu *vcpu)
{
	struct kvm_arm64_vcpu *v = (struct kvm_arm64_vcpu *)vcpu->kvm;

	kvm_vcpu_begin(&v->kvm);
	while (!vmm_stopping(vcpu->vmm)) {
		set_lines(v);
		if (kvm_vcpu_enter(&v->kvm))
			handle_exit(&v->kvm);
		if (vmm_probe_asked(vcpu))
			vmm_probe_answer(vcpu, idle(v));
		vmm_vcpu_pause(vcpu);
	}
}

static bool arm64_kernel_halt(const struct vmm *vmm)
{
	(void)vmm;
	return true;
}

const struct vmm_guest_ops vmm_kvm_arm64_ops = {
	.vm_setup = arm64_vm_setup,
	.vm_cleanup = kvm_guest_close,
	.vcpu_setup = arm64_vcpu_setup,
	.vcpu_cleanup = kvm_vcpu_close,
	.vm_ready = arm64_vm_ready,
	.run = arm64_vcpu_run,
	.clock_sync = kvm_clock_sync,
	.clock_ns = kvm_clock_ns,
	.clock_accuracy_ns = kvm_clock_accuracy_ns,
	.kernel_halt = arm64_kernel_halt,
};

// SPDX-License-Identifier: BSD-3-Clause
/*
 * The guest of the port "kvm": the executor of guest/arm64/exec.h.
 *
 * A list goes to it in batches, each one KVM_RUN where no access leads outside.
 * What no device of the kernel's has comes here and is -ENODEV: it reads as
 * zero, and like a fault it ends the list.
 */
#include "port_kvm.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include "exec.h"

extern const uint8_t guest_exec_arm64[], guest_exec_arm64_end[];

#define CORE_REG(member)                                                       \
	(KVM_REG_ARM64 | KVM_REG_ARM_CORE | KVM_REG_SIZE_U64 |                 \
	 KVM_REG_ARM_CORE_REG(member))

_Static_assert(EXEC_GPA == ARM_RAM_GPA + ARM_RAM_SIZE - EXEC_SIZE,
	       "the end of guest memory");

void arm_kvm_guest_load(struct arm_kvm_vm *vm)
{
	memcpy(vm->memory + EXEC_GPA - ARM_RAM_GPA, guest_exec_arm64,
	       (size_t)(guest_exec_arm64_end - guest_exec_arm64));
}

static int set_reg(const struct arm_kvm_vcpu *vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? -errno : 0;
}

static int enter(struct arm_kvm_vcpu *vcpu, uint64_t box)
{
	int rc;

	if (vcpu->entered)
		return 0;
	rc = set_reg(vcpu, CORE_REG(regs.regs[0]), box);
	if (!rc)
		rc = set_reg(vcpu, CORE_REG(regs.pc), EXEC_GPA);
	if (!rc)
		vcpu->entered = true;
	return rc;
}

/* Until the guest reports.  0: the batch is done, or a negative errno. */
static int run(const struct arm_kvm_vcpu *vcpu, volatile struct exec_box *box)
{
	const struct kvm_run *state = vcpu->run;
	int result = 0;

	for (;;) {
		if (ioctl(vcpu->fd, KVM_RUN, 0)) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (state->exit_reason != KVM_EXIT_MMIO)
			return -EIO;
		switch (state->mmio.phys_addr - EXEC_REPORT_GPA) {
		case EXEC_REPORT_DONE: return result;
		case EXEC_REPORT_LOST: return -EIO;
		}
		result = -ENODEV;
		memset(vcpu->run->mmio.data, 0, sizeof(vcpu->run->mmio.data));
		box->nr = box->next + 1;
	}
}

static int run_batch(const struct arm_kvm_vcpu *vcpu, struct exec_box *box,
		     struct arm_access *access, uint32_t nr)
{
	int rc;

	for (uint32_t i = 0; i < nr; i++)
		box->access[i] = (struct exec_access){
			.addr = access[i].addr,
			.data = access[i].data,
			.sysreg = access[i].sysreg,
			.write = access[i].write,
			.len = access[i].len,
		};
	box->nr = nr;
	rc = run(vcpu, box);
	for (uint32_t i = 0; i < nr && i < box->next; i++)
		if (!access[i].write)
			access[i].data = box->access[i].data;
	if (!rc && box->faulted)
		rc = -EFAULT;
	return rc;
}

int arm_kvm_guest(struct arm_vm *opaque, uint32_t id, struct arm_access *access,
		  size_t nr)
{
	struct arm_kvm_vm *vm = (struct arm_kvm_vm *)opaque;
	struct arm_kvm_vcpu *vcpu = arm_kvm_vcpu(vm, id);
	uint64_t gpa;
	int rc;

	if (!vcpu || vcpu - vm->vcpu >= EXEC_MAX_VCPUS)
		return -EINVAL;
	gpa = EXEC_BOX_GPA((uint64_t)(vcpu - vm->vcpu));
	rc = enter(vcpu, gpa);
	for (size_t done = 0, batch; done < nr && !rc; done += batch) {
		batch = nr - done < EXEC_MAX_ACCESSES ? nr - done
						      : EXEC_MAX_ACCESSES;
		rc = run_batch(vcpu, (void *)(vm->memory + gpa - ARM_RAM_GPA),
			       access + done, (uint32_t)batch);
	}
	return rc;
}

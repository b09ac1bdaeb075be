// SPDX-License-Identifier: BSD-3-Clause
/*
 * What a vCPU takes: with KVM a guest asks the CPU interface, with its
 * interrupts masked, and tells what it got by a store where there is no memory.
 */
#include "its_side.h"
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <virq/vgic.h>

#define TELL_GPA UINT64_C(0x1000)
#define CORE_REG(n)                                                            \
	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | (n) / 4)
#define REG_X1 CORE_REG(offsetof(struct kvm_regs, regs.regs[1]))
#define REG_PC CORE_REG(offsetof(struct kvm_regs, regs.pc))

/* As KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK has them. */
#define ICC_PMR_EL1 0xc230u
#define ICC_IGRPEN1_EL1 0xc667u

static const uint32_t guest[] = {
	0xd538cc00, /* mrs x0, ICC_IAR1_EL1 */
	0xd518cc20, /* msr ICC_EOIR1_EL1, x0 */
	0xb9000020, /* str w0, [x1] */
	0x17fffffd, /* b the first */
};

static void set_reg(struct its_side *s, unsigned int cpu, uint64_t id,
		    uint64_t value)
{
	struct kvm_one_reg reg = {.id = id, .addr = (uintptr_t)&value};

	assert_int_equal(ioctl(s->vcpu_fd[cpu], KVM_SET_ONE_REG, &reg), 0);
}

static uint32_t take_kvm(struct its_side *s, unsigned int cpu)
{
	struct kvm_run *run = s->run[cpu];
	uint32_t intid;
	int ret;

	memcpy(s->ram + (GUEST_GPA - RAM_GPA), guest, sizeof(guest));
	set_reg(s, cpu, REG_PC, GUEST_GPA);
	set_reg(s, cpu, REG_X1, TELL_GPA);
	do
		ret = ioctl(s->vcpu_fd[cpu], KVM_RUN, NULL);
	while (ret && errno == EINTR);
	assert_int_equal(ret, 0);
	assert_int_equal(run->exit_reason, KVM_EXIT_MMIO);
	assert_int_equal(run->mmio.phys_addr, TELL_GPA);
	memcpy(&intid, run->mmio.data, sizeof(intid));
	/* The store is over: attributes, and another first instruction. */
	run->immediate_exit = 1;
	assert_int_equal(ioctl(s->vcpu_fd[cpu], KVM_RUN, NULL), -1);
	assert_int_equal(errno, EINTR);
	run->immediate_exit = 0;
	return intid;
}

static void unmask(struct its_side *s, unsigned int cpu)
{
	uint64_t mpidr = (uint64_t)cpu << 32, pmr = 0xf8, on = 1;
	uint32_t ctlr = 2;

	assert_int_equal(side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
				  mpidr | ICC_PMR_EL1, &pmr),
			 0);
	assert_int_equal(side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS,
				  mpidr | ICC_IGRPEN1_EL1, &on),
			 0);
	/* GICD_CTLR.EnableGrp1 */
	assert_int_equal(
		side_gic(s, SIDE_SET, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, 0, &ctlr),
		0);
}

void side_unmask(struct its_side *s)
{
	for (unsigned int i = 0; i < NR_CPUS; i++)
		unmask(s, i);
}

uint32_t side_take(struct its_side *s, unsigned int cpu)
{
	uint32_t intid;

	if (s->kvm)
		return take_kvm(s, cpu);
	intid = virq_vgic_iar(s->vcpu[cpu], 1);
	virq_vgic_eoir(s->vcpu[cpu], 1, intid);
	return intid;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/* hw_arm.h on a thread of the monitor. */
#ifndef VIRQ_GUEST_HW_ARM_NATIVE_H
#define VIRQ_GUEST_HW_ARM_NATIVE_H

#include "../hw_native.h"

static inline uint64_t hw_mmio_read64(struct hw *hw, uint32_t gpa)
{
	return hw_access(hw, virq_vcpu_mmio,
			 (struct virq_access){.addr = gpa, .len = 8});
}

static inline void hw_mmio_write64(struct hw *hw, uint32_t gpa, uint64_t value)
{
	hw_access(hw, virq_vcpu_mmio,
		  (struct virq_access){
			  .addr = gpa, .len = 8, .write = true, .data = value});
}

/* As KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK packs them. */
static inline uint64_t hw_sysreg_encoding(uint32_t op0, uint32_t op1,
					  uint32_t crn, uint32_t crm,
					  uint32_t op2)
{
	return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

static inline uint64_t hw_sysreg_read(struct hw *hw, uint32_t op0, uint32_t op1,
				      uint32_t crn, uint32_t crm, uint32_t op2)
{
	return hw_access(hw, virq_vcpu_msr,
			 (struct virq_access){.addr = hw_sysreg_encoding(
						      op0, op1, crn, crm, op2),
					      .len = 8});
}

static inline void hw_sysreg_write(struct hw *hw, uint32_t op0, uint32_t op1,
				   uint32_t crn, uint32_t crm, uint32_t op2,
				   uint64_t value)
{
	hw_access(hw, virq_vcpu_msr,
		  (struct virq_access){
			  .addr = hw_sysreg_encoding(op0, op1, crn, crm, op2),
			  .len = 8,
			  .write = true,
			  .data = value});
}

/* The chips are calls of this thread: what it wrote they see. */
static inline void hw_barrier(struct hw *hw)
{
	(void)hw;
}

static inline void hw_cpu_on(struct hw *hw, uint32_t cpu)
{
	hw->ops->cpu_on(hw, cpu);
}

#endif

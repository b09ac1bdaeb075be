/* SPDX-License-Identifier: BSD-3-Clause */
/* hw_arm.h on a processor at EL1. */
#ifndef VIRQ_GUEST_ARM64_HW_BARE_H
#define VIRQ_GUEST_ARM64_HW_BARE_H

#include "../abi.h"
#include "machine.h"
#include <stdbool.h>
#include <stdint.h>

struct hw {
	uint32_t cpu;
};

static inline void *hw_memory(struct hw *hw, uint32_t gpa)
{
	(void)hw;
	return (void *)((uintptr_t)ARM_RAM_GPA + gpa);
}

/*
 * One plain load or store each, without writeback: what the processor
 * describes in its syndrome, so that a hypervisor need not read the program.
 */
static inline uint32_t hw_mmio_read32(struct hw *hw, uint32_t gpa)
{
	uint32_t value;

	(void)hw;
	__asm__ volatile("ldr %w0, [%1]"
			 : "=r"(value)
			 : "r"((uintptr_t)gpa)
			 : "memory");
	return value;
}

static inline void hw_mmio_write32(struct hw *hw, uint32_t gpa, uint32_t value)
{
	(void)hw;
	__asm__ volatile("str %w0, [%1]"
			 :
			 : "r"(value), "r"((uintptr_t)gpa)
			 : "memory");
}

static inline uint64_t hw_mmio_read64(struct hw *hw, uint32_t gpa)
{
	uint64_t value;

	(void)hw;
	__asm__ volatile("ldr %0, [%1]"
			 : "=r"(value)
			 : "r"((uintptr_t)gpa)
			 : "memory");
	return value;
}

static inline void hw_mmio_write64(struct hw *hw, uint32_t gpa, uint64_t value)
{
	(void)hw;
	__asm__ volatile("str %0, [%1]"
			 :
			 : "r"(value), "r"((uintptr_t)gpa)
			 : "memory");
}

#define hw_sysreg_name(op0, op1, crn, crm, op2)                                \
	"S" #op0 "_" #op1 "_C" #crn "_C" #crm "_" #op2

#define hw_sysreg_read_(hw, op0, op1, crn, crm, op2)                           \
	({                                                                     \
		uint64_t value_;                                               \
		(void)(hw);                                                    \
		__asm__ volatile(                                              \
			"mrs %0, " hw_sysreg_name(op0, op1, crn, crm, op2)     \
			: "=r"(value_)                                         \
			:                                                      \
			: "memory");                                           \
		value_;                                                        \
	})
#define hw_sysreg_read(...) hw_sysreg_read_(__VA_ARGS__)

#define hw_sysreg_write_(hw, op0, op1, crn, crm, op2, value)                   \
	do {                                                                   \
		(void)(hw);                                                    \
		__asm__ volatile(                                              \
			"msr " hw_sysreg_name(op0, op1, crn, crm, op2) ", %0"  \
			:                                                      \
			: "r"((uint64_t)(value))                               \
			: "memory");                                           \
	} while (0)
#define hw_sysreg_write(...) hw_sysreg_write_(__VA_ARGS__)

static inline void hw_barrier(struct hw *hw)
{
	(void)hw;
	__asm__ volatile("dsb sy; isb" : : : "memory");
}

/* The monitor reads guest memory when it sees this: nothing may be late. */
static inline void hw_out32(struct hw *hw, uint16_t port, uint32_t value)
{
	hw_barrier(hw);
	hw_mmio_write32(hw, ARM_PORTS_GPA + port, value);
}

/* The barrier keeps the read where it stands. */
static inline uint64_t hw_clock(struct hw *hw)
{
	uint64_t value;

	(void)hw;
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(value) : : "memory");
	return value;
}

/* PSCI CPU_ON: @cpu, an affinity, begins where this one did. */
void hw_cpu_on(struct hw *hw, uint32_t cpu);

static inline bool hw_halt_wait(struct hw *hw)
{
	struct guest_ring *ring =
		hw_memory(hw, GUEST_RING_GPA + hw->cpu * GUEST_SLICE);

	/* The monitor looks at it when the vCPU has come out. */
	__atomic_store_n(&ring->waits, ring->waits + 1, __ATOMIC_RELEASE);
	/*
	 * A masked interrupt ends WFI, too: what comes before it or during it
	 * is taken between the unmasking and the masking.
	 */
	__asm__ volatile("wfi\n\t"
			 "msr daifclr, #2\n\t"
			 "isb\n\t"
			 "msr daifset, #2"
			 :
			 :
			 : "memory");
	return true;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* hw_pc.h on an x86 processor, in real or in long mode. */
#ifndef VIRQ_GUEST_HW_BARE_H
#define VIRQ_GUEST_HW_BARE_H

#include "abi.h"
#include <stdbool.h>
#include <stdint.h>

struct hw {
	uint32_t cpu;
};

static inline void *hw_memory(struct hw *hw, uint32_t gpa)
{
	(void)hw;
	return (void *)(uintptr_t)gpa;
}

/* One plain mov each, which every hypervisor's decoder knows. */
static inline uint32_t hw_mmio_read32(struct hw *hw, uint32_t gpa)
{
	uint32_t value;

	(void)hw;
	__asm__ volatile("movl %1, %0"
			 : "=r"(value)
			 : "m"(*(volatile uint32_t *)(uintptr_t)gpa));
	return value;
}

static inline void hw_mmio_write32(struct hw *hw, uint32_t gpa, uint32_t value)
{
	(void)hw;
	__asm__ volatile("movl %1, %0"
			 : "=m"(*(volatile uint32_t *)(uintptr_t)gpa)
			 : "r"(value));
}

static inline uint8_t hw_inb(struct hw *hw, uint16_t port)
{
	uint8_t value;

	(void)hw;
	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline void hw_outb(struct hw *hw, uint16_t port, uint8_t value)
{
	(void)hw;
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

/* The monitor reads guest memory when it sees this: nothing may be late. */
static inline void hw_out32(struct hw *hw, uint16_t port, uint32_t value)
{
	(void)hw;
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint64_t hw_rdmsr(struct hw *hw, uint32_t msr)
{
	uint32_t low, high;

	(void)hw;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void hw_wrmsr(struct hw *hw, uint32_t msr, uint64_t value)
{
	(void)hw;
	__asm__ volatile("wrmsr"
			 :
			 : "c"(msr), "a"((uint32_t)value),
			   "d"((uint32_t)(value >> 32))
			 : "memory");
}

#ifdef __x86_64__
static inline void hw_set_cr8(struct hw *hw, uint8_t priority)
{
	(void)hw;
	__asm__ volatile("movq %0, %%cr8"
			 :
			 : "r"((uint64_t)priority)
			 : "memory");
}
#endif

static inline uint64_t hw_clock(struct hw *hw)
{
	uint32_t low, high;

	(void)hw;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline bool hw_halt_wait(struct hw *hw)
{
	(void)hw;
	/* sti holds interrupts off for one instruction: none slips between. */
	__asm__ volatile("sti; hlt; cli" : : : "memory");
	return true;
}

#endif

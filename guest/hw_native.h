/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hw.h on a thread of the monitor: each access goes to the vCPU's chips
 * through the library, as an emulator's would.
 */
#ifndef VIRQ_GUEST_HW_NATIVE_H
#define VIRQ_GUEST_HW_NATIVE_H

#include "abi.h"
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <virq/vcpu.h>
#include <virq/x86.h>

struct hw;

/* What only the monitor can do. */
struct hw_ops {
	void (*out)(struct hw *hw, uint16_t port, uint32_t value);
	bool (*halt_wait)(struct hw *hw);
	/* The chips refused an access: @error is the library's errno. */
	void (*refused)(struct hw *hw, const struct virq_access *access,
			int error);
};

struct hw {
	uint32_t cpu;
	const struct hw_ops *ops;
	struct virq_vcpu *vcpu;
	uint8_t *memory;
};

static inline void *hw_memory(struct hw *hw, uint32_t gpa)
{
	return hw->memory + gpa;
}

static inline uint64_t hw_access(struct hw *hw,
				 int (*chips)(struct virq_vcpu *vcpu,
					      struct virq_access *access),
				 struct virq_access access)
{
	int ret = chips(hw->vcpu, &access);

	if (ret)
		hw->ops->refused(hw, &access, ret);
	return access.data;
}

static inline uint32_t hw_mmio_read32(struct hw *hw, uint32_t gpa)
{
	return (uint32_t)hw_access(hw, virq_vcpu_mmio,
				   (struct virq_access){.addr = gpa, .len = 4});
}

static inline void hw_mmio_write32(struct hw *hw, uint32_t gpa, uint32_t value)
{
	hw_access(hw, virq_vcpu_mmio,
		  (struct virq_access){
			  .addr = gpa, .len = 4, .write = true, .data = value});
}

static inline uint8_t hw_inb(struct hw *hw, uint16_t port)
{
	return (uint8_t)hw_access(hw, virq_vcpu_pio,
				  (struct virq_access){.addr = port, .len = 1});
}

static inline void hw_outb(struct hw *hw, uint16_t port, uint8_t value)
{
	hw_access(
		hw, virq_vcpu_pio,
		(struct virq_access){
			.addr = port, .len = 1, .write = true, .data = value});
}

/* Only the monitor's own ports are 32 bits wide. */
static inline void hw_out32(struct hw *hw, uint16_t port, uint32_t value)
{
	hw->ops->out(hw, port, value);
}

static inline uint64_t hw_rdmsr(struct hw *hw, uint32_t msr)
{
	return hw_access(hw, virq_vcpu_msr,
			 (struct virq_access){.addr = msr, .len = 8});
}

static inline void hw_wrmsr(struct hw *hw, uint32_t msr, uint64_t value)
{
	hw_access(hw, virq_vcpu_msr,
		  (struct virq_access){
			  .addr = msr, .len = 8, .write = true, .data = value});
}

static inline void hw_set_cr8(struct hw *hw, uint8_t class)
{
	virq_x86_set_cr8(hw->vcpu, class);
}

static inline uint64_t hw_clock(struct hw *hw)
{
	struct timespec now;

	(void)hw;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline bool hw_halt_wait(struct hw *hw)
{
	return hw->ops->halt_wait(hw);
}

#endif

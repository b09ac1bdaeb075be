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

struct hw;

/* What only the monitor can do. */
struct hw_ops {
	void (*out)(struct hw *hw, uint16_t port, uint32_t value);
	bool (*halt_wait)(struct hw *hw);
	/* Arm: what PSCI's CPU_ON does. */
	void (*cpu_on)(struct hw *hw, uint32_t cpu);
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

static inline void hw_out32(struct hw *hw, uint16_t port, uint32_t value)
{
	hw->ops->out(hw, port, value);
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

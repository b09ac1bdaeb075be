/* SPDX-License-Identifier: BSD-3-Clause */
/* hw_pc.h on a thread of the monitor. */
#ifndef VIRQ_GUEST_HW_PC_NATIVE_H
#define VIRQ_GUEST_HW_PC_NATIVE_H

#include "hw_native.h"
#include <virq/x86.h>

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

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hardware under a guest program.  A program touches nothing but these, so
 * the same C runs on a (virtual) processor and, natively, on a thread of the
 * monitor:
 *
 *	hw_memory(hw, gpa)		pointer to guest memory, see abi.h
 *	hw_mmio_read32, hw_mmio_write32	device registers
 *	hw_out32			the monitor's ports
 *	hw_clock(hw)			the clock of struct guest_record
 *	hw_halt_wait(hw)		take interrupts, or sleep until there is
 *					one; the only place where any is taken.
 *					False: the machine is being switched off
 *
 * hw_pc.h and arm64/hw_arm.h have what only one architecture has.
 *
 * struct hw is one vCPU; hw->cpu is its number.
 */
#ifndef VIRQ_GUEST_HW_H
#define VIRQ_GUEST_HW_H

#include "abi.h"
#include <stdbool.h>
#include <stdint.h>

#ifdef GUEST_NATIVE
#include "hw_native.h"
#elif defined(__aarch64__)
#include "arm64/hw_bare.h"
#else
#include "hw_bare.h"
#endif

/* A vector nobody asked for; tells the monitor, which ends the run. */
static inline void guest_unexpected(struct hw *hw, uint32_t vector)
{
	hw_out32(hw, GUEST_PORT_FAULT, vector << 16 | hw->cpu);
}

static inline const struct guest_params *guest_params(struct hw *hw)
{
	return hw_memory(hw, GUEST_PARAMS_GPA);
}

/* Append a record to this vCPU's ring. */
static inline void guest_record(struct hw *hw, uint32_t device, uint32_t vector)
{
	struct guest_ring *ring =
		hw_memory(hw, GUEST_RING_GPA + hw->cpu * GUEST_SLICE);
	uint32_t head = ring->head;
	struct guest_record *record = &ring->record[head % GUEST_RING_ENTRIES];

	record->time = hw_clock(hw);
	record->device = device;
	record->vector = vector;
	/* Pairs with the acquire in the monitor's vmm_guest_drain(). */
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
}

#endif

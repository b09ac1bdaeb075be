/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the PIT, shared by its life and ticks (pit.c) and its counters
 * and ports (pit_regs.c).
 *
 * Locks:
 *
 *   pit->lock		registers, and whether ticks are reinjected; a mutex,
 *     |		held over a grace period
 *     +- the VM's routing mutex
 *     +- tick.lock	a spin lock: the timer's and the ack notifier's, too.
 *          |		Held over an injection, so that a change of the counter
 *          |		returns with the last tick of the old one sent
 *          +- 8259, IOAPIC and what nests in them; virq_timer_arm()
 */
#ifndef VIRQ_X86_PIT_IMPL_H
#define VIRQ_X86_PIT_IMPL_H

#include "pit.h"
#include "core/spinlock.h"

#include <pthread.h>
#include <virq/vm.h>

#define PIT_NR_CHANNELS 3
#define PIT_HZ 1193182u
#define NSEC_PER_SEC 1000000000u

/* A mode that no counter has: nothing was programmed yet. */
#define PIT_MODE_NONE 0xff

struct pit_tick {
	struct spinlock lock;
	struct virq_timer *timer;
	bool armed;
	bool periodic;
	/* Of counter 0's last start; they outlive its end. */
	uint64_t period_ns;
	uint64_t expires_ns;

	bool reinject;
	bool acked; /* nothing is under way: the next tick may be sent */
	uint64_t pending; /* ticks that the guest has not completed */
};

struct pit {
	struct virq_vm *vm;
	bool speaker;
	pthread_mutex_t lock;
	struct kvm_pit_channel_state channels[PIT_NR_CHANNELS];
	uint32_t flags; /* KVM_PIT_FLAGS_* */
	/* While ticks are reinjected. */
	struct virq_ack_notifier *ack, *unmask;
	struct pit_tick tick;
};

/* All with pit->lock held. */

/* Load @channel with @count, and start what it drives. */
void pit_load(struct pit *pit, unsigned int channel, uint32_t count);
/* Counter 0: tick in @count clocks, and again if @periodic. */
void pit_tick_start(struct pit *pit, uint32_t count, bool periodic);
void pit_tick_stop(struct pit *pit);
/* How long has counter 0 been counting from its last reload? */
uint64_t pit_tick_elapsed(struct pit *pit, uint64_t now);

#endif

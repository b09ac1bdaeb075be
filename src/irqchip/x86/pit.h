/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interval timer (Intel 8254) and the speaker port beside it, as Linux's
 * KVM_CREATE_PIT2 has them: counter 0 interrupts by GSI 0, counters 1 and 2
 * only count.
 *
 * Every call is for any thread, but not from inside a delivery or an ack.
 */
#ifndef VIRQ_X86_PIT_H
#define VIRQ_X86_PIT_H

#include <linux/kvm.h>
#include <virq/irqchip.h>

struct pit;

/*
 * pit_create - of @config only KVM_PIT_SPEAKER_DUMMY counts: answer the speaker
 * port, too.  Ticks that the guest does not take at once are kept
 * (pit_set_reinject()).  0, -ENOENT (the VM has no 8259), -ENOMEM.  Blocks for
 * a grace period.
 */
int pit_create(struct virq_vm *vm, const struct kvm_pit_config *config,
	       struct pit **pit);
/* Before virq_vm_close().  Blocks for a grace period and a running timer. */
void pit_destroy(struct pit *pit);

/* Ports 0x40..0x43, and 0x61 if it is ours: 0.  Else -ENODEV. */
int pit_pio(struct pit *pit, struct virq_access *access);

/* KVM_GET_PIT2, KVM_SET_PIT2 (always 0); KVM_SET_PIT, which keeps the flags. */
void pit_get_state(struct pit *pit, struct kvm_pit_state2 *state);
int pit_set_state(struct pit *pit, const struct kvm_pit_state2 *state);
int pit_set_channels(struct pit *pit, const struct kvm_pit_state *state);

/*
 * pit_set_reinject - KVM_REINJECT_CONTROL.  True: a tick that comes before the
 * guest has completed the last one is injected when it has.  False: each is
 * injected at once, and lost in the 8259 or IOAPIC if one is pending there.
 * 0, or -ENOMEM with nothing changed.  Blocks for a grace period.
 */
int pit_set_reinject(struct pit *pit, bool reinject);

#endif

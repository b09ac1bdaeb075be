/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's own, for comparison: a KVM VM with the in-kernel chips and one
 * vCPU that never runs but has its local APIC on.
 */
#ifndef BENCH_KVM_PEER_H
#define BENCH_KVM_PEER_H

#include "routes.h"

#include <stddef.h>

struct kvm_peer {
	int kvm_fd;
	int vm_fd;
	int vcpu_fd;
};

/* 0, or a negative errno with the reason in @why. */
int kvm_peer_open(struct kvm_peer *peer, char *why, size_t size);
void kvm_peer_close(struct kvm_peer *peer);

/* All: 0 or a negative errno. */
int kvm_peer_irqfd(struct kvm_peer *peer, int fd, uint32_t gsi, uint32_t flags);
int kvm_peer_set_routes(struct kvm_peer *peer,
			const struct kvm_irq_routing *routes);
int kvm_peer_signal_msi(struct kvm_peer *peer, uint8_t vector);
int kvm_peer_irq_line(struct kvm_peer *peer, uint32_t gsi, uint32_t level);
/* Every pin an edge to APIC 0 with vector @base + pin. */
int kvm_peer_set_pins(struct kvm_peer *peer, uint8_t base);
/* The local APIC as after reset, but on: nothing is pending. */
int kvm_peer_clear_apic(struct kvm_peer *peer);

#endif

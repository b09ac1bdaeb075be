/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three other ways to find the next interrupt of a GIC, for comparison: only
 * what a raise, an acknowledge and a completion cost there, under a lock of the
 * same sort, and no registers around it.
 */
#ifndef BENCH_GROUP_VGIC_PEERS_H
#define BENCH_GROUP_VGIC_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_MAX_IRQS 1020

struct vgic_peer_irq;

struct vgic_peer {
	struct vgic_peer_irq *irqs; /* [nr] */
	uint32_t nr; /* a multiple of 32 */
	bool bytes; /* vgic_peer_bytes */
	void *state; /* its own */
};

struct vgic_peer_ops {
	int (*open)(struct vgic_peer *peer, uint32_t nr);
	void (*close)(struct vgic_peer *peer);
	/* Enabled, with this priority. */
	void (*enable)(struct vgic_peer *peer, uint32_t intid,
		       uint8_t priority);
	void (*raise)(struct vgic_peer *peer, uint32_t intid);
	uint32_t (*iar)(struct vgic_peer *peer);
	void (*eoir)(struct vgic_peer *peer, uint32_t intid);
};

/* After every change all records are looked at. */
extern const struct vgic_peer_ops vgic_peer_scan;
/*
 * The same over one byte for each, sixteen at a time with the vectors that
 * every CPU has.
 */
extern const struct vgic_peer_ops vgic_peer_bytes;
/*
 * Those pending or active are in a list in the order in which they came; before
 * the guest runs it is sorted, if it is longer than four list registers, and
 * the first four go in; after it all are looked at again.
 */
extern const struct vgic_peer_ops vgic_peer_list;

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest program and its monitor agree on: where the program, its
 * parameters and the record rings lie in guest memory and which port the guest
 * writes.
 *
 * Addresses count from where guest memory begins: 0 on a PC; arm64/machine.h
 * has the other map, on which the ports are a page of device memory.
 *
 * Everything that vCPU 0 touches lies below 64 KiB, so that a real-mode
 * program reaches it with all segments at 0.  Each further vCPU has a ring and
 * a stack at the same offsets in a 64 KiB slice of its own.
 *
 *	0x00000	interrupt vectors of real mode
 *	0x01000	struct guest_params
 *	0x02000	struct guest_ring, + 64 KiB * vCPU
 *	0x08000	top of the stack, + 64 KiB * vCPU
 *	0x08000	the program
 *
 * Plain fixed-width types only: 16-bit, 64-bit and native programs share this
 * file, and assembly uses its numbers.
 */
#ifndef VIRQ_GUEST_ABI_H
#define VIRQ_GUEST_ABI_H

#define GUEST_LOAD_GPA 0x8000 /* where the program is loaded and starts */
#define GUEST_PARAMS_GPA 0x1000
#define GUEST_RING_GPA 0x2000 /* of vCPU n: + n * GUEST_SLICE */
#define GUEST_STACK_GPA 0x8000 /* of vCPU n: + n * GUEST_SLICE; grows down */
#define GUEST_SLICE_SHIFT 16
#define GUEST_SLICE 0x10000
#define GUEST_MAX_VCPUS 4
#define GUEST_MAX_DEVICES 16
#define GUEST_MEMORY_SIZE 0x40000 /* GUEST_MAX_VCPUS slices */
#define GUEST_RING_ENTRIES 1024 /* a power of two */

/* Ports the guest writes, 32 bits wide. */
#define GUEST_PORT_ACK 0x5000 /* device number: acknowledge the device */
#define GUEST_PORT_READY 0x5004 /* vCPU number: handlers are in place */
#define GUEST_PORT_FAULT 0x500c /* vector << 16 | vCPU: unexpected vector */

#ifndef __ASSEMBLER__

#include <stdint.h>

#define GUEST_MAGIC 0x71726976u /* "virq" */

/* For the APIC program. */
#define GUEST_X2APIC (1u << 0) /* x2APIC mode: MSRs, not MMIO */
#define GUEST_CR8 (1u << 1) /* raise the task priority in handlers */
/* For the GIC program. */
#define GUEST_GICV3 (1u << 2) /* a GICv3, not a GICv2 */
/* EOI drops the priority; what follows it completes (EOImode 1). */
#define GUEST_SPLIT_EOI (1u << 3)

enum guest_kind {
	GUEST_EDGE, /* an edge-triggered pin */
	GUEST_LEVEL, /* a level-triggered pin; the guest acks the device */
	GUEST_MSI, /* a message; nothing to program but the vector */
};

struct guest_device {
	uint32_t kind;
	uint32_t pin; /* GSI = IOAPIC pin, PIC line, n of SPI 32+n */
	uint32_t vector; /* on Arm the interrupt's number */
	uint32_t vcpu; /* the vCPU that takes it */
};

struct guest_record {
	uint64_t time; /* TSC or CNTVCT, or ns in the native guest */
	uint32_t device;
	uint32_t vector;
};

struct guest_ring {
	/* head: next record the guest writes; tail: next the monitor reads. */
	uint32_t head;
	uint32_t tail;
	/*
	 * How often the guest has begun to wait, where its monitor cannot see
	 * that (Arm on KVM): it takes all that is pending before each.
	 */
	uint32_t waits;
	uint32_t pad;
	struct guest_record record[GUEST_RING_ENTRIES];
};

struct guest_params {
	uint32_t magic;
	uint32_t nr_vcpus;
	uint32_t nr_devices;
	uint32_t flags; /* GUEST_X2APIC to GUEST_SPLIT_EOI */
	struct guest_device device[GUEST_MAX_DEVICES];
};

_Static_assert(GUEST_PARAMS_GPA + sizeof(struct guest_params) <= GUEST_RING_GPA,
	       "the parameters end before the first ring");
_Static_assert(GUEST_RING_GPA + sizeof(struct guest_ring) + 0x1000 <=
		       GUEST_STACK_GPA,
	       "at least 4 KiB of stack above the ring");
_Static_assert(GUEST_MEMORY_SIZE >= GUEST_MAX_VCPUS * GUEST_SLICE,
	       "a slice for each vCPU");

#endif
#endif

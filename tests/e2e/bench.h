/* SPDX-License-Identifier: BSD-3-Clause */
/* One machine of the end-to-end tests: a guest, its devices, and the checks. */
#ifndef E2E_BENCH_H
#define E2E_BENCH_H

#include "device.h"
#include "abi.h"

#define QUIESCE_NS 10000000000u

#define EDGE (1u << VMM_EDGE)
#define LEVEL (1u << VMM_LEVEL)
#define MSI (1u << VMM_MSI)

struct setup {
	enum vmm_guest guest;
	const char *irqchip;
	enum vmm_program program;
	unsigned int nr_vcpus;
	unsigned int kinds; /* two devices of each, or one a vCPU */
	bool x2apic;
	unsigned int gic; /* 2, 3: an Arm machine */
	bool split_eoi;
	enum device_path path;
};

struct bench {
	const struct setup *setup;
	struct vmm *vmm;
	struct device devices[GUEST_MAX_DEVICES];
	unsigned int nr_devices;
	atomic_bool hold; /* delivered() does not return */
	atomic_bool loop_held; /* hold_loop() has begun */
	/* At each ack, on the vCPU's thread; false is counted.  May be NULL. */
	bool (*look)(struct bench *bench);
	atomic_uint looks, saw;
	char why[512];
};

/* VIRQ_E2E_STRICT: no excuse for a local APIC that does EOI too early. */
extern bool strict;

/* The first reason stays; false, for use in a return. */
bool fail(struct bench *bench, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Devices that raise @count times, and a guest that is ready for them. */
bool bring_up(struct bench *bench, uint64_t count);
void tear_down(struct bench *bench);

/* As many deliveries as raises, at the right place and time. */
bool check_counts(struct bench *bench, unsigned int i);
/* Every signal was taken up, and nothing more comes to the device. */
bool check_wires(struct bench *bench, unsigned int i);
/* The guest becomes idle, and every line is down. */
bool check_end(struct bench *bench);

#endif

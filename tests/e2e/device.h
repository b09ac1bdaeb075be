/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device of the end-to-end tests: a thread that holds its eventfds and
 * knows nothing of the VM.  It raises, waits until the guest has acked it (and
 * where it is level, until the guest's EOI), and raises again.
 */
#ifndef E2E_DEVICE_H
#define E2E_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <vmm/vmm.h>

struct device {
	struct vmm_device wires;
	uint64_t count; /* how often to raise */

	/* The device's thread; for others once it is joined. */
	pthread_t thread;
	bool asserted; /* the device's own idea of its level line */
	uint64_t raised;
	uint64_t reraised; /* the EOI came and the line was still up */
	uint64_t acks;
	uint64_t resamples;
	const char *failure; /* NULL: all went well */

	/* The monitor's callback. */
	atomic_uint_fast64_t raised_at; /* ns */
	atomic_uint_fast64_t delivered;
	atomic_uint_fast64_t misplaced; /* on another vCPU than ours */
	atomic_uint_fast64_t mistimed; /* not between raise and now */
};

uint64_t now_ns(void);

/* Eventfds for a device; 0, or -1 and nothing is left open. */
int device_open(struct device *device);
void device_close(struct device *device);

/* The thread: @count raises, each waited for. */
int device_start(struct device *device);
void device_join(struct device *device);

/* One raise that nobody waits for. */
void device_raise(struct device *device);

#endif

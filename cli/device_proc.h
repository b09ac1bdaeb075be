/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device process as its parent sees it: eventfds, reports, life and death.
 * Main thread only, but for the delivery ring's producer side.
 */
#ifndef CLI_DEVICE_PROC_H
#define CLI_DEVICE_PROC_H

#include "config.h"
#include "delivery_ring.h"
#include "report.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where the device process finds its descriptors. */
#define DEVICE_IRQ_FD 3
#define DEVICE_ACK_FD 4
#define DEVICE_REPORT_FD 5
#define DEVICE_RESAMPLE_FD 6 /* level only */

/* How long a device that was told to stop, or has ended, may live on. */
#define DEVICE_GRACE_NS UINT64_C(2000000000)

struct account;

struct device_proc {
	const struct device_config *config;
	uint64_t timeout_ns;
	int irq_fd;
	int ack_fd;
	int resample_fd;
	int report_fd; /* -1 once it has nothing more to tell */
	pid_t pid; /* 0 once reaped, or never started */
	bool stopping;
	uint64_t deadline_ns; /* after it, SIGKILL; 0: none */
	bool failed;
	bool told; /* the user knows */
	char why[128]; /* failed: completes "device NAME: ..." */
	struct report_reader reader;
	struct account *account;
	struct delivery_ring *ring;
};

/* Eventfds and memory, no process yet.  0 or a negative errno. */
int device_proc_init(struct device_proc *proc,
		     const struct device_config *config, uint64_t timeout_ns);
void device_proc_destroy(struct device_proc *proc);

/* Start the process; it raises from now on.  0 or a negative errno. */
int device_proc_start(struct device_proc *proc);

/*
 * device_proc_turn - read reports, account deliveries, reap, and enforce the
 * time limits; never blocks.  True while the process lives.
 */
bool device_proc_turn(struct device_proc *proc);

/* Ask it to end; device_proc_turn() sees to it that it does. */
void device_proc_stop(struct device_proc *proc);

/* After the guest is idle: take the last deliveries and settle the account. */
void device_proc_settle(struct device_proc *proc);

#endif

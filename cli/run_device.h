/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device as `virq run` sees it: eventfds, source, reports, life and death.
 * Main thread only, but for the delivery ring's producer side.
 *
 * A device runs as a process of its own or, on path bypass, as a thread of
 * this one; all but its start and end is the same for both.
 */
#ifndef CLI_RUN_DEVICE_H
#define CLI_RUN_DEVICE_H

#include "config.h"
#include "delivery_ring.h"
#include "report.h"
#include "run_source.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How long a device that was told to stop, or has ended, may live on. */
#define DEVICE_GRACE_NS UINT64_C(2000000000)

struct account;
struct run_device;

struct run_device_ops {
	/* It raises from now on; @report_fd stays the caller's. */
	int (*start)(struct run_device *dev, int report_fd);
	void (*stop)(struct run_device *dev); /* it should end */
	void (*kill)(struct run_device *dev); /* it must end; no more reports */
	bool (*ended)(const struct run_device *dev);
	/* Ended, or killed: wait for it; run_device_fail() for a bad end. */
	void (*reap)(struct run_device *dev);
};
extern const struct run_device_ops run_device_process;
extern const struct run_device_ops run_device_thread;

/* The way that the device's interrupts went. */
struct run_device_path {
	bool known; /* irqfd is there */
	bool counted; /* source is there: somebody counted */
	bool line_counted; /* line is there */
	struct virq_irqfd_info irqfd;
	struct virq_source_info source;
	struct virq_line_source_info line;
};

struct run_device {
	const struct device_config *config;
	const struct run_device_ops *ops;
	uint64_t timeout_ns;
	int irq_fd;
	int ack_fd;
	int resample_fd;
	int report_fd; /* -1 once it has nothing more to tell */
	struct run_source source;
	bool alive; /* started, and not reaped yet */
	pid_t pid; /* of the process, or 0 */
	struct {
		pthread_t id;
		atomic_bool stop;
		atomic_bool ended; /* status is there */
		int status;
		int report_fd;
	} thread;
	bool stopping;
	uint64_t deadline_ns; /* after it, it is killed; 0: none */
	bool failed;
	bool told; /* the user knows */
	char why[128]; /* failed: completes "device NAME: ..." */
	struct run_device_path path;
	struct report_reader reader;
	struct account *account;
	struct delivery_ring *ring;
};

/* Eventfds and memory, nothing that runs.  0 or a negative errno. */
int run_device_init(struct run_device *dev, const struct device_config *config,
		    uint64_t timeout_ns);
void run_device_destroy(struct run_device *dev);

/*
 * run_device_connect - what it raises through; @irq is a number for people.
 * 0 or a negative errno.
 * run_device_disconnect - end it, however late, and let go of the VM's loop.
 */
int run_device_connect(struct run_device *dev, struct virq_loop *loop, int irq,
		       bool strict);
void run_device_disconnect(struct run_device *dev);

/* Start it; it raises from now on.  0 or a negative errno. */
int run_device_start(struct run_device *dev);

/*
 * run_device_turn - read reports, account deliveries, reap, and enforce the
 * time limits; never blocks for long.  True while the device lives.
 */
bool run_device_turn(struct run_device *dev);

/* Ask it to end; run_device_turn() sees to it that it does. */
void run_device_stop(struct run_device *dev);

/* After the guest is idle: take the last deliveries and settle the account. */
void run_device_settle(struct run_device *dev);

/* Only the first failure is told: the others follow from it. */
void run_device_fail(struct run_device *dev, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is measured: a VM of ours with the x86 chips and one vCPU whose local
 * APIC is on, and the loop that watches its eventfds.
 *
 * The thread that runs the bench is the vCPU's thread.
 */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include "routes.h"

#include <pthread.h>
#include <stdbool.h>
#include <virq/virq.h>

struct subject {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	pthread_t thread;
	bool running;
};

/* @config, @ops: NULL for the defaults.  0 or a negative errno. */
int subject_open(struct subject *subject, const struct virq_loop_config *config,
		 const struct virq_vcpu_ops *ops, void *opaque);
void subject_close(struct subject *subject);

/* The loop on a helper thread.  0 or a negative errno. */
int subject_start(struct subject *subject);
void subject_stop(struct subject *subject);

/* Assign, or deassign with @flags, an eventfd.  0 or a negative errno. */
int subject_irqfd(struct subject *subject, int fd, uint32_t gsi,
		  uint32_t flags);

/* The guest's register accesses. */
void subject_mmio_write(struct subject *subject, uint64_t addr, uint32_t value);
void subject_pio_write(struct subject *subject, uint16_t port, uint8_t value);
void subject_eoi(struct subject *subject);
/* Take and complete everything that is pending. */
void subject_drain(struct subject *subject);

/* "epoll" or "io_uring". */
const char *subject_loop_name(const struct subject *subject);

#endif

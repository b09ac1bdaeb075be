/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A KVM VM with a vGICv3, an ITS and one vCPU that runs the guest of
 * guest/arm64, behind the back end "kvm".
 *
 * The guest tells of each interrupt by leaving guest mode, when it has taken
 * it and when it has completed it; the vCPU's thread counts, under the lock.
 */
#ifndef TESTS_LAB_ARM64_MACHINE_H
#define TESTS_LAB_ARM64_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <virq/virq.h>
#include "abi.h"

#define MACHINE_DEADLINE_SECONDS 10
#define MACHINE_NR_IRQS 64

struct machine {
	int kvm_vm;
	int kvm_vcpu;
	int vgic;
	int its;
	struct kvm_run *run;
	size_t run_size;
	uint8_t *memory;
	struct virq_loop *loop;
	struct virq_vm *vm;

	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock. */
	bool stop;
	bool ready;
	bool failed; /* a fault, or an exit that the guest never makes */
	uint64_t taken[GUEST_NR_SPIS + GUEST_NR_EVENTS];
	uint64_t done[GUEST_NR_SPIS + GUEST_NR_EVENTS];
	/* An eventfd to look at while the guest has taken an interrupt. */
	int watch;
	uint64_t watched;
};

/* The vGIC and the ITS are there, but not initialised. */
struct machine *machine_create(void);
/* Addresses, and KVM_DEV_ARM_VGIC_CTRL_INIT. */
void machine_init_vgic(struct machine *m);
/* Run the guest with @flags in x0, until it is ready. */
void machine_start(struct machine *m, uint64_t flags);
void machine_destroy(struct machine *m);

/* For cmocka: a guest that waits in a loop, or by WFI. */
int machine_setup(void **state);
int machine_setup_wfi(void **state);
int machine_teardown(void **state);

/* Calls of the library on this VM. */
int machine_irqfd(struct machine *m, int fd, uint32_t gsi, uint32_t flags,
		  int resamplefd);
int machine_route_pin(struct machine *m, uint32_t gsi, uint32_t irqchip,
		      uint32_t pin);
int machine_route_event(struct machine *m, uint32_t gsi, uint32_t event);

/* How often the guest has completed @intid; wait until it is @count. */
uint64_t machine_done(struct machine *m, uint32_t intid);
void machine_wait_done(struct machine *m, uint32_t intid, uint64_t count);

int machine_eventfd(void);
/* The counter, taken; 0 if it is not signalled. */
uint64_t machine_drain(int eventfd);

#endif

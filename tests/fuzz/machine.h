/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VM with the back end "x86" and three vCPUs, driven by one thread: the loop
 * runs when the input says so.  At the end every descriptor must be closed.
 */
#ifndef VIRQ_FUZZ_MACHINE_H
#define VIRQ_FUZZ_MACHINE_H

#include <virq/virq.h>
#include <virq/x86.h>
#include "fuzz.h"
#include "irqchip/x86/lapic.h"

#define NR_VCPUS 3

struct machine_vcpu {
	struct virq_vcpu *vcpu;
	struct lapic *apic;
	/* Between virq_vcpu_enter() and _exit(). */
	bool in_guest;
	bool was_pending; /* already when it entered */
	unsigned int kicks; /* since it entered */
};

struct machine {
	unsigned int fds; /* that were open before */
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct machine_vcpu vcpu[NR_VCPUS];
	uint32_t last_id; /* of the third; the others' are 0 and 1 */
};

/* The shape of the machine is the input's first byte. */
void machine_create(struct machine *m, struct input *in,
		    enum virq_loop_backend backend);
void machine_destroy(struct machine *m);
/* Its vCPU is about to do something: it is not in the guest any more. */
struct machine_vcpu *machine_actor(struct machine *m, struct input *in);
struct machine_vcpu *machine_actor_of(struct machine *m, unsigned int i);
/* Move the clock by an amount from the input and run what is due. */
void machine_advance(struct machine *m, struct input *in);
/* Enter, exit, block or kick. */
void machine_schedule(struct machine *m, struct input *in);
/* Who is in the guest and has something pending has been kicked. */
void machine_check_kicks(const struct machine *m);

/* Registers of the APIC's page, 32 bits. */
uint32_t machine_read(struct machine_vcpu *v, unsigned int offset);
void machine_write(struct machine_vcpu *v, unsigned int offset, uint32_t value);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A VM with the x86 chip and two vCPUs whose APICs are on, driven by hand. */
#ifndef TEST_PC_H
#define TEST_PC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <virq/virq.h>

#define PC_VCPUS 2
#define PC_BROADCAST 0xffu

struct pc {
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu[PC_VCPUS];
};

int pc_setup(void **state);
int pc_teardown(void **state);
/* Close the VM and make another one. */
void pc_reopen(struct pc *pc, enum virq_bypass_mode bypass);

/* Another VM; vCPU n's callbacks get the nth of @opaques, @size bytes each. */
void pc_open_with(struct pc *pc, const struct virq_vcpu_ops *ops, void *opaques,
		  size_t size);

/* The only route: @gsi is an MSI with @vector to the APIC with id @dest. */
void pc_route(struct pc *pc, uint32_t gsi, uint32_t dest, uint8_t vector);

/* Register of the local APIC; of the IOAPIC, redirection entry included. */
void pc_apic_write(struct pc *pc, unsigned int cpu, uint32_t offset,
		   uint32_t value);
void pc_ioapic_write(struct pc *pc, uint32_t index, uint32_t value);

/* Drive the loop until it has nothing to do. */
void pc_pump(struct pc *pc);
/* Interrupt, handler and EOI; the vector, or -EAGAIN. */
int pc_take(struct pc *pc, unsigned int cpu);

int pc_assign(struct pc *pc, int fd, uint32_t gsi, uint32_t flags,
	      int resamplefd);
int pc_deassign(struct pc *pc, int fd, uint32_t gsi);
struct virq_irqfd_info pc_irqfd(struct pc *pc, int fd);

int pc_eventfd(void);
/* Its counter, drained. */
uint64_t pc_drain(int fd);

#endif

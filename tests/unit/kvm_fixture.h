/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A KVM VM with one vCPU that never runs, behind a back end of ours: what the
 * tests of the back ends "kvm" and "split" stand on.  The state of the
 * kernel's chips is the witness.
 *
 * ioctl(2) of the whole program comes by here, to be counted and to fail.
 */
#ifndef TESTS_KVM_FIXTURE_H
#define TESTS_KVM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sched.h>
#include <virq/virq.h>
#include "core/clock.h"

#define FIXTURE_DEADLINE_NS UINT64_C(10000000000)

#define APIC_SPIV 0xf0
#define APIC_TMR 0x180
#define APIC_IRR 0x200

#define RTE_LEVEL (UINT64_C(1) << 15)
#define RTE_REMOTE_IRR (UINT64_C(1) << 14)
#define RTE_MASKED (UINT64_C(1) << 16)
#define RTE_LOGICAL (UINT64_C(1) << 11)

struct kvm_fixture {
	int kvm_vm;
	int kvm_vcpu;
	struct virq_loop *loop;
	struct virq_vm *vm;
	struct virq_vcpu *vcpu;
	struct kvm_lapic_state idle; /* enabled, nothing pending */
	unsigned int kicks;
};

/* Is there a KVM to test with?  If not, print the TAP that says so. */
bool fixture_usable(void);

/* For cmocka: the back end by its name, local APIC enabled, vCPU known. */
int fixture_setup_kvm(void **state);
int fixture_setup_split(void **state);
int fixture_teardown(void **state);

/* A bare KVM VM, and a virq VM without an irqchip over @loop. */
int fixture_kvm_vm(void);
struct virq_vm *fixture_virq_vm(struct virq_loop *loop);

/* KVM_IRQFD through the library. */
int fixture_irqfd(struct kvm_fixture *f, int fd, uint32_t gsi, uint32_t flags,
		  int resamplefd);
int fixture_eventfd(void);
void fixture_signal(int eventfd);
/* The counter, taken; 0 if it is not signalled. */
uint64_t fixture_drain(int eventfd);

/* One bit of a 256-bit register of the kernel's local APIC. */
bool fixture_lapic_bit(struct kvm_fixture *f, unsigned int reg, uint8_t vector);
/* Forget all that is pending in the local APIC. */
void fixture_lapic_clear(struct kvm_fixture *f);
/* Wait for @condition, which another thread will make true. */
#define FIXTURE_WAIT(condition)                                                \
	do {                                                                   \
		uint64_t deadline_ = now_ns() + FIXTURE_DEADLINE_NS;           \
		while (!(condition)) {                                         \
			assert_true(now_ns() < deadline_);                     \
			sched_yield();                                         \
		}                                                              \
	} while (0)
/* Until the vector is in IRR: false if that takes too long. */
bool fixture_wait_irr(struct kvm_fixture *f, uint8_t vector);

struct kvm_ioapic_state fixture_ioapic(struct kvm_fixture *f);
/* Route @gsi to vCPU 0's @vector by an MSI, and nothing else anywhere. */
int fixture_route_msi(struct kvm_fixture *f, uint32_t gsi, uint8_t vector,
		      uint32_t address_hi);

/*
 * Every ioctl of the process.  Make the next KVM_SET_GSI_ROUTING fail with
 * @errno_value; how many there have been; and how many there had been at the
 * latest KVM_SIGNAL_MSI.  How many KVM_IRQFD there have been.
 */
void ioctl_fail_routing(int errno_value);
unsigned int ioctl_routings(void);
unsigned int ioctl_routings_at_msi(void);
unsigned int ioctl_irqfds(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* A front-door VM on the real KVM, with a little memory and little guests. */
#ifndef TESTS_VCPU_FIXTURE_H
#define TESTS_VCPU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <linux/kvm.h>
#include <virq/uapi.h>
#include "guests.h"

/* Linux's structs that end in an array, with one element. */
struct one_msr {
	uint32_t nmsrs, pad;
	struct kvm_msr_entry entry;
};

struct one_cpuid {
	uint32_t nent, padding;
	struct kvm_cpuid_entry2 entry;
};

struct one_route {
	uint32_t nr, flags;
	struct kvm_irq_routing_entry entry;
};

#define MEMORY_SIZE 0x10000u
#define NR_VCPUS 2

enum chips {
	CHIPS_NONE,
	CHIPS_FULL, /* KVM_CREATE_IRQCHIP and a PIT */
	CHIPS_SPLIT, /* KVM_CAP_SPLIT_IRQCHIP */
};

struct machine {
	int kvm, vm;
	int vcpu[NR_VCPUS];
	struct kvm_run *run[NR_VCPUS];
	uint8_t *memory;
};

/* Is there a KVM to test with?  If not, print the TAP that says so. */
bool machine_usable(void);
/* @irqchip: of struct virq_uapi_config. */
void machine_create(struct machine *m, const char *irqchip, enum chips chips);
void machine_destroy(struct machine *m);

int ask(int fd, unsigned long request, void *arg);
/* Real mode at @address with flat segments; 4 GiB limits. */
void machine_start(struct machine *m, unsigned int vcpu, uint16_t address);
/* The same in long mode. */
void machine_start_long(struct machine *m, unsigned int vcpu, uint16_t address);
void machine_load(struct machine *m, uint16_t address, const uint8_t *from,
		  const uint8_t *end);
#define LOAD(m, name)                                                          \
	machine_load(m, GUEST_LOAD, guest_##name, guest_##name##_end)

/* KVM_RUN until it returns 0, over interruptions: the exit reason. */
uint32_t machine_run(struct machine *m, unsigned int vcpu);
/* KVM_RUN to the next byte that the guest says. */
int machine_listen(struct machine *m, unsigned int vcpu);

/* Route @gsi to vCPU 0's @vector by an MSI; data bit 15 is "level". */
void machine_route(struct machine *m, uint32_t gsi, uint32_t data);
int machine_irqfd(struct machine *m, uint32_t gsi);
uint32_t machine_mp_state(struct machine *m, unsigned int vcpu);

#endif

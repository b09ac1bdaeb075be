/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the differential test.
 *
 * random_script.c	operations as text; their names and arguments
 * random_gen.c		a seed's operations; _gen_vcpu.c those of vCPUs,
 *			_gen_state.c the rows of chip state and routing tables
 * random_world.c	what a world is made of; _slots.c its descriptors,
 *			_memory.c memory for requests, _reaper.c closes VMs
 * random_exec.c	one operation on one world; _exec_vm.c, _exec_chips.c,
 *			_exec_vcpu.c by what they work on
 * random_compare.c	both worlds' state, and how it differs
 * random_known.c	what is left out of the comparison, and why
 * random_shrink.c	the shortest script that still diverges
 * random.c		episodes, report
 *
 * An operation names what it works on by index (VM 0 or 1, vCPU 0 or 1, a slot
 * of descriptors), never by descriptor.  So it means something after any other
 * operation, or none, and dropping operations leaves a valid script.
 */
#ifndef CONFORM_RANDOM_IMPL_H
#define CONFORM_RANDOM_IMPL_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "random.h"
#include "random_ops.h"

/* ---- A seed's operations (random_gen.c) ---- */

struct rng {
	uint64_t state;
};

#define NR_HOT_GSIS 4
#define HOT_RTE_VECTOR(n) (0x20 + 0x13 * (n)) /* 0..10 */
#define HOT_MSI_VECTOR(n) (0x30 + 0x11 * (n)) /* 0..7 */

struct gen {
	struct rng rng;
	/* Most of what happens is about these. */
	uint32_t hot_gsi[NR_HOT_GSIS];
	enum vm_irqchip irqchip[NR_VMS];
	uint64_t id1[NR_VMS];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint32_t rng_next(struct rng *rng);
uint32_t rng_below(struct rng *rng, uint32_t n);
uint32_t rng_pick(struct rng *rng, const uint32_t *values, size_t nr);
#define PICK(rng, ...)                                                         \
	rng_pick(rng, (const uint32_t[]){__VA_ARGS__},                         \
		 sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* An episode of @nr operations; 0 or -ENOMEM. */
int gen_episode(uint64_t seed, size_t nr, struct script *script);
enum ptr_sort gen_ptr(struct gen *gen);
/* random_gen_vcpu.c: what vCPUs are asked for. */
void gen_get_lapic(struct gen *gen, struct op *op);
void gen_mp_state(struct gen *gen, struct op *op);
void gen_get_mp_state(struct gen *gen, struct op *op);
void gen_sregs(struct gen *gen, struct op *op);
void gen_events(struct gen *gen, struct op *op);
void gen_wrmsr(struct gen *gen, struct op *op);
void gen_rdmsr(struct gen *gen, struct op *op);
void gen_interrupt(struct gen *gen, struct op *op);
/* random_gen_state.c: the rows of chip state and of routing tables. */
void gen_pic(struct gen *gen, struct op *op);
void gen_ioapic(struct gen *gen, struct op *op);
void gen_pit(struct gen *gen, struct op *op);
void gen_lapic(struct gen *gen, struct op *op);
void gen_routing(struct gen *gen, struct op *op);
uint32_t gen_gsi(struct gen *gen);
uint32_t gen_dest(struct gen *gen, unsigned int vm);
uint32_t gen_msi_data(struct gen *gen);

/* ---- A world (random_world.c) ---- */

struct slot {
	enum slot_sort sort;
	int fd; /* -1 where the sort has none of its own */
	int other_fd; /* the pipe's writing end */
	int fdinfo; /* of an eventfd */
	uint64_t serial; /* of the eventfd: equal in its duplicates */
	bool blocking;
};

struct binding {
	unsigned int vm;
	uint64_t serial;
	uint32_t gsi;
};

struct world_vm {
	int fd; /* -1: closed */
	int vcpu[NR_VCPUS]; /* -1: none */
	/* GSIs that reach the IOAPIC's pin of the RTC. */
	uint64_t rtc_gsis[MAX_GSIS / 64];
};

/* What the kernel that the library is compared with can, and cannot. */
struct rules {
	uint32_t version;
	bool smm;
	/* Our 8259s and IOAPIC, but the host's local APICs. */
	bool host_apics;
};

struct world {
	const struct conform_port *port;
	struct rules rules; /* the same in both worlds */
	int system;
	struct world_vm vm[NR_VMS];
	struct slot slot[NR_SLOTS];
	uint64_t next_serial;
	/* The irqfds that exist, as their answers tell. */
	struct binding binding[NR_SLOTS];
	size_t nr_bindings;
	struct sentinel *sentinel;
	bool lost; /* a sentinel's signal */
	struct kvm_cpuid2 *cpuid;
};

/* What the process needs once a port. */
int world_init(struct world *world, const struct conform_port *port);
void world_fini(struct world *world);
/* Close everything: a world like new. */
void world_reset(struct world *world);
/* Wait until nothing that earlier operations set off is under way. */
void world_settle(struct world *world);
uint64_t random_now_ns(void);
int world_slot_fd(const struct world *world, uint64_t slot);
int world_vm_fd(const struct world *world, uint64_t vm);
int world_vcpu_fd(const struct world *world, uint64_t vm, uint64_t vcpu);
/* KVM_GET_MSRS or _SET_MSRS of one MSR. */
int world_msr(const struct world *world, int vcpu, unsigned long request,
	      uint32_t index, uint64_t *value);
void world_slot_close(struct world *world, unsigned int slot);
void world_vm_close(struct world *world, unsigned int vm);
bool world_is_bound(const struct world *world, uint64_t serial);
void world_bind(struct world *world, unsigned int vm, uint64_t serial,
		uint32_t gsi);
void world_unbind(struct world *world, unsigned int vm, uint64_t serial,
		  uint32_t gsi);
/* The counter of the slot's eventfd, which does not change by this. */
uint64_t world_counter(const struct world *world, unsigned int slot);

/* ---- Memory for requests, with holes (random_memory.c) ---- */
struct user_memory {
	size_t offset, size;
	uintptr_t address; /* what the port is given */
};

int user_memory_init(void);
/* A copy of @data where @ptr has it; what is left out is not mapped. */
struct user_memory user_memory_put(enum ptr_sort ptr, const void *data,
				   size_t size);
const void *user_memory_look(const struct user_memory *memory);

/* ---- One operation on one world (random_exec.c) ---- */

struct answer {
	int64_t result; /* >= 0, or -errno; a descriptor counts as 0 */
	uint64_t value; /* what came back in memory */
};

struct answer op_run(struct world *world, const struct op *op);

/* ---- Known differences (random_known.c) ---- */

enum known {
	KNOWN_PPR,
	KNOWN_TIME,
	KNOWN_ICR,
	KNOWN_WRITE_ZERO,
	KNOWN_LAST_CLOSE,
	KNOWN_MAP,
	KNOWN_TWO_VMS,
	KNOWN_LAPIC_REFUSED,
	KNOWN_SMI,
	KNOWN_X2APIC_API,
	KNOWN_UNHALT,
	KNOWN_RTC,
	KNOWN_DEVICE,
	KNOWN_EOI,
	KNOWN_VERSION,
	NR_KNOWN,
};

struct known_difference {
	const char *name;
	const char *why;
	/* Times that it was stepped round in this run. */
	uint64_t times;
};

extern struct known_difference known_differences[NR_KNOWN];
void known_count(enum known known);

/* ---- State (random_compare.c) ---- */

struct vcpu_state {
	int lapic_result, mp_result, events_result, base_result;
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp;
	struct kvm_vcpu_events events;
	uint64_t apic_base;
};

struct vm_state {
	int chip_result[KVM_NR_IRQCHIPS];
	struct kvm_irqchip chip[KVM_NR_IRQCHIPS];
	int pit_result;
	struct kvm_pit_state2 pit;
	struct vcpu_state vcpu[NR_VCPUS];
};

struct world_state {
	struct answer answer;
	bool lost;
	struct vm_state vm[NR_VMS];
	uint64_t counter[NR_SLOTS];
	short revents[NR_SLOTS];
};

/* After @op, which gave @answer. */
void state_capture(struct world *world, const struct op *op,
		   struct answer answer, struct world_state *state);
bool state_equal(const struct world_state *a, const struct world_state *b);
/*
 * state_diff - the fields that differ, one a line with @prefix before it.
 * @file may be NULL.  *@first, of @size bytes: the first one's name, without
 * indices: what sort of divergence it is.
 */
void state_diff(FILE *file, const char *prefix, const struct world_state *a,
		const struct world_state *b, char *first, size_t size);

/* ---- Pairs of worlds (random.c, random_shrink.c) ---- */

struct pair {
	struct world against, subject;
	/* How long a difference may last until it counts. */
	uint64_t patience_ns;
	FILE *trace; /* or NULL */
};

struct divergence {
	bool found;
	size_t at; /* the operation after which it showed */
	struct world_state against, subject;
	char signature[96];
};

/* The whole script, on worlds like new, up to the first divergence. */
void pair_run(struct pair *pair, const struct script *script,
	      struct divergence *divergence);
/*
 * script_shrink - drop and simplify what the divergence (given with its
 * script, and updated) does not need.
 */
int script_shrink(struct pair *pair, struct script *script,
		  struct divergence *divergence);

#endif

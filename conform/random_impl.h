/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the differential test.
 *
 * random_script.c	operations as text; their names and arguments
 * random_gen.c		a seed's operations (random_gen_state.c: rows)
 * random_exec.c	one operation on one world (random_world.c: what a
 *			world is made of; random_slots.c: its descriptors;
 *			random_memory.c: memory for requests)
 * random_known.c	what is left out of the comparison, and why
 * random_compare.c	both worlds' state, and how it differs
 * random_shrink.c	the shortest script that still diverges
 * random.c		episodes, report (random_reaper.c: closes VMs)
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

#define NR_VMS 2
#define NR_VCPUS 2
#define NR_SLOTS 12
#define OP_ARGS 10
#define ROW_WORDS 7
#define APIC_STATE_REGS 64
#define MAX_GSIS 4096

/* ---- Operations (random_script.c) ---- */

enum op_kind {
	OP_VM,
	OP_VM_CLOSE,
	OP_VCPU,
	OP_OPEN,
	OP_DUP,
	OP_CLOSE,
	OP_WRITE,
	OP_READ,
	OP_IRQFD,
	OP_ROUTING,
	OP_MSI,
	OP_LINE,
	OP_PIC,
	OP_IOAPIC,
	OP_GET_IRQCHIP,
	OP_SET_IRQCHIP,
	OP_LAPIC,
	OP_GET_LAPIC,
	OP_MP_STATE,
	OP_GET_MP_STATE,
	OP_WRMSR,
	OP_RDMSR,
	OP_NMI,
	OP_SREGS,
	OP_EVENTS,
	OP_PIT,
	OP_INTERRUPT,
	OP_CHECK,
	OP_ENABLE,
	OP_CREATE_IRQCHIP,
	OP_IOEVENTFD,
	OP_DEVICE,
	OP_RAW,
	NR_OP_KINDS,
};

/* The arguments by their place in op.arg[]; random_script.c names them. */
enum {
	ARG_VM = 0, /* all but the descriptors' */
	ARG_VCPU = 1, /* of a vCPU's requests */
	ARG_SLOT = 0, /* of the descriptors' */

	VM_IRQCHIP = 1,
	VM_ROUTES,
	VM_X2APIC_API,
	VM_VCPUS,
	VM_ID1, /* of the second vCPU */
	VM_BOOT,

	VCPU_ID = 1,

	OPEN_SORT = 1,
	OPEN_VALUE,
	OPEN_FLAGS,

	DUP_FROM = 1,
	WRITE_VALUE = 1,

	IRQFD_FD = 1,
	IRQFD_GSI,
	IRQFD_FLAGS,
	IRQFD_RESAMPLEFD,
	IRQFD_PTR,

	ROUTING_FLAGS = 1,
	ROUTING_FILL, /* MSI routes of GSIs 0.., before the rows */
	ROUTING_EXTRA, /* entries announced, but beyond mapped memory */
	ROUTING_PTR,

	MSI_ADDR = 1,
	MSI_ADDR_HI,
	MSI_DATA,
	MSI_FLAGS,
	MSI_DEVID,
	MSI_PTR,

	LINE_GSI = 1,
	LINE_LEVEL,
	LINE_STATUS,
	LINE_PTR,

	IRQCHIP_ID = 1, /* of PIC, GET_IRQCHIP and SET_IRQCHIP */
	IRQCHIP_PTR,
	IOAPIC_PTR = 1,

	LAPIC_PTR = 2,
	MP_STATE_VALUE = 2,
	MP_STATE_PTR,
	MSR_INDEX = 2,
	MSR_VALUE,
	INTERRUPT_VECTOR = 2,
	SREGS_APIC_BASE = 2,
	SREGS_CR8,
	EVENTS_FLAGS = 2,
	EVENTS_NMI_PENDING,
	EVENTS_NMI_MASKED,
	EVENTS_SIPI_VECTOR,
	EVENTS_LATCHED_INIT,
	EVENTS_PTR,

	PIT_REQUEST = 1, /* enum pit_request */
	PIT_FLAGS,
	PIT_PTR,

	CHECK_CAP = 1,
	CHECK_SYSTEM,

	ENABLE_CAP = 1,
	ENABLE_FLAGS,
	ENABLE_ARG0,
	ENABLE_PTR,

	IOEVENTFD_FD = 1,
	IOEVENTFD_ADDR,
	IOEVENTFD_LEN,
	IOEVENTFD_MATCH,
	IOEVENTFD_FLAGS,
	IOEVENTFD_PTR,

	DEVICE_TYPE = 1,
	DEVICE_FLAGS,
	DEVICE_REQUEST, /* what to ask of it: enum device_request */
	DEVICE_GROUP,
	DEVICE_ATTR,
	DEVICE_PTR,

	RAW_ON = 1, /* enum raw_on */
	RAW_REQUEST,
	RAW_VALUE,
	RAW_PTR,
};

enum vm_irqchip { IRQCHIP_NONE, IRQCHIP_FULL, IRQCHIP_SPLIT, NR_IRQCHIPS };

enum slot_sort {
	SLOT_CLOSED, /* a number that is no descriptor */
	SLOT_MINUS_ONE,
	SLOT_EVENTFD,
	SLOT_PIPE,
	SLOT_DEV_NULL,
	SLOT_TIMERFD,
	SLOT_EPOLL,
	SLOT_VM, /* the first VM itself */
	SLOT_DEV_KVM,
	NR_SLOT_SORTS,
};

/* OPEN_FLAGS */
#define OPEN_SEMAPHORE 1u
#define OPEN_NONBLOCK 2u

enum ptr_sort {
	PTR_GOOD, /* ends where mapped memory ends */
	PTR_NULL,
	PTR_CUT, /* the last bytes are not mapped */
	PTR_READ_ONLY,
	PTR_UNMAPPED,
	PTR_KERNEL,
	NR_PTR_SORTS,
};

enum device_request {
	DEVICE_NONE,
	DEVICE_HAS_ATTR,
	DEVICE_SET_ATTR,
	DEVICE_GET_ATTR,
	NR_DEVICE_REQUESTS,
};

enum pit_request {
	PIT_CREATE,
	PIT_CREATE2,
	PIT_GET,
	PIT_GET2,
	PIT_SET,
	PIT_SET2,
	PIT_REINJECT,
	NR_PIT_REQUESTS,
};

/* A row of a PIT's: the channel's number times this, and the field's. */
#define PIT_CHANNEL_REGS 16

enum raw_on { RAW_SYSTEM, RAW_VM, RAW_VCPU, NR_RAW_ON };

/* A routing entry; or a register's index and value. */
struct op_row {
	uint64_t word[ROW_WORDS];
};

enum { ROW_REG, ROW_VALUE };
enum { ROUTE_GSI, ROUTE_TYPE, ROUTE_FLAGS, ROUTE_A, ROUTE_B, ROUTE_C, ROUTE_D };

struct op {
	enum op_kind kind;
	uint64_t arg[OP_ARGS];
	size_t nr_rows;
	struct op_row *rows; /* malloc()ed */
};

struct script {
	size_t nr, room;
	struct op *op;
};

struct op_word {
	const char *name;
	/* Names of the values 0.., NULL-terminated, or NULL. */
	const char *const *values;
};

struct op_spec {
	const char *name;
	struct op_word arg[OP_ARGS];
	struct op_word row[ROW_WORDS];
	/* Work may go on in another thread when the call has returned. */
	bool async;
};

extern const struct op_spec op_specs[NR_OP_KINDS];

/* The registers of a chip's state by index (ROW_REG), NULL-terminated. */
extern const char *const pic_reg_names[], *const ioapic_reg_names[];
#define IOAPIC_STATE_RTE 4 /* index of pin 0's entry */
#define NR_PIC_REGS 16
#define NR_IOAPIC_REGS (IOAPIC_STATE_RTE + KVM_IOAPIC_NUM_PINS)

struct op *script_add(struct script *script, enum op_kind kind);
struct op_row *op_add_row(struct op *op);
void op_fini(struct op *op);
int op_copy(struct op *to, const struct op *from);
int script_copy(struct script *to, const struct script *from);
void script_fini(struct script *script);
void script_drop(struct script *script, size_t first, size_t nr);
void op_print(FILE *file, const struct op *op);
void script_print(FILE *file, const struct script *script);
/* 0; -EINVAL with *line where; -ENOMEM. */
int script_parse(FILE *file, struct script *script, unsigned int *line);

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
	enum slot_sort sort[NR_SLOTS];
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
	struct kvm_cpuid2 *cpuid;
};

/* What the process needs once a port. */
int world_init(struct world *world, const struct conform_port *port);
void world_fini(struct world *world);
/* Close everything: a world like new. */
void world_reset(struct world *world);
/* Wait until nothing that earlier operations set off is under way. */
void world_settle(struct world *world);
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
	struct vm_state vm[NR_VMS];
	uint64_t counter[NR_SLOTS];
	short revents[NR_SLOTS];
};

void state_capture(struct world *world, struct answer answer,
		   struct world_state *state);
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

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operations of the differential test, and scripts of them.
 */
#ifndef CONFORM_RANDOM_OPS_H
#define CONFORM_RANDOM_OPS_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define NR_VMS 2
#define NR_VCPUS 2
#define NR_SLOTS 12
#define OP_ARGS 10
#define ROW_WORDS 7
#define APIC_STATE_REGS 64
#define MAX_GSIS 4096

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
	/*
	 * It may write APICBASE.  Nothing else does, so it is compared after
	 * these only: each request to a vCPU costs microseconds.
	 */
	bool writes_base;
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

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a kernel's vGIC is known to do otherwise, and cannot be asked to do as
 * the architecture and this library do: each is named, justified and counted.
 *
 *	known.c        the list, and values that have two forms
 *	known_guest.c  which of a guest's accesses can be compared
 *	known_its.c    commands and tables of the ITS
 *	known_moved.c  interrupts that the kernel has to be made to look for
 */
#ifndef ARM_DIFF_KNOWN_H
#define ARM_DIFF_KNOWN_H

#include "machine.h"
#include "regs.h"

enum known {
	KNOWN_LIST_REGISTERS,
	KNOWN_TIE,
	KNOWN_MULTI_SGI,
	KNOWN_BINARY_POINT,
	KNOWN_COLLECTION_ORDER,
	KNOWN_REQUEUE,
	KNOWN_ALIASES,
	KNOWN_GICV_GROUPS,
	KNOWN_GICV_HPPIR,
	KNOWN_GICV_IIDR,
	KNOWN_GICV_1022,
	KNOWN_GICV_PREEMPTION,
	KNOWN_UNMAPPED_LPI,
	KNOWN_LPIS_OFF,
	KNOWN_REMOTE_DIR,
	KNOWN_ACTIVE_LPI,
	KNOWN_MAPC_OFF,
	KNOWN_MAPC_TARGET,
	KNOWN_PRIORITY_MASK,
	NR_KNOWN,
};

struct known_difference {
	const char *name;
	const char *why;
	unsigned long times; /* that it was stepped round in this run */
};

extern struct known_difference known_differences[NR_KNOWN];

/* Count one.  True. */
bool known_step_round(enum known known);

/* What an access by the guest is to the CPU interface. */
enum known_access {
	ACCESS_OTHER,
	ACCESS_LOOK, /* tells what is pending */
	ACCESS_TAKE,
	ACCESS_COMPLETE, /* by EOIR */
	ACCESS_DEACTIVATE,
	ACCESS_ALIAS, /* GICv2's registers of group 1 alone */
};

/* LPIs that a vCPU of the reference's has as active. */
#define KNOWN_MAX_LPIS 16
struct known_lpis {
	unsigned int nr;
	struct {
		unsigned int vcpu;
		uint32_t intid;
	} lpi[KNOWN_MAX_LPIS];
};

/* What an access meets in the subject's present state. */
struct known_look {
	/* More is there than list registers. */
	bool crowded;
	unsigned int active; /* each has a list register */
	unsigned int before; /* and so has what is more urgent, but disabled */
	/*
	 * The distributor is off: what is active stays where it is, and becomes
	 * pending there if it was that, too, until its vCPU leaves.
	 */
	bool off;
	/* Several are as urgent as each other: the reference may choose. */
	bool tie;
};

/* A vCPU of the reference's has so many list registers. */
#define KNOWN_NR_LRS 4

/* known_skip - can the access not be compared? */
bool known_skip(struct machine *subject, struct known_lpis *lpis,
		unsigned int vcpu, enum known_access sort,
		const struct arm_access *access, struct known_look *look);
/* @iar is what the reference has chosen: if it may, the subject will, too. */
void known_choose(struct machine *subject, unsigned int vcpu, uint64_t iar);
/* @intid was acknowledged. */
void known_taken(struct known_lpis *lpis, unsigned int vcpu, uint32_t intid);

/* And this of the host's? */
bool known_skip_host(struct machine *subject, const struct known_lpis *lpis,
		     const struct op *op);

/* The operation as both sides can do it. */
struct op known_adapt(const struct setup *setup, const struct op *op);

/*
 * known_clears - commands that both sides are given before an operation of the
 * script's: @clear has room for KNOWN_MAX_CLEARS.  How many.
 */
#define KNOWN_MAX_CLEARS 16
unsigned int known_clears(const struct op *op, struct op *clear);

/* Where the subject has each interrupt: its CPU's address. */
#define KNOWN_NR_LPIS 8
struct known_homes {
	const void *home[MAX_IRQS + KNOWN_NR_LPIS];
};
/* Has one gone to another CPU since the last call? */
bool known_moved(struct machine *subject, struct known_homes *homes);

/* What the answer of a guest's read is compared by. */
uint64_t known_answer(const struct setup *setup,
		      const struct arm_access *access);

/*
 * known_memory - bring the tables in guest memory into a form in which both
 * sides are comparable.  @saved is a copy of TABLES_SIZE bytes.
 */
void known_memory(uint8_t *saved);

/*
 * known_requeue - some interrupts may be where the reference does not look:
 * make it look, before anything is taken.  0 or a negative errno.
 */
int known_requeue(struct machine *reference, struct machine *subject);

/* What the answer of an attribute is compared by. */
uint64_t known_value(const struct setup *setup, uint32_t group, uint64_t attr,
		     uint64_t value);

#endif

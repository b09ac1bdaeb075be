/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside world_run():
 *
 *	world.c          the whole, and the host's operations
 *	world_guest.c    the guests' accesses
 *	world_compare.c  what differs
 */
#ifndef ARM_DIFF_WORLD_PARTS_H
#define ARM_DIFF_WORLD_PARTS_H

#include "known.h"
#include "regs.h"
#include "state.h"
#include "world.h"

#define MAX_BATCH 64
/* Interrupts that a vCPU has taken, and may complete. */
#define MAX_TAKEN 16

struct taken {
	unsigned int nr;
	uint32_t value[MAX_TAKEN];
};

struct batch {
	unsigned int vcpu;
	unsigned int nr;
	int ret; /* the subject's: of the last one */
	/*
	 * List registers of the reference's that were active when it loaded
	 * them last, or became so since: a free one is loaded only on the way
	 * back into the guest.
	 */
	unsigned int used;
	bool crowded; /* there was not room for all */
	bool reloads; /* it is going to */
	/* The reference has made its only access already. */
	bool chosen;
	int chosen_ret;
	struct arm_access choice;
	size_t last; /* the operation of the last one */
	struct arm_access made[MAX_BATCH]; /* with the subject's answers */
	struct arm_access asked[MAX_BATCH];
};

struct world {
	struct contest *contest;
	const struct script *script;
	struct difference *difference;
	struct machine reference, subject;
	struct reg_list regs;
	struct batch batch;
	struct taken taken[MAX_VCPUS][2]; /* by group: acknowledged */
	struct taken dropped[MAX_VCPUS]; /* EOIR written: for DIR */
	struct saved saved[2];
	struct known_lpis lpis;
	struct known_homes homes;
	bool stale; /* the reference has interrupts to look for */
};

/* world_compare.c: 0, or 1 with the difference noted. */
__attribute__((format(printf, 3, 4))) int
world_differ(struct world *w, size_t at, const char *format, ...);
int world_outcome_differs(struct world *w, size_t at, const int ret[2]);
/* @flags: only registers that have one of them; 0: all, and memory. */
int world_compare(struct world *w, size_t at, unsigned int flags);
int world_compare_memory(struct world *w, size_t at);

/*
 * world_guest.c: as above, or a negative errno.  A guest's operation; one
 * access, which becomes what the subject made of it; the reference makes those
 * that it is behind with.
 */
int world_guest_op(struct world *w, size_t at, const struct op *op);
int world_guest_access(struct world *w, size_t at, unsigned int vcpu,
		       struct arm_access *access);
int world_batch_end(struct world *w);
/* The reference looks for interrupts where it would not. */
int world_freshen(struct world *w);
/*
 * Of a write of this register of the distributor's: may it make interrupts
 * pending that the kernel does not look at?  Does it make them active where
 * they are, which must be where they belong?
 */
bool world_arouses(uint64_t offset);
bool world_activates(uint64_t offset);

#endif

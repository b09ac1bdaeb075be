/* SPDX-License-Identifier: BSD-3-Clause */
/* All that attributes tell of a machine; and a new machine made from it. */
#ifndef ARM_DIFF_STATE_H
#define ARM_DIFF_STATE_H

#include "machine.h"

enum {
	REG_HOT = 1 << 0, /* changes often: compared often */
	REG_SAVED = 1 << 1, /* to be restored, in the list's order */
};

struct reg {
	enum device device;
	uint32_t group;
	uint64_t attr;
	unsigned int flags;
};

#define MAX_REGS 1024

struct reg_list {
	size_t nr;
	struct reg reg[MAX_REGS];
};

/* The registers of machines set up so. */
void reg_list_init(struct reg_list *list, const struct setup *setup);
void reg_print(char *buf, size_t size, const struct reg *reg);

struct saved {
	uint64_t value[MAX_REGS];
	uint8_t memory[TABLES_SIZE];
};

/* Take the state: LPIs and the ITS go to guest memory first. */
int state_save(struct machine *m, const struct reg_list *list,
	       struct saved *saved);
/*
 * Into a machine like new.  *answer sums up what the calls answered: equal on
 * machines that agree.
 */
void state_restore(struct machine *m, const struct reg_list *list,
		   const struct saved *saved, int *answer);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two machines that live through the same script: the kernel's, where a guest
 * makes the accesses, and ours, where the library's calls do.
 */
#ifndef GUEST_DIFF_WORLD_H
#define GUEST_DIFF_WORLD_H

#include "conform/guest.h"
#include "script.h"
#include <virq/virq.h>

/* What there is to see of one operation. */
struct outcome {
	int ret; /* 0, -EPERM (#GP), -ENODEV; of lines and MSIs their answer */
	uint64_t data;
	unsigned int nmis; /* that the vCPU took by the end of it */
	unsigned int nr_taken;
	uint8_t taken[EXEC_MAX_TAKEN];
};

/* All that can be seen of the chips afterwards. */
struct snapshot {
	struct kvm_irqchip chip[KVM_NR_IRQCHIPS];
	struct kvm_lapic_state lapic[NR_VCPUS];
};

/* ---- Ours (ours.c).  0 or a negative errno. ---- */

struct ours;

int ours_create(struct ours **ours);
void ours_destroy(struct ours *ours);
void ours_do(struct ours *ours, const struct op *op, struct outcome *outcome);
void ours_snapshot(struct ours *ours, struct snapshot *snapshot);
/* Is there an interrupt to take?  @lapic: one of the local APIC's. */
bool ours_pending(struct ours *ours, unsigned int vcpu, bool *lapic);
/* Would a read of this port be a poll of an 8259? */
bool ours_polls(struct ours *ours, const struct op *op);
/*
 * Change a write of an RTE so that the destination mode stays.  False: there
 * is no such write of that size.
 */
bool ours_keep_dest_mode(struct ours *ours, struct op *op);

/* ---- The kernel's (theirs.c) ---- */

struct theirs;

int theirs_create(const struct conform_port *port, struct theirs **theirs);
void theirs_destroy(struct theirs *theirs);
/* 0; an error is of the guest, not of the operation: theirs_error(). */
int theirs_do(struct theirs *theirs, const struct op *op,
	      struct outcome *outcome);
int theirs_snapshot(struct theirs *theirs, struct snapshot *snapshot);
const char *theirs_error(const struct theirs *theirs);

/* ---- What is known of one kernel or another (faults.c) ---- */

enum fault {
	/*
	 * The local APIC completes an interrupt when it injects it: only the
	 * 8259s' are taken there.
	 */
	FAULT_EOI_AT_INJECTION,
	/* Every exit of the guest clears TPR's low half; SVM has no more. */
	FAULT_TPR_SHORT,
	/* A poll of an 8259 does not set bit 7 when there is a request. */
	FAULT_POLL_NO_BIT_7,
	/*
	 * The destination table knows one logical bit an APIC and the first of
	 * two that share an id, and without any logical id is not used at all:
	 * ids stay what they are there.
	 */
	FAULT_OLD_TABLE,
	/*
	 * When an RTE's destination mode changes, those that it reached before
	 * are looked up by the new mode, so the wrong ones learn of it: the
	 * mode stays as it is.
	 */
	FAULT_OLD_DEST_MODE,
	/*
	 * ICR2 is the high half of x2APIC's ICR, so a change of mode carries it
	 * over: the layout of AMD's AVIC.  Not compared.
	 */
	FAULT_ICR_SPLIT,
	/*
	 * QEMU's TCG under this kernel ends with a failed assertion when a
	 * nested guest touches CR8 while an interrupt window is awaited.
	 */
	FAULT_CR8_ABORTS,
	NR_FAULTS,
};

struct faults {
	bool has[NR_FAULTS];
};

/*
 * faults_probe - look for them, by what the kernel does; but CR8's, which
 * would be the end of it.  0 or a negative errno.
 */
int faults_probe(const struct conform_port *port, struct faults *faults);
const char *fault_name(enum fault fault);

/* ---- Both (world.c) ---- */

/* What there was to compare, over all worlds. */
struct tally {
	unsigned long ops;
	unsigned long faults; /* #GP */
	unsigned long unclaimed; /* accesses that no chip had */
	unsigned long taken; /* interrupts */
	unsigned long nmis;
};

struct contest {
	const struct conform_port *port; /* the kernel's */
	struct faults faults;
	struct tally tally;
};

struct difference {
	size_t at; /* number of the operation */
	char what[256];
};

/*
 * world_run - a script on two new machines.  0: no difference; 1: *difference;
 * a negative errno: a machine could not be made.
 */
int world_run(struct contest *contest, const struct script *script,
	      struct difference *difference);

/*
 * script_shrink - the shortest script found that still makes a difference.
 * Takes operations away while any can be, within @seconds.
 */
void script_shrink(struct contest *contest, struct script *script,
		   unsigned int seconds);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end-to-end programs: TAP on stdout, a case a machine and load.
 *
 * An argument names the cases to run, by a part of their names.
 * VIRQ_E2E_STRICT=1 in the environment: see bench.h.
 */
#ifndef E2E_HARNESS_H
#define E2E_HARNESS_H

#include "bench.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Options, the plan's head, and what the process needs before it counts. */
void harness_begin(int argc, char **argv);
/* The plan; what main() answers. */
int harness_end(void);

/* One test: @body on a machine of its own, which must leave nothing behind. */
void run(const struct setup *setup, const char *what,
	 bool (*body)(struct bench *bench));
/* One refusal: the errno, and one line that has @words in it. */
void refuse(const char *name, struct vmm_config config, int error,
	    const char *words);
/* One test that has no machine; @why while it is not @ok, or a skip. */
void report(bool ok, const char *name, const char *why);
void report_skip(const char *name, const char *why);
/* Was the case of this name asked for?  NULL: were all? */
bool asked_for(const char *name);

/* cases.c */
bool case_exact(struct bench *bench);
bool case_quiesce(struct bench *bench);
bool case_late_loop(struct bench *bench);
bool case_timeout(struct bench *bench);

/* early.c: an Arm machine's irqfd before its GIC, which is KVM's or ours. */
void check_early(const char *name, bool kernel, unsigned int gic);

#endif

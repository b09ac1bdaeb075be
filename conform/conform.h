/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The conformance suite: named cases, each of which checks one rule of KVM's
 * interrupt uAPI through a port (port.h).
 *
 * Every case runs in a process of its own, so a case that hangs, crashes or
 * leaves something behind is a failure of that case and of nothing else.
 */
#ifndef CONFORM_CONFORM_H
#define CONFORM_CONFORM_H

#include "port.h"
#include <linux/version.h>
#include <sys/types.h>

struct conform;

/* What a case needs beside the port. */
#define CONFORM_GUEST (1u << 0) /* KVM_RUN executes guest code */

struct conform_case {
	const char *name; /* group/what-is-checked */
	const char *rule; /* one sentence, and where Linux has it */
	unsigned int needs; /* CONFORM_* */
	/* Linux versions with this rule: since <= version < until; 0: any. */
	uint32_t since, until;
	void (*run)(struct conform *c);
	const void *row; /* of a case that is a row of a table */
};

struct conform_group {
	const struct conform_case *cases;
	size_t nr;
};

#define CONFORM_GROUP(group)                                                   \
	const struct conform_group conform_##group = {                         \
		cases, sizeof(cases) / sizeof(cases[0])}

/*
 * A fault that one kernel is known to have.  The case runs all the same, and
 * the fault is told only where the case fails.
 */
struct conform_fault {
	const char *name; /* pattern of the case, fnmatch(3) */
	const char *what; /* which kernel, and what is wrong with it */
	bool (*present)(const struct conform_port *port);
};

/* The rules of one architecture's interrupts. */
struct conform_suite {
	/* All groups, in the order in which they run. */
	const struct conform_group *const *groups;
	size_t nr_groups;
	const struct conform_fault *faults; /* up to one without a name */
};

extern const struct conform_suite conform_suite_x86, conform_suite_arm;

enum conform_verdict {
	CONFORM_PASSED,
	CONFORM_FAILED,
	CONFORM_SKIPPED,
	CONFORM_KNOWN_FAULT, /* failed, as this kernel is known to */
};

/* Why a case failed, or was skipped (then @what is all there is). */
struct conform_failure {
	char file[64];
	int line;
	char what[256];
	char expected[128];
	char got[128];
};

struct conform_outcome {
	unsigned int number; /* from 1 */
	const struct conform_case *test;
	enum conform_verdict verdict;
	struct conform_failure failure;
	const struct conform_fault *fault; /* CONFORM_KNOWN_FAULT */
	uint64_t ns; /* how long it took */
};

struct conform_totals {
	unsigned int passed, failed, skipped, known_faults;
};

/* Does @test belong to the selection? */
bool conform_selected(const struct conform_case *test, const char *filter);
unsigned int conform_count(const struct conform_suite *suite,
			   const char *filter);

struct conform_config {
	const struct conform_port *port;
	const char *filter; /* of fnmatch(3), NULL: all cases */
	unsigned int limit_ms; /* for each case, 0: CONFORM_LIMIT_MS */
	void (*report)(const struct conform_outcome *outcome, void *opaque);
	void *opaque;
};

/* A case takes milliseconds; on an emulated machine, a second. */
#define CONFORM_LIMIT_MS 30000

/*
 * conform_run - run the selected cases, telling each outcome, in order.
 * 0, or -errno when a case could not even be started.
 */
int conform_run(const struct conform_config *config,
		struct conform_totals *totals);

/* TAP 13 on stdout: the plan, and one outcome. */
void conform_tap_plan(unsigned int nr);
void conform_tap_outcome(const struct conform_outcome *outcome);
/* An errno's name ("EBUSY"), "0", or the number. */
const char *conform_errno_name(int value, char *buf, size_t size);

#endif

// SPDX-License-Identifier: BSD-3-Clause
/* Outcomes as TAP 13: a failed case explains itself in a YAML block. */
#include "conform.h"
#include <stdio.h>

/* In YAML's single quotes only the quote itself is special. */
static void field(const char *name, const char *value)
{
	printf("  %s: '", name);
	for (; *value; value++) {
		if (*value == '\'')
			putchar('\'');
		putchar((unsigned char)*value < ' ' ? ' ' : *value);
	}
	puts("'");
}

static void diagnosis(const struct conform_outcome *outcome)
{
	const struct conform_failure *f = &outcome->failure;

	puts("  ---");
	field("rule", outcome->test->rule);
	field("check", f->what);
	field("expected", f->expected);
	field("got", f->got);
	if (f->line)
		printf("  at: '%s:%d'\n", f->file, f->line);
	puts("  ...");
}

void conform_tap_plan(unsigned int nr)
{
	printf("TAP version 13\n1..%u\n", nr);
}

void conform_tap_outcome(const struct conform_outcome *outcome)
{
	const char *name = outcome->test->name;
	unsigned int n = outcome->number;

	switch (outcome->verdict) {
	case CONFORM_PASSED: printf("ok %u - %s\n", n, name); break;
	case CONFORM_SKIPPED:
		printf("ok %u - %s # SKIP %s\n", n, name,
		       outcome->failure.what);
		break;
	case CONFORM_KNOWN_FAULT:
		/* TAP's word for a failure that is expected. */
		printf("not ok %u - %s # TODO %s\n", n, name,
		       outcome->fault->what);
		diagnosis(outcome);
		break;
	case CONFORM_FAILED:
		printf("not ok %u - %s\n", n, name);
		diagnosis(outcome);
		break;
	}
	fflush(stdout);
}

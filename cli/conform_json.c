// SPDX-License-Identifier: BSD-3-Clause
/* See conform.h. */
#include "conform.h"
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

struct conform_json {
	json_t *cases;
	bool failed;
};

struct conform_json *conform_json_new(void)
{
	struct conform_json *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->cases = json_array();
	if (json->cases)
		return json;
	free(json);
	return NULL;
}

static const char *verdict_name(enum conform_verdict verdict)
{
	switch (verdict) {
	case CONFORM_PASSED: return "passed";
	case CONFORM_FAILED: return "failed";
	case CONFORM_SKIPPED: return "skipped";
	case CONFORM_KNOWN_FAULT: return "known fault";
	}
	return NULL;
}

static json_t *failure_object(const struct conform_failure *failure)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:i}", "check", failure->what,
			 "expected", failure->expected, "got", failure->got,
			 "file", failure->file, "line", failure->line);
}

void conform_json_add(const struct conform_outcome *outcome, void *opaque)
{
	struct conform_json *json = opaque;
	const char *why = NULL;
	json_t *object;

	if (outcome->verdict == CONFORM_SKIPPED)
		why = outcome->failure.what;
	else if (outcome->verdict == CONFORM_KNOWN_FAULT)
		why = outcome->fault->what;
	object = json_pack("{s:s, s:s, s:s, s:I, s:s?}", "name",
			   outcome->test->name, "rule", outcome->test->rule,
			   "verdict", verdict_name(outcome->verdict), "ns",
			   (json_int_t)outcome->ns, "why", why);
	if (object &&
	    (outcome->verdict == CONFORM_FAILED ||
	     outcome->verdict == CONFORM_KNOWN_FAULT) &&
	    json_object_set_new(object, "failure",
				failure_object(&outcome->failure)))
		json->failed = true;
	if (json_array_append_new(json->cases, object))
		json->failed = true;
}

int conform_json_print(struct conform_json *json, const char *against,
		       const char *unusable,
		       const struct conform_totals *totals)
{
	json_t *root = NULL;
	int ret = -EIO;

	if (json->failed)
		goto out;
	root = json_pack("{s:s, s:s?, s:i, s:i, s:i, s:i, s:O}", "against",
			 against, "unusable", unusable, "passed",
			 (int)totals->passed, "failed", (int)totals->failed,
			 "skipped", (int)totals->skipped, "known_faults",
			 (int)totals->known_faults, "cases", json->cases);
	if (!root || json_dumpf(root, stdout, JSON_INDENT(2)))
		goto out;
	putchar('\n');
	ret = 0;
out:
	json_decref(root);
	json_decref(json->cases);
	free(json);
	return ret;
}

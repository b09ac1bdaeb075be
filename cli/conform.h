/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcomes of `virq conform` as one JSON object. */
#ifndef CLI_CONFORM_H
#define CLI_CONFORM_H

#include "conform/conform.h"

struct conform_json;

struct conform_json *conform_json_new(void);
/* Of conform_run(): @opaque is the object.  Errors are told at the end. */
void conform_json_add(const struct conform_outcome *outcome, void *opaque);
/*
 * conform_json_print - all of it, and let it go.  @unusable: why nothing was
 * run, or NULL.  0 or a negative errno.
 */
int conform_json_print(struct conform_json *json, const char *against,
		       const char *unusable,
		       const struct conform_totals *totals);

#endif

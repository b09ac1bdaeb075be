// SPDX-License-Identifier: BSD-3-Clause
#include "bench_report.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *per_name(enum bench_per per)
{
	return per == BENCH_BATCH ? "batch" : "event";
}

static void put_ns(char *cell, size_t size, double ns)
{
	if (isnan(ns))
		snprintf(cell, size, "-");
	else
		snprintf(cell, size, "%.*f", ns < 1000 ? 1 : 0, ns);
}

static void put_aim(char *text, size_t size, const struct bench_row *row)
{
	const char *verdict = row->aim_met ? "met" : "missed";

	switch (row->aim.kind) {
	case BENCH_AIM_NS:
		snprintf(text, size, "p50 <= %.0f ns: %s", row->aim.most,
			 verdict);
		break;
	case BENCH_AIM_RATIO:
		snprintf(text, size, "ratio <= %.2f: %s", row->aim.most,
			 verdict);
		break;
	default: text[0] = '\0'; break;
	}
}

static void print_row(const struct bench_row *row, int width)
{
	char p50[24], p99[24], p99_9[24], ratio[24] = "", aim[48];

	if (row->missing[0]) {
		printf("%-*s  missing: %s\n", width, row->name, row->missing);
		return;
	}
	put_ns(p50, sizeof(p50), row->p50_ns);
	put_ns(p99, sizeof(p99), row->p99_ns);
	put_ns(p99_9, sizeof(p99_9), row->p99_9_ns);
	put_aim(aim, sizeof(aim), row);
	printf("%-*s  %s  %7zu  %9s  %9s  %9s", width, row->name,
	       per_name(row->per), row->samples, p50, p99, p99_9);
	if (row->ratio_to[0]) {
		snprintf(ratio, sizeof(ratio), "%.3f", row->ratio);
		printf("  %7s of %s", ratio, row->ratio_to);
	}
	if (aim[0])
		printf("  (aim %s)", aim);
	if (row->note[0])
		printf("  [%s]", row->note);
	putchar('\n');
}

void bench_print_table(const struct bench *bench)
{
	const char *group = NULL;
	int width = 0;

	for (size_t i = 0; i < bench->nr_rows; i++) {
		int len = (int)strlen(bench->rows[i].name);

		if (len > width)
			width = len;
	}
	for (size_t i = 0; i < bench->nr_rows; i++) {
		const struct bench_row *row = &bench->rows[i];

		if (row->group != group) {
			if (group)
				putchar('\n');
			group = row->group;
			printf("%-*s  %-5s  %7s  %9s  %9s  %9s  %7s\n", width,
			       group, "per", "samples", "p50 ns", "p99 ns",
			       "p99.9 ns", "ratio");
		}
		print_row(row, width);
	}
}

/* json_pack()'s "o" takes the reference, and a NULL makes the pack fail. */
static json_t *number_or_null(double value)
{
	return isnan(value) ? json_null() : json_real(value);
}

static json_t *aim_or_null(const struct bench_row *row)
{
	if (row->aim.kind == BENCH_AIM_NONE)
		return json_null();
	return json_pack("{s:s, s:f, s:b}", "of",
			 row->aim.kind == BENCH_AIM_NS ? "p50_ns" : "ratio",
			 "at_most", row->aim.most, "met", row->aim_met);
}

static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static json_t *row_object(const struct bench_row *row)
{
	bool missing = row->missing[0];

	return json_pack(
		"{s:s, s:s, s:s?, s:I, s:o, s:o, s:o, s:s?, s:o,"
		" s:o, s:o, s:s?, s:s?}",
		"name", row->name, "group", row->group, "per",
		missing ? NULL : per_name(row->per), "samples",
		(json_int_t)row->samples, "p50_ns", number_or_null(row->p50_ns),
		"p99_ns", number_or_null(row->p99_ns), "p99_9_ns",
		number_or_null(row->p99_9_ns), "ratio_to",
		text_or_null(row->ratio_to), "ratio",
		number_or_null(row->ratio), "aim", aim_or_null(row), "syscalls",
		number_or_null(row->syscalls), "note", text_or_null(row->note),
		"missing", text_or_null(row->missing));
}

int bench_print_json(const struct bench *bench, bool complete)
{
	json_t *rows = json_array();
	json_t *root = NULL;
	int ret = -ENOMEM;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < bench->nr_rows; i++) {
		if (json_array_append_new(rows, row_object(&bench->rows[i])))
			goto out;
	}
	root = json_pack("{s:b, s:O}", "complete", complete, "rows", rows);
	if (!root || json_dumpf(root, stdout, JSON_INDENT(2)))
		goto out;
	putchar('\n');
	ret = 0;
out:
	json_decref(root);
	json_decref(rows);
	return ret;
}

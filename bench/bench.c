// SPDX-License-Identifier: BSD-3-Clause
/* The table of groups, and the rows they fill. */
#include "bench.h"
#include "contest.h"
#include "cpus.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(struct bench *bench);
} groups[] = {
	{"hop", bench_hop},
	{"vgic", bench_vgic},
	{"lpi", bench_lpi},
	{"forward", bench_forward},
#ifdef __x86_64__
	{"eventfd", bench_eventfd},
	{"loop", bench_loop},
	{"control", bench_control},
	{"chip", bench_chip},
	{"bypass", bench_bypass},
	{"latency", bench_latency},
	{"throughput", bench_throughput},
#endif
};

#define NR_GROUPS (sizeof(groups) / sizeof(groups[0]))

const char *bench_group_name(size_t index)
{
	return index < NR_GROUPS ? groups[index].name : NULL;
}

struct bench_row *bench_add_row(struct bench *bench, const char *name)
{
	struct bench_row *row;

	if (bench->nr_rows == bench->room) {
		size_t room = bench->room ? 2 * bench->room : 32;
		struct bench_row *rows =
			realloc(bench->rows, room * sizeof(*rows));

		if (!rows)
			return NULL;
		bench->rows = rows;
		bench->room = room;
	}
	row = &bench->rows[bench->nr_rows++];
	*row = (struct bench_row){
		.group = bench->group,
		.p50_ns = NAN,
		.p99_ns = NAN,
		.p99_9_ns = NAN,
		.ratio = NAN,
		.syscalls = NAN,
	};
	for (size_t i = 0; i < BENCH_CURVE_POINTS; i++)
		row->curve_ns[i] = NAN;
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

int bench_run(struct bench *bench, const char *only)
{
	bool found = false;
	int ret = 0;

	for (size_t i = 0; i < NR_GROUPS; i++)
		found = found || !only || !strcmp(only, groups[i].name);
	if (!found)
		return -ENOENT;
	cpus_pin_main();
	contest_calibrate();
	for (size_t i = 0; i < NR_GROUPS && !ret && !bench->stopped(); i++) {
		if (only && strcmp(only, groups[i].name) != 0)
			continue;
		bench->group = groups[i].name;
		if (bench->progress)
			bench->progress(bench->group);
		ret = groups[i].run(bench);
	}
	cpus_restore_main();
	return ret;
}

void bench_free(struct bench *bench)
{
	free(bench->rows);
	bench->rows = NULL;
	bench->nr_rows = 0;
	bench->room = 0;
}

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

#ifdef __x86_64__
#define ON_A_PC(run) (run)
#else
#define ON_A_PC(run) NULL
#endif

/* Without a function: not on this host. */
static const struct {
	const char *name;
	int (*run)(struct bench *bench);
} groups[] = {
	{"hop", bench_hop},
	{"vgic", bench_vgic},
	{"lpi", bench_lpi},
	{"forward", bench_forward},
	{"eventfd", ON_A_PC(bench_eventfd)},
	{"loop", ON_A_PC(bench_loop)},
	{"control", ON_A_PC(bench_control)},
	{"chip", ON_A_PC(bench_chip)},
	{"bypass", ON_A_PC(bench_bypass)},
	{"latency", ON_A_PC(bench_latency)},
	{"throughput", ON_A_PC(bench_throughput)},
};

#define NR_GROUPS (sizeof(groups) / sizeof(groups[0]))

const char *bench_group_name(size_t index)
{
	for (size_t i = 0; i < NR_GROUPS; i++) {
		if (groups[i].run && !index--)
			return groups[i].name;
	}
	return NULL;
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

static int find_group(const char *name)
{
	for (size_t i = 0; i < NR_GROUPS; i++) {
		if (!strcmp(name, groups[i].name))
			return groups[i].run ? 0 : -EOPNOTSUPP;
	}
	return -ENOENT;
}

int bench_run(struct bench *bench, const char *only)
{
	int ret = only ? find_group(only) : 0;

	if (ret)
		return ret;
	cpus_pin_main();
	contest_calibrate();
	for (size_t i = 0; i < NR_GROUPS && !ret && !bench->stopped(); i++) {
		if (!groups[i].run || (only && strcmp(only, groups[i].name)))
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

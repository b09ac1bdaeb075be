// SPDX-License-Identifier: BSD-3-Clause
/*
 * Registration with the bypass manager: what a thread waits for one, on the
 * average over consumers and producers, which connect; by the number of
 * eventfds and of threads.
 *
 * In a turn all of the eventfds are registered.  Where that would take minutes
 * or seconds, all but the last are in place beforehand; the row says so.  The
 * worst is that of one more turn, the first, in which each is timed by itself.
 *
 * The eventfds are numbers: to register, nothing else of them is looked at.
 */
#include "contest.h"
#include "cpus.h"
#include "registration.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AIM_NS 124

static const struct size {
	const char *text;
	size_t nr;
	unsigned int rounds;
	/* How many a turn registers. */
	size_t list_sample;
	size_t tree_sample;
} sizes[] = {
	{"1,000", 1000, 25, 1000, 1000},
	{"10,000", 10000, 15, 128, 10000},
	{"174,000", 174000, 5, 4, 174000},
	{"1,000,000", 1000000, 3, 4, 32000},
};

#define NR_SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const unsigned int thread_counts[] = {1, 2, REGISTRATION_THREADS};

#define NR_COUNTS (sizeof(thread_counts) / sizeof(thread_counts[0]))

enum registries {
	VIRQ,
	LIST,
	TREE,
	NR_REGISTRIES,
};

enum rows {
	ROW_VIRQ,
	ROW_RANDOM,
	ROW_LIST,
	ROW_TREE,
	NR_ROWS,
};

static const struct row {
	const char *name;
	enum registries registry;
	bool random; /* the order of ids; else ascending */
	int peer; /* the row with as many threads, or -1 */
} rows[NR_ROWS] = {
	[ROW_VIRQ] = {"virq", VIRQ, false, ROW_TREE},
	[ROW_RANDOM] = {"virq, random order", VIRQ, true, ROW_VIRQ},
	[ROW_LIST] = {"list", LIST, false, ROW_VIRQ},
	[ROW_TREE] = {"tree", TREE, false, -1},
};

#define NR_CONTENDERS (NR_ROWS * NR_COUNTS)

/* What a contender registers, and what came of it. */
struct entrant {
	struct field *field;
	unsigned int nr_threads;
	bool random;
	unsigned int turns;
	double consumer_ns; /* sums */
	double producer_ns;
	double worst_ns;
};

struct at_size {
	struct field fields[NR_REGISTRIES];
	char missing[NR_REGISTRIES][BENCH_TEXT_LEN];
	struct entrant entrants[NR_CONTENDERS];
	struct contender contenders[NR_CONTENDERS];
};

static int turn(struct contender *c)
{
	struct entrant *e = c->state;
	struct registration result;
	int ret = 0;

	/* The ids of those that are in place must stay. */
	if (!e->field->placed)
		field_number(e->field, e->random);
	if (!e->turns) {
		ret = field_register(e->field, e->nr_threads, true, &result);
		e->worst_ns = result.worst_ns;
	}
	if (!ret)
		ret = field_register(e->field, e->nr_threads, false, &result);
	if (ret)
		return ret;
	e->turns++;
	e->consumer_ns += result.consumer_ns;
	e->producer_ns += result.producer_ns;
	return contender_sample(c,
				(result.consumer_ns + result.producer_ns) / 2);
}

/* Make the pairs; nothing may be made that the machine would swap for. */
static int make_field(struct field *field, size_t nr, size_t sample)
{
	size_t pages =
		nr * sizeof(*field->pairs) / (size_t)sysconf(_SC_PAGESIZE);

	/* As much again for what the registry allocates. */
	if ((size_t)sysconf(_SC_AVPHYS_PAGES) < 2 * pages)
		return -ENOMEM;
	field->pairs = calloc(nr, sizeof(*field->pairs));
	if (!field->pairs)
		return -ENOMEM;
	field->nr = nr;
	field->placed = nr - sample;
	field_init(field);
	field_number(field, false);
	return field_place(field);
}

static void make_fields(struct at_size *at, const struct size *size)
{
	const size_t samples[NR_REGISTRIES] = {size->nr, size->list_sample,
					       size->tree_sample};

	at->fields[VIRQ].registry = &registry_virq;
	at->fields[LIST].registry = &registry_list;
	at->fields[TREE].registry = &registry_tree;
	for (unsigned int i = 0; i < NR_REGISTRIES; i++) {
		int ret = make_field(&at->fields[i], size->nr, samples[i]);

		if (ret)
			snprintf(at->missing[i], sizeof(at->missing[i]),
				 "%s eventfds: %s", size->text, strerror(-ret));
	}
}

static void free_fields(struct at_size *at)
{
	for (unsigned int i = 0; i < NR_REGISTRIES; i++) {
		field_clear(&at->fields[i]);
		free(at->fields[i].pairs);
	}
}

static void make_contenders(struct at_size *at, const struct size *size)
{
	for (unsigned int i = 0; i < NR_CONTENDERS; i++) {
		const struct row *row = &rows[i / NR_COUNTS];
		struct contender *c = &at->contenders[i];
		struct entrant *e = &at->entrants[i];

		e->field = &at->fields[row->registry];
		e->nr_threads = thread_counts[i % NR_COUNTS];
		e->random = row->random;
		snprintf(c->name, sizeof(c->name), "register %s x%u %s",
			 size->text, e->nr_threads, row->name);
		memcpy(c->missing, at->missing[row->registry],
		       sizeof(c->missing));
		if (row->peer >= 0)
			c->peer = &at->contenders[(unsigned int)row->peer *
							  NR_COUNTS +
						  i % NR_COUNTS];
		if (row->registry == VIRQ)
			c->aim = (struct bench_aim){BENCH_AIM_NS, AIM_NS};
		c->state = e;
		c->turn = turn;
		c->means = true;
	}
}

/* What the same took with the fewest; flat is 1. */
static void note_results(struct at_size *at, const struct size *size,
			 double *least)
{
	for (unsigned int i = 0; i < NR_CONTENDERS; i++) {
		struct contender *c = &at->contenders[i];
		const struct entrant *e = &at->entrants[i];
		double p50 = contest_p50(c);
		char growth[32] = "", part[32] = "", crowd[32] = "";
		unsigned int cpus = cpus_two() ? 2 : 1;

		if (!e->turns)
			continue;
		if (size == sizes)
			least[i] = p50;
		else if (least[i] > 0)
			snprintf(growth, sizeof(growth), "%.1f times %s; ",
				 p50 / least[i], sizes[0].text);
		if (e->field->placed)
			snprintf(part, sizeof(part), "the last %zu only; ",
				 e->field->nr - e->field->placed);
		if (e->nr_threads > cpus)
			snprintf(crowd, sizeof(crowd), "on %u CPU%s; ", cpus,
				 cpus > 1 ? "s" : "");
		snprintf(c->note, sizeof(c->note),
			 "%s%s%sconsumer %.0f, producer %.0f, worst %.0f us",
			 growth, part, crowd, e->consumer_ns / e->turns,
			 e->producer_ns / e->turns, e->worst_ns / 1000);
	}
}

static int run_at_size(struct bench *bench, const struct size *size,
		       double *least)
{
	struct at_size *at = calloc(1, sizeof(*at));
	int ret;

	if (!at)
		return -ENOMEM;
	make_fields(at, size);
	make_contenders(at, size);
	ret = contest_run(bench, at->contenders, NR_CONTENDERS, size->rounds);
	note_results(at, size, least);
	if (!ret)
		ret = contest_report(bench, at->contenders, NR_CONTENDERS);
	contest_free(at->contenders, NR_CONTENDERS);
	free_fields(at);
	free(at);
	return ret;
}

int bench_bypass(struct bench *bench)
{
	double least[NR_CONTENDERS] = {0};
	int ret = 0;

	for (size_t i = 0; i < NR_SIZES && !ret && !bench->stopped(); i++)
		ret = run_at_size(bench, &sizes[i], least);
	return ret;
}

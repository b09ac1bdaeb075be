// SPDX-License-Identifier: BSD-3-Clause
/*
 * Random operations of a guest and of its host, on the kernel's vGIC and on
 * ours: every answer and, every few operations, the whole state must be the
 * same.
 *
 * arm_diff [--gic 2|3] [--ops N] [--seed S] [--world N] [--interval N]
 *	    [--shrink SECONDS]
 *	N operations from seed S on, in worlds of --world operations, each with
 *	new machines; all state is compared after --interval operations
 * arm_diff --replay FILE
 *	one script, as a difference prints it
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "diff/shrink.h"
#include "known.h"
#include "world.h"

struct options {
	uint64_t gic, ops, seed, world, interval, shrink;
	const char *replay;
};

/* ---- One script ---- */

struct shrinking {
	struct contest *contest;
	struct setup setup;
	char kind[32]; /* of difference: the first word of what is said */
};

static void kind_of(const struct difference *difference, char *kind,
		    size_t size)
{
	snprintf(kind, size, "%.*s", (int)strcspn(difference->what, " "),
		 difference->what);
}

static bool differs(void *opaque, const void *ops, size_t nr, size_t *at)
{
	struct shrinking *s = opaque;
	struct difference difference;
	struct script script = {
		.setup = s->setup, .ops = (struct op *)ops, .nr = nr};

	char kind[sizeof(s->kind)];

	if (world_run(s->contest, &script, &difference) != 1)
		return false;
	kind_of(&difference, kind, sizeof(kind));
	if (strcmp(kind, s->kind) != 0)
		return false;
	*at = difference.at < nr ? difference.at : nr - 1;
	return true;
}

static void report(const struct script *script,
		   const struct difference *difference)
{
	printf("# after operation %zu: %s\n", difference->at + 1,
	       difference->what);
	script_print(stdout, script);
	fflush(stdout);
}

/* Find the operation that makes the difference, and those it needs. */
static void explain(const struct contest *found, struct script *script,
		    struct difference *difference, unsigned int seconds)
{
	struct contest contest = *found;
	struct shrinking shrinking = {&contest, script->setup, ""};

	kind_of(difference, shrinking.kind, sizeof(shrinking.kind));
	script->nr = difference->at + 1;
	/* All of it is compared at the end. */
	contest.interval = 0;
	if (seconds)
		shrink(script->ops, &script->nr, sizeof(*script->ops), seconds,
		       differs, &shrinking);
	if (world_run(&contest, script, difference) == 1)
		report(script, difference);
	else
		printf("# it does not come again\n");
}

/* 0, 1 (a difference was reported) or a negative errno. */
static int run_world(struct contest *contest, const struct options *options,
		     size_t ops, uint64_t seed)
{
	struct difference difference;
	struct script script;
	int rc =
		script_generate(&script, (unsigned int)options->gic, ops, seed);

	if (rc)
		return rc;
	rc = world_run(contest, &script, &difference);
	if (rc == 1) {
		printf("# world %#" PRIx64 ", after operation %zu: %s\n", seed,
		       difference.at + 1, difference.what);
		explain(contest, &script, &difference,
			(unsigned int)options->shrink);
	} else if (rc) {
		printf("# world %#" PRIx64 ": %s\n", seed, strerror(-rc));
	}
	script_free(&script);
	return rc;
}

/* ---- The run ---- */

static void print_tally(const struct contest *contest, double seconds)
{
	const struct tally *tally = &contest->tally;

	printf("# %lu operations in %.1f s: %lu guest accesses in %lu batches, "
	       "%lu interrupts taken, %lu completions, %lu resamplefd signals, "
	       "%lu migrations; state compared %lu times, %lu registers\n",
	       tally->ops, seconds, tally->accesses, tally->batches,
	       tally->taken, tally->completed, tally->resamples,
	       tally->migrations, tally->compares, tally->registers);
	for (unsigned int i = 0; i < NR_KNOWN; i++)
		if (known_differences[i].times)
			printf("# known, left out %lu times: %s: %s\n",
			       known_differences[i].times,
			       known_differences[i].name,
			       known_differences[i].why);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int run_seed(struct contest *contest, const struct options *options)
{
	const unsigned long *made = &contest->tally.ops;
	double start = now();
	int rc = 0;

	printf("1..1\n");
	for (uint64_t seed = options->seed; *made < options->ops && !rc; seed++)
		rc = run_world(contest, options, options->world, seed);
	printf("%sok 1 - GICv%" PRIu64 ", seed %#" PRIx64 ": %" PRIu64
	       " operations as on the kernel's vGIC\n",
	       rc ? "not " : "", options->gic, options->seed, (uint64_t)*made);
	print_tally(contest, now() - start);
	return !!rc;
}

static int replay(struct contest *contest, const char *path)
{
	struct difference difference;
	struct script script;
	FILE *file = fopen(path, "re");
	unsigned int line;
	int rc;

	if (!file) {
		fprintf(stderr, "arm_diff: %s: %s\n", path, strerror(errno));
		return 2;
	}
	rc = script_read(&script, file, &line);
	fclose(file);
	if (rc) {
		fprintf(stderr, "arm_diff: %s:%u: %s\n", path, line,
			strerror(-rc));
		return 2;
	}
	rc = world_run(contest, &script, &difference);
	if (rc == 1)
		report(&script, &difference);
	printf("1..1\n%sok 1 - %s, %zu operations\n", rc ? "not " : "", path,
	       script.nr);
	script_free(&script);
	return !!rc;
}

/* ---- Command line ---- */

static bool number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *text != '-';
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"gic", required_argument, NULL, 'g'},
		{"ops", required_argument, NULL, 'o'},
		{"seed", required_argument, NULL, 's'},
		{"world", required_argument, NULL, 'w'},
		{"interval", required_argument, NULL, 'i'},
		{"shrink", required_argument, NULL, 'k'},
		{"replay", required_argument, NULL, 'r'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		bool ok = true;

		switch (c) {
		case 'g': ok = number(optarg, &options->gic); break;
		case 'o': ok = number(optarg, &options->ops); break;
		case 's': ok = number(optarg, &options->seed); break;
		case 'w': ok = number(optarg, &options->world); break;
		case 'i': ok = number(optarg, &options->interval); break;
		case 'k': ok = number(optarg, &options->shrink); break;
		case 'r': options->replay = optarg; break;
		default: return false;
		}
		if (!ok)
			return false;
	}
	return optind == argc && options->world &&
	       (options->gic == 2 || options->gic == 3) &&
	       options->interval <= UINT32_MAX;
}

int main(int argc, char **argv)
{
	struct options options = {.gic = 3,
				  .ops = 10000,
				  .seed = 1,
				  .world = 6000,
				  .interval = 500,
				  .shrink = 60};
	struct contest contest = {.reference = &arm_port_kvm,
				  .subject = &arm_port_vgic};
	const char *reason;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr,
			"usage: arm_diff [--gic 2|3] [--ops N] [--seed S] "
			"[--world N] [--interval N]\n"
			"       [--shrink SECONDS] [--replay FILE]\n");
		return 2;
	}
	contest.interval = (unsigned int)options.interval;
	reason = contest.reference->unusable();
	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	return options.replay ? replay(&contest, options.replay)
			      : run_seed(&contest, &options);
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Register accesses of a guest, on the kernel's interrupt controllers and on
 * ours: every value read, every fault, every vector taken and, after each
 * operation, the whole state of all chips must be the same.
 *
 * guest_diff [--ops N] [--seed S] [--seeds N] [--world N]
 *	N operations for each of the seeds S, S+1, ...; each in worlds of
 *	--world operations that begin with machines as they come up
 * guest_diff --replay FILE
 *	one script, as a difference prints it
 */
#include "world.h"
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SHRINK_SECONDS 60

struct options {
	size_t ops;
	size_t world;
	uint64_t seed;
	unsigned int seeds;
	const char *replay;
};

static void print_script(const struct script *script)
{
	for (size_t i = 0; i < script->nr; i++) {
		printf("# ");
		op_print(&script->ops[i], stdout);
	}
}

static void report(const struct script *script,
		   const struct difference *difference)
{
	printf("# operation %zu: %s\n", difference->at + 1, difference->what);
	print_script(script);
}

/* 0, 1 (a difference was reported) or a negative errno. */
static int run_world(struct contest *contest, size_t ops, uint64_t seed)
{
	struct difference difference;
	struct script script;
	int ret = script_generate(&script, ops, seed);

	if (ret)
		return ret;
	ret = world_run(contest, &script, &difference);
	if (ret == 1) {
		printf("# world %#llx of %zu operations\n",
		       (unsigned long long)seed, ops);
		script.nr = difference.at + 1;
		printf("# operation %zu: %s\n", script.nr, difference.what);
		script_shrink(contest, &script, SHRINK_SECONDS);
		if (world_run(contest, &script, &difference) == 1)
			report(&script, &difference);
		else
			printf("# it does not come again\n");
	}
	script_free(&script);
	return ret;
}

/* A seed's worlds.  Their numbers are far from those of the next seed. */
static int run_seed(struct contest *contest, const struct options *options,
		    uint64_t seed)
{
	size_t left = options->ops;
	int ret = 0;

	for (uint64_t n = 0; left && !ret; n++) {
		size_t ops = left < options->world ? left : options->world;

		ret = run_world(contest, ops, seed << 32 | n);
		left -= ops;
	}
	if (ret < 0)
		printf("# seed %#llx: %s\n", (unsigned long long)seed,
		       strerror(-ret));
	return ret;
}

static int replay(struct contest *contest, const char *path)
{
	struct difference difference;
	struct script script;
	unsigned int line;
	FILE *file = fopen(path, "r");
	int ret;

	if (!file) {
		fprintf(stderr, "guest_diff: %s: %s\n", path, strerror(errno));
		return 2;
	}
	ret = script_read(&script, file, &line);
	fclose(file);
	if (ret) {
		fprintf(stderr, "guest_diff: %s:%u: %s\n", path, line,
			strerror(-ret));
		return 2;
	}
	ret = world_run(contest, &script, &difference);
	if (ret == 1)
		report(&script, &difference);
	printf("1..1\n%sok 1 - %s, %zu operations\n", ret ? "not " : "", path,
	       script.nr);
	script_free(&script);
	return !!ret;
}

static int run_seeds(struct contest *contest, const struct options *options)
{
	int failed = 0;

	printf("1..%u\n", options->seeds);
	for (unsigned int i = 0; i < options->seeds; i++) {
		uint64_t seed = options->seed + i;
		int ret = run_seed(contest, options, seed);

		printf("%sok %u - seed %#llx: %zu operations of a guest as on "
		       "the kernel's chips\n",
		       ret ? "not " : "", i + 1, (unsigned long long)seed,
		       options->ops);
		fflush(stdout);
		failed |= ret;
	}
	return !!failed;
}

static bool number(const char *text, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *text != '-' && *value <= max;
}

static bool parse(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"ops", required_argument, NULL, 'o'},
		{"seed", required_argument, NULL, 's'},
		{"seeds", required_argument, NULL, 'n'},
		{"world", required_argument, NULL, 'w'},
		{"replay", required_argument, NULL, 'r'},
		{0},
	};
	uint64_t value = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 'r') {
			options->replay = optarg;
			continue;
		}
		if (c == '?' || !number(optarg, UINT32_MAX, &value))
			return false;
		switch (c) {
		case 'o': options->ops = value; break;
		case 's': options->seed = value; break;
		case 'n': options->seeds = (unsigned int)value; break;
		case 'w': options->world = value; break;
		default: return false;
		}
	}
	return optind == argc && options->world;
}

int main(int argc, char **argv)
{
	struct options options = {
		.ops = 5000, .world = 150, .seed = 1, .seeds = 4};
	struct contest contest = {0};
	const char *reason;
	int ret;

	if (!parse(argc, argv, &options)) {
		fprintf(stderr, "usage: guest_diff [--ops N] [--seed S] "
				"[--seeds N] [--world N] | --replay FILE\n");
		return 2;
	}
	contest.port = conform_port_kvm(&reason);
	if (!contest.port) {
		printf("1..0 # SKIP %s\n", reason);
		return 0;
	}
	ret = faults_probe(contest.port, &contest.faults);
	if (ret) {
		printf("1..1\nnot ok 1 - a guest takes an interrupt: %s\n",
		       strerror(-ret));
		return 1;
	}
	for (enum fault i = 0; i < NR_FAULTS; i++)
		if (contest.faults.has[i])
			printf("# known of this kernel: %s\n", fault_name(i));
	ret = options.replay ? replay(&contest, options.replay)
			     : run_seeds(&contest, &options);
	printf("# %lu operations, %lu interrupts and %lu NMIs taken, %lu "
	       "faults, %lu accesses that no chip had\n",
	       contest.tally.ops, contest.tally.taken, contest.tally.nmis,
	       contest.tally.faults, contest.tally.unclaimed);
	return ret;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * virq conform: the named cases against a port, or random operations on two
 * ports in lock step.
 */
#include "cli.h"
#include "conform.h"
#include "conform/random.h"
#include "parse.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#ifdef __x86_64__
#define DEFAULT_PORT "x86"
#else
#define DEFAULT_PORT "vgic"
#endif

struct conform_options {
	const char *against; /* NULL: not given */
	const char *subject;
	const char *filter;
	const char *replay;
	const char *save;
	bool list, json, verbose;
	bool random, has_seed;
	uint64_t ops, seed;
};

enum {
	OPT_AGAINST = CLI_LONG_ONLY,
	OPT_LIST,
	OPT_FILTER,
	OPT_JSON,
	OPT_RANDOM,
	OPT_SEED,
	OPT_REPLAY,
	OPT_SUBJECT,
	OPT_SAVE,
	OPT_VERBOSE,
};

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"against", required_argument, NULL, OPT_AGAINST},
	{"list", no_argument, NULL, OPT_LIST},
	{"filter", required_argument, NULL, OPT_FILTER},
	{"json", no_argument, NULL, OPT_JSON},
	{"random", required_argument, NULL, OPT_RANDOM},
	{"seed", required_argument, NULL, OPT_SEED},
	{"replay", required_argument, NULL, OPT_REPLAY},
	{"subject", required_argument, NULL, OPT_SUBJECT},
	{"save", required_argument, NULL, OPT_SAVE},
	{"verbose", no_argument, NULL, OPT_VERBOSE},
	{NULL, 0, NULL, 0},
};

static void usage(void)
{
	fputs("usage: virq conform [--against PORT] [--filter GLOB] [--list] "
	      "[--json]\n"
	      "       virq conform --random OPS [--seed N] [--save FOLDER]\n"
	      "       virq conform --replay FILE\n\n"
	      "Check each rule of KVM's interrupt interface by a named case, "
	      "or do random\n"
	      "operations on the kernel and on virq in lock step.\n\n"
	      "  --against PORT   kvm, the kernel; virq's front door with x86 "
	      "or split; or\n"
	      "                   vgic, ARM's rules and virq's vGIC (x86; with "
	      "--random and\n"
	      "                   --replay: kvm; on arm64: vgic)\n"
	      "  --filter GLOB    the cases whose names match: 'irqfd/*'\n"
	      "  --list           names and rules, nothing is run\n"
	      "  --json           print one JSON object instead of TAP\n"
	      "  --random OPS     so many random operations\n"
	      "  --seed N         the same ones each time\n"
	      "  --replay FILE    the operations of a script that --random "
	      "printed\n"
	      "  --subject PORT   what is compared with --against (x86)\n"
	      "  --save FOLDER    leave the script of each divergence there\n"
	      "  --verbose        print every operation\n"
	      "  --help\n\n"
	      "Exit status: 0 all is as it should be, or the port is not "
	      "usable here and\n"
	      "that was said; 1 a case failed or the two diverged; 2 wrong "
	      "usage.\n",
	      stdout);
}

/* An option that is given once. */
static int take_text(const char **text, const char *name)
{
	if (*text) {
		cli_error("conform", "--%s: is given twice", name);
		return -EINVAL;
	}
	*text = optarg;
	return 0;
}

static int take_number(uint64_t min, uint64_t *value, const char *name)
{
	int ret = parse_u64(optarg, min, UINT64_MAX, value);

	if (ret)
		cli_error("conform", "--%s: %s: %s", name, optarg,
			  ret == -ERANGE ? "out of range" : "no number");
	return ret;
}

static int take_option(struct conform_options *o, int c)
{
	switch (c) {
	case OPT_AGAINST: return take_text(&o->against, "against");
	case OPT_FILTER: return take_text(&o->filter, "filter");
	case OPT_REPLAY: return take_text(&o->replay, "replay");
	case OPT_SUBJECT: return take_text(&o->subject, "subject");
	case OPT_SAVE: return take_text(&o->save, "save");
	case OPT_LIST: o->list = true; return 0;
	case OPT_JSON: o->json = true; return 0;
	case OPT_VERBOSE: o->verbose = true; return 0;
	case OPT_RANDOM:
		o->random = true;
		return take_number(1, &o->ops, "random");
	case OPT_SEED:
		o->has_seed = true;
		return take_number(0, &o->seed, "seed");
	default: return -EINVAL;
	}
}

/* Which options belong together. */
static int check_options(const struct conform_options *o)
{
	bool differential = o->random || o->replay;
	const char *wrong = NULL;

	if (o->random && o->replay)
		wrong = "--random and --replay: one at a time";
	else if (differential && (o->list || o->json || o->filter))
		wrong = "--list, --json and --filter are for the cases";
	else if (!differential && (o->subject || o->save || o->verbose))
		wrong = "--subject, --save and --verbose are for --random and "
			"--replay";
	else if (o->has_seed && !o->random)
		wrong = "--seed is for --random";
	if (!wrong)
		return 0;
	cli_error("conform", "%s", wrong);
	return -EINVAL;
}

/* 0, CLI_USAGE (told), or -1: --help was given and answered. */
static int parse_options(struct conform_options *o, int argc, char **argv)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h') {
			usage();
			return -1;
		}
		if (c == '?' || c == ':') {
			cli_getopt_error("conform", c, argv);
			return CLI_USAGE;
		}
		if (take_option(o, c))
			return CLI_USAGE;
	}
	if (optind < argc) {
		cli_error("conform", "%s: takes options only", argv[optind]);
		return CLI_USAGE;
	}
	return check_options(o) ? CLI_USAGE : 0;
}

/* 0 and *port; 0 and *reason why there is none here; or CLI_USAGE, told. */
static int find_port(const char *option, const char *name,
		     const struct conform_port **port, const char **reason)
{
	*port = conform_port_find(name, reason);
	if (*port || *reason)
		return 0;
	cli_error("conform", "--%s: %s: is none of %s", option, name,
		  conform_port_names());
	return CLI_USAGE;
}

static void list(const struct conform_suite *suite, const char *filter)
{
	for (size_t g = 0; g < suite->nr_groups; g++) {
		for (size_t i = 0; i < suite->groups[g]->nr; i++) {
			const struct conform_case *test =
				&suite->groups[g]->cases[i];

			if (conform_selected(test, filter))
				printf("%s\n    %s\n", test->name, test->rule);
		}
	}
}

static void report_tap(const struct conform_outcome *outcome, void *opaque)
{
	(void)opaque;
	conform_tap_outcome(outcome);
}

static void summary(const struct conform_totals *totals)
{
	fprintf(stderr, "%u passed, %u failed, %u skipped, %u known faults\n",
		totals->passed, totals->failed, totals->skipped,
		totals->known_faults);
}

/* @port is NULL if there is none, for @reason. */
static int run_cases(const struct conform_options *o, const char *name,
		     const struct conform_port *port, const char *reason)
{
	struct conform_totals totals = {0};
	struct conform_json *json = NULL;
	int ret = 0;

	if (o->json) {
		json = conform_json_new();
		if (!json) {
			cli_error("conform", "%s", strerror(ENOMEM));
			return CLI_FAILED;
		}
	} else if (!port) {
		printf("TAP version 13\n1..0 # SKIP %s\n", reason);
	} else {
		conform_tap_plan(conform_count(port->suite, o->filter));
		printf("# against %s, rules of Linux %u.%u\n", name,
		       port->version >> 16, port->version >> 8 & 0xff);
	}
	if (port) {
		struct conform_config config = {
			.port = port,
			.filter = o->filter,
			.report = json ? conform_json_add : report_tap,
			.opaque = json,
		};

		ret = conform_run(&config, &totals);
	}
	if (ret)
		cli_error("conform", "a case cannot be started: %s",
			  strerror(-ret));
	if (json && conform_json_print(json, name, reason, &totals)) {
		cli_error("conform", "the JSON document cannot be written");
		ret = -EIO;
	}
	if (port)
		summary(&totals);
	return ret || totals.failed ? CLI_FAILED : CLI_OK;
}

static int run_differential(const struct conform_options *o,
			    const struct conform_port *against)
{
	struct conform_random_config config = {
		.against = against,
		.ops = o->ops,
		.seed = o->has_seed ? o->seed : cli_now_ns(),
		.report = stdout,
		.save_dir = o->save,
		.verbose = o->verbose,
	};
	const char *reason;
	int ret;

	ret = find_port("subject", o->subject ? o->subject : "x86",
			&config.subject, &reason);
	if (ret)
		return ret;
	if (!config.subject) {
		cli_error("conform", "--subject: %s", reason);
		return CLI_FAILED;
	}
	if (config.subject->suite == &conform_suite_arm) {
		cli_error("conform", "--subject: %s: has no random operations",
			  o->subject);
		return CLI_USAGE;
	}
	if (o->replay)
		ret = conform_replay(&config, o->replay);
	else
		ret = conform_random(&config);
	if (ret < 0)
		cli_error("conform", "%s%s%s", o->replay ? o->replay : "",
			  o->replay ? ": " : "", strerror(-ret));
	if (ret < 0 && o->replay && (ret == -EINVAL || ret == -ENOENT))
		return CLI_USAGE;
	return ret ? CLI_FAILED : CLI_OK;
}

/* What is asked for must be among the port's cases. */
static int check_suite(const struct conform_options *o,
		       const struct conform_suite *suite, const char *name)
{
	if (o->filter && !conform_count(suite, o->filter)) {
		cli_error("conform",
			  "--filter: no case has such a name, see --list");
		return CLI_USAGE;
	}
	if ((o->random || o->replay) && suite == &conform_suite_arm) {
		cli_error("conform", "--against: %s: has no random operations",
			  name);
		return CLI_USAGE;
	}
	return 0;
}

int conform_main(int argc, char **argv)
{
	struct conform_options o = {0};
	const struct conform_suite *suite;
	const struct conform_port *port;
	const char *name, *reason;
	bool differential;
	int code;

	code = parse_options(&o, argc, argv);
	if (code)
		return code < 0 ? CLI_OK : code;
	differential = o.random || o.replay;
	name = o.against ? o.against : differential ? "kvm" : DEFAULT_PORT;
	code = find_port("against", name, &port, &reason);
	if (code)
		return code;
	suite = conform_suite_find(name);
	code = check_suite(&o, suite, name);
	if (code)
		return code;
	if (o.list) {
		list(suite, o.filter);
		return CLI_OK;
	}
	if (!differential)
		return run_cases(&o, name, port, reason);
	if (!port) {
		printf("# SKIP %s\n", reason);
		return CLI_OK;
	}
	return run_differential(&o, port);
}

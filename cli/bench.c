// SPDX-License-Identifier: BSD-3-Clause
/* virq bench: latency and cost of every path on this host, beside its peers. */
#include "bench_report.h"
#include "cli.h"
#include "stop.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_ONLY = CLI_LONG_ONLY,
	OPT_JSON,
};

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"only", required_argument, NULL, OPT_ONLY},
	{"json", no_argument, NULL, OPT_JSON},
	{NULL, 0, NULL, 0},
};

static void usage(void)
{
	fputs("usage: virq bench [OPTION...]\n\n"
	      "Measure what each part of the interrupt path costs on this "
	      "machine, in turns\n"
	      "with its peers: plain event loops, libuv, libevent, KVM.\n\n"
	      "  --only GROUP   one group of measurements: ",
	      stdout);
	for (size_t i = 0; bench_group_name(i); i++)
		printf("%s%s", i ? ", " : "", bench_group_name(i));
	fputs("\n"
	      "  --json         print the result as JSON\n"
	      "  --help\n\n"
	      "Exit status: 0 measured, 1 the run failed, 2 wrong usage,\n"
	      "130 interrupted by Ctrl-C, after the rows so far.\n",
	      stdout);
}

static void refuse_group(const char *name)
{
	char groups[128] = "";
	size_t len = 0;

	for (size_t i = 0; bench_group_name(i); i++)
		len += (size_t)snprintf(groups + len, sizeof(groups) - len,
					"%s%s", i ? ", " : "",
					bench_group_name(i));
	cli_error("bench", "--only: %s: no such group (%s)", name, groups);
}

static bool stopped(void)
{
	return stop_signal() != 0;
}

static void progress(const char *group)
{
	fprintf(stderr, "\r\033[Kbench: %s", group);
}

static void progress_end(void)
{
	fputs("\r\033[K", stderr);
}

/* 0, CLI_USAGE (told), or -1: --help was given and answered. */
static int parse_options(int argc, char **argv, const char **only, bool *json)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'h': usage(); return -1;
		case OPT_ONLY:
			if (*only) {
				cli_error("bench", "--only: is given twice");
				return CLI_USAGE;
			}
			*only = optarg;
			break;
		case OPT_JSON: *json = true; break;
		default: cli_getopt_error("bench", c, argv); return CLI_USAGE;
		}
	}
	if (optind < argc) {
		cli_error("bench", "%s: takes options only", argv[optind]);
		return CLI_USAGE;
	}
	return 0;
}

int bench_main(int argc, char **argv)
{
	struct bench bench = {.stopped = stopped};
	const char *only = NULL;
	bool json = false;
	int code, ret;

	code = parse_options(argc, argv, &only, &json);
	if (code)
		return code < 0 ? CLI_OK : code;
	if (stop_prepare()) {
		cli_error("bench", "cannot make an eventfd");
		return CLI_FAILED;
	}
	stop_arm();
	if (isatty(STDERR_FILENO))
		bench.progress = progress;
	ret = bench_run(&bench, only);
	if (bench.progress)
		progress_end();
	if (ret == -ENOENT) {
		refuse_group(only);
		return CLI_USAGE;
	}
	if (ret)
		cli_error("bench", "%s", strerror(-ret));
	if (!json) {
		bench_print_table(&bench);
	} else if (bench_print_json(&bench, !ret && !stopped())) {
		cli_error("bench", "the JSON document cannot be written");
		ret = -EIO;
	}
	bench_free(&bench);
	if (stopped())
		return CLI_SIGNAL + stop_signal();
	return ret ? CLI_FAILED : CLI_OK;
}

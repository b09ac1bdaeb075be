// SPDX-License-Identifier: BSD-3-Clause
/* virq bench: latency and cost of every path on this host, beside its peers. */
#include "bench_plot.h"
#include "bench_report.h"
#include "cli.h"
#include "parse.h"
#include "stop.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	OPT_ONLY = CLI_LONG_ONLY,
	OPT_JSON,
	OPT_PLOT,
	OPT_ROUNDS,
};

struct bench_options {
	const char *only;
	bool json;
	unsigned int rounds; /* 0: not given */
	struct bench_plot plots[BENCH_PLOT_NR_FORMATS];
};

static const struct option options[] = {
	{"help", no_argument, NULL, 'h'},
	{"only", required_argument, NULL, OPT_ONLY},
	{"json", no_argument, NULL, OPT_JSON},
	{"plot", required_argument, NULL, OPT_PLOT},
	{"rounds", required_argument, NULL, OPT_ROUNDS},
	{NULL, 0, NULL, 0},
};

#define PLOTTED "latency"

static bool has_group(const char *name)
{
	const char *group;

	for (size_t i = 0; (group = bench_group_name(i)); i++) {
		if (!strcmp(group, name))
			return true;
	}
	return false;
}

static void usage(void)
{
	fputs("usage: virq bench [OPTION...]\n\n"
	      "Measure what each part of the interrupt path costs on this "
	      "machine, in turns\n"
	      "with what one would use instead.\n\n"
	      "  --only GROUP   one group of measurements: ",
	      stdout);
	for (size_t i = 0; bench_group_name(i); i++)
		printf("%s%s", i ? ", " : "", bench_group_name(i));
	fputs("\n"
	      "  --rounds N     at most N rounds of each comparison: quicker, "
	      "less exact\n"
	      "  --json         print the result as JSON\n",
	      stdout);
	if (has_group(PLOTTED))
		fputs("  --plot FILE    draw the group " PLOTTED
		      ", by gnuplot; "
		      "FILE ends in .svg or\n"
		      "                 .png, and there may be one of each\n",
		      stdout);
	fputs("  --help\n\n"
	      "Exit status: 0 measured, 1 the run failed, 2 wrong usage,\n"
	      "130 interrupted by Ctrl-C, after the rows so far.\n",
	      stdout);
}

static void refuse_group(const char *name, int error)
{
	char groups[128] = "";
	size_t len = 0;

	for (size_t i = 0; bench_group_name(i); i++)
		len += (size_t)snprintf(groups + len, sizeof(groups) - len,
					"%s%s", i ? ", " : "",
					bench_group_name(i));
	cli_error("bench", "--only: %s: %s%s)", name,
		  error == -ENOENT ? "no such group ("
				   : "is of a PC, on x86 hosts only (here: ",
		  groups);
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

static int add_plot(struct bench_options *opts, const char *path)
{
	enum bench_plot_format format;

	if (bench_plot_format(path, &format)) {
		cli_error("bench", "--plot: %s: must end in .svg or .png",
			  path);
		return CLI_USAGE;
	}
	if (opts->plots[format].path) {
		cli_error("bench", "--plot: %s: the second of its format",
			  path);
		return CLI_USAGE;
	}
	opts->plots[format].path = path;
	return 0;
}

static int set_rounds(struct bench_options *opts, const char *text)
{
	uint64_t rounds;

	if (parse_u64(text, 1, BENCH_MAX_ROUNDS, &rounds)) {
		cli_error("bench", "--rounds: %s: must be a number, 1..%d",
			  text, BENCH_MAX_ROUNDS);
		return CLI_USAGE;
	}
	opts->rounds = (unsigned int)rounds;
	return 0;
}

/* 0, CLI_USAGE (told), or -1: --help was given and answered. */
static int parse_options(int argc, char **argv, struct bench_options *opts)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		switch (c) {
		case 'h': usage(); return -1;
		case OPT_ONLY:
			if (opts->only) {
				cli_error("bench", "--only: is given twice");
				return CLI_USAGE;
			}
			opts->only = optarg;
			break;
		case OPT_JSON: opts->json = true; break;
		case OPT_ROUNDS:
			if (set_rounds(opts, optarg))
				return CLI_USAGE;
			break;
		case OPT_PLOT:
			if (add_plot(opts, optarg))
				return CLI_USAGE;
			break;
		default: cli_getopt_error("bench", c, argv); return CLI_USAGE;
		}
	}
	if (optind < argc) {
		cli_error("bench", "%s: takes options only", argv[optind]);
		return CLI_USAGE;
	}
	return 0;
}

static int check_options(const struct bench_options *opts)
{
	bool plots = false;

	for (unsigned int i = 0; i < BENCH_PLOT_NR_FORMATS; i++)
		plots = plots || opts->plots[i].path;
	if (plots && !has_group(PLOTTED)) {
		cli_error("bench", "--plot: draws the group " PLOTTED
				   ", which takes an x86 host");
		return CLI_USAGE;
	}
	if (plots && opts->only && strcmp(opts->only, PLOTTED) != 0) {
		cli_error("bench", "--plot: draws the group " PLOTTED
				   ", which --only leaves out");
		return CLI_USAGE;
	}
	return 0;
}

static int prepare_plots(struct bench_options *opts)
{
	int ret = 0;

	for (unsigned int i = 0; i < BENCH_PLOT_NR_FORMATS && !ret; i++) {
		if (opts->plots[i].path)
			ret = bench_plot_prepare(&opts->plots[i]);
	}
	return ret;
}

static int finish_plots(struct bench_options *opts, const struct bench *bench)
{
	int ret = 0;

	for (unsigned int i = 0; i < BENCH_PLOT_NR_FORMATS && !ret; i++) {
		if (opts->plots[i].path)
			ret = bench_plot_finish(&opts->plots[i],
						(enum bench_plot_format)i,
						bench);
	}
	return ret;
}

static void drop_plots(struct bench_options *opts)
{
	for (unsigned int i = 0; i < BENCH_PLOT_NR_FORMATS; i++)
		bench_plot_drop(&opts->plots[i]);
}

static int measure(struct bench_options *opts)
{
	struct bench bench = {
		.stopped = stopped,
		.max_rounds = opts->rounds,
	};
	int ret;

	if (isatty(STDERR_FILENO))
		bench.progress = progress;
	ret = bench_run(&bench, opts->only);
	if (bench.progress)
		progress_end();
	if (ret == -ENOENT || ret == -EOPNOTSUPP) {
		refuse_group(opts->only, ret);
		return CLI_USAGE;
	}
	if (ret)
		cli_error("bench", "%s", strerror(-ret));
	if (!opts->json) {
		bench_print_table(&bench);
	} else if (bench_print_json(&bench, !ret && !stopped())) {
		cli_error("bench", "the JSON document cannot be written");
		ret = -EIO;
	}
	if (!ret)
		ret = finish_plots(opts, &bench);
	bench_free(&bench);
	if (stopped())
		return CLI_SIGNAL + stop_signal();
	return ret ? CLI_FAILED : CLI_OK;
}

int bench_main(int argc, char **argv)
{
	struct bench_options opts = {0};
	int code = parse_options(argc, argv, &opts);

	if (code)
		return code < 0 ? CLI_OK : code;
	code = check_options(&opts);
	if (code)
		return code;
	if (stop_prepare()) {
		cli_error("bench", "cannot make an eventfd");
		return CLI_FAILED;
	}
	stop_arm();
	code = prepare_plots(&opts) ? CLI_FAILED : measure(&opts);
	drop_plots(&opts);
	return code;
}

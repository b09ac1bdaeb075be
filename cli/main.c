// SPDX-License-Identifier: BSD-3-Clause
/* virq: finds the subcommand and runs it.  One file a subcommand. */
#include "cli.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <virq/defs.h>

#define STR_(x) #x
#define STR(x) STR_(x)
#define VERSION                                                                \
	STR(VIRQ_VERSION_MAJOR)                                                \
	"." STR(VIRQ_VERSION_MINOR) "." STR(VIRQ_VERSION_PATCH)

static int help_main(int argc, char **argv);

static const struct cli_command commands[] = {
	{"run", "bring up a guest and its devices, deliver, report", run_main},
	{"bench", "latency and cost of every path, beside its peers",
	 bench_main},
	{"conform", "check each rule of KVM's interrupt interface",
	 conform_main},
	{"exec", "run a program with virq in the place of KVM's irqchip",
	 exec_main},
	{"help", "help for a command: virq help COMMAND", help_main},
	{CLI_DEVICE_COMMAND, NULL, device_main},
};

#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(void)
{
	printf("usage: virq COMMAND [OPTION...]\n"
	       "       virq --help | --version\n\n"
	       "Carries interrupts from devices to the guests that take "
	       "them.\n\n"
	       "commands:\n");
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (commands[i].summary)
			printf("  %-8s %s\n", commands[i].name,
			       commands[i].summary);
	}
	printf("\nexit status: 0 well, 1 the run failed, 2 wrong usage, "
	       "130 interrupted\n");
}

static const struct cli_command *find_command(const char *name)
{
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	return NULL;
}

static int help_main(int argc, char **argv)
{
	const struct cli_command *command;
	char help[] = "--help";
	char *help_argv[] = {NULL, help, NULL};

	if (argc == 1 || (argc == 2 && !strcmp(argv[1], "--help"))) {
		usage();
		return CLI_OK;
	}
	if (argc > 2) {
		cli_error("help", "one command at a time");
		return CLI_USAGE;
	}
	command = find_command(argv[1]);
	if (!command || !command->summary) {
		cli_error("help", "%s: no such command, see virq --help",
			  argv[1]);
		return CLI_USAGE;
	}
	if (command->fn == help_main) {
		usage();
		return CLI_OK;
	}
	help_argv[0] = argv[1];
	return command->fn(2, help_argv);
}

/* Output that did not reach its file is a failure, whatever came before. */
static int finish(int code)
{
	if (fflush(stdout) || ferror(stdout)) {
		cli_error(NULL, "cannot write to standard output");
		return code ? code : CLI_FAILED;
	}
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	const struct cli_command *command;
	int c;

	opterr = 0;
	c = getopt_long(argc, argv, "+:hV", options, NULL);
	switch (c) {
	case -1: break;
	case 'h': usage(); return finish(CLI_OK);
	case 'V': printf("virq " VERSION "\n"); return finish(CLI_OK);
	default: cli_getopt_error(NULL, c, argv); return CLI_USAGE;
	}
	if (optind >= argc) {
		cli_error(NULL, "which command? see virq --help");
		return CLI_USAGE;
	}
	argc -= optind;
	argv += optind;
	command = find_command(argv[0]);
	if (!command) {
		cli_error(NULL, "%s: no such command, see virq --help",
			  argv[0]);
		return CLI_USAGE;
	}
	optind = 0; /* glibc: start again, for the subcommand's own options */
	return finish(command->fn(argc, argv));
}

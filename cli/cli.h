/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every subcommand shares: the table entry, the exit codes and the one
 * way to complain.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stddef.h>
#include <stdint.h>

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED =
		1, /* the run itself failed: lost interrupts and the like */
	CLI_USAGE = 2, /* wrong options, files, kinds or limits */
	CLI_CANNOT_RUN = 126, /* exec: the program is there, but */
	CLI_NOT_FOUND = 127,
	CLI_SIGNAL = 128, /* plus the number of the signal that ended the run */
};

struct cli_command {
	const char *name;
	const char *summary; /* NULL: internal, not listed */
	/* argv[0] is the subcommand's name; answers an exit code. */
	int (*fn)(int argc, char **argv);
};

/*
 * cli_error - "virq COMMAND: message" on stderr, always exactly one line:
 * control characters in what the user gave us are shown as '?'.
 * @command may be NULL.
 */
void cli_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The values of long options without a short form start here. */
#define CLI_LONG_ONLY 256

/*
 * cli_getopt_error - tell what getopt_long() just refused (its answer @c is
 * '?' or ':'; opterr must be 0 and the option string start with ":").  The
 * only short options there are: -h and -V.
 */
void cli_getopt_error(const char *command, int c, char *const *argv);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t cli_now_ns(void);

int run_main(int argc, char **argv);
int bench_main(int argc, char **argv);
int device_main(int argc, char **argv);
int exec_main(int argc, char **argv);
int conform_main(int argc, char **argv);

/* How `virq run` names the internal subcommand when it starts a device. */
#define CLI_DEVICE_COMMAND "device-process"

#endif

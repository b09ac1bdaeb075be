// SPDX-License-Identifier: BSD-3-Clause
/* Error lines and the clock, for every subcommand. */
#include "cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void cli_error(const char *command, const char *format, ...)
{
	char line[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	for (char *c = line; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	if (command)
		fprintf(stderr, "virq %s: %s\n", command, line);
	else
		fprintf(stderr, "virq: %s\n", line);
}

void cli_getopt_error(const char *command, int c, char *const *argv)
{
	const char *arg = optind > 0 ? argv[optind - 1] : "";

	if (c == ':')
		cli_error(command, "%s: needs a value", arg);
	else if (optopt > 0 && optopt < CLI_LONG_ONLY && !strchr("hV", optopt))
		cli_error(command, "-%c: no such option", optopt);
	else if (optopt)
		cli_error(command, "%s: takes no value", arg);
	else
		cli_error(command, "%s: no such option, or short for several",
			  arg);
}

uint64_t cli_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

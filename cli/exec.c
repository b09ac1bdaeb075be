// SPDX-License-Identifier: BSD-3-Clause
/*
 * virq exec: run a program with libvirq-kvm.so between it and /dev/kvm.  The
 * program takes this process over: its terminal, signals and exit status are
 * what they would be without virq.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli.h"
#include "exec_check.h"
#include "exec_paths.h"
#include "uapi/shim/exec_env.h"

#define LIBRARY "libvirq-kvm.so"

enum {
	OPT_IRQCHIP = CLI_LONG_ONLY,
	OPT_NO_KVM,
	OPT_STATS,
};

struct exec {
	const char *irqchip;
	const char *stats; /* NULL: none; "": standard error */
	bool no_kvm;
};

static const struct option options[] = {
	{"irqchip", required_argument, NULL, OPT_IRQCHIP},
	{"no-kvm", no_argument, NULL, OPT_NO_KVM},
	{"stats", optional_argument, NULL, OPT_STATS},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void usage(void)
{
	printf("usage: virq exec [OPTION...] [--] PROGRAM [ARGUMENT...]\n\n"
	       "Runs an unmodified program on virq's interrupt controllers: "
	       "what it asks of\n/dev/kvm, virq answers.\n\n"
	       "  --irqchip NAME   what KVM_CREATE_IRQCHIP makes: x86 "
	       "(default), or split,\n"
	       "                   virq's 8259s and IOAPIC over the machine's "
	       "local APICs\n"
	       "  --no-kvm         do as where there is no /dev/kvm: no guest "
	       "code runs\n"
	       "  --stats[=FILE]   at the end, write what was delivered to "
	       "FILE or standard\n"
	       "                   error, as JSON\n\n"
	       "exit status: the program's; 126 it cannot be run, 127 it is "
	       "not there, 2 wrong\nusage\n");
}

/* 0, CLI_USAGE (told), or -1: --help was given and answered. */
static int parse_options(int argc, char **argv, struct exec *exec)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		switch (c) {
		case 'h': usage(); return -1;
		case OPT_IRQCHIP: exec->irqchip = optarg; break;
		case OPT_NO_KVM: exec->no_kvm = true; break;
		case OPT_STATS: exec->stats = optarg ? optarg : ""; break;
		default: cli_getopt_error("exec", c, argv); return CLI_USAGE;
		}
	}
	if (exec->irqchip && strcmp(exec->irqchip, "x86") &&
	    strcmp(exec->irqchip, "split")) {
		cli_error("exec", "--irqchip: %s: no such irqchip (x86, split)",
			  exec->irqchip);
		return CLI_USAGE;
	}
	if (exec->no_kvm && exec->irqchip && !strcmp(exec->irqchip, "split")) {
		cli_error("exec", "--irqchip split: is over the machine's KVM, "
				  "which --no-kvm forgoes");
		return CLI_USAGE;
	}
	if (optind >= argc) {
		cli_error("exec", "which program? see virq exec --help");
		return CLI_USAGE;
	}
	return 0;
}

/* ---- The library ---- */

/* Where it is to be found, beside this program; then where it is installed. */
static const char *const library_dirs[] = {
	VIRQ_BUILD_SHIM_DIR,
	VIRQ_RELATIVE_SHIM_DIR,
};

static bool find_library(char *path, size_t size)
{
	char self[PATH_MAX], candidate[PATH_MAX + 256];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		*slash = '\0';
		for (size_t i = 0;
		     i < sizeof(library_dirs) / sizeof(library_dirs[0]); i++) {
			char *real;

			snprintf(candidate, sizeof(candidate), "%s/%s/%s", self,
				 library_dirs[i], LIBRARY);
			real = realpath(candidate, NULL);
			if (!real)
				continue;
			snprintf(path, size, "%s", real);
			free(real);
			return true;
		}
	}
	snprintf(path, size, "%s/%s", VIRQ_SHIM_DIR, LIBRARY);
	return !access(path, R_OK);
}

/* ---- The environment ---- */

static int set(const char *name, const char *value)
{
	if (value ? setenv(name, value, 1) : unsetenv(name)) {
		cli_error("exec", "%s: %s", name, strerror(errno));
		return CLI_FAILED;
	}
	return 0;
}

/* Before what is preloaded already; once, also in a `virq exec virq exec`. */
static int set_preload(const char *library)
{
	const char *old = getenv("LD_PRELOAD");
	size_t len = strlen(library);
	char *value;
	int code;

	/* Both separate the names, and cannot be quoted. */
	if (strpbrk(library, " :")) {
		cli_error("exec",
			  "%s: cannot be preloaded, for the blank or "
			  "colon in it",
			  library);
		return CLI_FAILED;
	}
	if (old && !strncmp(old, library, len) &&
	    (!old[len] || old[len] == ':' || old[len] == ' '))
		return 0;
	if (asprintf(&value, "%s%s%s", library, old && *old ? ":" : "",
		     old ? old : "") < 0) {
		cli_error("exec", "%s", strerror(ENOMEM));
		return CLI_FAILED;
	}
	code = set("LD_PRELOAD", value);
	free(value);
	return code;
}

/* The program may be elsewhere when it ends, and has nobody to tell then. */
static int set_stats(const char *stats)
{
	char *absolute = NULL;
	int code, fd;

	if (!stats || !*stats)
		return set(VIRQ_EXEC_STATS, stats);
	fd = open(stats, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0) {
		close(fd);
		absolute = realpath(stats, NULL);
	}
	if (!absolute) {
		cli_error("exec", "--stats: %s: %s", stats, strerror(errno));
		return CLI_USAGE;
	}
	code = set(VIRQ_EXEC_STATS, absolute);
	free(absolute);
	return code;
}

static int prepare(const struct exec *exec)
{
	char library[PATH_MAX];
	int code;

	if (!find_library(library, sizeof(library))) {
		cli_error("exec",
			  LIBRARY " is missing, also from " VIRQ_SHIM_DIR);
		return CLI_FAILED;
	}
	code = set(VIRQ_EXEC_IRQCHIP, exec->irqchip);
	if (!code)
		code = set(VIRQ_EXEC_HOST,
			   exec->no_kvm ? VIRQ_EXEC_HOST_NONE : NULL);
	if (!code)
		code = set_stats(exec->stats);
	return code ? code : set_preload(library);
}

int exec_main(int argc, char **argv)
{
	struct exec exec = {0};
	char path[PATH_MAX];
	int code;

	code = parse_options(argc, argv, &exec);
	if (code)
		return code < 0 ? CLI_OK : code;
	code = exec_check_program(argv[optind], path, sizeof(path));
	if (!code)
		code = prepare(&exec);
	if (code)
		return code;
	execv(path, argv + optind);
	cli_error("exec", "%s: %s", argv[optind], strerror(errno));
	return CLI_CANNOT_RUN;
}

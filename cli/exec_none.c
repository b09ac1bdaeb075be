// SPDX-License-Identifier: BSD-3-Clause
/* virq exec where the front door, a PC's KVM, is not built. */
#include "cli.h"
#include <stdio.h>
#include <string.h>

int exec_main(int argc, char **argv)
{
	static const char why[] = "stands in for the KVM of an x86-64 host, "
				  "which this is not";

	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		printf("virq exec %s\n", why);
		return CLI_OK;
	}
	cli_error("exec", "%s", why);
	return CLI_CANNOT_RUN;
}

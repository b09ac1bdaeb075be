// SPDX-License-Identifier: BSD-3-Clause
/*
 * virq exec --stats: when the program exits, what its VMs delivered.  One
 * write() appends the line, so programs that share the file do not mix.
 *
 * A program that ends by a signal or _exit() tells nothing.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "exec_env.h"
#include "real.h"
#include "shim.h"
#include "uapi/stats.h"

static char *path; /* NULL: not asked for; "": standard error */

void shim_stats_start(void)
{
	const char *value = getenv(VIRQ_EXEC_STATS);

	if (!value)
		return;
	path = strdup(value);
	uapi_stats_enable();
}

/* After the program's own destructors: it was loaded after us. */
__attribute__((destructor)) static void stats_end(void)
{
	char *text = path ? uapi_stats_text() : NULL;
	int fd = STDERR_FILENO;

	if (!text)
		return;
	if (*path)
		fd = REAL(open64)(
			path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		fd = -1; /* nobody is left to be told */
	free(text);
}

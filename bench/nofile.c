// SPDX-License-Identifier: BSD-3-Clause
#include "nofile.h"

#include <dirent.h>
#include <sys/resource.h>

static struct rlimit old_limit;

void nofile_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &old_limit))
		return;
	limit = old_limit;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void nofile_restore(void)
{
	setrlimit(RLIMIT_NOFILE, &old_limit);
}

size_t nofile_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur;
}

size_t nofile_left(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t limit = nofile_limit();
	size_t used = 0;

	if (!dir)
		return limit;
	while (readdir(dir))
		used++;
	closedir(dir);
	return used < limit ? limit - used : 0;
}

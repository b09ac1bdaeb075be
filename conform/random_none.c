// SPDX-License-Identifier: BSD-3-Clause
/* The differential test's operations are x86's: elsewhere there are none. */
#include "random.h"
#include <errno.h>

int conform_random(const struct conform_random_config *config)
{
	(void)config;
	return -EOPNOTSUPP;
}

int conform_replay(const struct conform_random_config *config, const char *path)
{
	(void)config;
	(void)path;
	return -EOPNOTSUPP;
}

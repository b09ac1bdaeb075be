// SPDX-License-Identifier: BSD-3-Clause
/* The ports by name. */
#include "port.h"
#include <stdio.h>
#include <string.h>
#include <errno.h>

const struct conform_port *conform_port_find(const char *name,
					     const char **reason)
{
	static const struct conform_port *const doors[] = {
		&conform_port_x86,
		&conform_port_split,
	};

	*reason = NULL;
	if (!strcmp(name, "kvm"))
		return conform_port_kvm(reason);
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		static char why[128];
		int fd;

		if (strcmp(name, doors[i]->name))
			continue;
		fd = doors[i]->open(doors[i]);
		if (fd < 0) {
			snprintf(why, sizeof(why), "%s: %s", name,
				 strerror(-fd));
			*reason = why;
			return NULL;
		}
		doors[i]->close(fd);
		return doors[i];
	}
	return NULL;
}

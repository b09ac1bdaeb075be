// SPDX-License-Identifier: BSD-3-Clause
/* The ports by name: x86's are there on an x86 host alone. */
#include "conform.h"
#include <stdio.h>
#include <string.h>

typedef const struct conform_port *port_fn(const char **reason);

#ifdef __x86_64__
#define NATIVE_SUITE (&conform_suite_x86)
#define NAMES "kvm, x86, split, vgic"

static const struct conform_port *door(const struct conform_port *port,
				       const char **reason)
{
	static char why[128];
	int fd = port->open(port);

	if (fd < 0) {
		snprintf(why, sizeof(why), "%s: %s", port->name, strerror(-fd));
		*reason = why;
		return NULL;
	}
	port->close(fd);
	return port;
}

static const struct conform_port *door_x86(const char **reason)
{
	return door(&conform_port_x86, reason);
}

static const struct conform_port *door_split(const char **reason)
{
	return door(&conform_port_split, reason);
}
#else
#define NATIVE_SUITE (&conform_suite_arm)
#define NAMES "kvm, vgic"
#endif

static const struct {
	const char *name;
	const struct conform_suite *suite;
	port_fn *find;
} ports[] = {
	{"kvm", NATIVE_SUITE, conform_port_kvm},
#ifdef __x86_64__
	{"x86", &conform_suite_x86, door_x86},
	{"split", &conform_suite_x86, door_split},
#endif
	{"vgic", &conform_suite_arm, conform_port_vgic},
};

#define NR_PORTS (sizeof(ports) / sizeof(ports[0]))

const struct conform_port *conform_port_find(const char *name,
					     const char **reason)
{
	*reason = NULL;
	for (size_t i = 0; i < NR_PORTS; i++)
		if (!strcmp(name, ports[i].name))
			return ports[i].find(reason);
	return NULL;
}

const struct conform_suite *conform_suite_find(const char *name)
{
	for (size_t i = 0; i < NR_PORTS; i++)
		if (!strcmp(name, ports[i].name))
			return ports[i].suite;
	return NULL;
}

const char *conform_port_names(void)
{
	return NAMES;
}

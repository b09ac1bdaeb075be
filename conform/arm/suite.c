// SPDX-License-Identifier: BSD-3-Clause
/* ARM's suite, and this library's port of it. */
#include "cases.h"
#include <unistd.h>

static const struct conform_group *const groups[] = {
	&conform_arm_life,	&conform_arm_run,     &conform_arm_attr,
	&conform_arm_addr,	&conform_arm_region,  &conform_arm_view,
	&conform_arm_line,	&conform_arm_routing, &conform_arm_irqfd,
	&conform_arm_its,	&conform_arm_msi,     &conform_arm_guest,
	&conform_arm_guest_cpu,
};

const struct conform_suite conform_suite_arm = {
	.groups = groups,
	.nr_groups = sizeof(groups) / sizeof(groups[0]),
};

static int vgic_close(int fd)
{
	return close(fd) ? -errno : 0;
}

static int vgic_dup(int fd, int newfd)
{
	(void)fd;
	(void)newfd;
	return 0;
}

/* The rules are those of the newest Linux whose behaviour it has. */
static const struct conform_port port_vgic = {
	.name = "vgic",
	.suite = &conform_suite_arm,
	.version = KERNEL_VERSION(6, 12, 0),
	.close = vgic_close,
	.dup = vgic_dup,
	.arm = &arm_port_vgic,
};

const struct conform_port *conform_port_vgic(const char **reason)
{
	*reason = NULL;
	return &port_vgic;
}

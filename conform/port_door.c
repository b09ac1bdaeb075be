// SPDX-License-Identifier: BSD-3-Clause
/*
 * This library's front door.  The rules are those of the newest Linux whose
 * behaviour it has.
 */
#include "conform.h"
#include <errno.h>
#include <linux/version.h>
#include <sys/mman.h>
#include <virq/uapi.h>

static int door_open(const struct conform_port *port)
{
	struct virq_uapi_config config = {.irqchip = port->irqchip};

	return virq_uapi_open(&config);
}

static void *door_mmap(int fd, size_t length)
{
	return virq_uapi_mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0);
}

#define DOOR(port_name)                                                        \
	{                                                                      \
		.name = port_name, .version = KERNEL_VERSION(6, 18, 0),        \
		.open = door_open, .ioctl = virq_ioctl, .mmap = door_mmap,     \
		.close = virq_uapi_close, .dup = virq_uapi_dup,                \
		.irqchip = port_name, .suite = &conform_suite_x86,             \
	}

const struct conform_port conform_port_x86 = DOOR("x86");
const struct conform_port conform_port_split = DOOR("split");

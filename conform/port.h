/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: where the conformance suite sends KVM's requests to.
 *
 * Two exist: the kernel itself ("kvm") and this library's front door ("x86",
 * "split").  A case knows only the port, so the same case runs on all of them.
 */
#ifndef CONFORM_PORT_H
#define CONFORM_PORT_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <virq/irqchip.h>

struct conform_port {
	const char *name;
	/* A kernel, whose version and faults count; else the library. */
	bool kernel;
	/* The rules of Linux >= @version hold (KERNEL_VERSION's encoding). */
	uint32_t version;
	/* Like open("/dev/kvm"): a descriptor, or -errno. */
	int (*open)(const struct conform_port *port);
	/* Like ioctl(2): >= 0, or -errno. */
	int (*ioctl)(int fd, unsigned long request, uintptr_t arg);
	void *(*mmap)(int fd, size_t length); /* kvm_run, or MAP_FAILED */
	int (*close)(int fd);
	/* Tell the port of a descriptor made by dup() or recvmsg(). */
	int (*dup)(int fd, int newfd);
	const char *irqchip; /* for the front door */
};

extern const struct conform_port conform_port_x86, conform_port_split;

/*
 * conform_port_kvm - the kernel's port with the running kernel's version, or
 * NULL with *reason why there is none ("/dev/kvm: Permission denied").
 */
const struct conform_port *conform_port_kvm(const char **reason);
/* By name; NULL: unknown or, with *reason set, not usable here. */
const struct conform_port *conform_port_find(const char *name,
					     const char **reason);

#endif

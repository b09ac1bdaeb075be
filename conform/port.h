/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: where the conformance suite sends KVM's requests to.
 *
 * Those of x86's suite are the kernel itself ("kvm") and this library's front
 * door ("x86", "split"); those of ARM's are the kernel ("kvm", on arm64) and
 * this library's vGIC ("vgic", on any host).  A case knows only the port, so
 * the same case runs on all of its suite.
 */
#ifndef CONFORM_PORT_H
#define CONFORM_PORT_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <virq/irqchip.h>

struct arm_port;
struct conform_suite;

struct conform_port {
	const char *name;
	const struct conform_suite *suite; /* the rules that it follows */
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
	/* ARM's suite: its calls, instead of open, ioctl and mmap. */
	const struct arm_port *arm;
};

extern const struct conform_port conform_port_x86, conform_port_split;

/*
 * conform_port_kvm - the kernel's port with the running kernel's version, or
 * NULL with *reason why there is none ("/dev/kvm: Permission denied").
 */
const struct conform_port *conform_port_kvm(const char **reason);
/* This library's vGIC. */
const struct conform_port *conform_port_vgic(const char **reason);
/* By name; NULL: unknown or, with *reason set, not usable here. */
const struct conform_port *conform_port_find(const char *name,
					     const char **reason);
/* The suite of the port with this name, usable or not; NULL: unknown. */
const struct conform_suite *conform_suite_find(const char *name);
/* The ports of this host: "kvm, x86, split". */
const char *conform_port_names(void);

#endif

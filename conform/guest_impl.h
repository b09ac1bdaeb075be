/* SPDX-License-Identifier: BSD-3-Clause */
/* The inside of guest.h: its life (guest_setup.c) and how it runs (guest.c). */
#ifndef CONFORM_GUEST_IMPL_H
#define CONFORM_GUEST_IMPL_H

#include "guest.h"
#include <time.h>

struct guest_vcpu {
	int fd;
	struct kvm_run *run;
};

struct conform_guest {
	const struct conform_port *port;
	int kvm_fd, vm_fd;
	size_t run_size;
	uint8_t *memory;
	unsigned int nr_vcpus;
	struct guest_vcpu vcpus[EXEC_MAX_VCPUS];
	timer_t watchdog;
	bool has_watchdog;
	char error[160];
};

static inline int guest_ioctl(const struct conform_guest *guest, int fd,
			      unsigned long request, void *arg)
{
	return guest->port->ioctl(fd, request, (uintptr_t)arg);
}

static inline struct exec_box *box_of(const struct conform_guest *guest,
				      unsigned int vcpu)
{
	return (struct exec_box *)(guest->memory + EXEC_SLICE_GPA(vcpu));
}

/* The watchdog of conform_guest_run(), of the thread that calls this. */
int guest_watchdog_create(struct conform_guest *guest);

#endif

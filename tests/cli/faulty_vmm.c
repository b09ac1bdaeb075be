// SPDX-License-Identifier: BSD-3-Clause
/*
 * A monitor for the tests of `virq run`: its one vCPU answers every eventfd at
 * once, and from the 101st interrupt of a device on it does what
 * VIRQ_TEST_FAULT says.  No chip and no guest is in it.
 */
#include "vmm/vmm.h"
#include "../guest/abi.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define GOOD_INTERRUPTS 100

struct vmm {
	struct vmm_config config;
	struct vmm_device device[GUEST_MAX_DEVICES];
	unsigned int taken[GUEST_MAX_DEVICES];
	const char *fault;
	struct virq_loop *loop;
	pthread_t thread;
	bool started;
	int stop_fd;
	struct virq_bypass_producer producer[GUEST_MAX_DEVICES];
	_Atomic(const char *) error;
};

static bool fault(const struct vmm *vmm, const char *name)
{
	return !strcmp(vmm->fault, name);
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		abort();
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void take(struct vmm *vmm, unsigned int n)
{
	const struct vmm_device *dev = &vmm->device[n];
	const struct vmm_config *config = &vmm->config;
	bool now = ++vmm->taken[n] > GOOD_INTERRUPTS;
	bool first = vmm->taken[n] == GOOD_INTERRUPTS + 1;
	unsigned int vcpu = dev->vcpu;

	if (now && fault(vmm, "lose"))
		return;
	if (first && fault(vmm, "misroute"))
		vcpu++;
	config->delivered(config->opaque, n, vcpu, now_ns());
	if (first && fault(vmm, "twice"))
		config->delivered(config->opaque, n, vcpu, now_ns());
	if (now && fault(vmm, "die"))
		atomic_store(&vmm->error, "a vCPU met its end");
	if (now && fault(vmm, "mute"))
		return;
	config->acked(config->opaque, n);
	signal_fd(dev->ack_fd);
	if (dev->kind == VMM_LEVEL && !(now && fault(vmm, "no-eoi")))
		signal_fd(dev->resample_fd);
}

static void *vcpu_thread(void *opaque)
{
	struct vmm *vmm = opaque;
	unsigned int nr = vmm->config.nr_devices;
	struct pollfd fds[GUEST_MAX_DEVICES + 1];
	uint64_t value;

	for (unsigned int i = 0; i < nr; i++)
		fds[i] = (struct pollfd){.fd = vmm->device[i].irq_fd,
					 .events = POLLIN};
	fds[nr] = (struct pollfd){.fd = vmm->stop_fd, .events = POLLIN};
	while (poll(fds, nr + 1, -1) > 0) {
		for (unsigned int i = 0; i < nr; i++) {
			if (fds[i].revents &&
			    read(fds[i].fd, &value, sizeof(value)) > 0)
				take(vmm, i);
		}
		/* The stop comes after the last signal, so all are taken. */
		if (fds[nr].revents)
			break;
	}
	return NULL;
}

/* Somebody else is their producer already. */
static void take_eventfds(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->config.nr_devices; i++) {
		struct virq_eventfd_info info;

		if (virq_eventfd_query(vmm->device[i].irq_fd, &info) ||
		    virq_bypass_register_producer(&vmm->producer[i], &info, 0))
			abort();
	}
}

int vmm_create(const struct vmm_config *config, struct vmm **out, char *err,
	       size_t err_len)
{
	struct vmm *vmm = calloc(1, sizeof(*vmm));
	const struct virq_loop_config loop = {.backend = VIRQ_LOOP_EPOLL};

	if (!vmm)
		return -ENOMEM;
	vmm->fault = getenv("VIRQ_TEST_FAULT");
	if (!vmm->fault || fault(vmm, "create")) {
		snprintf(err, err_len, "no such machine");
		free(vmm);
		return -ENODEV;
	}
	vmm->config = *config;
	memcpy(vmm->device, config->devices,
	       config->nr_devices * sizeof(vmm->device[0]));
	vmm->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (vmm->stop_fd < 0 || virq_loop_create(&loop, &vmm->loop) ||
	    virq_loop_start(vmm->loop))
		abort();
	if (fault(vmm, "producer"))
		take_eventfds(vmm);
	*out = vmm;
	return 0;
}

int vmm_start(struct vmm *vmm)
{
	if (fault(vmm, "start"))
		return -ETIMEDOUT;
	vmm->started = !pthread_create(&vmm->thread, NULL, vcpu_thread, vmm);
	return vmm->started ? 0 : -EAGAIN;
}

const char *vmm_error(const struct vmm *vmm)
{
	return atomic_load(&vmm->error);
}

int vmm_stop(struct vmm *vmm)
{
	if (vmm->started) {
		signal_fd(vmm->stop_fd);
		pthread_join(vmm->thread, NULL);
		vmm->started = false;
	}
	return 0;
}

/* All that was signalled has been taken once the thread is gone. */
int vmm_quiesce(struct vmm *vmm, uint64_t timeout_ns)
{
	(void)timeout_ns;
	vmm_stop(vmm);
	return fault(vmm, "busy") ? -ETIMEDOUT : 0;
}

unsigned int vmm_lines_up(struct vmm *vmm)
{
	return fault(vmm, "line-up") ? 1 : 0;
}

void vmm_destroy(struct vmm *vmm)
{
	for (unsigned int i = 0; i < vmm->config.nr_devices; i++)
		virq_bypass_unregister_producer(&vmm->producer[i]);
	virq_loop_destroy(vmm->loop);
	close(vmm->stop_fd);
	free(vmm);
}

/* There is no irqfd. */
int vmm_query_irqfd(struct vmm *vmm, unsigned int device,
		    struct virq_irqfd_info *info)
{
	(void)vmm;
	(void)device;
	(void)info;
	return -ENOENT;
}

struct virq_loop *vmm_loop(struct vmm *vmm)
{
	return vmm->loop;
}

const char *vmm_irqchip(const struct vmm *vmm)
{
	(void)vmm;
	return "x86";
}

enum vmm_guest vmm_guest(const struct vmm *vmm)
{
	(void)vmm;
	return VMM_GUEST_NATIVE;
}

unsigned int vmm_gic(const struct vmm *vmm)
{
	(void)vmm;
	return 0;
}

bool vmm_kvm_has_gic(unsigned int gic, const char **why)
{
	(void)gic;
	if (why)
		*why = "a test";
	return false;
}

bool vmm_kvm_usable(const char **why)
{
	if (why)
		*why = "a test";
	return false;
}

// SPDX-License-Identifier: BSD-3-Clause
/*
 * Device processes and guests for the tests of `virq run` that break its rules;
 * the rest is virq as it is.  A device's name says what it does instead of its
 * work:
 *
 *   flood  path shm: sets all bits of its page and rings, again and again
 *   storm  path shm, level: raises its line whenever it is down, and fills the
 *          counter that tells of EOIs so that a write of the other side would
 *          block
 *   clog   path eventfd: fills the counter of its ack eventfd so that a write
 *          of the other side would block, and raises
 *
 * None reports anything.  Any other device works as it should.
 *
 * Two more are numbers, and about the guest, whatever runs it:
 *
 *   VIRQ_TEST_MUTE  of a device's acks the n-th and those after come to nothing
 *   VIRQ_TEST_HANG  at the n-th, the vCPU stands still; native guests only, as
 *		     one of KVM's stands still in the guest
 */
#include "device.h"
#include "device_process.h"
#include "vmm/vmm_internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <virq/poster.h>

/* The linker's --wrap: callers find the first, the second is the real one. */
int __wrap_device_main(int argc, char **argv);
int __real_device_main(int argc, char **argv);
bool __wrap_vmm_guest_out(struct vmm_vcpu *vcpu, uint16_t port, uint32_t value);
bool __real_vmm_guest_out(struct vmm_vcpu *vcpu, uint16_t port, uint32_t value);

static void __attribute__((noreturn)) flood_page(void)
{
	struct virq_poster poster;

	if (virq_poster_open(&poster, DEVICE_IRQ_FD))
		_exit(1);
	for (;;) {
		for (unsigned int d = 0; d < poster.nr_descriptors; d++) {
			uint64_t *pir = poster.page->descriptor[d].pir;

			for (unsigned int i = 0; i < VIRQ_POSTER_WORDS; i++)
				__atomic_store_n(&pir[i], ~UINT64_C(0),
						 __ATOMIC_SEQ_CST);
		}
		(void)device_signal(poster.doorbell);
	}
}

static bool fill(int fd)
{
	const uint64_t full = UINT64_MAX - 1;

	return !fcntl(fd, F_SETFL, 0) &&
	       write(fd, &full, sizeof(full)) == sizeof(full);
}

static void __attribute__((noreturn)) storm_line(void)
{
	struct virq_poster poster;

	if (virq_poster_open(&poster, DEVICE_IRQ_FD) ||
	    !fill(poster.completion))
		_exit(1);
	for (;;) {
		(void)virq_poster_want(&poster, DEVICE_SHM_VECTOR);
		(void)virq_poster_set_line(&poster, DEVICE_SHM_VECTOR, true);
	}
}

static void __attribute__((noreturn)) clog_ack(void)
{
	if (!fill(DEVICE_ACK_FD) || !device_signal(DEVICE_IRQ_FD))
		_exit(1);
	for (;;)
		pause();
}

int __wrap_device_main(int argc, char **argv)
{
	const char *name = argv[argc - 1];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strcmp(name, "flood"))
		flood_page();
	if (!strcmp(name, "storm"))
		storm_line();
	if (!strcmp(name, "clog"))
		clog_ack();
	return __real_device_main(argc, argv);
}

static bool counts_to(const char *variable, unsigned long nr)
{
	const char *value = getenv(variable);

	return value && nr >= strtoul(value, NULL, 10);
}

/* What a guest writes to a port, on its vCPU's thread. */
bool __wrap_vmm_guest_out(struct vmm_vcpu *vcpu, uint16_t port, uint32_t value)
{
	static atomic_ulong acks[GUEST_MAX_DEVICES];
	unsigned long nr;

	if (port != GUEST_PORT_ACK || value >= GUEST_MAX_DEVICES)
		return __real_vmm_guest_out(vcpu, port, value);
	nr = atomic_fetch_add(&acks[value], 1) + 1;
	/* Its record came before. */
	vmm_guest_drain(vcpu);
	while (counts_to("VIRQ_TEST_HANG", nr) && !vmm_stopping(vcpu->vmm))
		virq_vcpu_block(vcpu->virq, UINT64_MAX);
	return counts_to("VIRQ_TEST_MUTE", nr) ||
	       __real_vmm_guest_out(vcpu, port, value);
}

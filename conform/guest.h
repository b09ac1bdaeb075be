/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that makes register accesses on command (guest/exec.h), in a VM with
 * a full irqchip behind any port that can run guest code.
 *
 * One thread drives a guest.  The vCPUs run one at a time and only inside the
 * calls below, with interrupts off but where one asks for them, so the same
 * calls have the same outcome each time.
 */
#ifndef CONFORM_GUEST_H
#define CONFORM_GUEST_H

#include "exec.h"
#include "port.h"

struct conform_guest;

/*
 * conform_guest_create - a VM with irqchip and @nr_vcpus vCPUs (ids from 0) in
 * the executor.  0, or a negative errno of the port's: -EINVAL (@nr_vcpus), and
 * what open, the ioctls and mmap answer.
 */
int conform_guest_create(const struct conform_port *port, unsigned int nr_vcpus,
			 struct conform_guest **guest);
void conform_guest_destroy(struct conform_guest *guest);

/* The descriptors, for what the host itself asks of the VM. */
int conform_guest_vm_fd(const struct conform_guest *guest);
int conform_guest_vcpu_fd(const struct conform_guest *guest, unsigned int vcpu);

/*
 * conform_guest_run - carry out @nr operations (at most EXEC_MAX_OPS) on a vCPU
 * and read the outcome back into @ops.  0; -ETIMEDOUT, the vCPU did not finish
 * in ten seconds, as when it halts and nothing comes; -EIO, it stopped
 * otherwise; or KVM_RUN's errno.  After an error the guest is of no more use,
 * and conform_guest_error() tells why.
 */
int conform_guest_run(struct conform_guest *guest, unsigned int vcpu,
		      struct exec_op *ops, unsigned int nr);
const char *conform_guest_error(const struct conform_guest *guest);

/*
 * conform_guest_access - one access, as virq_vcpu_mmio(), _pio() and _msr()
 * have it.  @what: EXEC_MMIO, EXEC_PIO or EXEC_MSR.  0, -EPERM (#GP), -ENODEV
 * (no chip of the port's has it), or an error of conform_guest_run().
 */
int conform_guest_access(struct conform_guest *guest, unsigned int vcpu,
			 struct virq_access *access, enum exec_what what);

/* NMIs that the vCPU took since this was asked last. */
unsigned int conform_guest_take_nmis(struct conform_guest *guest,
				     unsigned int vcpu);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: memory that a vCPU's thread looks at by itself, so that whoever
 * writes there need not tell it.
 *
 * A vCPU's thread either looks (it polls, or is between two runs of the guest)
 * or must be told (it runs guest code, or sleeps).  The vCPU tells its chip
 * (ops->vcpu_notify) and its ports which of the two it is:
 *
 *   vCPU thread                        who raises
 *   1 notify := on (seq_cst)           1 set the bit (seq_cst RMW)
 *   2 take: look at the bits           2 notify on? then signal
 *   3 nothing there: run, or sleep
 *
 * Either the look in 2 finds the bit or the raiser finds notify on: nothing is
 * lost.  A port's take() may run on any thread and on several at once.
 */
#ifndef VIRQ_CORE_VCPU_PORT_H
#define VIRQ_CORE_VCPU_PORT_H

#include <stdbool.h>

struct virq_vcpu;

struct vcpu_port {
	/*
	 * Deliver what is there; true if there was something.  Any thread,
	 * inside an RCU read-side section; bounded, does not block.
	 */
	bool (*take)(struct vcpu_port *port);
	/*
	 * @on: from now on whoever raises must signal; then what came before
	 * is found by a take() that follows.  The vCPU's thread, inside an RCU
	 * read-side section; cheap where nothing changes.
	 */
	void (*notify)(struct vcpu_port *port, bool on);
};

/*
 * Any thread that holds no lock a delivery may take.  Attach: 0, -ENOMEM.  The
 * owner attaches a port with notify off, even if the vCPU runs or sleeps: it is
 * kicked, each time, and cannot do either again without a look at the new port.
 * Both may block for a grace period; after detach neither callback runs.
 */
int vcpu_port_attach(struct virq_vcpu *vcpu, struct vcpu_port *port);
void vcpu_port_detach(struct virq_vcpu *vcpu, struct vcpu_port *port);

#endif

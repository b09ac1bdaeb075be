// SPDX-License-Identifier: BSD-3-Clause
/*
 * A vCPU's ports; see vcpu_port.h.
 *
 * Locks: vcpu->ports_lock guards the list, a leaf; held over a grace period.
 * Who looks at the ports does so under RCU.
 */
#include "vcpu_port.h"
#include <stdlib.h>
#include "rcu_array.h"
#include "vcpu_impl.h"

int vcpu_port_attach(struct virq_vcpu *vcpu, struct vcpu_port *port)
{
	int rc;

	pthread_mutex_lock(&vcpu->ports_lock);
	rc = rcu_array_add(&vcpu->ports, port);
	pthread_mutex_unlock(&vcpu->ports_lock);
	if (rc)
		return rc;
	virq_vcpu_expect_posts(vcpu);
	/*
	 * A vCPU that expects posts already may have been told to run or sleep
	 * without this port, and expecting them again kicks nobody.
	 */
	virq_vcpu_kick(vcpu);
	return 0;
}

void vcpu_port_detach(struct virq_vcpu *vcpu, struct vcpu_port *port)
{
	struct rcu_array *empty = NULL;

	pthread_mutex_lock(&vcpu->ports_lock);
	rcu_array_del(vcpu->ports, port);
	/* A vCPU without ports is not to pay for having had one. */
	if (!vcpu->ports->count) {
		empty = vcpu->ports;
		rcu_store(vcpu->ports, NULL);
	}
	rcu_synchronize();
	pthread_mutex_unlock(&vcpu->ports_lock);
	free(empty);
}

void vcpu_ports_notify(struct virq_vcpu *vcpu, bool on)
{
	struct rcu_array *ports;
	struct vcpu_port *port;
	uint32_t i;

	rcu_lock();
	ports = rcu_load(vcpu->ports);
	rcu_array_for_each(ports, i, port)
		port->notify(port, on);
	rcu_unlock();
}

void vcpu_ports_take(const struct virq_vcpu *vcpu)
{
	struct rcu_array *ports;
	struct vcpu_port *port;
	uint32_t i;

	rcu_lock();
	ports = rcu_load(vcpu->ports);
	rcu_array_for_each(ports, i, port)
		port->take(port);
	rcu_unlock();
}

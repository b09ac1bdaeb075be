// SPDX-License-Identifier: BSD-3-Clause
/* A machine, and what its host does with it.  See machine.h. */
#include "machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

uint64_t machine_mpidr(unsigned int vcpu)
{
	return vcpu;
}

uint64_t machine_cpu_attr(const struct machine *m, unsigned int vcpu,
			  uint32_t offset)
{
	if (m->setup->gic == 2)
		return (uint64_t)vcpu << KVM_DEV_ARM_VGIC_CPUID_SHIFT | offset;
	return machine_mpidr(vcpu) << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | offset;
}

int machine_attr(struct machine *m, enum op_kind how, enum device device,
		 uint32_t group, uint64_t attr, uint64_t *value)
{
	const struct kvm_device_attr args = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};
	int handle = m->device[device];

	if (handle == NO_DEVICE)
		return -ENODEV;
	switch (how) {
	case OP_SET: return m->port->set_attr(m->vm, handle, &args);
	case OP_GET: return m->port->get_attr(m->vm, handle, &args);
	default: return m->port->has_attr(m->vm, handle, &args);
	}
}

/* ---- Setup ---- */

static int set(struct machine *m, enum device device, uint32_t group,
	       uint64_t attr, uint64_t value)
{
	return machine_attr(m, OP_SET, device, group, attr, &value);
}

static int init_v2(struct machine *m)
{
	int rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V2_ADDR_TYPE_DIST, GICD_GPA);

	if (!rc)
		rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_ADDR,
			 KVM_VGIC_V2_ADDR_TYPE_CPU, GICC_GPA);
	if (!rc)
		rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	return rc;
}

static int init_v3(struct machine *m)
{
	int rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_ADDR,
		     KVM_VGIC_V3_ADDR_TYPE_DIST, GICD_GPA);

	if (!rc)
		rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_ADDR,
			 KVM_VGIC_V3_ADDR_TYPE_REDIST, GICR_GPA);
	if (!rc)
		rc = set(m, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_ADDR,
			 KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA);
	if (!rc)
		rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	if (!rc)
		rc = set(m, DEVICE_ITS, KVM_DEV_ARM_VGIC_GRP_CTRL,
			 KVM_DEV_ARM_VGIC_CTRL_INIT, 0);
	return rc;
}

static int add_device(struct machine *m, enum device device, uint32_t type)
{
	int rc = m->port->device_create(m->vm, type, 0);

	if (rc < 0)
		return rc;
	m->device[device] = rc;
	return 0;
}

static int add_chips(struct machine *m)
{
	bool v3 = m->setup->gic == 3;
	int rc;

	rc = add_device(m, DEVICE_GIC,
			v3 ? KVM_DEV_TYPE_ARM_VGIC_V3
			   : KVM_DEV_TYPE_ARM_VGIC_V2);
	for (uint32_t i = 0; i < m->setup->vcpus && !rc; i++)
		rc = m->port->vcpu_create(m->vm, i);
	if (!rc && v3)
		rc = add_device(m, DEVICE_ITS, KVM_DEV_TYPE_ARM_VGIC_ITS);
	if (!rc)
		rc = set(m, DEVICE_GIC, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0,
			 m->setup->irqs);
	if (!rc)
		rc = v3 ? init_v3(m) : init_v2(m);
	return rc;
}

static int add_slots(struct machine *m)
{
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		struct slot *slot = &m->slot[i];

		slot->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		slot->resamplefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (slot->fd < 0 || slot->resamplefd < 0)
			return -errno;
	}
	return 0;
}

int machine_create(struct machine *m, const struct arm_port *port,
		   const struct setup *setup)
{
	int rc;

	*m = (struct machine){
		.port = port, .setup = setup, .device = {NO_DEVICE, NO_DEVICE}};
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		m->slot[i] = (struct slot){-1, -1};
	for (unsigned int gsi = 0; gsi < NR_GSIS; gsi++)
		if (gsi < setup->irqs - 32)
			m->route[gsi] = (struct route){ROUTE_PIN, gsi, 0};
	rc = port->vm_create(&m->vm);
	if (!rc)
		rc = add_slots(m);
	if (!rc)
		rc = add_chips(m);
	if (rc)
		machine_destroy(m);
	return rc;
}

void machine_destroy(struct machine *m)
{
	if (m->vm)
		m->port->vm_destroy(m->vm);
	m->vm = NULL;
	for (unsigned int i = 0; i < NR_SLOTS; i++) {
		if (m->slot[i].fd >= 0)
			close(m->slot[i].fd);
		if (m->slot[i].resamplefd >= 0)
			close(m->slot[i].resamplefd);
		m->slot[i] = (struct slot){-1, -1};
	}
}

/* ---- Lines, irqfds, messages ---- */

static int do_irqfd(struct machine *m, const struct op *op)
{
	uint64_t n = op->arg[IRQFD_SLOT];
	struct kvm_irqfd args = {
		.fd = (uint32_t)m->slot[n].fd,
		.gsi = (uint32_t)op->arg[IRQFD_GSI],
		.flags = (uint32_t)op->arg[IRQFD_FLAGS],
		.resamplefd = (uint32_t)m->slot[n].resamplefd,
	};
	eventfd_t before;
	int rc;

	/*
	 * What was signalled before the assign the kernel leaves to its work
	 * queue, which nothing here awaits; the conformance cases do.
	 */
	eventfd_read(m->slot[n].fd, &before);
	rc = m->port->irqfd(m->vm, &args);
	if (rc)
		return rc;
	if (!(args.flags & KVM_IRQFD_FLAG_DEASSIGN)) {
		m->bound[n] = args;
		m->is_bound[n] = true;
	} else if (m->bound[n].gsi == args.gsi) {
		m->is_bound[n] = false;
	}
	return 0;
}

/*
 * The kernel may leave a message to its work queue, and waits for that only
 * when the irqfd goes.
 */
static int flush_signal(struct machine *m, uint64_t n)
{
	struct kvm_irqfd args = m->bound[n];
	int rc;

	if (!m->is_bound[n] || args.gsi >= NR_GSIS ||
	    m->route[args.gsi].kind < ROUTE_MSI)
		return 0;
	args.flags = KVM_IRQFD_FLAG_DEASSIGN;
	rc = m->port->irqfd(m->vm, &args);
	return rc ? rc : m->port->irqfd(m->vm, &m->bound[n]);
}

static int do_signal(struct machine *m, uint64_t n)
{
	int rc;

	if (eventfd_write(m->slot[n].fd, 1))
		return -errno;
	rc = m->port->settle(m->vm);
	return rc ? rc : flush_signal(m, n);
}

static int set_routes(struct machine *m)
{
	/* The entries follow the head. */
	union {
		struct kvm_irq_routing head;
		uint8_t bytes[sizeof(struct kvm_irq_routing) +
			      NR_GSIS * sizeof(struct kvm_irq_routing_entry)];
	} table = {.bytes = {0}};

	for (uint32_t gsi = 0; gsi < NR_GSIS; gsi++) {
		const struct route *route = &m->route[gsi];
		struct kvm_irq_routing_entry *entry =
			&table.head.entries[table.head.nr];

		if (route->kind == ROUTE_NONE)
			continue;
		table.head.nr++;
		entry->gsi = gsi;
		if (route->kind == ROUTE_PIN) {
			entry->type = KVM_IRQ_ROUTING_IRQCHIP;
			entry->u.irqchip.pin = (uint32_t)route->a;
			entry->u.irqchip.irqchip = (uint32_t)route->b;
			continue;
		}
		entry->type = KVM_IRQ_ROUTING_MSI;
		entry->u.msi.address_lo = DOORBELL_GPA;
		entry->u.msi.data = (uint32_t)route->b;
		if (route->kind == ROUTE_MSI) {
			entry->flags = KVM_MSI_VALID_DEVID;
			entry->u.msi.devid = (uint32_t)route->a;
		}
	}
	return m->port->set_gsi_routing(m->vm, &table.head);
}

static int do_route(struct machine *m, const struct op *op)
{
	struct route *route = &m->route[op->arg[ROUTE_GSI]];
	struct route before = *route;
	int rc;

	*route = (struct route){op->arg[ROUTE_KIND], op->arg[ROUTE_A],
				op->arg[ROUTE_B]};
	rc = set_routes(m);
	if (rc)
		*route = before;
	else
		m->routed = true;
	return rc;
}

static int do_line(struct machine *m, const struct op *op)
{
	struct kvm_irq_level level = {
		.irq = (uint32_t)op->arg[LINE_IRQ],
		.level = (uint32_t)op->arg[LINE_LEVEL],
	};

	return m->port->irq_line(m->vm, &level);
}

static int do_msi(struct machine *m, const struct op *op)
{
	struct kvm_msi msi = {
		.flags = (uint32_t)op->arg[MSI_FLAGS],
		.devid = (uint32_t)op->arg[MSI_DEVICE],
		.data = (uint32_t)op->arg[MSI_DATA],
		.address_lo = (uint32_t)op->arg[MSI_ADDRESS],
		.address_hi = (uint32_t)(op->arg[MSI_ADDRESS] >> 32),
	};

	return m->port->signal_msi(m->vm, &msi);
}

static int do_poke(struct machine *m, const struct op *op)
{
	void *at =
		m->port->memory(m->vm, op->arg[POKE_ADDR], op->arg[POKE_LEN]);

	if (!at ||
	    op->arg[POKE_ADDR] + op->arg[POKE_LEN] > TABLES_GPA + TABLES_SIZE)
		return -EFAULT;
	memcpy(at, &op->arg[POKE_VALUE], op->arg[POKE_LEN]);
	return 0;
}

void machine_do(struct machine *m, const struct op *op, struct outcome *outcome)
{
	*outcome = (struct outcome){0};
	switch (op->kind) {
	case OP_SET:
		outcome->value = op->arg[ATTR_VALUE];
		/* Fall through: the value is in place. */
		__attribute__((fallthrough));
	case OP_GET:
	case OP_HAS:
		outcome->ret = machine_attr(
			m, op->kind, (enum device)op->arg[ATTR_DEVICE],
			(uint32_t)op->arg[ATTR_GROUP], op->arg[ATTR_ATTR],
			&outcome->value);
		break;
	case OP_LINE: outcome->ret = do_line(m, op); break;
	case OP_IRQFD: outcome->ret = do_irqfd(m, op); break;
	case OP_SIGNAL:
		outcome->ret = do_signal(m, op->arg[SIGNAL_SLOT]);
		break;
	case OP_ROUTE: outcome->ret = do_route(m, op); break;
	case OP_MSI: outcome->ret = do_msi(m, op); break;
	case OP_POKE: outcome->ret = do_poke(m, op); break;
	default: outcome->ret = -EINVAL;
	}
}

int machine_rebind(struct machine *m, const struct machine *from)
{
	int rc = 0;

	if (from->routed) {
		memcpy(m->route, from->route, sizeof(m->route));
		m->routed = true;
		rc = set_routes(m);
	}
	for (unsigned int i = 0; i < NR_SLOTS && !rc; i++) {
		struct op op = {OP_IRQFD,
				{i, from->bound[i].gsi, from->bound[i].flags}};

		if (from->is_bound[i])
			rc = do_irqfd(m, &op);
	}
	return rc;
}

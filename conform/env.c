// SPDX-License-Identifier: BSD-3-Clause
/* VMs, eventfds, routes and lines; see env.h.  The chips are in chips.c. */
#include "env.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

int kvm_new(struct conform *c)
{
	return fd_keep(c, c->port->open(c->port));
}

int vm_enable_cap(struct conform *c, int vm, uint32_t cap, uint64_t arg)
{
	struct kvm_enable_cap enable = {.cap = cap, .args = {arg}};

	return port_ioctl(c, vm, KVM_ENABLE_CAP, &enable);
}

int vm_new(struct conform *c, enum vm_kind kind)
{
	int kvm = kvm_new(c);
	int vm = fd_keep(c, port_ioctl_value(c, kvm, KVM_CREATE_VM, 0));

	fd_close(c, kvm);
	if (kind == VM_FULL)
		CHECK_RET(c, port_ioctl_value(c, vm, KVM_CREATE_IRQCHIP, 0), 0);
	if (kind == VM_SPLIT)
		CHECK_RET(c, vm_enable_cap(c, vm, KVM_CAP_SPLIT_IRQCHIP, 24),
			  0);
	return vm;
}

int vcpu_new(struct conform *c, int vm, unsigned long id)
{
	return fd_keep(c, port_ioctl_value(c, vm, KVM_CREATE_VCPU, id));
}

int vcpu_new_enabled(struct conform *c, int vm, unsigned long id)
{
	int vcpu = vcpu_new(c, vm, id);

	lapic_write(c, vcpu, APIC_SPIV, 0x1ff);
	return vcpu;
}

struct pc pc_new(struct conform *c)
{
	struct pc pc = {.vm = vm_new(c, VM_FULL)};

	pc.vcpu = vcpu_new_enabled(c, pc.vm, 0);
	return pc;
}

int event_open(struct conform *c, unsigned int count)
{
	return fd_keep(c, eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK));
}

void event_write(struct conform *c, int fd, uint64_t value)
{
	CHECK_EQ(c, write(fd, &value, sizeof(value)), sizeof(value));
}

bool event_empty(struct conform *c, int fd)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	(void)c;
	return poll(&pfd, 1, 0) == 0;
}

uint64_t event_read(struct conform *c, int fd)
{
	uint64_t value = 0;
	ssize_t n = read(fd, &value, sizeof(value));

	CHECK(c, n == sizeof(value) || (n < 0 && errno == EAGAIN));
	return n < 0 ? 0 : value;
}

int irqfd(struct conform *c, int vm, int fd, uint32_t gsi, uint32_t flags,
	  int resamplefd)
{
	struct kvm_irqfd args = {
		.fd = (uint32_t)fd,
		.gsi = gsi,
		.flags = flags,
		.resamplefd = (uint32_t)resamplefd,
	};

	return port_ioctl(c, vm, KVM_IRQFD, &args);
}

int irqfd_assign(struct conform *c, int vm, int fd, uint32_t gsi)
{
	return irqfd(c, vm, fd, gsi, 0, 0);
}

int irqfd_deassign(struct conform *c, int vm, int fd, uint32_t gsi)
{
	return irqfd(c, vm, fd, gsi, KVM_IRQFD_FLAG_DEASSIGN, 0);
}

int irqfd_resample(struct conform *c, int vm, int fd, uint32_t gsi,
		   int resamplefd)
{
	return irqfd(c, vm, fd, gsi, KVM_IRQFD_FLAG_RESAMPLE, resamplefd);
}

struct kvm_irq_routing *routing_new(struct conform *c, uint32_t nr,
				    const struct kvm_irq_routing_entry *entries)
{
	size_t bytes = nr * sizeof(entries[0]);
	struct kvm_irq_routing *table = calloc(1, sizeof(*table) + bytes);

	CHECK(c, table);
	table->nr = nr;
	if (nr)
		memcpy(table->entries, entries, bytes);
	return table;
}

int routing_set(struct conform *c, int vm, uint32_t nr,
		const struct kvm_irq_routing_entry *entries)
{
	struct kvm_irq_routing *table = routing_new(c, nr, entries);
	int ret = port_ioctl(c, vm, KVM_SET_GSI_ROUTING, table);

	free(table);
	return ret;
}

void routing_one(struct conform *c, int vm, struct kvm_irq_routing_entry entry)
{
	CHECK_RET(c, routing_set(c, vm, 1, &entry), 0);
}

int irq_line(struct conform *c, int vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	return port_ioctl(c, vm, KVM_IRQ_LINE, &line);
}

int irq_line_status(struct conform *c, int vm, uint32_t gsi, uint32_t level)
{
	struct kvm_irq_level line = {.irq = gsi, .level = level};

	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQ_LINE_STATUS, &line), 0);
	return line.status;
}

int signal_msi(struct conform *c, int vm, uint32_t address_lo,
	       uint32_t address_hi, uint32_t data)
{
	struct kvm_msi msi = {
		.address_lo = address_lo,
		.address_hi = address_hi,
		.data = data,
	};

	return port_ioctl(c, vm, KVM_SIGNAL_MSI, &msi);
}

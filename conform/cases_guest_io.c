// SPDX-License-Identifier: BSD-3-Clause
/*
 * A guest writes to an ioeventfd: ioeventfd_write().
 */
#include "cases.h"
#include "machine.h"

/* ioeventfds. */
#define IO_PORT 0x600
#define IO_ADDR 0xd0000000u

static int io_assign(struct machine *m, int fd, uint64_t addr, uint32_t len,
		     uint32_t flags, uint64_t datamatch)
{
	struct kvm_ioeventfd io = {
		.fd = fd,
		.addr = addr,
		.len = len,
		.flags = flags,
		.datamatch = datamatch,
	};

	return port_ioctl(m->c, m->pc.vm, KVM_IOEVENTFD, &io);
}

/* Did it come out to the VMM? */
static bool unclaimed(struct machine *m, enum exec_what what, uint32_t addr,
		      uint8_t len, uint32_t data)
{
	struct exec_op op = {
		.what = (uint8_t)what,
		.len = len,
		.write = 1,
		.addr = addr,
		.data = data,
	};

	machine_run(m, &op);
	return op.unclaimed;
}

static void io_port(struct conform *c)
{
	struct machine m = machine_new(c);

	CHECK(c, unclaimed(&m, EXEC_PIO, IO_PORT, 2, 7));
	CHECK_RET(c, io_assign(&m, m.fd, IO_PORT, 2, KVM_IOEVENTFD_FLAG_PIO, 0),
		  0);
	CHECK(c, !unclaimed(&m, EXEC_PIO, IO_PORT, 2, 7));
	CHECK(c, !unclaimed(&m, EXEC_PIO, IO_PORT, 2, 8));
	CHECK_EQ(c, event_read(c, m.fd), 2);
	/* Of another length, and a memory address: not its own. */
	CHECK(c, unclaimed(&m, EXEC_PIO, IO_PORT, 1, 7));
	CHECK(c, unclaimed(&m, EXEC_PIO, IO_PORT, 4, 7));
	CHECK_RET(
		c,
		io_assign(&m, m.fd, IO_PORT, 2,
			  KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN,
			  0),
		0);
	CHECK(c, unclaimed(&m, EXEC_PIO, IO_PORT, 2, 7));
	CHECK_EQ(c, event_read(c, m.fd), 0);
	machine_free(&m);
}

static void io_memory(struct conform *c)
{
	struct machine m = machine_new(c);

	CHECK_RET(c, io_assign(&m, m.fd, IO_ADDR, 4, 0, 0), 0);
	CHECK(c, !unclaimed(&m, EXEC_MMIO, IO_ADDR, 4, 7));
	CHECK_EQ(c, event_read(c, m.fd), 1);
	CHECK(c, unclaimed(&m, EXEC_MMIO, IO_ADDR, 2, 7));
	CHECK(c, unclaimed(&m, EXEC_MMIO, IO_ADDR + 4, 4, 7));
	CHECK_EQ(c, event_read(c, m.fd), 0);
	machine_free(&m);
}

static void io_datamatch(struct conform *c)
{
	struct machine m = machine_new(c);
	int other = event_open(c, 0);

	CHECK_RET(c,
		  io_assign(&m, m.fd, IO_ADDR, 4, KVM_IOEVENTFD_FLAG_DATAMATCH,
			    7),
		  0);
	CHECK_RET(c,
		  io_assign(&m, other, IO_ADDR, 4, KVM_IOEVENTFD_FLAG_DATAMATCH,
			    8),
		  0);
	CHECK(c, !unclaimed(&m, EXEC_MMIO, IO_ADDR, 4, 7));
	CHECK(c, !unclaimed(&m, EXEC_MMIO, IO_ADDR, 4, 8));
	CHECK(c, unclaimed(&m, EXEC_MMIO, IO_ADDR, 4, 9));
	CHECK_EQ(c, event_read(c, m.fd), 1);
	CHECK_EQ(c, event_read(c, other), 1);
	machine_free(&m);
}

static void io_any_length(struct conform *c)
{
	struct machine m = machine_new(c);

	CHECK_RET(c, io_assign(&m, m.fd, IO_ADDR, 0, 0, 0), 0);
	for (uint8_t len = 1; len <= 8; len *= 2)
		CHECK(c, !unclaimed(&m, EXEC_MMIO, IO_ADDR, len, 7));
	CHECK_EQ(c, event_read(c, m.fd), 4);
	machine_free(&m);
}

static void io_to_irqfd(struct conform *c)
{
	struct machine m = machine_new(c);

	apic_store(&m, APIC_SPIV, 0x1ff);
	routing_one(c, m.pc.vm, ROUTE_MSI(24, VECTOR));
	CHECK_RET(c, irqfd_assign(c, m.pc.vm, m.fd, 24), 0);
	CHECK_RET(c, io_assign(&m, m.fd, IO_PORT, 1, KVM_IOEVENTFD_FLAG_PIO, 0),
		  0);
	CHECK(c, !unclaimed(&m, EXEC_PIO, IO_PORT, 1, 0));
	AWAIT(c, lapic_irr(c, m.pc.vcpu, VECTOR));
	CHECK_EQ(c, machine_take(&m), VECTOR);
	machine_free(&m);
}

#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "guest/" name_, .rule = rule_, .needs = CONFORM_GUEST, \
		.run = run_                                                    \
	}

static const struct conform_case cases[] = {
	CASE("ioeventfd-port", io_port,
	     "a write to an ioeventfd's port, of its length, adds 1 and does "
	     "not reach the VMM"),
	CASE("ioeventfd-memory", io_memory,
	     "a write to an ioeventfd's address, of its length, adds 1"),
	CASE("ioeventfd-datamatch", io_datamatch,
	     "ioeventfds of one address are told apart by the data"),
	CASE("ioeventfd-any-length", io_any_length,
	     "an ioeventfd of length 0 takes every length"),
	CASE("ioeventfd-to-irqfd", io_to_irqfd,
	     "one eventfd may carry a guest's write to a guest's interrupt"),
};

CONFORM_GROUP(guest_io);

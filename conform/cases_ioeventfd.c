// SPDX-License-Identifier: BSD-3-Clause
/*
 * KVM_IOEVENTFD: kvm_ioeventfd() of virt/kvm/eventfd.c.  A row makes one
 * request, or two on the same eventfd.
 */
#include "cases.h"
#include "fds.h"
#include <errno.h>

struct io_args {
	uint64_t addr;
	uint32_t len;
	uint32_t flags;
	uint64_t datamatch;
};

struct io_row {
	struct io_args first;
	int want;
	bool both; /* there is a second */
	struct io_args second;
	int want_second;
	bool other_event; /* for the second */
	enum fd_kind fd;
};

static int io_request(struct conform *c, int vm, int fd,
		      const struct io_args *args)
{
	struct kvm_ioeventfd io = {
		.fd = fd,
		.addr = args->addr,
		.len = args->len,
		.flags = args->flags,
		.datamatch = args->datamatch,
	};

	return port_ioctl(c, vm, KVM_IOEVENTFD, &io);
}

static void run_row(struct conform *c)
{
	const struct io_row *row = c->test->row;
	int vm = vm_new(c, VM_BARE); /* it needs no irqchip */
	int fd = fd_new(c, row->fd, -1);

	CHECK_RET(c, io_request(c, vm, fd, &row->first), row->want);
	if (!row->both)
		return;
	if (row->other_event)
		fd = event_open(c, 0);
	CHECK_RET(c, io_request(c, vm, fd, &row->second), row->want_second);
}

static void closed_event(struct conform *c)
{
	struct io_args args = {.addr = 0x1000, .len = 4};
	int vm = vm_new(c, VM_BARE), fd = event_open(c, 0);

	CHECK_RET(c, io_request(c, vm, fd, &args), 0);
	fd_close(c, fd);
	/* It is there still, though nobody can name it. */
	CHECK_RET(c, io_request(c, vm, event_open(c, 0), &args), -EEXIST);
}

static void same_as_irqfd(struct conform *c)
{
	struct io_args args = {.addr = 0x1000, .len = 4};
	int vm = vm_new(c, VM_FULL), fd = event_open(c, 0);

	CHECK_RET(c, io_request(c, vm, fd, &args), 0);
	CHECK_RET(c, irqfd_assign(c, vm, fd, 5), 0);
	CHECK_RET(c, irqfd_deassign(c, vm, fd, 5), 0);
	args.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	CHECK_RET(c, io_request(c, vm, fd, &args), 0);
}

#define MATCH KVM_IOEVENTFD_FLAG_DATAMATCH
#define PIO KVM_IOEVENTFD_FLAG_PIO
#define DEASSIGN KVM_IOEVENTFD_FLAG_DEASSIGN

#define ONE(name_, rule_, want_, ...)                                          \
	{                                                                      \
		.name = "ioeventfd/" name_, .rule = rule_, .run = run_row,     \
		.row = &(const struct io_row){.first = {__VA_ARGS__},          \
					      .want = want_},                  \
	}
#define FD(name_, rule_, fd_, want_, ...)                                      \
	{                                                                      \
		.name = "ioeventfd/" name_, .rule = rule_, .run = run_row,     \
		.row = &(const struct io_row){                                 \
			.first = {__VA_ARGS__}, .want = want_, .fd = fd_},     \
	}
#define TWO(name_, rule_, other_, want_, first_, ...)                          \
	{                                                                      \
		.name = "ioeventfd/" name_, .rule = rule_, .run = run_row,     \
		.row = &(const struct io_row){.first = first_,                 \
					      .both = true,                    \
					      .second = {__VA_ARGS__},         \
					      .want_second = want_,            \
					      .other_event = other_},          \
	}
#define CASE(name_, run_, rule_)                                               \
	{                                                                      \
		.name = "ioeventfd/" name_, .rule = rule_, .run = run_         \
	}
#define ARGS(...)                                                              \
	{                                                                      \
		__VA_ARGS__                                                    \
	}

#define LENGTH "the length is 0, 1, 2, 4 or 8, else EINVAL"
#define WRAP "address and length must not wrap, else EINVAL"
#define FLAGS "unknown flags are EINVAL"
#define COLLISION                                                              \
	"ioeventfd_check_collision(): the same address is EEXIST if one "      \
	"length is 0, or lengths are equal and data can match both"
#define NO_COLLISION "what cannot match the same write may live side by side"
#define NO_MATCH                                                               \
	"deassign of what is not there, the eventfd included, is ENOENT"

static const struct conform_case cases[] = {
	ONE("length-0", LENGTH, 0, 0x1000, 0),
	ONE("length-1", LENGTH, 0, 0x1000, 1),
	ONE("length-2", LENGTH, 0, 0x1000, 2),
	ONE("length-3", LENGTH, -EINVAL, 0x1000, 3),
	ONE("length-4", LENGTH, 0, 0x1000, 4),
	ONE("length-5", LENGTH, -EINVAL, 0x1000, 5),
	ONE("length-8", LENGTH, 0, 0x1000, 8),
	ONE("length-9", LENGTH, -EINVAL, 0x1000, 9),
	ONE("length-16", LENGTH, -EINVAL, 0x1000, 16),
	ONE("length-largest", LENGTH, -EINVAL, 0x1000, ~0u),
	ONE("wraps", WRAP, -EINVAL, ~UINT64_C(0), 2),
	ONE("wraps-to-zero", WRAP "; up to the very end is fine", 0,
	    ~UINT64_C(7), 4),
	ONE("pio", "the PIO flag makes it a port", 0, 0x80, 1, PIO),
	ONE("flag-virtio-ccw",
	    "KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY is known "
	    "to all: the address is a number on s390's bus",
	    0, 0x1000, 8, KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY),
	ONE("flag-bit-4",
	    "bit 4 is the kernel's own name for a fast MMIO bus: "
	    "known, and without effect",
	    0, 0x1000, 4, 1u << 4),
	ONE("flag-bit-5", FLAGS, -EINVAL, 0x1000, 4, 1u << 5),
	ONE("flag-bit-31", FLAGS, -EINVAL, 0x1000, 4, 1u << 31),
	ONE("datamatch", "DATAMATCH with a length is accepted", 0, 0x1000, 4,
	    MATCH, 7),
	ONE("datamatch-length-0", "DATAMATCH needs a length, else EINVAL",
	    -EINVAL, 0x1000, 0, MATCH),
	FD("fd-minus-one", "a descriptor that is not open is EBADF",
	   FD_MINUS_ONE, -EBADF, 0x1000, 4),
	FD("fd-closed", "a descriptor that is not open is EBADF", FD_CLOSED,
	   -EBADF, 0x1000, 4),
	FD("fd-pipe", "a descriptor that is no eventfd is EINVAL", FD_PIPE,
	   -EINVAL, 0x1000, 4),
	FD("length-before-fd", "lengths are checked before the descriptor",
	   FD_CLOSED, -EINVAL, 0x1000, 3),
	FD("deassign-closed", "deassign needs an open eventfd, else EBADF",
	   FD_CLOSED, -EBADF, 0x1000, 4, DEASSIGN),
	FD("deassign-pipe", "deassign needs an eventfd, else EINVAL", FD_PIPE,
	   -EINVAL, 0x1000, 4, DEASSIGN),
	ONE("deassign-nothing", NO_MATCH, -ENOENT, 0x1000, 4, DEASSIGN),
	ONE("deassign-bad-length", NO_MATCH " (deassign checks no length)",
	    -ENOENT, 0x1000, 3, DEASSIGN),
	TWO("same-twice", COLLISION, false, -EEXIST, ARGS(0x1000, 4), 0x1000,
	    4),
	TWO("other-event", COLLISION, true, -EEXIST, ARGS(0x1000, 4), 0x1000,
	    4),
	TWO("any-length-first", COLLISION, true, -EEXIST, ARGS(0x1000, 0),
	    0x1000, 4),
	TWO("any-length-second", COLLISION, true, -EEXIST, ARGS(0x1000, 4),
	    0x1000, 0),
	TWO("wildcard-and-datamatch", COLLISION, true, -EEXIST, ARGS(0x1000, 4),
	    0x1000, 4, MATCH, 7),
	TWO("datamatch-and-wildcard", COLLISION, true, -EEXIST,
	    ARGS(0x1000, 4, MATCH, 7), 0x1000, 4),
	TWO("same-datamatch", COLLISION, true, -EEXIST,
	    ARGS(0x1000, 4, MATCH, 7), 0x1000, 4, MATCH, 7),
	TWO("other-datamatch", NO_COLLISION, true, 0, ARGS(0x1000, 4, MATCH, 7),
	    0x1000, 4, MATCH, 8),
	TWO("other-length", NO_COLLISION, true, 0, ARGS(0x1000, 4), 0x1000, 2),
	TWO("overlapping", NO_COLLISION, true, 0, ARGS(0x1000, 4), 0x1002, 4),
	TWO("port-and-memory", NO_COLLISION, true, 0, ARGS(0x80, 4), 0x80, 4,
	    PIO),
	TWO("deassign", "deassign of what was assigned is 0", false, 0,
	    ARGS(0x1000, 4), 0x1000, 4, DEASSIGN),
	TWO("deassign-datamatch", "deassign of what was assigned is 0", false,
	    0, ARGS(0x1000, 4, MATCH, 7), 0x1000, 4, MATCH | DEASSIGN, 7),
	TWO("deassign-other-event", NO_MATCH, true, -ENOENT, ARGS(0x1000, 4),
	    0x1000, 4, DEASSIGN),
	TWO("deassign-other-length", NO_MATCH, false, -ENOENT, ARGS(0x1000, 4),
	    0x1000, 2, DEASSIGN),
	TWO("deassign-other-data", NO_MATCH, false, -ENOENT,
	    ARGS(0x1000, 4, MATCH, 7), 0x1000, 4, MATCH | DEASSIGN, 8),
	TWO("deassign-other-bus", NO_MATCH, false, -ENOENT, ARGS(0x80, 4), 0x80,
	    4, PIO | DEASSIGN),
	TWO("deassign-wildcard-of-datamatch", NO_MATCH, false, -ENOENT,
	    ARGS(0x1000, 4, MATCH, 7), 0x1000, 4, DEASSIGN),
	CASE("closed-eventfd-stays", closed_event,
	     "an ioeventfd stays when its eventfd is closed: KVM holds the "
	     "context"),
	CASE("with-irqfd", same_as_irqfd,
	     "one eventfd may be ioeventfd and irqfd"),
};

CONFORM_GROUP(ioeventfd);

// SPDX-License-Identifier: BSD-3-Clause
/*
 * What KVM_IRQFD refuses, and in which order: kvm_irqfd(), kvm_irqfd_assign()
 * and kvm_irqfd_deassign() of virt/kvm/eventfd.c.
 */
#include "cases.h"
#include "fds.h"
#include <errno.h>

struct irqfd_row {
	enum vm_kind vm;
	uint32_t flags;
	enum fd_kind fd, resamplefd;
	uint32_t gsi;
	bool busy; /* the eventfd is bound already, to GSI 5 */
	bool padding; /* is not zero */
	int want;
};

static void run_row(struct conform *c)
{
	const struct irqfd_row *row = c->test->row;
	int vm = vm_new(c, row->vm);
	struct kvm_irqfd args = {.flags = row->flags, .gsi = row->gsi};
	int fd = fd_new(c, row->fd, -1);

	args.fd = (uint32_t)fd;
	args.resamplefd = (uint32_t)fd_new(c, row->resamplefd, fd);
	if (row->padding) {
		for (size_t i = 0; i < sizeof(args.pad); i++)
			args.pad[i] = 0xff;
	}
	if (row->busy)
		CHECK_RET(c, irqfd_assign(c, vm, fd, 5), 0);
	CHECK_RET(c, port_ioctl(c, vm, KVM_IRQFD, &args), row->want);
}

#define ROW(name_, rule_, ...)                                                 \
	{                                                                      \
		.name = "irqfd/" name_, .rule = rule_, .run = run_row,         \
		.row = &(const struct irqfd_row){__VA_ARGS__},                 \
	}

#define DEASSIGN KVM_IRQFD_FLAG_DEASSIGN
#define RESAMPLE KVM_IRQFD_FLAG_RESAMPLE

#define ALLOWED                                                                \
	"assign asks kvm_arch_irqfd_allowed(): a resample irqfd needs the "    \
	"full in-kernel irqchip, any other a local APIC in the kernel, else "  \
	"EINVAL"
#define FLAGS                                                                  \
	"kvm_irqfd() answers EINVAL to any flag but DEASSIGN and RESAMPLE, "   \
	"before it looks at anything else"
#define NOT_OPEN "a descriptor that is not open is EBADF (fdget())"
#define NOT_EVENTFD                                                            \
	"an open descriptor that is no eventfd is EINVAL "                     \
	"(eventfd_ctx_fileget())"
#define ANY_EVENTFD                                                            \
	"any eventfd will do; its own flags do not matter "                    \
	"(eventfd_ctx_fileget())"
#define ANY_GSI                                                                \
	"kvm_irqfd_assign() takes any 32-bit GSI: whether there is a route "   \
	"counts when the eventfd is signalled"
#define ORDER                                                                  \
	"kvm_irqfd_assign() checks in the order allowed, fd, resamplefd, "     \
	"in use already"
#define IGNORED_PAD "the padding of struct kvm_irqfd is never looked at"
#define IDEMPOTENT                                                             \
	"kvm_irqfd_deassign() of an eventfd that is not bound to this GSI "    \
	"is 0"
#define DEASSIGN_FREE                                                          \
	"kvm_irqfd_deassign() asks no irqchip: an eventfd that is open is "    \
	"all it needs"
#define DEASSIGN_RESAMPLE                                                      \
	"with DEASSIGN the RESAMPLE flag and the resamplefd are ignored"

static const struct conform_case cases[] = {
	/* Which VM may have irqfds. */
	ROW("assign-full-irqchip", ALLOWED, VM_FULL),
	ROW("assign-split-irqchip", ALLOWED, VM_SPLIT),
	ROW("assign-no-irqchip", ALLOWED, VM_BARE, .want = -EINVAL),
	ROW("resample-full-irqchip", ALLOWED, VM_FULL, RESAMPLE),
	ROW("resample-split-irqchip", ALLOWED, VM_SPLIT, RESAMPLE,
	    .want = -EINVAL),
	ROW("resample-no-irqchip", ALLOWED, VM_BARE, RESAMPLE, .want = -EINVAL),

	/* Flags. */
	ROW("flag-bit-2", FLAGS, VM_FULL, 1u << 2, .want = -EINVAL),
	ROW("flag-bit-3", FLAGS, VM_FULL, 1u << 3, .want = -EINVAL),
	ROW("flag-bit-16", FLAGS, VM_FULL, 1u << 16, .want = -EINVAL),
	ROW("flag-bit-31", FLAGS, VM_FULL, 1u << 31, .want = -EINVAL),
	ROW("flags-all", FLAGS, VM_FULL, ~0u, .want = -EINVAL),
	ROW("flag-unknown-with-deassign", FLAGS, VM_FULL, DEASSIGN | 1u << 2,
	    .want = -EINVAL),
	ROW("flag-unknown-with-resample", FLAGS, VM_FULL, RESAMPLE | 1u << 2,
	    .want = -EINVAL),
	ROW("flag-unknown-before-bad-fd", FLAGS, VM_FULL, 1u << 2, FD_CLOSED,
	    .want = -EINVAL),
	ROW("flag-unknown-before-bad-fd-deassign", FLAGS, VM_FULL,
	    DEASSIGN | 1u << 2, FD_CLOSED, .want = -EINVAL),

	/* The eventfd. */
	ROW("fd-eventfd-semaphore", ANY_EVENTFD, VM_FULL, 0, FD_SEMAPHORE),
	ROW("fd-eventfd-blocking", ANY_EVENTFD, VM_FULL, 0, FD_BLOCKING),
	ROW("fd-minus-one", NOT_OPEN, VM_FULL, 0, FD_MINUS_ONE, .want = -EBADF),
	ROW("fd-int-max", NOT_OPEN, VM_FULL, 0, FD_INT_MAX, .want = -EBADF),
	ROW("fd-int-min", NOT_OPEN, VM_FULL, 0, FD_INT_MIN, .want = -EBADF),
	ROW("fd-closed", NOT_OPEN, VM_FULL, 0, FD_CLOSED, .want = -EBADF),
	ROW("fd-o-path", NOT_OPEN ", and so is an O_PATH one", VM_FULL, 0,
	    FD_PATH, .want = -EBADF),
	ROW("fd-pipe", NOT_EVENTFD, VM_FULL, 0, FD_PIPE, .want = -EINVAL),
	ROW("fd-socket", NOT_EVENTFD, VM_FULL, 0, FD_SOCKET, .want = -EINVAL),
	ROW("fd-timerfd", NOT_EVENTFD, VM_FULL, 0, FD_TIMER, .want = -EINVAL),
	ROW("fd-signalfd", NOT_EVENTFD, VM_FULL, 0, FD_SIGNAL, .want = -EINVAL),
	ROW("fd-epoll", NOT_EVENTFD, VM_FULL, 0, FD_EPOLL, .want = -EINVAL),
	ROW("fd-dev-null", NOT_EVENTFD, VM_FULL, 0, FD_NULL, .want = -EINVAL),
	ROW("fd-memfd", NOT_EVENTFD, VM_FULL, 0, FD_MEMORY, .want = -EINVAL),
	ROW("fd-directory", NOT_EVENTFD, VM_FULL, 0, FD_DIRECTORY,
	    .want = -EINVAL),
	ROW("fd-dev-kvm", NOT_EVENTFD, VM_FULL, 0, FD_KVM, .want = -EINVAL),
	ROW("fd-vm", NOT_EVENTFD, VM_FULL, 0, FD_VM, .want = -EINVAL),
	ROW("fd-vcpu", NOT_EVENTFD, VM_FULL, 0, FD_VCPU, .want = -EINVAL),

	/* The resamplefd. */
	ROW("resamplefd-semaphore", ANY_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_SEMAPHORE),
	ROW("resamplefd-blocking", ANY_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_BLOCKING),
	ROW("resamplefd-same-as-fd",
	    "nothing forbids one eventfd as both trigger and resamplefd",
	    VM_FULL, RESAMPLE, FD_EVENT, FD_SAME),
	ROW("resamplefd-minus-one", NOT_OPEN, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_MINUS_ONE, .want = -EBADF),
	ROW("resamplefd-int-max", NOT_OPEN, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_INT_MAX, .want = -EBADF),
	ROW("resamplefd-closed", NOT_OPEN, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_CLOSED, .want = -EBADF),
	ROW("resamplefd-o-path", NOT_OPEN, VM_FULL, RESAMPLE, FD_EVENT, FD_PATH,
	    .want = -EBADF),
	ROW("resamplefd-pipe", NOT_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_PIPE, .want = -EINVAL),
	ROW("resamplefd-timerfd", NOT_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_TIMER, .want = -EINVAL),
	ROW("resamplefd-dev-null", NOT_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT,
	    FD_NULL, .want = -EINVAL),
	ROW("resamplefd-vm", NOT_EVENTFD, VM_FULL, RESAMPLE, FD_EVENT, FD_VM,
	    .want = -EINVAL),
	ROW("resamplefd-ignored-without-flag",
	    "without the RESAMPLE flag the resamplefd is not looked at",
	    VM_FULL, 0, FD_EVENT, FD_CLOSED),

	/* The GSI. */
	ROW("gsi-last-of-ioapic", ANY_GSI, VM_FULL, .gsi = 23),
	ROW("gsi-without-route", ANY_GSI, VM_FULL, .gsi = 24),
	ROW("gsi-last-of-table", ANY_GSI, VM_FULL, .gsi = 4095),
	ROW("gsi-beyond-table", ANY_GSI, VM_FULL, .gsi = 4096),
	ROW("gsi-largest", ANY_GSI, VM_FULL, .gsi = ~0u),
	ROW("gsi-largest-resample", ANY_GSI, VM_FULL, RESAMPLE, .gsi = ~0u),
	ROW("gsi-largest-split", ANY_GSI, VM_SPLIT, .gsi = ~0u),

	/* Which of two errors is told. */
	ROW("order-irqchip-before-fd", ORDER, VM_BARE, 0, FD_CLOSED,
	    .want = -EINVAL),
	ROW("order-split-resample-before-fd", ORDER, VM_SPLIT, RESAMPLE,
	    FD_CLOSED, .want = -EINVAL),
	ROW("order-closed-fd-before-resamplefd", ORDER, VM_FULL, RESAMPLE,
	    FD_CLOSED, FD_PIPE, .want = -EBADF),
	ROW("order-pipe-fd-before-resamplefd", ORDER, VM_FULL, RESAMPLE,
	    FD_PIPE, FD_CLOSED, .want = -EINVAL),
	ROW("order-closed-resamplefd-before-busy", ORDER, VM_FULL, RESAMPLE,
	    FD_EVENT, FD_CLOSED, .busy = true, .want = -EBADF),
	ROW("order-pipe-resamplefd-before-busy", ORDER, VM_FULL, RESAMPLE,
	    FD_EVENT, FD_PIPE, .busy = true, .want = -EINVAL),
	ROW("padding-ignored", IGNORED_PAD, VM_FULL, .padding = true),
	ROW("padding-ignored-deassign", IGNORED_PAD, VM_FULL, DEASSIGN,
	    .padding = true),

	/* Deassign. */
	ROW("deassign-never-assigned", IDEMPOTENT, VM_FULL, DEASSIGN),
	ROW("deassign-other-gsi", IDEMPOTENT, VM_FULL, DEASSIGN, .gsi = 6,
	    .busy = true),
	ROW("deassign-gsi-largest", IDEMPOTENT, VM_FULL, DEASSIGN, .gsi = ~0u),
	ROW("deassign-bound", "kvm_irqfd_deassign() of a bound eventfd is 0",
	    VM_FULL, DEASSIGN, .gsi = 5, .busy = true),
	ROW("deassign-no-irqchip", DEASSIGN_FREE, VM_BARE, DEASSIGN),
	ROW("deassign-split-irqchip", DEASSIGN_FREE, VM_SPLIT, DEASSIGN),
	ROW("deassign-minus-one", NOT_OPEN, VM_FULL, DEASSIGN, FD_MINUS_ONE,
	    .want = -EBADF),
	ROW("deassign-closed", NOT_OPEN, VM_FULL, DEASSIGN, FD_CLOSED,
	    .want = -EBADF),
	ROW("deassign-closed-no-irqchip", NOT_OPEN, VM_BARE, DEASSIGN,
	    FD_CLOSED, .want = -EBADF),
	ROW("deassign-o-path", NOT_OPEN, VM_FULL, DEASSIGN, FD_PATH,
	    .want = -EBADF),
	ROW("deassign-pipe", NOT_EVENTFD, VM_FULL, DEASSIGN, FD_PIPE,
	    .want = -EINVAL),
	ROW("deassign-timerfd", NOT_EVENTFD, VM_FULL, DEASSIGN, FD_TIMER,
	    .want = -EINVAL),
	ROW("deassign-vm", NOT_EVENTFD, VM_FULL, DEASSIGN, FD_VM,
	    .want = -EINVAL),
	ROW("deassign-with-resample-flag", DEASSIGN_RESAMPLE, VM_FULL,
	    DEASSIGN | RESAMPLE),
	ROW("deassign-with-resample-flag-split", DEASSIGN_RESAMPLE, VM_SPLIT,
	    DEASSIGN | RESAMPLE),
	ROW("deassign-closed-resamplefd", DEASSIGN_RESAMPLE, VM_FULL,
	    DEASSIGN | RESAMPLE, FD_EVENT, FD_CLOSED),
};

CONFORM_GROUP(irqfd_errno);

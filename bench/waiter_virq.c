// SPDX-License-Identifier: BSD-3-Clause
/*
 * Ours: the eventfd is an irqfd with an MSI route, and the handler is the kick
 * of the vCPU, so the whole way is in: loop, irqfd, routing, local APIC.  The
 * main thread is the vCPU's; it has entered the guest when the event is raised.
 */
#include "waiter.h"
#include "subject.h"

#include <errno.h>
#include <stdlib.h>

#define VECTOR 0x40
/* Long beside the pause between two events: then it polls all the time. */
#define BUSY_POLL_NS 2000000

static void on_kick(void *opaque)
{
	waiter_stamp(opaque);
}

static int virq_open(struct waiter *waiter, enum virq_loop_backend backend,
		     uint64_t busy_poll_ns)
{
	static const struct virq_vcpu_ops ops = {.kick = on_kick};
	struct virq_loop_config config = {
		.backend = backend,
		.max_sources = 16,
		.busy_poll_max_ns = busy_poll_ns,
	};
	struct subject *subject = calloc(1, sizeof(*subject));
	union bench_routes routes = {0};
	int ret;

	if (!subject)
		return -ENOMEM;
	ret = subject_open(subject, &config, &ops, waiter);
	if (ret) {
		free(subject);
		return ret;
	}
	waiter->state = subject;
	bench_routes_add_msis(&routes, VECTOR);
	ret = virq_vm_set_gsi_routing(subject->vm, &routes.head);
	if (!ret)
		ret = subject_irqfd(subject, waiter->fd, BENCH_MSI_GSI, 0);
	return ret;
}

static int open_default(struct waiter *waiter)
{
	return virq_open(waiter, VIRQ_LOOP_AUTO, 0);
}

static int open_epoll(struct waiter *waiter)
{
	return virq_open(waiter, VIRQ_LOOP_EPOLL, 0);
}

static int open_uring(struct waiter *waiter)
{
	return virq_open(waiter, VIRQ_LOOP_IO_URING, 0);
}

static int open_epoll_busy(struct waiter *waiter)
{
	return virq_open(waiter, VIRQ_LOOP_EPOLL, BUSY_POLL_NS);
}

static int open_uring_busy(struct waiter *waiter)
{
	return virq_open(waiter, VIRQ_LOOP_IO_URING, BUSY_POLL_NS);
}

static void virq_close(struct waiter *waiter)
{
	struct subject *subject = waiter->state;

	if (!subject)
		return;
	subject_close(subject);
	free(subject);
}

static void virq_run(struct waiter *waiter)
{
	struct subject *subject = waiter->state;

	virq_loop_run(subject->loop);
}

static void virq_stop(struct waiter *waiter)
{
	struct subject *subject = waiter->state;

	virq_loop_stop(subject->loop);
}

static void virq_arm(struct waiter *waiter)
{
	struct subject *subject = waiter->state;

	virq_vcpu_enter(subject->vcpu);
}

static int virq_settle(struct waiter *waiter)
{
	struct subject *subject = waiter->state;

	virq_vcpu_exit(subject->vcpu);
	if (virq_vcpu_ack(subject->vcpu) != VECTOR)
		return -EPROTO;
	subject_eoi(subject);
	return 0;
}

static int virq_check(struct waiter *waiter)
{
	struct subject *subject = waiter->state;
	struct virq_irqfd_info info;
	int ret = virq_vm_irqfd_query(subject->vm, waiter->fd, &info);

	if (ret)
		return ret;
	return info.delivered == waiter->raised ? 0 : -EPROTO;
}

#define VIRQ_KIND(name, open_fn)                                               \
	const struct waiter_kind name = {                                      \
		.open = open_fn,                                               \
		.close = virq_close,                                           \
		.run = virq_run,                                               \
		.stop = virq_stop,                                             \
		.arm = virq_arm,                                               \
		.settle = virq_settle,                                         \
		.check = virq_check,                                           \
	}

VIRQ_KIND(waiter_virq, open_default);
VIRQ_KIND(waiter_virq_epoll, open_epoll);
VIRQ_KIND(waiter_virq_uring, open_uring);
VIRQ_KIND(waiter_virq_epoll_busy, open_epoll_busy);
VIRQ_KIND(waiter_virq_uring_busy, open_uring_busy);

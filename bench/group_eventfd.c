// SPDX-License-Identifier: BSD-3-Clause
/*
 * What raising an interrupt costs the device: the write to its eventfd.  In a
 * burst the reader is awake, or on its way; after a pause the write has to
 * wake it up.
 */
#include "contest.h"
#include "subject.h"
#include "waiter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ROUNDS 40

enum {
	BARE,
	BURST,
	WAKE_EPOLL,
	WAKE_VIRQ,
	NR_ROWS,
};

struct eventfds {
	int bare;
	int watched;
	struct subject subject;
	struct waiter epoll;
	struct waiter virq;
};

static int write_batch(void *state, unsigned int ops)
{
	const uint64_t one = 1;
	const int *fd = state;

	for (unsigned int i = 0; i < ops; i++) {
		if (write(*fd, &one, sizeof(one)) != sizeof(one))
			return -errno;
	}
	return 0;
}

static int sample_write(void *arg, const struct waiter_times *times)
{
	return contender_sample(arg, (double)times->write_ns);
}

static int wake_turn(struct contender *c)
{
	return waiter_turn(c->state, sample_write, c);
}

static int watch(struct subject *subject, int fd)
{
	union bench_routes routes = {0};
	int ret = subject_open(subject, NULL, NULL, NULL);

	if (ret)
		return ret;
	bench_routes_add_msis(&routes, 0x40);
	ret = virq_vm_set_gsi_routing(subject->vm, &routes.head);
	if (!ret)
		ret = subject_irqfd(subject, fd, BENCH_MSI_GSI, 0);
	if (!ret)
		ret = subject_start(subject);
	return ret;
}

static void open_burst(struct contender *c, int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		contender_fail(c, "eventfd: %s", strerror(errno));
	c->state = fd;
	c->batch = write_batch;
	c->ops = 64;
	c->batches = 100;
}

static void open_wake(struct contender *c, struct waiter *waiter,
		      const struct waiter_kind *kind)
{
	int ret = waiter_open(waiter, kind);

	c->turn = wake_turn;
	if (ret)
		contender_fail(c, "cannot be made: %s", strerror(-ret));
	else
		c->state = waiter;
}

static void open_all(struct contender *contenders, struct eventfds *fds)
{
	open_burst(&contenders[BARE], &fds->bare);
	open_burst(&contenders[BURST], &fds->watched);
	if (fds->watched >= 0) {
		int ret = watch(&fds->subject, fds->watched);

		if (ret)
			contender_fail(&contenders[BURST], "virq: %s",
				       strerror(-ret));
		else
			snprintf(contenders[BURST].note, BENCH_TEXT_LEN,
				 "watched by the %s loop",
				 subject_loop_name(&fds->subject));
	}
	contenders[BURST].peer = &contenders[BARE];
	open_wake(&contenders[WAKE_EPOLL], &fds->epoll, &waiter_epoll);
	open_wake(&contenders[WAKE_VIRQ], &fds->virq, &waiter_virq);
	contenders[WAKE_VIRQ].peer = &contenders[WAKE_EPOLL];
}

int bench_eventfd(struct bench *bench)
{
	struct contender contenders[NR_ROWS] = {
		[BARE] = {.name = "eventfd write, nobody waits"},
		[BURST] = {.name = "virq irqfd write, burst"},
		[WAKE_EPOLL] = {.name = "eventfd write, wakes an epoll thread"},
		[WAKE_VIRQ] = {.name = "virq irqfd write, wakes the loop"},
	};
	struct eventfds fds = {0};
	int ret;

	open_all(contenders, &fds);
	ret = contest_run(bench, contenders, NR_ROWS, ROUNDS);
	if (!ret)
		ret = contest_report(bench, contenders, NR_ROWS);
	contest_free(contenders, NR_ROWS);
	if (contenders[WAKE_EPOLL].state)
		waiter_close(&fds.epoll);
	if (contenders[WAKE_VIRQ].state)
		waiter_close(&fds.virq);
	subject_close(&fds.subject);
	if (fds.bare >= 0)
		close(fds.bare);
	if (fds.watched >= 0)
		close(fds.watched);
	return ret;
}

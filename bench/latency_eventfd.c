// SPDX-License-Identifier: BSD-3-Clause
/*
 * eventfd.blocked and eventfd.spinning.  Three parties, the device, the loop
 * and the vCPU, and two CPUs: the loop has one, device and vCPU share the
 * other and a thread.  Where each has its own, the way is the same: the write
 * goes from one CPU to the loop's, the delivery from there to another.  That
 * the vCPU begins to look only when the write has returned makes no
 * difference: the loop is not there yet.
 */
#include "latency.h"
#include "cpus.h"
#include "core/clock.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WARM_UP 20
#define EVENTS 150 /* a turn */
/* A loop that blocks has gone to sleep by then. */
#define PAUSE_NS 20000
/* Long beside the pause between two events: then it polls all the time. */
#define BUSY_POLL_NS 2000000

static int take_event(struct latency_eventfd *eventfd, double *ns)
{
	const uint64_t one = 1;
	uint64_t begun_at = now_ns();
	uint64_t acked_at;
	int ret;

	if (write(eventfd->rig.fds[0], &one, sizeof(one)) != sizeof(one))
		return -errno;
	eventfd->raised++;
	ret = rig_await(&eventfd->rig, RIG_VECTOR, &acked_at);
	if (!ret)
		*ns = (double)(acked_at - begun_at) - contest_clock_ns();
	return ret;
}

static int check_delivered(const struct latency_eventfd *eventfd)
{
	struct virq_irqfd_info info;
	int ret = virq_vm_irqfd_query(eventfd->rig.subject.vm,
				      eventfd->rig.fds[0], &info);

	if (ret)
		return ret;
	return info.delivered == eventfd->raised ? 0 : -EPROTO;
}

static int eventfd_turn(struct contender *c)
{
	struct latency_eventfd *eventfd = c->state;
	int ret = subject_start(&eventfd->rig.subject);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < WARM_UP + EVENTS && !ret; i++) {
		double ns = 0;

		cpus_pause(PAUSE_NS);
		ret = take_event(eventfd, &ns);
		if (!ret && i >= WARM_UP)
			ret = contender_sample(c, ns);
	}
	subject_stop(&eventfd->rig.subject);
	return ret ? ret : check_delivered(eventfd);
}

void latency_eventfd_open(struct latency_eventfd *eventfd, struct contender *c,
			  bool spinning)
{
	struct virq_loop_config config = {
		.max_sources = 16,
		.busy_poll_max_ns = spinning ? BUSY_POLL_NS : 0,
	};
	char why[BENCH_TEXT_LEN];

	*eventfd = (struct latency_eventfd){0};
	c->state = eventfd;
	c->turn = eventfd_turn;
	if (!cpus_two())
		contender_fail(c, "needs two CPUs");
	else if (rig_open(&eventfd->rig, RIG_EVENTFD, 1, &config, why,
			  sizeof(why)))
		contender_fail(c, "%s", why);
	else
		snprintf(c->note, sizeof(c->note), "the %s loop",
			 subject_loop_name(&eventfd->rig.subject));
}

void latency_eventfd_close(struct latency_eventfd *eventfd)
{
	rig_close(&eventfd->rig);
}

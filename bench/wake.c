// SPDX-License-Identifier: BSD-3-Clause
#include "wake.h"
#include "contest.h"
#include "cpus.h"
#include "patience.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WARM_UP 10
#define PAUSE_NS 30000

int wake_open(struct wake *wake, enum rig_kind kind, char *why, size_t size)
{
	int ret = rig_open(&wake->rig, kind, 1, NULL, why, size);

	if (ret || kind != RIG_SHM)
		return ret;
	ret = rig_open_poster(&wake->rig, &wake->poster);
	if (ret)
		snprintf(why, size, "no page: %s", strerror(-ret));
	return ret;
}

void wake_close(struct wake *wake)
{
	if (wake->poster.page)
		virq_poster_close(&wake->poster);
	rig_close(&wake->rig);
}

/* The device.  0 or a negative errno. */
static int raise_it(struct wake *wake)
{
	const uint64_t one = 1;

	switch (wake->rig.kind) {
	case RIG_EVENTFD:
		return write(wake->rig.fds[0], &one, sizeof(one)) == sizeof(one)
			       ? 0
			       : -errno;
	case RIG_POSTED:
		return virq_source_raise(wake->rig.sources[0]) == 1 ? 0
								    : -EPROTO;
	case RIG_SHM:
		return virq_poster_raise(&wake->poster, 0) == 1 ? 0 : -EPROTO;
	}
	return -EINVAL;
}

/* The vCPU's thread. */
static void *sleep_and_ack(void *arg)
{
	struct wake *wake = arg;
	struct virq_vcpu *vcpu = wake->rig.subject.vcpu;

	while (!atomic_load(&wake->stop)) {
		uint64_t at;

		virq_vcpu_block(vcpu, UINT64_MAX);
		if (virq_vcpu_ack(vcpu) < 0)
			continue;
		at = now_ns();
		subject_eoi(&wake->rig.subject);
		/* Release: the vCPU is done with it.  Pairs with event(). */
		atomic_store_explicit(&wake->acked_at, at,
				      memory_order_release);
	}
	return NULL;
}

static int event(struct wake *wake, double *ns)
{
	struct patience patience = {0};
	uint64_t begun_at, acked_at;
	int ret;

	/* Relaxed: the raise orders it before the ack. */
	atomic_store_explicit(&wake->acked_at, 0, memory_order_relaxed);
	begun_at = now_ns();
	ret = raise_it(wake);
	if (ret)
		return ret;
	/* Acquire: pairs with sleep_and_ack(). */
	while (!(acked_at = atomic_load_explicit(&wake->acked_at,
						 memory_order_acquire))) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
		cpus_relax();
	}
	*ns = (double)acked_at - (double)begun_at - contest_clock_ns();
	return 0;
}

int wake_turn(struct wake *wake, unsigned int events,
	      int (*sample)(void *arg, double ns), void *arg)
{
	int ret = subject_start(&wake->rig.subject);

	atomic_store(&wake->stop, false);
	if (ret)
		return ret;
	ret = cpus_thread(&wake->thread, sleep_and_ack, wake);
	if (ret)
		goto out;
	for (unsigned int i = 0; i < WARM_UP + events && !ret; i++) {
		double ns = 0;

		cpus_pause(PAUSE_NS);
		ret = event(wake, &ns);
		if (!ret && i >= WARM_UP)
			ret = sample(arg, ns);
	}
	atomic_store(&wake->stop, true);
	virq_vcpu_kick(wake->rig.subject.vcpu);
	pthread_join(wake->thread, NULL);
out:
	subject_stop(&wake->rig.subject);
	return ret;
}

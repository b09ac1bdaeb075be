// SPDX-License-Identifier: BSD-3-Clause
#include "rig.h"
#include "patience.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int route_all(struct rig *rig, unsigned int nr)
{
	union bench_routes routes = {0};

	bench_routes_add_messages(&routes, RIG_VECTOR, nr);
	return virq_vm_set_gsi_routing(rig->subject.vm, &routes.head);
}

/* Interrupt @i: its eventfd, what raises it, and its irqfd. */
static int add_interrupt(struct rig *rig, unsigned int i)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int ret = 0;

	if (fd < 0)
		return -errno;
	rig->fds[i] = fd;
	rig->nr = i + 1;
	if (rig->kind == RIG_POSTED)
		ret = virq_source_create(fd, (int)i, 0, &rig->sources[i]);
	else if (rig->kind == RIG_SHM)
		ret = virq_shm_source_set_eventfd(rig->shm, i, fd, (int)i, 0);
	if (!ret)
		ret = subject_irqfd(&rig->subject, fd, BENCH_MSI_GSI + i, 0);
	return ret;
}

static int check_posted(const struct rig *rig, char *why, size_t size)
{
	for (unsigned int i = 0; i < rig->nr; i++) {
		struct virq_irqfd_info info;
		int ret = virq_vm_irqfd_query(rig->subject.vm, rig->fds[i],
					      &info);

		if (ret)
			return ret;
		if (info.bypass == VIRQ_BYPASS_STATE_POSTED)
			continue;
		snprintf(why, size, "not posted but %s: %s",
			 virq_bypass_state_name(info.bypass),
			 virq_bypass_reason_text(info.reason));
		return -EPROTO;
	}
	return 0;
}

int rig_open(struct rig *rig, enum rig_kind kind, unsigned int nr,
	     const struct virq_loop_config *loop, char *why, size_t size)
{
	int ret;

	why[0] = '\0';
	*rig = (struct rig){.kind = kind};
	ret = subject_open(&rig->subject, loop, NULL, NULL);
	if (!ret)
		ret = route_all(rig, nr);
	if (!ret && kind == RIG_SHM)
		ret = virq_shm_source_create(rig->subject.loop, nr, &rig->shm);
	for (unsigned int i = 0; i < nr && !ret; i++)
		ret = add_interrupt(rig, i);
	if (!ret && kind != RIG_EVENTFD)
		ret = check_posted(rig, why, size);
	if (ret && !why[0])
		snprintf(why, size, "cannot be made: %s", strerror(-ret));
	if (ret)
		rig_close(rig);
	return ret;
}

void rig_close(struct rig *rig)
{
	for (unsigned int i = 0; i < rig->nr; i++)
		virq_source_destroy(rig->sources[i]);
	if (rig->shm)
		virq_shm_source_destroy(rig->shm);
	subject_close(&rig->subject);
	for (unsigned int i = 0; i < rig->nr; i++)
		close(rig->fds[i]);
	*rig = (struct rig){0};
}

int rig_open_poster(struct rig *rig, struct virq_poster *poster)
{
	struct virq_poster opened;
	int ends[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	ret = virq_shm_source_send(rig->shm, ends[0]);
	if (!ret)
		ret = virq_poster_open(&opened, ends[1]);
	if (!ret)
		*poster = opened;
	close(ends[0]);
	close(ends[1]);
	return ret;
}

void rig_count(const struct rig *rig, struct virq_source_info *sum)
{
	*sum = (struct virq_source_info){0};
	for (unsigned int i = 0; i < rig->nr; i++) {
		struct virq_source_info info = {0};

		if (rig->kind == RIG_SHM)
			virq_shm_source_query(rig->shm, i, &info);
		else
			virq_source_query(rig->sources[i], &info);
		sum->posted += info.posted;
		sum->coalesced += info.coalesced;
		sum->signalled += info.signalled;
		sum->held += info.held;
	}
}

int rig_await(struct rig *rig, unsigned int vector, uint64_t *at)
{
	struct virq_vcpu *vcpu = rig->subject.vcpu;
	struct patience patience = {0};
	int acked;

	while (!(virq_vcpu_pending(vcpu) & VIRQ_EVENT_INTR)) {
		if (patience_ends(&patience))
			return -ETIMEDOUT;
	}
	acked = virq_vcpu_ack(vcpu);
	*at = now_ns();
	subject_eoi(&rig->subject);
	return acked == (int)vector ? 0 : -EPROTO;
}

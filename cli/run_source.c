// SPDX-License-Identifier: BSD-3-Clause
#include "device_process.h"
#include "run_source.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Refused, and nobody insists: one that only signals its eventfd. */
static bool may_fall_back(int error, const struct run_source_wires *wires)
{
	return error && !wires->strict && error != -EMFILE && error != -ENOMEM;
}

static int create_edge(struct run_source *source,
		       const struct run_source_wires *wires)
{
	int ret =
		virq_source_create(wires->irq_fd, wires->irq, 0, &source->edge);

	if (may_fall_back(ret, wires))
		ret = virq_source_create(wires->irq_fd, wires->irq,
					 VIRQ_SOURCE_NO_BYPASS, &source->edge);
	return ret;
}

/*
 * The device's own thread drives the loop of its line source, so that it hears
 * of the guest's EOI and knows each signal that it makes.
 */
static int create_line(struct run_source *source,
		       const struct run_source_wires *wires)
{
	const struct virq_loop_config config = {
		.backend = VIRQ_LOOP_EPOLL,
		.max_sources = 1,
	};
	int ret = virq_loop_create(&config, &source->line_loop);

	if (!ret)
		ret = virq_line_source_create(source->line_loop, wires->irq_fd,
					      wires->resample_fd, wires->irq,
					      &source->line);
	return ret;
}

int run_source_send_page(struct run_source *source)
{
	int fds[2];
	int ret;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	ret = virq_shm_source_send(source->shm, fds[0]);
	close(fds[0]);
	if (!ret)
		return fds[1];
	close(fds[1]);
	return ret;
}

/*
 * The guest's ack of a device is a write to a register that is kept here, so it
 * is here that the line goes down: before the guest goes on to its EOI, which a
 * process that hears of the ack may not.  The page is taken as a device takes
 * it, by a socket; no device has it yet.
 */
static int create_shm_line(struct run_source *source,
			   const struct run_source_wires *wires)
{
	int ret = virq_shm_source_set_line(source->shm, DEVICE_SHM_VECTOR,
					   wires->irq_fd, wires->resample_fd,
					   wires->irq);
	int page;

	if (ret)
		return ret;
	page = run_source_send_page(source);
	if (page < 0)
		return page;
	ret = virq_poster_open(&source->poster, page);
	close(page);
	return ret;
}

static int create_shm(struct run_source *source,
		      const struct device_config *config,
		      const struct run_source_wires *wires)
{
	int ret = virq_shm_source_create(wires->loop, DEVICE_SHM_VECTOR + 1,
					 &source->shm);

	if (ret)
		return ret;
	if (config->kind == VMM_LEVEL)
		return create_shm_line(source, wires);
	ret = virq_shm_source_set_eventfd(source->shm, DEVICE_SHM_VECTOR,
					  wires->irq_fd, wires->irq, 0);
	if (may_fall_back(ret, wires))
		ret = virq_shm_source_set_eventfd(
			source->shm, DEVICE_SHM_VECTOR, wires->irq_fd,
			wires->irq, VIRQ_SOURCE_NO_BYPASS);
	return ret;
}

int run_source_create(struct run_source *source,
		      const struct device_config *config,
		      const struct run_source_wires *wires)
{
	switch (config->path) {
	case PATH_BYPASS:
		return config->kind == VMM_LEVEL ? create_line(source, wires)
						 : create_edge(source, wires);
	case PATH_SHM: return create_shm(source, config, wires);
	case PATH_EVENTFD: break;
	}
	return 0;
}

void run_source_destroy(struct run_source *source)
{
	virq_source_destroy(source->edge);
	virq_line_source_destroy(source->line);
	if (source->line_loop)
		virq_loop_destroy(source->line_loop);
	if (source->poster.page)
		virq_poster_close(&source->poster);
	virq_shm_source_destroy(source->shm);
	*source = (struct run_source){0};
}

static bool edge_raise(void *opaque)
{
	struct run_source *source = opaque;

	virq_source_raise(source->edge);
	return true;
}

static bool line_raise(void *opaque)
{
	struct run_source *source = opaque;
	struct virq_line_source_info info;

	virq_line_source_set(source->line, true);
	/* This thread makes all of its signals; what is new is of this call. */
	virq_line_source_query(source->line, &info);
	source->line_seen.signalled = info.signalled;
	return true;
}

static struct device_eoi line_eoi(void *opaque)
{
	struct run_source *source = opaque;
	struct virq_line_source_info seen = source->line_seen;
	struct virq_line_source_info *now = &source->line_seen;

	virq_loop_dispatch(source->line_loop);
	virq_line_source_query(source->line, now);
	return (struct device_eoi){
		.forwarded = now->path == VIRQ_SOURCE_FORWARDED,
		.seen = now->path != VIRQ_SOURCE_FORWARDED &&
			now->completed != seen.completed,
		.raised = (unsigned int)(now->signalled - seen.signalled),
	};
}

struct device_raiser run_source_raiser(struct run_source *source)
{
	if (source->line)
		return (struct device_raiser){
			.raise = line_raise,
			.eoi = line_eoi,
			.opaque = source,
			.eoi_fd = virq_loop_fd(source->line_loop),
		};
	return (struct device_raiser){
		.raise = edge_raise,
		.opaque = source,
		.eoi_fd = -1,
	};
}

/*
 * An ack answers an interrupt of which the source has told the guest, and then
 * it has seen the line up.  Where it has not, KVM has ended an earlier
 * interrupt before its handler ran, and the event that is in the page now is
 * still to be told: taken back, it would never be completed.  So it would if
 * the earlier one was completed, and the device raised, between the look and
 * the fall.
 */
static void ack_shm_line(struct run_source *source)
{
	const struct virq_poster *poster = &source->poster;
	struct virq_line_source_info before, after;

	if (!run_source_query_line(source, &before) || !before.up ||
	    virq_poster_set_line(poster, DEVICE_SHM_VECTOR, false) <= 0 ||
	    !run_source_query_line(source, &after) || after.up ||
	    after.completed == before.completed)
		return;
	/* Relaxed: a count that publishes nothing. */
	atomic_fetch_add_explicit(&source->restored, 1, memory_order_relaxed);
	virq_poster_set_line(poster, DEVICE_SHM_VECTOR, true);
}

void run_source_acked(struct run_source *source)
{
	if (source->line)
		virq_line_source_set(source->line, false);
	else if (source->poster.page)
		ack_shm_line(source);
}

bool run_source_query(const struct run_source *source,
		      struct virq_source_info *info)
{
	struct virq_line_source_info line;

	if (source->edge)
		virq_source_query(source->edge, info);
	else if (!source->shm || run_source_query_line(source, &line) ||
		 virq_shm_source_query(source->shm, DEVICE_SHM_VECTOR, info))
		return false;
	return true;
}

bool run_source_query_line(const struct run_source *source,
			   struct virq_line_source_info *info)
{
	if (source->line)
		virq_line_source_query(source->line, info);
	else if (!source->shm || virq_shm_source_query_line(
					 source->shm, DEVICE_SHM_VECTOR, info))
		return false;
	return true;
}

uint64_t run_source_again(const struct run_source *source)
{
	struct virq_line_source_info line;

	if (!run_source_query_line(source, &line))
		return 0;
	/* What a line of this process signals its device has told as raises. */
	if (source->line && line.path != VIRQ_SOURCE_FORWARDED)
		return 0;
	/* Relaxed: the guest is idle. */
	return line.again +
	       atomic_load_explicit(&source->restored, memory_order_relaxed);
}

// SPDX-License-Identifier: BSD-3-Clause
#include "device_process.h"
#include "run_source.h"

#include <errno.h>

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

static int create_shm(struct run_source *source,
		      const struct run_source_wires *wires)
{
	int ret = virq_shm_source_create(wires->loop, DEVICE_SHM_VECTOR + 1,
					 &source->shm);

	if (ret)
		return ret;
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
	case PATH_SHM: return create_shm(source, wires);
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
	if (source->shm)
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

	if (virq_loop_dispatch(source->line_loop) <= 0)
		return (struct device_eoi){0};
	virq_line_source_query(source->line, now);
	return (struct device_eoi){
		.seen = now->completed != seen.completed,
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

void run_source_acked(struct run_source *source)
{
	if (source->line)
		virq_line_source_set(source->line, false);
}

bool run_source_query(const struct run_source *source,
		      struct virq_source_info *info)
{
	if (source->edge)
		virq_source_query(source->edge, info);
	else if (!source->shm ||
		 virq_shm_source_query(source->shm, DEVICE_SHM_VECTOR, info))
		return false;
	return true;
}

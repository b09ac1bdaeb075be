// SPDX-License-Identifier: BSD-3-Clause
/*
 * Line sources: a level-triggered device's half of a resample irqfd.
 *
 * The chip keeps the line up from a signal until the guest completes the
 * interrupt, lowers it, and tells by the resamplefd; if the device's line is
 * still up then, it signals again.  The level is the only state.  A set(up) may
 * therefore signal while the chip's line is up already, which changes nothing
 * there; whether it is up this side cannot know, for the guest may have been
 * reset or the irqfd assigned anew, and a level must never get lost.
 *
 * A line source is a producer, too, so that its irqfd shows the connection; a
 * level cannot be posted.
 */
#include "line_source.h"
#include <errno.h>
#include <stdlib.h>
#include <urcu/compiler.h>

/* lock held */
static void line_signal(struct virq_line_source *line)
{
	line->signalled++;
	eventfd_signal(&line->eventfd);
}

static void line_resampled(struct loop_source *resample)
{
	struct virq_line_source *line =
		caa_container_of(resample, struct virq_line_source, resample);

	spin_lock(&line->lock);
	line->completed++;
	if (line->up)
		line_signal(line);
	spin_unlock(&line->lock);
}

void virq_line_source_set(struct virq_line_source *line, bool up)
{
	spin_lock(&line->lock);
	if (up && !line->up)
		line_signal(line);
	line->up = up;
	spin_unlock(&line->lock);
}

void virq_line_source_query(struct virq_line_source *line,
			    struct virq_line_source_info *info)
{
	spin_lock(&line->lock);
	info->up = line->up;
	info->signalled = line->signalled;
	info->completed = line->completed;
	spin_unlock(&line->lock);
}

static int line_watch(struct virq_line_source *line, int resamplefd)
{
	struct virq_eventfd_info info;
	int rc = eventfd_get(-1, resamplefd, &info);

	if (rc)
		return rc;
	/* One eventfd as both would ask again for what it has just signalled. */
	rc = info.id == line->eventfd_id
		     ? -EINVAL
		     : loop_add(line->loop, &line->resample, resamplefd, &info);
	eventfd_put(info.id);
	return rc;
}

static void line_unwatch(struct virq_line_source *line)
{
	loop_remove_start(line->loop, &line->resample);
	loop_remove_finish(line->loop, &line->resample);
}

int virq_line_source_create(struct virq_loop *loop, int fd, int resamplefd,
			    int irq, struct virq_line_source **out)
{
	struct virq_line_source *line = calloc(1, sizeof(*line));
	struct virq_eventfd_info info;
	int rc;

	if (!line)
		return -ENOMEM;
	spin_init(&line->lock);
	line->loop = loop;
	line->resample.fire = line_resampled;
	rc = eventfd_get(-1, fd, &info);
	if (rc)
		goto out_line;
	line->eventfd_id = info.id;
	rc = eventfd_signal_init(&line->eventfd, fd);
	if (rc)
		goto out_put;
	rc = line_watch(line, resamplefd);
	if (rc)
		goto out_signal;
	rc = virq_bypass_register_producer(&line->producer, &info, irq);
	if (rc)
		goto out_watch;
	atomic_fetch_add(&loop->users, 1);
	*out = line;
	return 0;

out_watch:
	line_unwatch(line);
out_signal:
	eventfd_signal_fini(&line->eventfd);
out_put:
	eventfd_put(info.id);
out_line:
	free(line);
	return rc;
}

void virq_line_source_destroy(struct virq_line_source *line)
{
	if (!line)
		return;
	/* First: the last resample that the removal finds asks for nothing. */
	virq_line_source_set(line, false);
	virq_bypass_unregister_producer(&line->producer);
	line_unwatch(line);
	eventfd_signal_fini(&line->eventfd);
	eventfd_put(line->eventfd_id);
	atomic_fetch_sub(&line->loop->users, 1);
	free(line);
}

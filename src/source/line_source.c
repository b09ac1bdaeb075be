// SPDX-License-Identifier: BSD-3-Clause
/*
 * Line sources: a level-triggered device's half of a forwarded interrupt or of
 * a resample irqfd.
 *
 * The level is the only state.  Forwarded, it is told to the back end, which
 * asks again when the guest has completed the interrupt: the physical interrupt
 * is active from the moment at which that makes the virtual one pending until
 * the guest deactivates it, and the back end alone knows which it is.
 *
 * By the eventfd, the chip keeps the line up from a signal until the guest
 * completes the interrupt, lowers it, and tells by the resamplefd; if the
 * device's line is still up then, it signals again.  A set(up) may therefore
 * signal while the chip's line is up already, which changes nothing there;
 * whether it is up this side cannot know, for the guest may have been reset or
 * the irqfd assigned anew, and a level must never get lost.
 *
 * The same holds when the way changes: what was told on the old one may have
 * come to nothing, so a level that is up is told on the new one.  A completion
 * is told on one of them, and either asks for the level again.
 */
#include "line_source.h"
#include <errno.h>
#include <stdlib.h>
#include <urcu/compiler.h>

/* lock held */
static void line_raise(struct virq_line_source *line)
{
	if (line->forward) {
		if (line->forward->set_level(line->forward, true) > 0)
			line->forwarded++;
		return;
	}
	line->signalled++;
	eventfd_signal(&line->eventfd);
}

/* lock held */
static void line_lower(struct virq_line_source *line)
{
	/* Who goes by the eventfd cannot take a signal back. */
	if (line->forward)
		line->forward->set_level(line->forward, false);
}

/* lock held */
static void line_set(struct virq_line_source *line, bool up)
{
	if (up && !line->up)
		line_raise(line);
	else if (!up && line->up)
		line_lower(line);
	line->up = up;
}

static void line_completed(struct virq_line_source *line)
{
	spin_lock(&line->lock);
	line->completed++;
	if (line->ops && line->ops->look && !line->closed)
		line->up = line->ops->look(line);
	if (line->up) {
		line->again++;
		line_raise(line);
	}
	spin_unlock(&line->lock);
	if (line->ops && line->ops->completed)
		line->ops->completed(line);
}

static void line_resampled(struct loop_source *resample)
{
	line_completed(
		caa_container_of(resample, struct virq_line_source, resample));
}

void virq_line_source_set(struct virq_line_source *line, bool up)
{
	spin_lock(&line->lock);
	line_set(line, up);
	spin_unlock(&line->lock);
}

void line_source_look(struct virq_line_source *line)
{
	spin_lock(&line->lock);
	if (!line->closed)
		line_set(line, line->ops->look(line));
	spin_unlock(&line->lock);
}

void virq_line_source_query(struct virq_line_source *line,
			    struct virq_line_source_info *info)
{
	spin_lock(&line->lock);
	info->up = line->up;
	info->path =
		line->forward ? VIRQ_SOURCE_FORWARDED : VIRQ_SOURCE_EVENTFD;
	info->signalled = line->signalled;
	info->forwarded = line->forwarded;
	info->again = line->again;
	info->completed = line->completed;
	spin_unlock(&line->lock);
}

static struct virq_line_source *line_of(struct virq_bypass_producer *producer)
{
	return caa_container_of(producer, struct virq_line_source, producer);
}

static int line_add_consumer(struct virq_bypass_producer *producer,
			     struct virq_bypass_consumer *consumer)
{
	(void)consumer;
	line_of(producer)->met = true;
	return 0;
}

/*
 * An irqfd has come that knows nothing of what was signalled before it, unless
 * it was told by set_forward() meanwhile.
 */
static void line_start(struct virq_bypass_producer *producer)
{
	struct virq_line_source *line = line_of(producer);

	spin_lock(&line->lock);
	if (line->met && line->up && !line->forward)
		line_raise(line);
	line->met = false;
	spin_unlock(&line->lock);
}

static int line_set_forward(struct virq_bypass_producer *producer,
			    const struct virq_forward *forward)
{
	struct virq_line_source *line = line_of(producer);

	spin_lock(&line->lock);
	if (line->up)
		line_lower(line);
	line->forward = forward;
	if (line->up)
		line_raise(line);
	spin_unlock(&line->lock);
	if (line->ops && line->ops->retarget)
		line->ops->retarget(line, forward ? forward->vcpu : NULL);
	return 0;
}

static void line_deactivated(struct virq_bypass_producer *producer)
{
	line_completed(line_of(producer));
}

static int line_watch(struct virq_line_source *line, int resamplefd)
{
	struct virq_eventfd_info info;
	int rc = eventfd_get(-1, resamplefd, &info);

	if (rc)
		return rc;
	/* One eventfd as both would ask again for what it just signalled. */
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

int line_source_init(struct virq_line_source *line, const struct line_ops *ops,
		     struct virq_loop *loop, int fd, int resamplefd, int irq)
{
	struct virq_eventfd_info info;
	int rc;

	*line = (struct virq_line_source){
		.ops = ops,
		.loop = loop,
		.resample.fire = line_resampled,
		.producer =
			{
				.add_consumer = line_add_consumer,
				.start = line_start,
				.set_forward = line_set_forward,
				.deactivated = line_deactivated,
			},
	};
	spin_init(&line->lock);
	rc = eventfd_get(-1, fd, &info);
	if (rc)
		return rc;
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
	return 0;

out_watch:
	line_unwatch(line);
out_signal:
	eventfd_signal_fini(&line->eventfd);
out_put:
	eventfd_put(info.id);
	return rc;
}

void line_source_fini(struct virq_line_source *line)
{
	/* First: the last resample that the removal finds asks for nothing. */
	spin_lock(&line->lock);
	line->closed = true;
	line_set(line, false);
	spin_unlock(&line->lock);
	/* No deactivation is told any more when this has returned. */
	virq_bypass_unregister_producer(&line->producer);
	line_unwatch(line);
	eventfd_signal_fini(&line->eventfd);
	eventfd_put(line->eventfd_id);
	atomic_fetch_sub(&line->loop->users, 1);
}

int virq_line_source_create(struct virq_loop *loop, int fd, int resamplefd,
			    int irq, struct virq_line_source **out)
{
	struct virq_line_source *line = malloc(sizeof(*line));
	int rc;

	if (!line)
		return -ENOMEM;
	rc = line_source_init(line, NULL, loop, fd, resamplefd, irq);
	if (rc)
		free(line);
	else
		*out = line;
	return rc;
}

void virq_line_source_destroy(struct virq_line_source *line)
{
	if (!line)
		return;
	line_source_fini(line);
	free(line);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Line sources inside: a level, and the way by which the guest hears of it and
 * its completion comes back.  One may be embedded in a larger object.
 *
 * Lock: line->lock, held over one signal or one set_level() of a back end,
 * which never sleep, and so over the kick callback of a vCPU; under the lock of
 * the loop's slot when a resample comes by the loop, over the back end's own,
 * which are leaves.  It makes set, completion and the change of the way one
 * after the other: once set(down) has returned nothing is told until the next
 * set(up).
 */
#ifndef VIRQ_SOURCE_LINE_SOURCE_H
#define VIRQ_SOURCE_LINE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <virq/source.h>
#include "core/eventfd.h"
#include "core/loop.h"
#include "core/spinlock.h"

struct virq_line_source;

/* What the owner of a line that is embedded wants to know; each may be NULL. */
struct line_ops {
	/* The level now, where set() does not tell all.  Lock held. */
	bool (*look)(struct virq_line_source *line);
	/* The guest completed it.  No lock; any thread; does not block. */
	void (*completed)(struct virq_line_source *line);
	/*
	 * Whom it is likely to interrupt by itself from now on; NULL: it goes
	 * by the eventfd.  As source_init()'s retarget.
	 */
	void (*retarget)(struct virq_line_source *line, struct virq_vcpu *vcpu);
};

struct virq_line_source {
	struct spinlock lock;
	bool up;
	bool closed; /* being destroyed: it stays down */
	bool met; /* between add_consumer and start */
	const struct virq_forward *forward; /* NULL: by the eventfd */
	uint64_t signalled;
	uint64_t forwarded;
	uint64_t again;
	uint64_t completed;
	const struct line_ops *ops;
	struct eventfd_signal eventfd;
	uint64_t eventfd_id;
	struct virq_loop *loop;
	struct loop_source resample;
	struct virq_bypass_producer producer;
};

/*
 * line_source_init - as virq_line_source_create(), in the owner's memory, with
 * the line down.  line_source_fini pairs with a success.
 * line_source_look - the level may have changed: as virq_line_source_set() with
 * what ops->look answers.
 */
int line_source_init(struct virq_line_source *line, const struct line_ops *ops,
		     struct virq_loop *loop, int fd, int resamplefd, int irq);
void line_source_fini(struct virq_line_source *line);
void line_source_look(struct virq_line_source *line);

#endif

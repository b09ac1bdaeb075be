// SPDX-License-Identifier: BSD-3-Clause
/*
 * Lines of a page: vectors whose level is a bit that the device sets and clears
 * (virq/poster.h, LINES).
 *
 * Each is a line source whose level is looked at in the page when its vector's
 * bit is taken, and when the guest has completed the interrupt.  The device can
 * have it up for ever, or wave it about: each look is one load, and what comes
 * of it at most one interrupt for each completion by the guest, or one signal
 * for each look.  A completion costs the vCPU's thread one signal at most, and
 * that never blocks.
 *
 * shm->lines is written by control calls, read under RCU.
 */
#include "shm.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <urcu/compiler.h>
#include "core/rcu.h"

static struct shm_line *line_of(struct virq_line_source *base)
{
	return caa_container_of(base, struct shm_line, base);
}

static uint64_t line_bit(const struct shm_line *line)
{
	return UINT64_C(1) << line->number;
}

/* b and c: seq_cst, after the vector's bit was taken. */
static bool look(struct virq_line_source *base)
{
	const struct shm_line *line = line_of(base);

	return __atomic_load_n(&line->shm->page->line_level, __ATOMIC_SEQ_CST) &
	       line_bit(line);
}

static void completed(struct virq_line_source *base)
{
	const struct shm_line *line = line_of(base);
	struct virq_poster_page *page = line->shm->page;
	const uint64_t bit = line_bit(line);

	/* d */
	__atomic_fetch_or(&page->line_completed, bit, __ATOMIC_SEQ_CST);
	/* e; a look first, because most do not want it. */
	if (caa_likely(!(__atomic_load_n(&page->line_wanted, __ATOMIC_SEQ_CST) &
			 bit)))
		return;
	if (__atomic_fetch_and(&page->line_wanted, ~bit, __ATOMIC_SEQ_CST) &
	    bit)
		eventfd_signal(&line->shm->completion);
}

static void retarget(struct virq_line_source *base, struct virq_vcpu *vcpu)
{
	const struct shm_line *line = line_of(base);

	shm_rehome(line->shm, line->number, vcpu);
}

static const struct line_ops shm_line_ops = {
	.look = look,
	.completed = completed,
	.retarget = retarget,
};

struct shm_line *shm_line_find(const struct virq_shm_source *shm,
			       uint32_t vector)
{
	return vector < VIRQ_POSTER_MAX_LINES ? rcu_load(shm->lines[vector])
					      : NULL;
}

void shm_lines_look(struct virq_shm_source *shm)
{
	rcu_lock();
	for (uint32_t i = 0; i < VIRQ_POSTER_MAX_LINES; i++) {
		struct shm_line *line = shm_line_find(shm, i);

		if (line)
			line_source_look(&line->base);
	}
	rcu_unlock();
}

static int completion_create(struct virq_shm_source *shm)
{
	int fd, rc;

	if (shm->completion.fd >= 0)
		return 0;
	/* O_NONBLOCK for the device's sake; we do not depend on it. */
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	rc = eventfd_signal_init(&shm->completion, fd);
	close(fd);
	return rc;
}

static void line_remove(struct virq_shm_source *shm, uint32_t vector)
{
	struct shm_line *line = shm->lines[vector];

	if (!line)
		return;
	rcu_store(shm->lines[vector], NULL);
	/* Nobody looks who has found it. */
	rcu_synchronize();
	line_source_fini(&line->base);
	free(line);
}

int virq_shm_source_set_line(struct virq_shm_source *shm, uint32_t vector,
			     int fd, int resamplefd, int irq)
{
	struct shm_line *line;
	int rc;

	if (vector >= shm->nr_vectors || vector >= VIRQ_POSTER_MAX_LINES)
		return -EINVAL;
	if (shm->vectors[vector].source.eventfd.fd >= 0)
		return -EBUSY;
	line_remove(shm, vector);
	if (fd == -1)
		return 0;
	rc = completion_create(shm);
	if (rc)
		return rc;
	line = calloc(1, sizeof(*line));
	if (!line)
		return -ENOMEM;
	line->shm = shm;
	line->number = vector;
	rc = line_source_init(&line->base, &shm_line_ops, shm->loop, fd,
			      resamplefd, irq);
	if (rc) {
		free(line);
		return rc;
	}
	rcu_store(shm->lines[vector], line);
	/* Up already: its bit was taken before, for an edge. */
	line_source_look(&line->base);
	return 0;
}

int virq_shm_source_query_line(struct virq_shm_source *shm, uint32_t vector,
			       struct virq_line_source_info *info)
{
	struct shm_line *line;

	if (vector >= VIRQ_POSTER_MAX_LINES || !shm->lines[vector])
		return -EINVAL;
	line = shm->lines[vector];
	virq_line_source_query(&line->base, info);
	return 0;
}

void shm_lines_destroy(struct virq_shm_source *shm)
{
	for (uint32_t i = 0; i < VIRQ_POSTER_MAX_LINES; i++)
		line_remove(shm, i);
	eventfd_signal_fini(&shm->completion);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared-memory sources inside: the page, its homes, and one edge source a
 * vector.
 *
 * The page (virq/poster.h) is written by a process that is not trusted.  Only
 * bits are read from it, and only bits of granted vectors become raises;
 * everything that decides anything is here.
 *
 *   file         what
 *   shm.c        life and control calls
 *   shm_page.c   the page: taking bits, answering the doorbell, repair
 *   shm_home.c   which descriptor belongs to which vCPU
 *   shm_line.c   vectors that are lines
 *
 * Lock order: a VM's routing mutex > shm->lock > vCPU port lists.  shm->lock
 * is for homes, which change in bypass callbacks; who takes bits needs none,
 * but that of a line.
 */
#ifndef VIRQ_SOURCE_SHM_H
#define VIRQ_SOURCE_SHM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <virq/poster.h>
#include <virq/source.h>
#include "core/eventfd.h"
#include "core/loop.h"
#include "core/vcpu_port.h"
#include "line_source.h"
#include "source.h"

/* The descriptor of those who have no home. */
#define SHM_NO_HOME 0

/* A descriptor that a vCPU looks at by itself; index 0 is never used. */
struct shm_home {
	struct vcpu_port port;
	struct virq_shm_source *shm;
	uint32_t index;
	/* shm->lock */
	struct virq_vcpu *vcpu; /* NULL: free */
	uint32_t nr_vectors; /* that post to it */
	/* The same vectors, for those who take: a hint, hence relaxed. */
	atomic_uint_least64_t vectors[VIRQ_POSTER_WORDS];
	/* The vCPU wants the doorbell; by its thread, read by shm_repair(). */
	atomic_bool on;
};

struct shm_vector {
	struct virq_source source;
	struct virq_shm_source *shm;
	uint32_t number;
	uint32_t home; /* shm->lock */
};

/* A vector whose level is in the page. */
struct shm_line {
	struct virq_line_source base;
	struct virq_shm_source *shm;
	uint32_t number;
};

struct virq_shm_source {
	/* Constant. */
	struct virq_poster_page *page;
	struct virq_loop *loop;
	int memfd;
	struct eventfd_signal doorbell;
	struct loop_source doorbell_watch;
	uint32_t nr_vectors;
	uint64_t granted[VIRQ_POSTER_WORDS];
	struct eventfd_signal completion; /* fd -1 until there is a line */
	struct shm_line *lines[VIRQ_POSTER_MAX_LINES]; /* RCU */
	/*
	 * Bits that a vCPU found in its descriptor though their vectors do not
	 * post to it.  They may need a system call each, which is the loop's
	 * to make: whoever makes a word non-zero rings the doorbell.
	 */
	atomic_uint_least64_t stray[VIRQ_POSTER_WORDS];
	atomic_uint_least64_t refused;
	pthread_mutex_t lock;
	struct shm_home homes[VIRQ_POSTER_MAX_DESCRIPTORS];
	struct shm_vector vectors[]; /* nr_vectors */
};

/* shm_page.c */

/*
 * Write what the device is to find: the header, homes and control words, as a
 * former device may have left them otherwise.  Takes shm->lock.  A shm_take()
 * must follow.
 */
void shm_repair(struct virq_shm_source *shm);

/*
 * Deliver what is in any descriptor, and what is stray: at most one raise a
 * vector.  Any thread; several at once deliver each bit once.
 */
void shm_take(struct virq_shm_source *shm);

/* What a vCPU takes from its home; true if it delivered something. */
bool shm_take_home(struct shm_home *home);

/* Is there a bit of @vector that nobody has taken yet? */
bool shm_untaken(const struct virq_shm_source *shm, uint32_t vector);

/* As vcpu_port.notify. */
void shm_set_notify(struct shm_home *home, bool on);

/* shm_line.c */
/* The line that @vector is, or NULL.  Inside an RCU read-side section. */
struct shm_line *shm_line_find(const struct virq_shm_source *shm,
			       uint32_t vector);
/* All levels may have changed, without a bit. */
void shm_lines_look(struct virq_shm_source *shm);
void shm_lines_destroy(struct virq_shm_source *shm);

/* shm_home.c */
void shm_homes_init(struct virq_shm_source *shm);
/* @vector now interrupts @vcpu by itself, or, NULL, none. */
void shm_rehome(struct virq_shm_source *shm, uint32_t vector,
		struct virq_vcpu *vcpu);
/* The retarget hook of the vectors' sources. */
void shm_retarget(struct virq_source *source, struct virq_vcpu *vcpu);

#endif

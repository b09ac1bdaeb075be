/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Edge sources inside: one may be embedded in a larger object, which gives it
 * an eventfd, and takes it away, as it likes.
 *
 * Where a raise goes is one pointer, the remapping entry, read under RCU:
 *
 *   entry           a raise                         while
 *   source_hold     sets the pending bit            masked, or no eventfd
 *   NULL            signals the eventfd             it is not connected, or
 *                                                   its route is not posted
 *   another         posts into a vCPU               connected and posted
 *
 * Who holds raises back no longer (unmask, a new eventfd) first changes the
 * entry and then takes the pending bit; who has set the pending bit looks at
 * the entry once more.  Whichever of the two takes the bit delivers it.
 *
 * Lock: source->lock, under the VM's routing mutex (set_post comes with it),
 * over nothing.  Not held while the manager or the owner is called.
 */
#ifndef VIRQ_SOURCE_SOURCE_H
#define VIRQ_SOURCE_SOURCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <virq/source.h>
#include "core/eventfd.h"

/* What became of a raise. */
enum source_count {
	SOURCE_POSTED,
	SOURCE_COALESCED,
	SOURCE_SIGNALLED,
	SOURCE_HELD,
	SOURCE_NR_COUNTS,
};

struct virq_source {
	/* What raisers read; changes with the control plane only. */
	_Alignas(64) _Atomic(const struct virq_post *) entry;
	struct eventfd_signal eventfd; /* changed while no entry leads to it */

	/* What raisers write. */
	_Alignas(64) atomic_uint_least64_t counts[SOURCE_NR_COUNTS];
	atomic_bool pending;

	/* The control plane's; atomic for those who only look. */
	_Alignas(64) pthread_mutex_t lock;
	_Atomic(const struct virq_post *) post; /* by set_post */
	atomic_bool masked;
	atomic_bool connected;
	bool ready; /* there is an eventfd, and its registration is done */
	uint64_t eventfd_id; /* while eventfd.fd is not -1 */
	struct virq_bypass_producer producer;
	void (*retarget)(struct virq_source *source, struct virq_vcpu *vcpu);
};

/*
 * source_init - a source without an eventfd: what is raised is held, in the
 * pending bit, until there is one.
 *
 * @retarget (NULL: nobody asks) tells to which vCPU the source now posts, NULL:
 * to none.  It is called when that has changed: inside bypass callbacks, so
 * with the VM's routing mutex held, one call at a time, after the entry was
 * changed.  It may block for a grace period; it must call neither the manager
 * nor the control plane of VM or source.  Masking does not call it: a source
 * that is masked has the vCPU to which it would post.
 *
 * source_stop - hold raises back and disconnect; the vCPU is NULL again then.
 * After a grace period nobody is inside a raise that does otherwise.
 * source_fini - after both, or where nobody ever raised.
 *
 * The struct wants 64-byte alignment: aligned_alloc().
 */
void source_init(struct virq_source *source,
		 void (*retarget)(struct virq_source *source,
				  struct virq_vcpu *vcpu));
void source_stop(struct virq_source *source);
void source_fini(struct virq_source *source);

/*
 * source_set_eventfd - signal @fd while it cannot post, and be registered under
 * @irq with the manager (VIRQ_SOURCE_NO_BYPASS: not); -1: have no eventfd.
 * An eventfd that it had goes first.  What was held meanwhile is delivered at
 * the end, unless it is masked.  On an error it has no eventfd.
 *
 * One call at a time for a source, not from a bypass callback; raises and all
 * public calls may go on meanwhile.  Blocks for a grace period where there was
 * an eventfd.  The caller may close @fd.
 * 0, -EINVAL (flags, no eventfd), -EBADF (any negative @fd but -1 included),
 * -EBUSY, -EMFILE, -ENOMEM, or what refused the connection.
 */
int source_set_eventfd(struct virq_source *source, int fd, int irq,
		       unsigned int flags);

/* virq_source_raise(), inside an RCU read-side section already. */
void source_raise(struct virq_source *source);

#endif

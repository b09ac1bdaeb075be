// SPDX-License-Identifier: BSD-3-Clause
/*
 * Edge sources: a raise, the change of its remapping entry, mask and pending.
 *
 *   a raise, in an RCU read-side section    mask, route, eventfd
 *   R1 load the entry                       C1 change the entry
 *   R2 deliver by it; or, held back:        C2 wait for a grace period
 *   R3 set the pending bit, was set: done   C3 no longer held back: R4 and R5
 *   R4 load the entry again
 *   R5 not held back: take the bit, and R2
 *
 * Nothing is lost: of R3, R4 and C1, C3, all sequentially consistent, either
 * R4 finds the entry changed or C3 finds the bit set.  Nothing is duplicated:
 * one exchange takes the bit.  Nothing goes by the entry that was: C2.
 * tests/models/connect.pml has these steps by these names.
 *
 * Whatever takes an eventfd's counter or a target away comes after C2, here or
 * (routes) in who called set_post.
 *
 * Locks: see source.h.  A raise takes none.
 */
#include "source.h"
#include <errno.h>
#include <stdlib.h>
#include <urcu/compiler.h>
#include "core/rcu.h"

/* No destination, only an address: raises are held back. */
static const struct virq_post source_hold;

static void source_count(struct virq_source *source, enum source_count what)
{
	/* Relaxed: a statistic. */
	atomic_fetch_add_explicit(&source->counts[what], 1,
				  memory_order_relaxed);
}

/* R2, by an entry that does not hold back.  Inside an RCU read-side section. */
static enum source_count source_deliver(struct virq_source *source,
					const struct virq_post *entry)
{
	if (entry)
		return entry->post(entry) ? SOURCE_POSTED : SOURCE_COALESCED;
	eventfd_signal(&source->eventfd);
	return SOURCE_SIGNALLED;
}

/*
 * Deliver the pending bit, unless raises are held back.  Inside an RCU
 * read-side section: who begins to hold them back and then waits for a grace
 * period knows that nothing is delivered here any more.
 */
static void source_release(struct virq_source *source)
{
	/* R4: seq_cst, after R3 or C1; each of these two stores, then looks. */
	const struct virq_post *entry = atomic_load(&source->entry);

	/* R5 */
	if (entry != &source_hold && atomic_exchange(&source->pending, false))
		(void)source_deliver(source, entry);
}

static enum source_count source_set_pending(struct virq_source *source)
{
	/*
	 * R3: an exchange even if it is set, so that whoever takes the bit also
	 * sees what this raiser wrote before.
	 */
	if (atomic_exchange(&source->pending, true))
		return SOURCE_COALESCED;
	source_release(source);
	return SOURCE_HELD;
}

static inline enum source_count raise_once(struct virq_source *source)
{
	/* R1, acquire: pairs with C1; what the entry leads to is there. */
	const struct virq_post *entry =
		atomic_load_explicit(&source->entry, memory_order_acquire);

	if (caa_likely(entry != &source_hold))
		return source_deliver(source, entry);
	return source_set_pending(source);
}

void source_raise(struct virq_source *source)
{
	source_count(source, raise_once(source));
}

int virq_source_raise(struct virq_source *source)
{
	enum source_count what;

	rcu_lock();
	what = raise_once(source);
	rcu_unlock();
	source_count(source, what);
	return what != SOURCE_COALESCED;
}

/* source->lock held: something that the entry depends on has changed. */
static void source_update(struct virq_source *source)
{
	const struct virq_post *entry = &source_hold;

	if (source->ready && !atomic_load(&source->masked))
		entry = atomic_load(&source->post);
	/* C1, seq_cst: see R4. */
	atomic_store(&source->entry, entry);
}

static void source_set_ready(struct virq_source *source, bool ready)
{
	pthread_mutex_lock(&source->lock);
	source->ready = ready;
	source_update(source);
	pthread_mutex_unlock(&source->lock);
}

/* C3 */
static void source_let_out(struct virq_source *source)
{
	rcu_lock();
	source_release(source);
	rcu_unlock();
}

void virq_source_mask(struct virq_source *source, bool masked)
{
	pthread_mutex_lock(&source->lock);
	atomic_store(&source->masked, masked);
	source_update(source);
	pthread_mutex_unlock(&source->lock);
	if (masked) {
		rcu_synchronize(); /* C2 */
		return;
	}
	source_let_out(source);
}

bool virq_source_pending(const struct virq_source *source)
{
	return atomic_load(&source->pending);
}

void virq_source_query(const struct virq_source *source,
		       struct virq_source_info *info)
{
	/* Relaxed: each is exact, all of them together are a hint. */
#define READ(field) atomic_load_explicit(&source->field, memory_order_relaxed)
	info->path = READ(post) ? VIRQ_SOURCE_POSTED : VIRQ_SOURCE_EVENTFD;
	info->connected = READ(connected);
	info->masked = READ(masked);
	info->pending = READ(pending);
	info->posted = READ(counts[SOURCE_POSTED]);
	info->coalesced = READ(counts[SOURCE_COALESCED]);
	info->signalled = READ(counts[SOURCE_SIGNALLED]);
	info->held = READ(counts[SOURCE_HELD]);
#undef READ
}

static struct virq_source *source_of(struct virq_bypass_producer *producer)
{
	return caa_container_of(producer, struct virq_source, producer);
}

static int source_add_consumer(struct virq_bypass_producer *producer,
			       struct virq_bypass_consumer *consumer)
{
	(void)consumer;
	atomic_store(&source_of(producer)->connected, true);
	return 0;
}

static void source_del_consumer(struct virq_bypass_producer *producer,
				struct virq_bypass_consumer *consumer)
{
	(void)consumer;
	atomic_store(&source_of(producer)->connected, false);
}

static struct virq_vcpu *post_vcpu(const struct virq_post *post)
{
	return post ? post->vcpu : NULL;
}

/* Between signalling and posting, or between two vCPUs: never held back. */
static int source_set_post(struct virq_bypass_producer *producer,
			   const struct virq_post *post)
{
	struct virq_source *source = source_of(producer);
	const struct virq_post *old;

	pthread_mutex_lock(&source->lock);
	old = atomic_exchange(&source->post, post);
	source_update(source);
	pthread_mutex_unlock(&source->lock);
	if (source->retarget && post_vcpu(old) != post_vcpu(post))
		source->retarget(source, post_vcpu(post));
	return 0;
}

void source_init(struct virq_source *source,
		 void (*retarget)(struct virq_source *source,
				  struct virq_vcpu *vcpu))
{
	*source = (struct virq_source){
		.entry = &source_hold,
		.eventfd.fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.producer =
			{
				.add_consumer = source_add_consumer,
				.del_consumer = source_del_consumer,
				.set_post = source_set_post,
			},
		.retarget = retarget,
	};
}

static void source_close(struct virq_source *source)
{
	if (source->eventfd.fd < 0)
		return;
	eventfd_signal_fini(&source->eventfd);
	eventfd_put(source->eventfd_id);
}

void source_stop(struct virq_source *source)
{
	source_set_ready(source, false);
	virq_bypass_unregister_producer(&source->producer);
}

void source_fini(struct virq_source *source)
{
	source_close(source);
	pthread_mutex_destroy(&source->lock);
}

int source_set_eventfd(struct virq_source *source, int fd, int irq,
		       unsigned int flags)
{
	struct virq_eventfd_info info;
	int rc;

	if (source->eventfd.fd >= 0) {
		source_stop(source);
		rcu_synchronize(); /* C2 */
		source_close(source);
	}
	if (flags & ~VIRQ_SOURCE_NO_BYPASS)
		return -EINVAL;
	if (fd == -1)
		return 0;
	rc = eventfd_get(-1, fd, &info);
	if (rc)
		return rc;
	rc = eventfd_signal_init(&source->eventfd, fd);
	if (rc)
		goto out_put;
	/* Until it is registered nothing goes to an eventfd it may lose. */
	if (!(flags & VIRQ_SOURCE_NO_BYPASS)) {
		rc = virq_bypass_register_producer(&source->producer, &info,
						   irq);
		if (rc)
			goto out_signal;
	}
	source->eventfd_id = info.id;
	source_set_ready(source, true);
	source_let_out(source);
	return 0;

out_signal:
	eventfd_signal_fini(&source->eventfd);
out_put:
	eventfd_put(info.id);
	return rc;
}

int virq_source_create(int fd, int irq, unsigned int flags,
		       struct virq_source **out)
{
	struct virq_source *source;
	int rc;

	if (fd < 0)
		return -EBADF;
	source = aligned_alloc(_Alignof(struct virq_source), sizeof(*source));
	if (!source)
		return -ENOMEM;
	source_init(source, NULL);
	rc = source_set_eventfd(source, fd, irq, flags);
	if (rc) {
		source_fini(source);
		free(source);
		return rc;
	}
	*out = source;
	return 0;
}

void virq_source_destroy(struct virq_source *source)
{
	if (!source)
		return;
	source_stop(source);
	rcu_synchronize(); /* C2 */
	source_fini(source);
	free(source);
}

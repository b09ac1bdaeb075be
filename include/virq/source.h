/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sources: what raises interrupts, in this process or, through a page of
 * shared memory, in another.
 *
 * A source is a producer of the bypass manager (bypass.h).  While it is
 * connected to an irqfd whose interrupt can be posted (an edge) or forwarded (a
 * level), a raise goes straight to the vCPU; otherwise it signals the source's
 * eventfd.  The change-over, in both directions and under raises from any
 * number of threads, loses nothing and duplicates nothing; a level that is up
 * is told anew.
 *
 * Edge and level are different types: an edge source has a raise and no state,
 * a line source has a level and no raise.
 */
#ifndef VIRQ_SOURCE_H
#define VIRQ_SOURCE_H

#include <virq/bypass.h>
#include <virq/defs.h>
#include <virq/loop.h>

VIRQ_BEGIN_DECLS

struct virq_source;
struct virq_line_source;
struct virq_shm_source;

/* How a source's interrupts leave it. */
enum virq_source_path {
	VIRQ_SOURCE_EVENTFD, /* signals its eventfd */
	VIRQ_SOURCE_POSTED, /* posts into a vCPU */
	/* The guest takes and completes it at the source: line sources. */
	VIRQ_SOURCE_FORWARDED,
};

struct virq_source_info {
	enum virq_source_path path;
	bool connected; /* to a consumer, which may still be unable to post */
	bool masked;
	bool pending; /* raised while masked: a PBA bit */
	/* Raises, by what became of them; their sum is all. */
	uint64_t posted; /* newly pending at the vCPU */
	uint64_t coalesced; /* with one still pending, at the vCPU or here */
	uint64_t signalled; /* written to the eventfd */
	uint64_t held; /* made pending while masked, delivered at unmask */
};

/*
 * virq_source_create - an edge source that signals @fd while it cannot post,
 * registered with the bypass manager under @irq, a number for people.  It
 * keeps a descriptor of its own; the caller may close @fd.
 * Any thread.  0, -EBADF, -EINVAL (no eventfd), -EBUSY (the eventfd has a
 * producer), -EMFILE, -ENOMEM, or what refused the connection: then nothing
 * was made, and VIRQ_SOURCE_NO_BYPASS makes one that only signals.
 *
 * virq_source_destroy - nobody may raise any more.  What was raised is
 * delivered; what is held back by the mask is gone.  Blocks for a grace
 * period.  NULL is fine.
 */
#define VIRQ_SOURCE_NO_BYPASS (1u << 0)
VIRQ_API int virq_source_create(int fd, int irq, unsigned int flags,
				struct virq_source **source);
VIRQ_API void virq_source_destroy(struct virq_source *source);

/*
 * virq_source_raise - one edge.  Any thread, but not from a bypass callback;
 * no lock, no allocation; no system call while it posts to a running vCPU.
 * 1: newly pending, signalled, or held by the mask; 0: coalesced.
 */
VIRQ_API int virq_source_raise(struct virq_source *source);

/*
 * virq_source_mask - hold raises back (one is remembered, as in an MSI-X
 * pending bit); unmasking delivers it.  When it has returned, no raise that
 * begins later is delivered by the old state.  Any thread; blocks for a grace
 * period.
 * virq_source_pending - the pending bit.  Any thread.
 */
VIRQ_API void virq_source_mask(struct virq_source *source, bool masked);
VIRQ_API bool virq_source_pending(const struct virq_source *source);
VIRQ_API void virq_source_query(const struct virq_source *source,
				struct virq_source_info *info);

/*
 * virq_line_source_create - a level source.  Bind @fd and @resamplefd to an
 * irqfd with KVM_IRQFD_FLAG_RESAMPLE.
 *
 * Where that irqfd can be forwarded (a back end with forwarded interrupts), the
 * level itself reaches the guest, and the guest's completion the source, on the
 * vCPU's thread; if the line is still up then, it interrupts at once again.
 * There is no mask, no resamplefd, no unmask, and while the vCPU looks no
 * system call.  A line that falls before the guest took the interrupt takes it
 * back.
 *
 * Where it cannot, or while it is not connected: while its line is up it
 * signals @fd, once, and again each time @resamplefd tells that the guest
 * completed the interrupt and the line is still up.  The loop watches
 * @resamplefd.
 *
 * The device does not see which of the two it is; when it changes, a level that
 * is up is told anew on the new way, and a completion arrives on either.
 *
 * Any thread.
 * 0, -EBADF, -EINVAL (no eventfd, or one for both), -EBUSY (@fd has a
 * producer), -EMFILE, -ENOMEM, -ENOSPC (the loop is full), or what refused the
 * connection.
 * virq_line_source_destroy takes the line down; it blocks for the loop, and for
 * a grace period.
 */
VIRQ_API int virq_line_source_create(struct virq_loop *loop, int fd,
				     int resamplefd, int irq,
				     struct virq_line_source **line);
VIRQ_API void virq_line_source_destroy(struct virq_line_source *line);
/*
 * Any thread, but not from a bypass callback; does not block.  To set the level
 * that it has changes nothing.
 */
VIRQ_API void virq_line_source_set(struct virq_line_source *line, bool up);

/*
 * virq_line_source_query - for a device that paces itself by the guest or
 * accounts for its signals.  Any thread; all of it is of one moment.
 */
struct virq_line_source_info {
	bool up;
	enum virq_source_path path; /* EVENTFD or FORWARDED */
	uint64_t signalled; /* times the eventfd was signalled */
	uint64_t forwarded; /* times it became pending in the guest directly */
	uint64_t again; /* times it was up when the guest had completed it */
	/*
	 * Times the source heard that the guest completed the interrupt.  On a
	 * shared line others' count as well; by @resamplefd, several that come
	 * before the loop looks count as one.
	 */
	uint64_t completed;
};
VIRQ_API void virq_line_source_query(struct virq_line_source *line,
				     struct virq_line_source_info *info);

/*
 * A shared-memory source: vectors that a device in another process raises by
 * setting bits in a page (virq/poster.h is the device's side).
 *
 * The device can raise the vectors it was granted and nothing else.  What it
 * writes is read as bits, each word once; lengths, pointers and indices are
 * never taken from the page, and nothing waits for the device.  Where a vector
 * goes, whether it is masked and what is pending is kept on this side alone.
 */
#define VIRQ_SHM_MAX_VECTORS 256

/*
 * virq_shm_source_create - @nr_vectors (1..VIRQ_SHM_MAX_VECTORS) edge sources,
 * none of them with an eventfd yet.  @loop hears the page's doorbell.
 * 0, -EINVAL, -ENOMEM, -EMFILE, -ENOSPC, or memfd_create()'s errno.
 *
 * virq_shm_source_send - pass page and doorbell to the device over a Unix
 * socket.  Any number of times; each receiver is trusted alike.  Does not
 * block: -EAGAIN if the socket is full, else sendmsg()'s errno.
 *
 * virq_shm_source_set_eventfd - as VFIO_DEVICE_SET_IRQS has it: vector
 * @vector signals @fd while it cannot post; -1 takes it away, and what is
 * raised meanwhile is pending until there is one again.  0, -EINVAL (@vector),
 * -EBUSY (it is a line), or as virq_source_create().
 *
 * virq_shm_source_set_line - vector @vector, one of the first
 * VIRQ_SHM_MAX_LINES, is the level of a device, which reaches the guest as that
 * of virq_line_source_create() does; @fd -1: it is no line any more, and down.
 * The guest's completions are told to the device in the page and, if it asked,
 * by one signal of an eventfd, which goes with the page: make a line before
 * virq_shm_source_send().  0, -EINVAL (@vector), -EBUSY (it has an eventfd), or
 * as virq_line_source_create().
 *
 * Control calls of one shm source: one thread at a time.
 */
#define VIRQ_SHM_MAX_LINES 64
VIRQ_API int virq_shm_source_create(struct virq_loop *loop, uint32_t nr_vectors,
				    struct virq_shm_source **shm);
VIRQ_API void virq_shm_source_destroy(struct virq_shm_source *shm);
VIRQ_API int virq_shm_source_send(struct virq_shm_source *shm, int socket);
VIRQ_API int virq_shm_source_set_eventfd(struct virq_shm_source *shm,
					 uint32_t vector, int fd, int irq,
					 unsigned int flags);
VIRQ_API int virq_shm_source_set_line(struct virq_shm_source *shm,
				      uint32_t vector, int fd, int resamplefd,
				      int irq);
/* As virq_line_source_query(); -EINVAL: @vector is no line. */
VIRQ_API int virq_shm_source_query_line(struct virq_shm_source *shm,
					uint32_t vector,
					struct virq_line_source_info *info);
/* As virq_source_mask(), _pending() and _query(); -EINVAL for @vector. */
VIRQ_API int virq_shm_source_mask(struct virq_shm_source *shm, uint32_t vector,
				  bool masked);
VIRQ_API int virq_shm_source_pending(struct virq_shm_source *shm,
				     uint32_t vector);
VIRQ_API int virq_shm_source_query(struct virq_shm_source *shm, uint32_t vector,
				   struct virq_source_info *info);
/* Bits that the device set beyond its vectors: ignored.  Any thread. */
VIRQ_API uint64_t virq_shm_source_refused(const struct virq_shm_source *shm);

VIRQ_END_DECLS

#endif
